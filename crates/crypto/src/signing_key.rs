use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroize;

use crate::hash::{hex, random_bytes, sha256};
use crate::{KeyRing, OpenError, Secret, UnsealError};

/// The key that signs certificates and checkpoints (Ed25519), wrapped by the master key at rest.
pub struct SigningKey {
    seed: Secret<[u8; 32]>,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// A fresh key from the system's random source.
    pub fn random() -> Self {
        Self::from_seed(random_bytes())
    }

    /// The key as it lies in the store, bound to the place `associated`.
    pub fn wrap(&self, ring: &KeyRing, associated: &[u8]) -> Vec<u8> {
        ring.seal(associated, self.seed.expose())
    }

    /// Opens what [`SigningKey::wrap`] made.
    pub fn unwrap(ring: &KeyRing, associated: &[u8], wrapped: &[u8]) -> Result<Self, UnsealError> {
        let plain = ring.open(associated, wrapped)?;
        let seed: [u8; 32] = plain.expose().as_slice().try_into().map_err(|_| OpenError)?;
        Ok(Self::from_seed(seed))
    }

    /// The half that everybody may have.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Signs `message`: 64 bytes, the same for the same message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// The key that is made of `seed`, as other formats of private keys carry it (RFC 8032 §5.1.5).
    pub fn of_seed(seed: &Secret<[u8; 32]>) -> Self {
        Self::from_seed(*seed.expose())
    }

    /// What the key is made of: whoever has it signs as we do.
    pub fn seed(&self) -> &Secret<[u8; 32]> {
        &self.seed
    }

    fn from_seed(mut seed: [u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are an Ed25519 seed");
        let key = Self { seed: Secret::new(seed), pair };
        seed.zeroize();
        key
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().id())
    }
}

/// The public half of a [`SigningKey`]; its text form is base64 of 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// A short name of the key: 16 hexadecimal digits.
    pub fn id(&self) -> String {
        hex(sha256(&self.0).get(..8).unwrap_or_default())
    }

    /// The key itself, as other formats carry it.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` is this key's signature of `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        ParsedPublicKey::new(&ED25519, self.0).is_ok_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        let decoded = STANDARD.decode(text.trim()).map_err(|_| PublicKeyError)?;
        decoded.try_into().map(Self).map_err(|_| PublicKeyError)
    }
}

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is not a public key; it is 32 bytes in base64, as in `signing-key.pub` of the data folder")]
pub struct PublicKeyError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MasterKey;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let mut out = [0; N];
        for (at, byte) in out.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        }
        out
    }

    #[test]
    fn signatures_are_those_of_rfc_8032() {
        // RFC 8032 §7.1, test 2
        let key =
            SigningKey::from_seed(bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));

        assert_eq!(key.public().0, bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
        let expected: [u8; 64] = bytes(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        assert_eq!(key.sign(&[0x72]), expected);
    }

    #[test]
    fn a_key_that_is_made_again_of_its_seed_is_the_same() {
        let key = SigningKey::random();

        let again = SigningKey::of_seed(key.seed());

        assert_eq!(again.public().bytes(), key.public().bytes());
        assert!(key.public().verifies(b"assertion", &again.sign(b"assertion")));
    }

    #[test]
    fn a_wrapped_key_signs_as_before_and_its_public_text_round_trips() {
        let ring = KeyRing::new(MasterKey::random());
        let key = SigningKey::random();

        let back = SigningKey::unwrap(&ring, b"signing", &key.wrap(&ring, b"signing")).unwrap();
        let public: PublicKey = key.public().to_string().parse().unwrap();

        let signature = back.sign(b"certificate");
        assert!(public.verifies(b"certificate", &signature));
        assert!(!public.verifies(b"certificatf", &signature));
        assert!(!SigningKey::random().public().verifies(b"certificate", &signature));
        assert_eq!("abc".parse::<PublicKey>(), Err(PublicKeyError));
    }
}
