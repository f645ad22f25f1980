use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::{HashKey, Secret, constant_time_eq};
use jiff::Timestamp;
use model::Clock;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::TokenAnswer;
use crate::credential::ClientId;

/// What the hash is over besides the claims, so that no other text under the same key is a token.
const PURPOSE: &[u8] = b"tutela.baton.access/1|";
/// Longest token that is looked at.
const MAX_BYTES: usize = 4 * 1024;

/// Makes and checks the tokens that the control plane hands out (baton P-7).
///
/// Nothing of a token is kept: it says for whom it is and until when, under a keyed hash. All processes
/// that have the key take each other's tokens. A credential that was taken back is found by its id, which
/// the caller looks up with each call.
pub struct AccessTokens {
    key: HashKey,
    life: Duration,
    clock: Arc<dyn Clock>,
}

/// For whom a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// The connector.
    pub client_id: ClientId,
    /// Which of its credentials it proved.
    pub credential_id: String,
}

/// A token that was just made.
#[derive(Debug)]
pub struct IssuedToken {
    /// What the connector shows.
    pub text: Secret<String>,
    /// How long it is good.
    pub life: Duration,
}

/// What is under the hash.
#[derive(Serialize, Deserialize)]
struct Claims {
    client: String,
    credential: String,
    /// Milliseconds since 1970.
    until: i64,
}

impl AccessTokens {
    /// Tokens under `key` that are good for `life`.
    pub fn new(key: HashKey, life: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { key, life, clock }
    }

    /// Makes a token.
    ///
    /// # Panics
    /// Never: what a token says can be written as JSON.
    pub fn issue(&self, holder: &TokenHolder) -> IssuedToken {
        let until = self.clock.now().saturating_add(self.life).unwrap_or(Timestamp::MAX);
        let claims = Claims {
            client: holder.client_id.as_str().to_owned(),
            credential: holder.credential_id.clone(),
            until: until.as_millisecond(),
        };
        let claims = serde_json::to_vec(&claims).expect("texts and a number are JSON");
        let text =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(&claims), URL_SAFE_NO_PAD.encode(self.hash(&claims)));
        IssuedToken { text: Secret::new(text), life: self.life }
    }

    /// For whom `token` is, if it is one of ours and good. Takes equally long for every wrong hash.
    ///
    /// # Errors
    /// [`AccessTokenError`], which tells the connector to get another.
    pub fn check(&self, token: &str) -> Result<TokenHolder, AccessTokenError> {
        if token.len() > MAX_BYTES {
            return Err(AccessTokenError::Foreign);
        }
        let (claims, hash) = token.split_once('.').ok_or(AccessTokenError::Foreign)?;
        let decode = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| AccessTokenError::Foreign);
        let (claims, hash) = (decode(claims)?, decode(hash)?);
        if !constant_time_eq(&self.hash(&claims), &hash) {
            return Err(AccessTokenError::Foreign);
        }
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| AccessTokenError::Foreign)?;
        if self.clock.now().as_millisecond() >= claims.until {
            return Err(AccessTokenError::Ended);
        }
        let client_id = claims.client.parse().map_err(|_| AccessTokenError::Foreign)?;
        Ok(TokenHolder { client_id, credential_id: claims.credential })
    }

    fn hash(&self, claims: &[u8]) -> [u8; 32] {
        self.key.keyed_hash(&[PURPOSE, claims].concat())
    }
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokens").field("life", &self.life).finish_non_exhaustive()
    }
}

impl IssuedToken {
    /// The answer that hands it over.
    pub fn answer(&self) -> TokenAnswer {
        TokenAnswer {
            access_token: self.text.expose().clone(),
            token_type: "Bearer".to_owned(),
            expires_in: self.life.as_secs() as f64,
        }
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AccessTokenError {
    /// Not of ours, or changed.
    #[error("this is no access token of this control plane")]
    Foreign,
    /// Its time is over.
    #[error("the access token has ended; get another")]
    Ended,
}
