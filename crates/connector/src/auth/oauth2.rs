//! The OAuth2 strategies: tokens fetched, kept and refreshed (saas-config 6.15–6.27).

mod authorization;

use std::sync::Arc;

use crypto::Secret;
use jiff::Timestamp;
use serde_json::Value;
use spec::connector_file::{OAuth2, Request};

use super::token_call::{TOKEN_CALL, seconds, token_body};
use super::{AuthError, Draft, apply, google};
use crate::build::Build;
use crate::client::Client;
use crate::connector::Connector;
use crate::secrets::Secrets;
use crate::token::{TokenKey, Tokens};
use crate::values::{Origin, ValueMap};

pub use authorization::AuthorizationCode;

/// A token that ends within this many seconds is replaced before it is used (saas-config 6.19).
const MARGIN_S: i64 = 600;

/// Where a token comes from.
#[derive(Clone, Copy)]
pub(super) enum Flow<'a> {
    ClientCredentials(&'a OAuth2),
    AuthorizationCode(&'a OAuth2),
    /// With its scopes.
    GoogleServiceAccount(&'a [String]),
}

impl Connector {
    /// A token for `client` that does not end soon, fetched or refreshed if need be.
    ///
    /// One caller per connection talks to the token service; the others wait and take what it got.
    /// The new token is saved before it is used.
    pub(super) async fn valid_tokens(&self, client: &Client, flow: Flow<'_>) -> Result<Tokens, AuthError> {
        let secrets = &self.connection().secrets;
        require(secrets, flow)?;
        let key = self.token_key(client, flow);
        let before = self.tokens().load(&key).await?.or_else(|| given(secrets, flow));
        if let Some(tokens) = before.clone().filter(|tokens| self.is_good(tokens, flow)) {
            return Ok(tokens);
        }

        let _lock = self.tokens().lock(&self.connection().key).await?;
        let current = self.tokens().load(&key).await?.or_else(|| given(secrets, flow));
        if let Some(tokens) = &current
            && (self.is_good(tokens, flow) || before.is_none_or(|before| differ(&before, tokens)))
        {
            return Ok(tokens.clone());
        }
        let next = match (flow, current) {
            (Flow::ClientCredentials(oauth2), current) => {
                let call = TokenCall {
                    request: &oauth2.token_request,
                    lifetime: oauth2.expires_in,
                    repeatable: true,
                };
                self.call_for_token(call, current.as_ref()).await?
            }
            (Flow::AuthorizationCode(_), None) => return Err(AuthError::NotAuthorized),
            (Flow::AuthorizationCode(oauth2), Some(current)) => match &oauth2.refresh_request {
                Some(refresh) => {
                    let call = TokenCall { request: refresh, lifetime: oauth2.expires_in, repeatable: false };
                    self.call_for_token(call, Some(&current)).await?
                }
                None => return Ok(current),
            },
            (Flow::GoogleServiceAccount(scopes), _) => google::fetch(self, scopes).await?,
        };
        self.tokens().save(&key, next.clone()).await?;
        tracing::debug!(connection = %self.connection().key, "access token replaced");
        // Theirs, if somebody else was faster while this process slept.
        Ok(self.tokens().load(&key).await?.unwrap_or(next))
    }

    fn is_good(&self, tokens: &Tokens, flow: Flow<'_>) -> bool {
        let refreshable = match flow {
            Flow::AuthorizationCode(oauth2) => oauth2.refresh_request.is_some(),
            Flow::ClientCredentials(_) | Flow::GoogleServiceAccount(_) => true,
        };
        !refreshable || !is_close_to_expiry(tokens, self.clock().now())
    }

    /// Tokens of different hosts, or from different token services, are different tokens.
    fn token_key(&self, client: &Client, flow: Flow<'_>) -> TokenKey {
        let from = match flow {
            Flow::ClientCredentials(oauth2) => format!("client_credentials {}", oauth2.token_request.place),
            Flow::AuthorizationCode(oauth2) => format!("authorization_code {}", oauth2.token_request.place),
            Flow::GoogleServiceAccount(scopes) => format!("google {}", scopes.join(" ")),
        };
        TokenKey { connection: self.connection().key.clone(), slot: format!("{} {from}", client.host()) }
    }

    /// The token call (saas-config 6.20): never retried on a status, no rate limits.
    async fn call_for_token(
        &self,
        call: TokenCall<'_>,
        current: Option<&Tokens>,
    ) -> Result<Tokens, AuthError> {
        let mut values = self.connection().secrets.as_values().clone();
        if let Some(tokens) = current {
            put(&mut values, tokens);
        }
        self.call_for_token_with(call, values, current).await
    }

    /// The same with values of its own for the placeholders.
    async fn call_for_token_with(
        &self,
        call: TokenCall<'_>,
        values: ValueMap,
        current: Option<&Tokens>,
    ) -> Result<Tokens, AuthError> {
        let connection = self.connection();
        let request = call.request;
        let build = Build { connection, endpoint: TOKEN_CALL, request, params: &[], values: &values };
        let prepared = match &request.client_config {
            Some(_) => build.prepare(),
            None => build.prepare_without_authentication(),
        };
        let prepared = prepared.map_err(|source| AuthError::TokenRequest { source: Box::new(source) })?;
        let shared = prepared.shared();
        let mut draft = Draft {
            url: prepared.url().clone(),
            headers: shared.headers.clone(),
            body: shared.body.clone(),
            redact: known_secrets(&values),
        };
        if let Some(authentication) = shared.client.authentication() {
            apply(authentication, &connection.secrets, &mut draft)?;
        }
        let mut request = self.token_request(shared.method.clone(), draft);
        request.allowed_hosts = self.allowed_hosts().clone();
        let reply = self.send_token_request(request, call.repeatable).await?;
        let body = token_body(&reply, &values)?;
        self.tokens_of(&body, call.lifetime, current)
    }
}

/// One kind of token call.
#[derive(Clone, Copy)]
struct TokenCall<'a> {
    request: &'a Request,
    /// Configured lifetime in seconds.
    lifetime: Option<u64>,
    repeatable: bool,
}

fn is_close_to_expiry(tokens: &Tokens, now: Timestamp) -> bool {
    tokens.expires_at.is_some_and(|end| end < now.as_second().saturating_add(MARGIN_S))
}

fn differ(one: &Tokens, other: &Tokens) -> bool {
    one.access_token.expose() != other.access_token.expose()
}

/// The secrets that a flow cannot do without (saas-config 6.15, 6.26, 6.29).
fn require(secrets: &Secrets, flow: Flow<'_>) -> Result<(), AuthError> {
    let needed: &[&str] = match flow {
        Flow::ClientCredentials(_) => &["client_id", "client_secret"],
        Flow::AuthorizationCode(_) => &["client_id", "client_secret", "redirect_uri"],
        Flow::GoogleServiceAccount(_) => &["project_id", "client_email", "private_key"],
    };
    let names: Vec<String> = needed
        .iter()
        .filter(|name| secrets.find_truthy(name).is_none())
        .map(|name| (*name).to_owned())
        .collect();
    if names.is_empty() { Ok(()) } else { Err(AuthError::Missing { names }) }
}

/// Tokens that stand among the secrets.
fn given(secrets: &Secrets, flow: Flow<'_>) -> Option<Tokens> {
    let (access, expiry) = match flow {
        Flow::ClientCredentials(_) | Flow::AuthorizationCode(_) => ("access_token", "expires_at"),
        Flow::GoogleServiceAccount(_) => ("google_cloud_access_token", "google_cloud_token_expires_at"),
    };
    let text = |name| {
        secrets.find_truthy(name).and_then(Value::as_str).map(|text| Arc::new(Secret::new(text.to_owned())))
    };
    Some(Tokens {
        access_token: text(access)?,
        refresh_token: text("refresh_token"),
        expires_at: secrets.find_truthy(expiry).and_then(|value| seconds(value).ok()),
    })
}

/// Puts the kept tokens over the secrets, so that `<refresh_token>` is the latest one.
fn put(values: &mut ValueMap, tokens: &Tokens) {
    values.insert("access_token", tokens.access_token.expose().clone().into(), Origin::Secret);
    if let Some(refresh_token) = &tokens.refresh_token {
        values.insert("refresh_token", refresh_token.expose().clone().into(), Origin::Secret);
    }
    if let Some(expires_at) = tokens.expires_at {
        values.insert("expires_at", expires_at.into(), Origin::Secret);
    }
}

/// Values of a token call that a recording must not hold.
fn known_secrets(values: &ValueMap) -> Vec<String> {
    ["client_id", "client_secret", "access_token", "refresh_token", "code", "state", "code_verifier"]
        .iter()
        .filter_map(|name| values.find_name(name).and_then(model::text_form))
        .collect()
}

#[cfg(test)]
mod tests;
