//! Authentication, applied to the finished request just before each attempt (saas-config 6.1).

mod api_key;
mod basic;
mod bearer;
mod error;
mod google;
mod oauth2;
mod query_param;
mod token_call;

use bytes::Bytes;
use egress::HttpRequest;
use http::{HeaderMap, HeaderName, HeaderValue};
use model::ConnectionKey;
use spec::connector_file::Authentication;
use spec::template::Template;
use url::Url;

pub use error::AuthError;
pub use oauth2::AuthorizationCode;
use oauth2::Flow;

use crate::client::Client;
use crate::connector::Connector;
use crate::fill::{FillError, Filler, Place};
use crate::secrets::Secrets;

/// The parts of a request that authentication may change.
pub(crate) struct Draft {
    /// Where to.
    pub(crate) url: Url,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) body: Option<Bytes>,
    /// Values that a recording must not hold.
    pub(crate) redact: Vec<String>,
}

impl Draft {
    /// Sets a header that carries a credential, replacing an earlier one.
    fn set_secret_header(&mut self, name: &HeaderName, value: &str) -> Result<(), AuthError> {
        let bad = || AuthError::Header { name: name.to_string() };
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad())?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }

    /// The read that it became.
    pub(crate) fn into_request(
        self,
        connection: ConnectionKey,
        endpoint: String,
        method: http::Method,
    ) -> HttpRequest {
        let mut request = HttpRequest::read(connection, endpoint, method, self.url);
        request.headers = self.headers;
        request.body = self.body;
        request.recording.redact = self.redact;
        request
    }
}

impl Connector {
    /// Authenticates `draft` as its client says. The secrets used belong to the host that the
    /// client names: both come from one client config.
    pub(crate) async fn authenticate(
        &self,
        client: &Client,
        method: &http::Method,
        draft: &mut Draft,
    ) -> Result<(), AuthError> {
        let flow = match client.authentication() {
            None => return Ok(()),
            Some(Authentication::OAuth2ClientCredentials(oauth2)) => Flow::ClientCredentials(oauth2),
            Some(Authentication::OAuth2AuthorizationCode { oauth2, .. }) => Flow::AuthorizationCode(oauth2),
            Some(Authentication::GoogleCloudServiceAccount { scopes }) => Flow::GoogleServiceAccount(scopes),
            Some(Authentication::Script { hook, secret }) => {
                return self.sign((hook, secret), method, draft).await;
            }
            Some(
                simple @ (Authentication::Basic { .. }
                | Authentication::Bearer { .. }
                | Authentication::ApiKey { .. }
                | Authentication::QueryParam { .. }
                | Authentication::Unknown { .. }),
            ) => return apply(simple, &self.connection().secrets, draft),
        };
        let tokens = self.valid_tokens(client, flow).await?;
        draft.redact.push(tokens.access_token.expose().clone());
        bearer::set(tokens.access_token.expose(), draft)
    }
}

/// Applies a strategy that needs no call of its own.
fn apply(authentication: &Authentication, secrets: &Secrets, draft: &mut Draft) -> Result<(), AuthError> {
    match authentication {
        Authentication::Basic { username, password } => {
            basic::apply(username, password.as_ref(), secrets, draft)
        }
        Authentication::Bearer { token } => bearer::set(&credential(token, Place::Plain, secrets)?, draft),
        Authentication::ApiKey { headers, query_params, body } => {
            api_key::apply(api_key::ApiKey { headers, query_params, body: body.as_ref() }, secrets, draft)
        }
        Authentication::QueryParam { name, value } => query_param::apply(name, value, secrets, draft),
        Authentication::Unknown { strategy } => {
            Err(AuthError::UnknownStrategy { strategy: strategy.clone() })
        }
        Authentication::OAuth2ClientCredentials(_)
        | Authentication::OAuth2AuthorizationCode { .. }
        | Authentication::GoogleCloudServiceAccount { .. }
        | Authentication::Script { .. } => Err(AuthError::Nested),
    }
}

/// Fills one value of a strategy's configuration from the secrets (saas-config 6.2).
fn credential(template: &Template, place: Place, secrets: &Secrets) -> Result<String, AuthError> {
    match Filler::new(secrets.as_values()).fill(template, place) {
        Ok(filled) => Ok(filled.text),
        Err(FillError::Missing { names }) => Err(AuthError::Missing { names }),
        Err(source) => Err(AuthError::Value { source }),
    }
}

#[cfg(test)]
mod tests;
