//! `google_cloud_service_account`: a signed claim exchanged for a token (saas-config 6.28–6.32, RFC 7523).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::token_call::token_body;
use super::{AuthError, Draft};
use crate::connector::Connector;
use crate::secrets::Secrets;
use crate::token::Tokens;

const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const LIFETIME_S: i64 = 3_600;

/// Gets a new token; an answer without lifetime counts as one hour.
pub(super) async fn fetch(connector: &Connector, scopes: &[String]) -> Result<Tokens, AuthError> {
    let secrets = &connector.connection().secrets;
    let token_uri =
        secrets.find_truthy("token_uri").map_or(Some(TOKEN_URI), Value::as_str).unwrap_or_default();
    let problem = |name, problem| AuthError::ServiceAccount { name, problem };
    let url = Url::parse(token_uri).map_err(|_| problem("token_uri", "is not a URL"))?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(problem("token_uri", "must be an `https` URL without user name"));
    }
    let now = connector.clock().now().as_second();
    let assertion = assertion(secrets, scopes, token_uri, now)?;

    // One expression: the serializer must not live across the await below, it is not `Sync`.
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", GRANT)
        .append_pair("assertion", &assertion)
        .finish();
    let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    let draft = Draft {
        url,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
        body: Some(Bytes::from(form)),
        redact: vec![assertion],
    };
    let request = connector.token_request(Method::POST, draft);
    let reply = connector.send_token_request(request, true).await?;
    let body = token_body(&reply, secrets.as_values())?;
    let mut tokens = connector.tokens_of(&body, None, None)?;
    tokens.expires_at = tokens.expires_at.or(Some(now.saturating_add(LIFETIME_S)));
    Ok(tokens)
}

/// The signed claim.
fn assertion(secrets: &Secrets, scopes: &[String], token_uri: &str, now: i64) -> Result<String, AuthError> {
    let text = |name: &'static str| {
        let found = secrets.find_truthy(name).and_then(Value::as_str);
        found.ok_or(AuthError::ServiceAccount { name, problem: "must be a text" })
    };
    let mut header = json!({"alg": "RS256", "typ": "JWT"});
    if let (Some(key_id), Some(members)) =
        (secrets.find_truthy("private_key_id").and_then(Value::as_str), header.as_object_mut())
    {
        members.insert("kid".to_owned(), key_id.into());
    }
    let claims = json!({
        "iss": text("client_email")?,
        "scope": scopes.join(" "),
        "aud": token_uri,
        "iat": now,
        "exp": now.saturating_add(LIFETIME_S),
    });
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = crypto::sign_rs256(&pem(text("private_key")?), signed.as_bytes())
        .map_err(|source| AuthError::PrivateKey { source })?;
    Ok(format!("{signed}.{}", encode(signature)))
}

/// The key with real line ends (saas-config 6.30): forms turn them into backslash and `n`.
fn pem(private_key: &str) -> String {
    let mut text = private_key.replace("\\n", "\n");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests;
