use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::PublicKey;
use http::StatusCode;
use store::{BatonAssertionTaken, BatonCredential, ShownBatonAssertion, StoreError};

use super::ControlPlane;
use crate::assertion::{AssertionError, ShownAssertion};
use crate::token::{TokenAnswer, TokenForm, TokenHolder, TokenRefusal};

/// Assertions of one credential that are known at a time: four a second, for as long as each is good.
const MOST_ASSERTIONS: u32 = 1_024;

/// What the token endpoint answers.
#[derive(Debug)]
pub enum TokenReply {
    /// A token.
    Issued(TokenAnswer),
    /// None.
    Refused(TokenRefusal),
    /// The state does not answer; ask again.
    Unavailable,
}

impl TokenReply {
    /// The status that goes with it (baton P-7).
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Issued(_) => StatusCode::OK,
            Self::Refused(refusal) => refusal.status(),
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The body that goes with it, JSON; nothing in it may be stored on its way.
    pub fn body(&self) -> Vec<u8> {
        let body = match self {
            Self::Issued(answer) => serde_json::to_vec(answer),
            Self::Refused(refusal) => serde_json::to_vec(refusal),
            Self::Unavailable => Ok(br#"{"error":"temporarily_unavailable"}"#.to_vec()),
        };
        body.unwrap_or_default()
    }
}

impl ControlPlane {
    /// Answers a call of the token endpoint with the body `form` (baton P-5 to P-8).
    pub async fn token(&self, form: &[u8]) -> TokenReply {
        let form = match TokenForm::parse(form) {
            Ok(form) => form,
            Err(error) => {
                tracing::debug!(%error, "a call of the token endpoint is not understood");
                return TokenReply::Refused(error.refusal());
            }
        };
        match self.token_for(&form).await {
            Ok(Some(answer)) => TokenReply::Issued(answer),
            Ok(None) => TokenReply::Refused(TokenRefusal::InvalidClient),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "no access token can be given");
                TokenReply::Unavailable
            }
        }
    }

    async fn token_for(&self, form: &TokenForm) -> Result<Option<TokenAnswer>, StoreError> {
        let store = &self.inner.store;
        let credential = store.baton_credential_find(form.client_id.as_str()).await?;
        let Some(credential) = credential.filter(|found| found.is_good(store.clock().now())) else {
            return Ok(None);
        };
        let Ok(key) = PublicKey::from_str(&STANDARD.encode(&credential.public_key)) else {
            return Err(StoreError::Damaged { what: "the key of a connector's credential" });
        };
        let assertion = form.client_assertion.expose();
        let taken = match self.inner.assertions.check(assertion, &form.client_id, &key) {
            Ok(shown) => self.take_assertion(&credential, &shown).await?,
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            self.note_refusal(&credential, error).await;
            return Ok(None);
        }
        store.baton_credential_used(&credential.id).await?;
        let holder = TokenHolder {
            client_id: form.client_id.clone(),
            credential_id: credential.id.as_str().to_owned(),
        };
        Ok(Some(self.inner.tokens.issue(&holder).answer()))
    }

    /// Takes an assertion that is right, unless a server on the same state has taken it (baton P-6). Only whoever has
    /// the key comes so far, so nobody else fills the state.
    async fn take_assertion(
        &self,
        credential: &BatonCredential,
        shown: &ShownAssertion,
    ) -> Result<Result<(), AssertionError>, StoreError> {
        #[cfg(test)]
        if let Some(own) = self.inner.own_memory.lock().expect("no test panics while it looks").as_mut() {
            let is_new = own.insert(shown.nonce.clone());
            return Ok(if is_new { Ok(()) } else { Err(AssertionError::Repeated) });
        }
        let shown =
            ShownBatonAssertion { credential: &credential.id, nonce: &shown.nonce, until: shown.until };
        Ok(match self.inner.store.baton_assertion_take(shown, MOST_ASSERTIONS).await? {
            BatonAssertionTaken::Taken => Ok(()),
            BatonAssertionTaken::Repeated => Err(AssertionError::Repeated),
            BatonAssertionTaken::TooMany => Err(AssertionError::Full),
        })
    }

    /// Tells the connector's owner why, as far as it was the connector: whoever has no key fills no log.
    async fn note_refusal(&self, credential: &BatonCredential, error: AssertionError) {
        tracing::warn!(connector = %credential.connector, %error, "an assertion was refused");
        match error {
            AssertionError::Malformed | AssertionError::Algorithm | AssertionError::Signature => {}
            AssertionError::Subject
            | AssertionError::Audience
            | AssertionError::Life
            | AssertionError::Ended { .. }
            | AssertionError::NotYet { .. }
            | AssertionError::NoNonce
            | AssertionError::Repeated
            | AssertionError::Full => {
                self.log(&credential.connector, None, &format!("no token: {error}")).await;
            }
        }
    }
}
