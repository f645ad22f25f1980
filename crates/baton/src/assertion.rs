//! The statement by which a connector proves who it is (baton P-6): a JWS in compact form, signed with
//! Ed25519, good for minutes and once.

mod checks;
mod claims;

use crypto::Secret;
use jiff::{SignedDuration, Timestamp};
use model::IdSource;

use crate::credential::Credential;
use claims::{Audience, Claims, Header};

pub use checks::{AssertionChecks, AssertionError, ShownAssertion};

/// How long before and after it is made an assertion is good: clocks differ (baton P-6).
pub const VALID_AROUND: SignedDuration = SignedDuration::from_mins(2);

/// Makes an assertion for the token endpoint of the control plane that the client id names.
///
/// The audience comes from the client id even if the calls go to another host (baton P-3).
///
/// # Panics
/// If the system gives no random bytes.
pub fn sign_assertion(credential: &Credential, now: Timestamp, ids: &dyn IdSource) -> Secret<String> {
    let id = credential.client_id.as_str();
    let header = Header {
        alg: "EdDSA".to_owned(),
        kid: credential.client_secret.key_id().map(str::to_owned),
        nonce: Some(ids.random_uuid().simple().to_string()),
        crit: None,
    };
    let claims = Claims {
        iss: id.to_owned(),
        sub: id.to_owned(),
        aud: Audience::Several(vec![credential.client_id.host().name().to_owned()]),
        iat: now.as_second(),
        nbf: now.as_second().saturating_sub(VALID_AROUND.as_secs()),
        exp: now.as_second().saturating_add(VALID_AROUND.as_secs()),
    };
    let signed = format!("{}.{}", claims::part(&header), claims::part(&claims));
    let signature = claims::text(&credential.client_secret.sign(signed.as_bytes()));
    Secret::new(format!("{signed}.{signature}"))
}

#[cfg(test)]
mod tests;
