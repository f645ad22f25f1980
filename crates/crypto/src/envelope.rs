use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;

use crate::{PublicKey, SigningKey, canonical_json};

/// A signed statement in the form of the Dead Simple Signing Envelope (DSSE, version 1).
///
/// What is signed is the payload's bytes with their type, so that a certificate cannot pass for a
/// checkpoint. The envelope itself has one byte form only ([`Envelope::to_bytes`]); [`Envelope::parse`]
/// refuses every other, so that flipping any byte of a file is noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<Signature>,
}

/// One signature of an [`Envelope`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Name of the key that made it ([`PublicKey::id`]): chooses among trusted keys, proves nothing.
    pub keyid: String,
    /// The signature in base64.
    pub sig: String,
}

impl Envelope {
    /// Signs `payload` as a statement of `payload_type` (a media type).
    pub fn sign(payload_type: &str, payload: &[u8], key: &SigningKey) -> Self {
        let sig = STANDARD.encode(key.sign(&signed_bytes(payload_type, payload)));
        Self {
            payload: STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![Signature { keyid: key.public().id(), sig }],
        }
    }

    /// What the payload claims to be.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// Its signatures.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The envelope's bytes: canonical JSON and a line end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = canonical_json(&json!({
            "payload": self.payload,
            "payloadType": self.payload_type,
            "signatures": self.signatures.iter().map(|one| json!({"keyid": one.keyid, "sig": one.sig})).collect::<Vec<_>>(),
        }));
        bytes.push(b'\n');
        bytes
    }

    /// Reads an envelope and refuses one whose bytes are not exactly those of [`Envelope::to_bytes`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope: Self = serde_json::from_slice(bytes).map_err(|_| EnvelopeError::NotAnEnvelope)?;
        if envelope.to_bytes() != bytes {
            return Err(EnvelopeError::NotCanonical);
        }
        Ok(envelope)
    }

    /// The payload, if one of `keys` signed it as `payload_type`. Trusts nothing inside the envelope.
    pub fn verify(&self, payload_type: &str, keys: &[PublicKey]) -> Result<Vec<u8>, EnvelopeError> {
        if keys.is_empty() {
            return Err(EnvelopeError::NoKey);
        }
        if self.payload_type != payload_type {
            return Err(EnvelopeError::OtherType {
                found: self.payload_type.clone(),
                wanted: payload_type.to_owned(),
            });
        }
        let payload = STANDARD.decode(&self.payload).map_err(|_| EnvelopeError::NotAnEnvelope)?;
        let message = signed_bytes(payload_type, &payload);
        let signed = self.signatures.iter().any(|signature| {
            let named = |key: &&PublicKey| key.id() == signature.keyid;
            STANDARD
                .decode(&signature.sig)
                .is_ok_and(|sig| keys.iter().filter(named).any(|key| key.verifies(&message, &sig)))
        });
        if signed { Ok(payload) } else { Err(EnvelopeError::NotSigned) }
    }
}

/// The pre-authentication encoding of DSSE: lengths before parts, so that parts cannot run together.
fn signed_bytes(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// A signed statement that cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Not an envelope at all.
    #[error(
        "this is not a signed statement; a DSSE envelope with `payload`, `payloadType` and `signatures` is needed"
    )]
    NotAnEnvelope,
    /// Its bytes were changed in a way that means the same.
    #[error("the signed statement is not in its exact form; it was changed after it was written")]
    NotCanonical,
    /// No key to check with.
    #[error("no public key to check with; give one with `--key FILE` or name the data folder")]
    NoKey,
    /// A statement of another kind.
    #[error("the statement is a `{found}`, and a `{wanted}` is needed")]
    OtherType {
        /// What it is.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// None of the keys signed it.
    #[error(
        "no key that is trusted here signed this statement; it was changed, or it comes from another installation"
    )]
    NotSigned,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_before_signing_is_that_of_the_published_example() {
        // protocol.md of secure-systems-lab/dsse, test vectors
        let bytes = signed_bytes("http://example.com/HelloWorld", b"hello world");

        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn any_flipped_byte_of_a_statement_is_refused() {
        let key = SigningKey::random();
        let bytes = Envelope::sign("application/vnd.tutela.certificate+json", b"{\"run\":\"run_1\"}", &key)
            .to_bytes();
        let check = |bytes: &[u8]| {
            Envelope::parse(bytes).and_then(|envelope| {
                envelope.verify("application/vnd.tutela.certificate+json", &[key.public()])
            })
        };

        assert_eq!(check(&bytes).unwrap(), b"{\"run\":\"run_1\"}");
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(check(&changed).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn another_key_another_type_and_no_key_are_refused() {
        let key = SigningKey::random();
        let envelope = Envelope::sign("a", b"x", &key);

        assert_eq!(envelope.verify("a", &[]), Err(EnvelopeError::NoKey));
        assert_eq!(envelope.verify("a", &[SigningKey::random().public()]), Err(EnvelopeError::NotSigned));
        assert!(matches!(envelope.verify("b", &[key.public()]), Err(EnvelopeError::OtherType { .. })));
        let mut spaced = envelope.to_bytes();
        spaced.push(b'\n');
        assert_eq!(Envelope::parse(&spaced), Err(EnvelopeError::NotCanonical));
    }
}
