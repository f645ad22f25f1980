//! Signed calls (Standard Webhooks): what they say and how they are signed.

mod call;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{HashKey, Secret, constant_time_eq};
use thiserror::Error;

pub(crate) use call::{Endpoint, endpoints};

/// A secret that calls are signed with: `whsec_` and base64 of 24 to 64 bytes.
#[derive(Debug, Clone)]
pub struct WebhookSecret(Secret<Vec<u8>>);

/// A text that is no such secret; it is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a webhook's secret; write `whsec_` and base64 of 24 to 64 random bytes")]
pub struct WebhookSecretError;

impl WebhookSecret {
    /// Reads a secret; `whsec_` may be left out.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let text = text.trim();
        let bytes = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text));
        match bytes {
            Ok(bytes) if (24..=64).contains(&bytes.len()) => Ok(Self(Secret::new(bytes))),
            Ok(_) | Err(_) => Err(WebhookSecretError),
        }
    }
}

/// What a signature is made of.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The message's id; the same however often it is sent.
    pub id: &'a str,
    /// When it is sent, seconds since 1970.
    pub timestamp: i64,
    /// What it says.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The header `webhook-signature`: one signature for each secret.
    pub fn signature(&self, secrets: &[WebhookSecret]) -> String {
        let all: Vec<String> =
            secrets.iter().map(|secret| format!("v1,{}", STANDARD.encode(self.hash(secret)))).collect();
        all.join(" ")
    }

    /// Whether one of the signatures in `header` was made with one of the secrets.
    pub fn verify(&self, header: &str, secrets: &[WebhookSecret]) -> bool {
        let given: Vec<Vec<u8>> =
            header.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok()).collect();
        secrets.iter().any(|secret| {
            let hash = self.hash(secret);
            given.iter().any(|given| constant_time_eq(given, &hash))
        })
    }

    fn hash(&self, secret: &WebhookSecret) -> [u8; 32] {
        let mut signed = format!("{}.{}.", self.id, self.timestamp).into_bytes();
        signed.extend_from_slice(self.body);
        HashKey::from_bytes(secret.0.expose()).keyed_hash(&signed)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The example of the standard.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn secret(text: &str) -> WebhookSecret {
        WebhookSecret::parse(text).unwrap()
    }

    #[test]
    fn the_published_example_has_the_published_signature() {
        let signed = Signed {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: 1_614_265_330,
            body: br#"{"test": 2432232314}"#,
        };

        let signature = signed.signature(&[secret(SECRET)]);

        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_a_secret_is_changed_receivers_with_either_accept() {
        let (new, old) = (secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), secret(SECRET));
        let signed = Signed { id: "msg_1", timestamp: 7, body: b"{}" };

        let header = signed.signature(&[new.clone(), old.clone()]);

        assert!(signed.verify(&header, &[old]) && signed.verify(&header, &[new]));
        assert!(!signed.verify(&header, &[secret("whsec_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB")]));
    }

    #[test]
    fn a_change_of_id_time_or_body_breaks_the_signature() {
        let signed = Signed { id: "msg_1", timestamp: 7, body: b"{}" };
        let header = signed.signature(&[secret(SECRET)]);

        for other in [
            Signed { id: "msg_2", ..signed },
            Signed { timestamp: 8, ..signed },
            Signed { body: b"{ }", ..signed },
        ] {
            assert!(!other.verify(&header, &[secret(SECRET)]), "{other:?}");
        }
        assert!(!signed.verify("v2,AAAA v1", &[secret(SECRET)]));
    }

    #[rstest]
    #[case("")]
    #[case("whsec_")]
    #[case("whsec_canary")]
    #[case("whsec_AAAA")]
    fn what_is_no_secret_is_refused_and_not_repeated(#[case] text: &str) {
        let refused = WebhookSecret::parse(text).unwrap_err();

        assert!(!refused.to_string().contains("canary"));
    }
}
