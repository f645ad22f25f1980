use std::sync::Arc;

use crypto::PublicKey;
use jiff::{SignedDuration, Timestamp};
use model::Clock;
use thiserror::Error;

use super::claims::{self, Claims, Header};
use crate::credential::ClientId;

/// Longest assertion that is looked at.
const MAX_BYTES: usize = 8 * 1024;
/// Longest life of an assertion that is taken. A longer one would have to be remembered for longer.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// Shortest and longest nonce.
const NONCE_BYTES: std::ops::RangeInclusive<usize> = 8..=128;

/// The control plane's side: whether an assertion is right (baton P-6). Whether it is shown for the first time, whoever
/// keeps those that were taken can tell.
#[derive(Debug)]
pub struct AssertionChecks {
    skew: SignedDuration,
    clock: Arc<dyn Clock>,
}

/// An assertion that is right, and may be taken once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it must not be taken twice"]
pub struct ShownAssertion {
    /// What it is known by.
    pub nonce: String,
    /// Until when it could be shown again.
    pub until: Timestamp,
}

impl AssertionChecks {
    /// Checks by `clock`. A connector's clock may be off by `skew`, besides the two minutes that its
    /// assertions allow for themselves.
    pub fn new(skew: SignedDuration, clock: Arc<dyn Clock>) -> Self {
        Self { skew, clock }
    }

    /// Whether `assertion` proves that its sender is `client`, of whom `key` is kept.
    ///
    /// # Errors
    /// [`AssertionError`], for the log: who sent it learns only that it was refused.
    pub fn check(
        &self,
        assertion: &str,
        client: &ClientId,
        key: &PublicKey,
    ) -> Result<ShownAssertion, AssertionError> {
        if assertion.len() > MAX_BYTES {
            return Err(AssertionError::Malformed);
        }
        let mut parts = assertion.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(AssertionError::Malformed);
        };
        let read: Header = claims::read(header).ok_or(AssertionError::Malformed)?;
        // Only one kind is taken, so nobody chooses one without a key.
        if read.alg != "EdDSA" || read.crit.is_some() {
            return Err(AssertionError::Algorithm);
        }
        let signature = claims::bytes(signature).ok_or(AssertionError::Malformed)?;
        let signed = assertion.get(..header.len() + 1 + payload.len()).ok_or(AssertionError::Malformed)?;
        if !key.verifies(signed.as_bytes(), &signature) {
            return Err(AssertionError::Signature);
        }
        let claims: Claims = claims::read(payload).ok_or(AssertionError::Malformed)?;
        if claims.iss != client.as_str() || claims.sub != client.as_str() {
            return Err(AssertionError::Subject);
        }
        if !claims.aud.holds(client.host().name()) {
            return Err(AssertionError::Audience);
        }
        let now = self.clock.now();
        let until = self.check_times(&claims, now)?;
        let nonce = read.nonce.filter(|nonce| NONCE_BYTES.contains(&nonce.len()));
        Ok(ShownAssertion { nonce: nonce.ok_or(AssertionError::NoNonce)?, until })
    }

    /// Until when the assertion would be taken.
    fn check_times(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp, AssertionError> {
        let instant = |seconds| Timestamp::from_second(seconds).map_err(|_| AssertionError::Malformed);
        let (iat, nbf, exp) = (instant(claims.iat)?, instant(claims.nbf)?, instant(claims.exp)?);
        let off = now.duration_since(iat);
        if exp.duration_since(nbf) > LONGEST_LIFE {
            return Err(AssertionError::Life);
        }
        let until = exp.saturating_add(self.skew).unwrap_or(Timestamp::MAX);
        if now > until {
            return Err(AssertionError::Ended { off });
        }
        let latest = now.saturating_add(self.skew).unwrap_or(Timestamp::MAX);
        // One that says it was made much later than now comes from a clock that is ahead.
        if nbf > latest || iat > latest.saturating_add(super::VALID_AROUND).unwrap_or(Timestamp::MAX) {
            return Err(AssertionError::NotYet { off });
        }
        Ok(until)
    }
}

/// Why an assertion was refused. Shows nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AssertionError {
    /// Not three parts of JSON and a signature.
    #[error("the assertion is no signed statement in compact form")]
    Malformed,
    /// Not Ed25519, or something more that must be understood.
    #[error("the assertion is not signed by `EdDSA`, or wants more than is understood here")]
    Algorithm,
    /// Another key, or a changed text.
    #[error("the signature of the assertion is not of the key that is kept; was the secret rotated?")]
    Signature,
    /// About somebody else.
    #[error("the assertion is not by and about the client that shows it")]
    Subject,
    /// For somebody else.
    #[error("the assertion is not addressed to the host of the client id")]
    Audience,
    /// Good for too long.
    #[error("the assertion is good for more than {} minutes", LONGEST_LIFE.as_mins())]
    Life,
    /// Too old.
    #[error("the assertion has ended; it was made {} s ago by the connector's clock", off.as_secs())]
    Ended {
        /// How long ago it was made.
        off: SignedDuration,
    },
    /// Of a clock that is ahead.
    #[error("the assertion is not good yet; the connector's clock is {} s ahead", -off.as_secs())]
    NotYet {
        /// How long ago it was made: below zero.
        off: SignedDuration,
    },
    /// Nothing by which it would be known again.
    #[error("the assertion has no `nonce` of 8 to 128 bytes")]
    NoNonce,
    /// Shown before.
    #[error("the assertion was shown before; each is taken once")]
    Repeated,
    /// Too many at once.
    #[error("too many assertions within minutes; use a token until it ends")]
    Full,
}
