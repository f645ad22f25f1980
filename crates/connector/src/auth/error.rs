use crypto::SignError;
use egress::{Retry, SendError};
use thiserror::Error;

use crate::build::BuildError;
use crate::fill::{FillError, names_text};
use crate::script::HookError;
use crate::token::TokenStoreError;

/// Why a request cannot prove who asks. Names secrets, never shows their values.
#[derive(Debug, Error)]
pub enum AuthError {
    /// Placeholders of the configuration without a secret.
    #[error("authentication needs {}, which the connection does not have; add it to its secrets", names_text(.names))]
    Missing {
        /// Names of the secrets.
        names: Vec<String>,
    },
    /// A secret that cannot stand where it would.
    #[error("authentication: {source}")]
    Value {
        /// What is wrong with it.
        #[source]
        source: FillError,
    },
    /// `api_key` for a connection without secrets (saas-config 6.9).
    #[error("authentication by `api_key` needs at least one secret, and the connection has none")]
    NoSecrets,
    /// A header that HTTP does not allow.
    #[error(
        "header `{name}` of the authentication cannot be sent; check name and secret for spaces and line breaks"
    )]
    Header {
        /// The header.
        name: String,
    },
    /// Members for the body of a request that has no JSON body (saas-config 6.12).
    #[error(
        "authentication adds members to the body, and the body is {found}; use `headers` or `query_params`"
    )]
    Body {
        /// What the body is.
        found: &'static str,
    },
    /// The configured members are no JSON object.
    #[error("`body` of the authentication is not a JSON object once its secrets are filled in")]
    BodyMembers,
    /// A strategy this version does not have.
    #[error(
        "authentication strategy `{strategy}` is not known; use `basic`, `bearer`, `api_key`, `query_param`, \
         `oauth2_client_credentials`, `oauth2_authorization_code` or `google_cloud_service_account`"
    )]
    UnknownStrategy {
        /// The name as written.
        strategy: String,
    },
    /// A token request whose own authentication needs a token.
    #[error(
        "a token request may not need a token itself; use `basic`, `bearer`, `api_key` or `query_param` for it"
    )]
    Nested,
    /// The function that signs did not.
    #[error("authentication: {source}")]
    Script {
        /// What became of it.
        #[source]
        source: Box<HookError>,
    },
    /// The connection was never authorized (saas-config 6.26).
    #[error(
        "the connection has no `access_token`; authorize it (`tutela connection authorize KEY`), or put `access_token` and `refresh_token` among its secrets"
    )]
    NotAuthorized,
    /// A person's authorization for a file that needs none, or another kind.
    #[error(
        "the connection is not authorized by a person: its connector file does not use `oauth2_authorization_code`"
    )]
    NotByCode,
    /// The token request cannot be built.
    #[error("the token request cannot be built: {source}")]
    TokenRequest {
        /// Why.
        #[source]
        source: Box<BuildError>,
    },
    /// No answer to the token request.
    #[error("the token request got no answer: {source}")]
    TokenCall {
        /// Why.
        #[source]
        source: SendError,
        /// Whether the same token request may be sent again.
        repeatable: bool,
    },
    /// An answer without a token (saas-config 6.21).
    #[error("the token request was refused with status {status}{}; check the credentials of the connection", in_brackets(.said))]
    TokenRefused {
        /// Status of the answer.
        status: u16,
        /// What `error`, `error_description` and `error_uri` say, secrets taken out.
        said: String,
    },
    /// A lifetime that is no number.
    #[error("the token answer has an `expires_in` that is not a number of seconds")]
    TokenLifetime,
    /// The token store does not answer.
    #[error(transparent)]
    TokenStore(#[from] TokenStoreError),
    /// A private key that cannot sign.
    #[error("malformed private key of the service account: {source}")]
    PrivateKey {
        /// What is wrong with it.
        #[source]
        source: SignError,
    },
    /// Another part of the service account that cannot be right.
    #[error("malformed credentials of the service account: `{name}` {problem}")]
    ServiceAccount {
        /// Name of the secret.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl AuthError {
    /// Whether trying the same call again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::TokenCall { source, repeatable: true } => source.retry(),
            Self::Script { source } => source.retry(),
            Self::TokenCall { repeatable: false, .. }
            | Self::Missing { .. }
            | Self::Value { .. }
            | Self::NoSecrets
            | Self::Header { .. }
            | Self::Body { .. }
            | Self::BodyMembers
            | Self::UnknownStrategy { .. }
            | Self::Nested
            | Self::NotAuthorized
            | Self::NotByCode
            | Self::TokenRequest { .. }
            | Self::TokenRefused { .. }
            | Self::TokenLifetime
            | Self::TokenStore(_)
            | Self::PrivateKey { .. }
            | Self::ServiceAccount { .. } => Retry::No,
        }
    }
}

fn in_brackets(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}
