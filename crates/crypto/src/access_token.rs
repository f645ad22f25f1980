use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::hash::{random_bytes, sha256};
use crate::{Secret, constant_time_eq};

/// A text of 32 random bytes that proves who its holder is: an access token, or a program's secret.
///
/// Only its SHA-256 is kept. Without a salt: nobody can try 2²⁵⁶ texts.
#[derive(Debug, Clone)]
pub struct AccessToken(Secret<String>);

impl AccessToken {
    /// A fresh one from the system's random source.
    ///
    /// # Panics
    /// If the system gives no random bytes.
    pub fn random() -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<32>())))
    }

    /// The text to hand over, once.
    pub fn text(&self) -> &Secret<String> {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> [u8; 32] {
        Self::hash_of(self.0.expose())
    }

    /// What would be kept of `text`.
    pub fn hash_of(text: &str) -> [u8; 32] {
        sha256(text.as_bytes())
    }

    /// Whether `text` is what `kept` was made of; takes equally long for every wrong text.
    pub fn verify(text: &str, kept: &[u8]) -> bool {
        constant_time_eq(&Self::hash_of(text), kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_own_hash_only_and_does_not_show_itself() {
        let (one, two) = (AccessToken::random(), AccessToken::random());

        assert!(AccessToken::verify(one.text().expose(), &one.hash()));
        assert!(!AccessToken::verify(two.text().expose(), &one.hash()));
        assert!(!AccessToken::verify("", &[]));
        assert_eq!(one.text().expose().len(), 43);
        assert!(!format!("{one:?}").contains(one.text().expose().as_str()));
    }
}
