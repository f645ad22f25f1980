//! Where requests go and how they prove who asks (saas-config 5, 6).

use super::{NameTemplate, Request, ScriptHook};
use crate::template::Template;

/// Where requests go and how they prove who asks.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `https`, or `http` for test systems.
    pub protocol: String,
    /// Host with placeholders from the secrets, optionally with a port.
    pub host: Template,
    /// `None` = sent without authentication.
    pub authentication: Option<Authentication>,
}

/// How a request is authenticated (saas-config 6). Templates take values from the secrets.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// `Authorization: Basic …`.
    Basic {
        /// User name; unresolved is a failure.
        username: Template,
        /// Password; absent or unresolved means empty.
        password: Option<Template>,
    },
    /// `Authorization: Bearer …`.
    Bearer {
        /// The token; unresolved is a failure.
        token: Template,
    },
    /// Values in headers, query or a JSON body; at least one list is not empty.
    ApiKey {
        /// Header name → value.
        headers: Vec<NameTemplate>,
        /// Query param name → value.
        query_params: Vec<NameTemplate>,
        /// Members merged over the JSON body.
        body: Option<Template>,
    },
    /// One query param.
    QueryParam {
        /// Its name.
        name: String,
        /// Its value.
        value: Template,
    },
    /// Token from client id and secret.
    OAuth2ClientCredentials(OAuth2),
    /// Token from a person's authorization; here only kept and refreshed.
    OAuth2AuthorizationCode {
        /// Where the person is sent.
        authorization_request: Box<Request>,
        /// The token calls.
        oauth2: OAuth2,
    },
    /// Google service account, RFC 7523.
    GoogleCloudServiceAccount {
        /// Scopes; never empty.
        scopes: Vec<String>,
    },
    /// Headers that a function makes of each request when it is sent, as in HMAC signatures.
    Script {
        /// The function.
        hook: ScriptHook,
        /// Name of the secret that it is given to sign with.
        secret: String,
    },
    /// A strategy that is not part of the core set: the file loads, a call fails (saas-config 6.3).
    Unknown {
        /// The name as written.
        strategy: String,
    },
}

impl Authentication {
    /// Names of the secrets that prove who asks, roots and whole paths. A user name proves only where
    /// there is no password: some applications take their key as the former. What OAuth2 proves with has
    /// fixed names.
    pub(super) fn proofs(&self) -> Vec<&str> {
        let proofs: Vec<&Template> = match self {
            Self::Basic { username, password } => {
                let password = password.as_ref().filter(|password| password.placeholders().next().is_some());
                vec![password.unwrap_or(username)]
            }
            Self::Bearer { token } => vec![token],
            Self::ApiKey { headers, query_params, body } => {
                headers.iter().chain(query_params).map(|one| &one.value).chain(body).collect()
            }
            Self::QueryParam { name: _, value } => vec![value],
            Self::Script { hook: _, secret } => return vec![secret],
            Self::OAuth2ClientCredentials(_)
            | Self::OAuth2AuthorizationCode { .. }
            | Self::GoogleCloudServiceAccount { .. }
            | Self::Unknown { .. } => Vec::new(),
        };
        let placeholders = proofs.into_iter().flat_map(Template::placeholders);
        placeholders
            .flat_map(|found| [Some(found.name.as_str()), found.path.segments().next()])
            .flatten()
            .collect()
    }
}

/// Token calls of the OAuth2 strategies (saas-config 6.16).
#[derive(Debug, Clone)]
pub struct OAuth2 {
    /// Gets the first token.
    pub token_request: Box<Request>,
    /// Gets the next one from the refresh token.
    pub refresh_request: Option<Box<Request>>,
    /// Lifetime in seconds, wins over the answer's.
    pub expires_in: Option<u64>,
}
