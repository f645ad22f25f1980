//! The access token that calls of a web hook carry, if its connection says how to get one
//! (fides-api 3.6, privacy-requests W-2).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crypto::Secret;
use egress::{OwnService, OwnServiceCall};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use model::ConnectionKey;
use serde::Deserialize;
use store::{WebHookGrant, WebHookToken};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::{WebhookError, Webhooks};

/// A token that ends so soon may end on its way.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);
/// Longest life that is believed.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// Which token a call may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The one that is kept, if it is still good.
    Kept,
    /// A new one: the last was refused.
    New,
}

/// How a token is got, as the connection has it.
#[derive(Deserialize)]
struct Way {
    token_url: String,
    client_id: String,
    client_secret: String,
    scope: Option<String>,
}

/// What the other side answers.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<f64>,
}

impl Webhooks {
    /// What a call of the web hook carries as `Authorization`; `None` if its connection says nothing of
    /// tokens. A new token is kept for the calls after this one.
    pub(super) async fn authorization(
        &self,
        connection: &ConnectionKey,
        wanted: Wanted,
    ) -> Result<Option<Secret<String>>, WebhookError> {
        let Some(grant) = self.store.connection_oauth_grant(connection).await? else { return Ok(None) };
        let soon = self.clock.now().saturating_add(MARGIN).unwrap_or(Timestamp::MAX);
        let good = |token: &&WebHookToken| token.expires_at.is_none_or(|end| end > soon);
        if let Some(kept) = grant.token.as_ref().filter(good).filter(|_| wanted == Wanted::Kept) {
            return Ok(Some(bearer(&kept.token)));
        }
        let token = self.ask(connection, &grant).await?;
        self.store.connection_oauth_token_put(connection, &grant, &token).await?;
        Ok(Some(bearer(&token.token)))
    }

    async fn ask(
        &self,
        connection: &ConnectionKey,
        grant: &WebHookGrant,
    ) -> Result<WebHookToken, WebhookError> {
        let refused = |reason: String| WebhookError::Token { connection: connection.to_string(), reason };
        let way: Way = serde_json::from_str(grant.document.expose())
            .map_err(|_| refused("the way to it cannot be read; put it again".to_owned()))?;
        let url: Url = way.token_url.parse().map_err(|_| refused("its token URL is none".to_owned()))?;
        let service = OwnService::new(self.egress.clone(), connection.clone(), &url)?;
        let now = self.clock.now();
        let call =
            way.call(url).ok_or_else(|| refused("its client id or secret cannot be sent".to_owned()))?;
        let reply = service
            .send(call)
            .await
            .map_err(|source| WebhookError::TokenCall { connection: connection.to_string(), source })?;
        if !(200..300).contains(&reply.status) {
            return Err(refused(format!("the token URL answered with status {}", reply.status)));
        }
        let Ok(answer) = serde_json::from_slice::<Answer>(&reply.body) else {
            return Err(refused("the token URL gave no `access_token`".to_owned()));
        };
        if answer.token_type.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(refused("the token URL gave a token that is no Bearer token".to_owned()));
        }
        let life = answer.expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let life = life.and_then(|life| SignedDuration::try_from(life.min(LONGEST)).ok());
        let expires_at = life.map(|life| now.saturating_add(life).unwrap_or(Timestamp::MAX));
        Ok(WebHookToken { token: Secret::new(answer.access_token), expires_at })
    }
}

impl Way {
    fn call(&self, url: Url) -> Option<OwnServiceCall> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, self.account()?);
        let body = Bytes::from(form.finish());
        Some(OwnServiceCall { method: Method::POST, url, headers, body })
    }

    /// Id and secret as RFC 6749 §2.3.1 wants them.
    fn account(&self) -> Option<HeaderValue> {
        let written = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = Secret::new(format!("{}:{}", written(&self.client_id), written(&self.client_secret)));
        let text = Secret::new(format!("Basic {}", STANDARD.encode(pair.expose().as_bytes())));
        let mut value = HeaderValue::try_from(text.expose().as_str()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn bearer(token: &Secret<String>) -> Secret<String> {
    Secret::new(format!("Bearer {}", token.expose()))
}
