use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use thiserror::Error;
use zeroize::Zeroize;

use crate::hash::random_bytes;

/// Key that seals pages of rows on disk (AES-256-GCM, architecture §13.7).
///
/// Lives in memory only: dropping it makes every page sealed with it unreadable. A page opens only
/// with the associated data it was sealed with, so that pages cannot be swapped or renamed.
/// Nonces are random; a key serves one run, far below the 2³² pages where random nonces wear out.
pub struct PageKey(LessSafeKey);

impl PageKey {
    /// A fresh key from the system's random source.
    ///
    /// # Panics
    /// If the system gives no random bytes.
    pub fn random() -> Self {
        let mut bytes = random_bytes::<32>();
        let key = Self::from_bytes(&bytes);
        bytes.zeroize();
        key
    }

    /// The key made of `bytes`, which the caller wipes.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("an AES-256 key is 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Seals `plain` under `associated`; the result is nonce, ciphertext and tag in one.
    ///
    /// # Panics
    /// If `plain` is larger than 64 GiB, which no page is.
    pub fn seal(&self, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce = random_bytes::<NONCE_LEN>();
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(plain);
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), &mut sealed)
            .expect("a page is far smaller than the cipher's limit");
        sealed.splice(0..0, nonce);
        sealed
    }

    /// Opens what [`PageKey::seal`] made.
    ///
    /// # Errors
    /// [`OpenError`] if any byte, the associated data or the key differs.
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(OpenError)?;
        let mut buffer = ciphertext.to_vec();
        let plain = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(associated), &mut buffer)
            .map_err(|_| OpenError)?;
        let length = plain.len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

impl std::fmt::Debug for PageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageKey(…)")
    }
}

/// A sealed page that does not open: changed, moved, cut, or sealed with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a sealed page does not open; it was changed, moved, or sealed with another key")]
pub struct OpenError;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sealed_pages_open_unchanged_and_any_changed_byte_is_noticed(
            plain in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
        ) {
            let key = PageKey::random();
            let sealed = key.seal(b"run|a|0|0", &plain);

            prop_assert_eq!(key.open(b"run|a|0|0", &sealed).unwrap(), plain);

            let mut changed = sealed.clone();
            let position = at.index(changed.len());
            changed[position] ^= 1;
            prop_assert!(key.open(b"run|a|0|0", &changed).is_err());
            prop_assert!(key.open(b"run|a|0|1", &sealed).is_err());
            prop_assert!(PageKey::random().open(b"run|a|0|0", &sealed).is_err());
        }
    }

    #[test]
    fn a_cut_page_is_an_error_and_not_a_panic() {
        let key = PageKey::random();

        assert_eq!(key.open(b"", b""), Err(OpenError));
        assert_eq!(key.open(b"", &[0; 11]), Err(OpenError));
    }
}
