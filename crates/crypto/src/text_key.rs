use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use thiserror::Error;

use crate::Secret;
use crate::hash::random_bytes;

/// A key that is exchanged as a text of 16 bytes, for values that others take with them (AES-128-GCM;
/// fides-api 13).
///
/// The nonce travels beside the encrypted value and is bound to it as associated data.
pub struct TextKey(LessSafeKey);

/// A value under a [`TextKey`], both parts in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedText {
    /// Ciphertext and tag.
    pub value: String,
    /// The nonce, 12 bytes.
    pub nonce: String,
}

/// Why a text key, or a value under one, cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextKeyError {
    /// The key has another length.
    #[error("an encryption key has 16 bytes; this one has {length}")]
    WrongLength {
        /// How many bytes it has.
        length: usize,
    },
    /// Value or nonce is not base64, or the nonce has another length.
    #[error("value or nonce is not what the encryption gave; send both as they came, in base64")]
    Malformed,
    /// Another key, another nonce, or a changed value.
    #[error("the value does not open with this key and nonce")]
    Unopened,
}

impl TextKey {
    /// The text of a fresh key: 16 characters that need no escape anywhere.
    ///
    /// # Panics
    /// If the system gives no random bytes.
    pub fn random_text() -> Secret<String> {
        Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<12>()))
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`TextKeyError::WrongLength`] for anything but 16 bytes.
    pub fn parse(text: &Secret<String>) -> Result<Self, TextKeyError> {
        let bytes = text.expose().as_bytes();
        UnboundKey::new(&AES_128_GCM, bytes)
            .map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| TextKeyError::WrongLength { length: bytes.len() })
    }

    /// Encrypts a value.
    ///
    /// # Panics
    /// If the system gives no random bytes.
    pub fn encrypt(&self, plain: &str) -> EncryptedText {
        let nonce = random_bytes::<NONCE_LEN>();
        let mut sealed = plain.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(nonce), &mut sealed)
            .expect("a value is far smaller than the cipher's limit");
        EncryptedText { value: STANDARD.encode(sealed), nonce: STANDARD.encode(nonce) }
    }

    /// Opens what [`TextKey::encrypt`] made.
    ///
    /// # Errors
    /// [`TextKeyError`] if anything differs.
    pub fn decrypt(&self, encrypted: &EncryptedText) -> Result<Secret<String>, TextKeyError> {
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| TextKeyError::Malformed);
        let mut sealed = decode(&encrypted.value)?;
        let nonce: [u8; NONCE_LEN] =
            decode(&encrypted.nonce)?.try_into().map_err(|_| TextKeyError::Malformed)?;
        let plain = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(nonce), &mut sealed)
            .map_err(|_| TextKeyError::Unopened)?;
        let text = std::str::from_utf8(plain).map_err(|_| TextKeyError::Unopened)?;
        Ok(Secret::new(text.to_owned()))
    }
}

impl std::fmt::Debug for TextKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TextKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> Result<TextKey, TextKeyError> {
        TextKey::parse(&Secret::new(text.to_owned()))
    }

    proptest! {
        #[test]
        fn values_open_unchanged_and_only_with_their_key_and_nonce(plain in ".{0,60}") {
            let own = key("0123456789abcdef").unwrap();

            let encrypted = own.encrypt(&plain);

            let opened = own.decrypt(&encrypted).unwrap();
            prop_assert_eq!(opened.expose(), &plain);
            let other = key("fedcba9876543210").unwrap();
            prop_assert_eq!(other.decrypt(&encrypted).unwrap_err(), TextKeyError::Unopened);
            let swapped = EncryptedText { nonce: own.encrypt(&plain).nonce, ..encrypted };
            prop_assert_eq!(own.decrypt(&swapped).unwrap_err(), TextKeyError::Unopened);
        }
    }

    #[test]
    fn a_fresh_key_has_sixteen_characters_and_is_never_the_same() {
        let (one, other) = (TextKey::random_text(), TextKey::random_text());

        assert_eq!(one.expose().len(), 16);
        assert_ne!(one.expose(), other.expose());
        assert!(TextKey::parse(&one).is_ok());
    }

    #[test]
    fn other_lengths_and_what_is_not_base64_are_refused() {
        let own = key("0123456789abcdef").unwrap();
        let encrypted = |value: &str, nonce: &str| EncryptedText { value: value.into(), nonce: nonce.into() };

        assert_eq!(key("short").unwrap_err(), TextKeyError::WrongLength { length: 5 });
        assert_eq!(key("0123456789abcdeü").unwrap_err(), TextKeyError::WrongLength { length: 17 });
        assert_eq!(own.decrypt(&encrypted("%", "AAAAAAAAAAAAAAAA")).unwrap_err(), TextKeyError::Malformed);
        assert_eq!(own.decrypt(&encrypted("", "AAAA")).unwrap_err(), TextKeyError::Malformed);
        assert_eq!(own.decrypt(&encrypted("", "AAAAAAAAAAAAAAAA")).unwrap_err(), TextKeyError::Unopened);
    }
}
