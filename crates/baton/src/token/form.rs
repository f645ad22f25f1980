use bytes::Bytes;
use crypto::Secret;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::form_urlencoded::{Serializer, parse};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::credential::{ClientId, CredentialError};

const GRANT: &str = "client_credentials";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a connector sends to the token endpoint (baton P-5), as a form.
#[derive(Debug)]
pub struct TokenForm {
    /// Who wants a token.
    pub client_id: ClientId,
    /// What proves it.
    pub client_assertion: Secret<String>,
}

impl TokenForm {
    /// Reads the body of a call.
    ///
    /// # Errors
    /// [`TokenFormError`], which says what is missing and shows nothing of the assertion.
    pub fn parse(body: &[u8]) -> Result<Self, TokenFormError> {
        let find = |wanted: &'static str| {
            let mut found = parse(body).filter(|(name, _)| name == wanted).map(|(_, value)| value);
            match (found.next(), found.next()) {
                (Some(value), None) => Ok(value.into_owned()),
                (Some(_), Some(_)) => Err(TokenFormError::Repeated { field: wanted }),
                (None, _) => Err(TokenFormError::Missing { field: wanted }),
            }
        };
        if find("grant_type")? != GRANT {
            return Err(TokenFormError::Grant);
        }
        if find("client_assertion_type")? != ASSERTION_TYPE {
            return Err(TokenFormError::AssertionType);
        }
        let client_id = find("client_id")?.parse().map_err(TokenFormError::ClientId)?;
        Ok(Self { client_id, client_assertion: Secret::new(find("client_assertion")?) })
    }

    /// The body of a call.
    pub(super) fn body(&self) -> Bytes {
        let form = Serializer::new(String::new())
            .append_pair("client_id", self.client_id.as_str())
            .append_pair("grant_type", GRANT)
            .append_pair("client_assertion_type", ASSERTION_TYPE)
            .append_pair("client_assertion", self.client_assertion.expose())
            .finish();
        Bytes::from(form)
    }
}

/// Why a call to the token endpoint is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenFormError {
    /// A field is not there.
    #[error("the form has no `{field}`")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// A field is there twice.
    #[error("the form has `{field}` more than once")]
    Repeated {
        /// Its name.
        field: &'static str,
    },
    /// Another kind of grant.
    #[error("`grant_type` is not `{GRANT}`")]
    Grant,
    /// Another kind of proof.
    #[error("`client_assertion_type` is not `{ASSERTION_TYPE}`")]
    AssertionType,
    /// No client id.
    #[error(transparent)]
    ClientId(CredentialError),
}

impl TokenFormError {
    /// How the answer names it (RFC 6749 §5.2).
    pub fn refusal(&self) -> TokenRefusal {
        match self {
            Self::Missing { .. } | Self::Repeated { .. } | Self::AssertionType => {
                TokenRefusal::InvalidRequest
            }
            Self::Grant => TokenRefusal::UnsupportedGrantType,
            Self::ClientId(_) => TokenRefusal::InvalidClient,
        }
    }
}

/// How an answer names a refusal (RFC 6749 §5.2). Why an assertion is refused, its sender does not learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum TokenRefusal {
    /// The form is wrong; status 400.
    InvalidRequest,
    /// Nobody we know, or not proven; status 401.
    InvalidClient,
    /// A grant that is not given here; status 400.
    UnsupportedGrantType,
}

impl TokenRefusal {
    /// The status that goes with it.
    pub fn status(self) -> http::StatusCode {
        match self {
            Self::InvalidRequest | Self::UnsupportedGrantType => http::StatusCode::BAD_REQUEST,
            Self::InvalidClient => http::StatusCode::UNAUTHORIZED,
        }
    }
}

/// The answer with a token (baton P-7). It is serialized for its receiver and shown to nobody else.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct TokenAnswer {
    pub(super) access_token: String,
    #[serde(default)]
    pub(super) token_type: String,
    /// Seconds.
    #[serde(default)]
    pub(super) expires_in: f64,
}

impl std::fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenAnswer").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
