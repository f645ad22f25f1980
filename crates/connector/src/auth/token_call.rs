//! What all token calls share: how they pass the door, and what their answers hold (saas-config
//! 6.20, 6.21).

use std::sync::Arc;

use crypto::Secret;
use egress::{HttpReply, HttpRequest};
use model::{Row, is_falsy};
use serde_json::Value;

use super::{AuthError, Draft};
use crate::connector::Connector;
use crate::token::Tokens;
use crate::values::ValueMap;

/// Name that token calls carry at the door, in place of an endpoint's.
pub(super) const TOKEN_CALL: &str = "token";

impl Connector {
    /// A token call as the door wants it: a read, whatever its method (architecture §5).
    pub(super) fn token_request(&self, method: http::Method, draft: Draft) -> HttpRequest {
        let connection = self.connection().key.clone();
        let mut request = draft.into_request(connection, TOKEN_CALL.to_owned(), method);
        request.recording.keep = ["expires_in", "token_type", "error"].map(str::to_owned).to_vec();
        request
    }

    /// Sends a token call.
    ///
    /// `repeatable`: the same call may be sent again if no answer comes. A refresh may not: its token
    /// may be used up.
    pub(super) async fn send_token_request(
        &self,
        request: HttpRequest,
        repeatable: bool,
    ) -> Result<HttpReply, AuthError> {
        self.door().send(request).await.map_err(|source| AuthError::TokenCall { source, repeatable })
    }

    /// The tokens of an answer (saas-config 6.21); a refresh token that it does not replace stays.
    pub(super) fn tokens_of(
        &self,
        body: &Row,
        lifetime: Option<u64>,
        current: Option<&Tokens>,
    ) -> Result<Tokens, AuthError> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let secret = |text: &str| Arc::new(Secret::new(text.to_owned()));
        let lifetime = match lifetime.filter(|seconds| *seconds > 0) {
            Some(seconds) => i64::try_from(seconds).ok(),
            None => body.get("expires_in").filter(|value| !is_falsy(value)).map(seconds).transpose()?,
        };
        let now = self.clock().now().as_second();
        Ok(Tokens {
            access_token: secret(text("access_token").unwrap_or_default()),
            refresh_token: match text("refresh_token") {
                Some(refresh_token) => Some(secret(refresh_token)),
                None => current.and_then(|tokens| tokens.refresh_token.clone()),
            },
            expires_at: lifetime.map(|lifetime| now.saturating_add(lifetime)),
        })
    }
}

/// The answer to a token call, whatever its status, if it holds a token.
pub(super) fn token_body(reply: &HttpReply, known: &ValueMap) -> Result<Row, AuthError> {
    let body: Row = serde_json::from_slice(&reply.body).unwrap_or_default();
    match body.get("access_token").and_then(Value::as_str) {
        Some(token) if !token.is_empty() => Ok(body),
        Some(_) | None => Err(AuthError::TokenRefused { status: reply.status, said: said(&body, known) }),
    }
}

/// Whole seconds from a number or a text of digits.
pub(super) fn seconds(value: &Value) -> Result<i64, AuthError> {
    let found = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    found.ok_or(AuthError::TokenLifetime)
}

/// The error fields of a token answer, short, on one line and without secrets.
fn said(body: &Row, known: &ValueMap) -> String {
    const LONGEST: usize = 300;
    let fields = ["error", "error_description", "error_uri"].into_iter().filter_map(|name| {
        let text = body.get(name).and_then(model::text_form)?;
        Some(format!("{name}: {text}"))
    });
    let mut text = fields.collect::<Vec<_>>().join(", ");
    let secrets = known.names().filter_map(|name| known.find_name(name)).filter_map(Value::as_str);
    for secret in secrets.filter(|secret| secret.len() >= 4) {
        text = text.replace(secret, "***");
    }
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}
