//! Masks that replace personal values: digests and encryption whose secrets are thrown away.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::random_bytes;
use crate::{Secret, hex};

/// The digest of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaskDigest {
    /// SHA-256: 64 hexadecimal digits.
    #[default]
    Sha256,
    /// SHA-512: 128 hexadecimal digits.
    Sha512,
}

/// The secrets of one plan's masks (privacy-requests M-5), 32 random bytes each.
///
/// Equal values get equal masks under one set of secrets, so that joins still meet; under another
/// set they differ. Dropping it leaves no way to tell a value from its mask, nor to make the mask
/// again.
pub struct MaskSecrets {
    hash_salt: Secret<[u8; 32]>,
    hmac_key: Secret<[u8; 32]>,
    hmac_salt: Secret<[u8; 32]>,
    aes_key: Secret<[u8; 32]>,
    aes_nonce_key: Secret<[u8; 32]>,
    aes_nonce_salt: Secret<[u8; 32]>,
}

impl MaskSecrets {
    /// Fresh secrets from the system's random source.
    ///
    /// # Panics
    /// If the system gives no random bytes.
    pub fn random() -> Self {
        let draw = || Secret::new(random_bytes::<32>());
        Self {
            hash_salt: draw(),
            hmac_key: draw(),
            hmac_salt: draw(),
            aes_key: draw(),
            aes_nonce_key: draw(),
            aes_nonce_salt: draw(),
        }
    }

    /// The hexadecimal digest of `value` followed by the salt.
    pub fn hash(&self, algorithm: MaskDigest, value: &str) -> String {
        let algorithm = match algorithm {
            MaskDigest::Sha256 => &digest::SHA256,
            MaskDigest::Sha512 => &digest::SHA512,
        };
        let mut context = digest::Context::new(algorithm);
        context.update(value.as_bytes());
        context.update(self.hash_salt.expose());
        hex(context.finish().as_ref())
    }

    /// The hexadecimal HMAC of `value` followed by the salt, with the key.
    pub fn hmac(&self, algorithm: MaskDigest, value: &str) -> String {
        let algorithm = match algorithm {
            MaskDigest::Sha256 => hmac::HMAC_SHA256,
            MaskDigest::Sha512 => hmac::HMAC_SHA512,
        };
        hex(salted_hmac(algorithm, &self.hmac_key, &self.hmac_salt, value).as_ref())
    }

    /// `value` under AES-256-GCM in base64, tag included (privacy-requests M-6).
    ///
    /// Nonce and associated data are the first 12 bytes of a keyed hash of the value, and are not
    /// part of the result: equal values give equal texts, and one nonce never serves two values.
    ///
    /// # Panics
    /// If `value` is larger than 64 GiB, which no value is.
    pub fn encrypt(&self, value: &str) -> String {
        let tag = salted_hmac(hmac::HMAC_SHA256, &self.aes_nonce_key, &self.aes_nonce_salt, value);
        let mut nonce = [0; NONCE_LEN];
        for (to, from) in nonce.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        let key = UnboundKey::new(&AES_256_GCM, self.aes_key.expose()).expect("an AES-256 key is 32 bytes");
        let mut sealed = value.as_bytes().to_vec();
        LessSafeKey::new(key)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(nonce), &mut sealed)
            .expect("a value is far smaller than the cipher's limit");
        STANDARD.encode(sealed)
    }
}

impl std::fmt::Debug for MaskSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MaskSecrets(…)")
    }
}

/// `length` random digits, each equally likely, to be typed by a person.
///
/// # Panics
/// If the system gives no random bytes.
pub fn random_digits(length: usize) -> Secret<String> {
    /// The largest multiple of 10 in a byte; what lies above would favour the first digits.
    const FAIR: u8 = 250;
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let drawn = random_bytes::<64>();
        let digits = drawn.iter().filter(|byte| **byte < FAIR);
        text.extend(digits.take(length - text.len()).map(|byte| char::from(b'0' + byte % 10)));
    }
    Secret::new(text)
}

/// `length` random lower-case letters and digits, each equally likely.
///
/// # Panics
/// If the system gives no random bytes.
pub fn random_text(length: usize) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    /// The largest multiple of 36 in a byte; what lies above would favour the first letters.
    const FAIR: u8 = 252;
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let drawn = random_bytes::<64>();
        let letters = drawn.iter().filter(|byte| **byte < FAIR);
        for byte in letters.take(length - text.len()) {
            if let Some(letter) = LETTERS.get(usize::from(byte % 36)) {
                text.push(char::from(*letter));
            }
        }
    }
    text
}

fn salted_hmac(
    algorithm: hmac::Algorithm,
    key: &Secret<[u8; 32]>,
    salt: &Secret<[u8; 32]>,
    value: &str,
) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key.expose()));
    context.update(value.as_bytes());
    context.update(salt.expose());
    context.sign()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH_256: &str = "b2b9456d4f25c5ca5c178fb89ff7fd29f38ca27426c8944206882deb37d75c6a";
    const HASH_512: &str = "c2293e17c255daec2bc5b3cad7541ac530f560f0292b266ddd5a2b1d9eb97326\
                            90527a0689c1c8675e891a05874736615a3d6435b8f8f0e1f846eb3b37dfba81";
    const HMAC_256: &str = "5f119bfede40b5d73be6275485d1c3b35701068b187a6db837050b0f27da90e0";
    const ENCRYPTED: &str = "FmyCeFid/PXYumTfHUYUG9Hr2dL5upQKVXyVJ8x2jQ==";

    /// Secrets that are known, to compare with values computed elsewhere.
    fn known() -> MaskSecrets {
        let secret = |byte: u8| Secret::new([byte; 32]);
        MaskSecrets {
            hash_salt: secret(1),
            hmac_key: secret(2),
            hmac_salt: secret(3),
            aes_key: secret(4),
            aes_nonce_key: secret(5),
            aes_nonce_salt: secret(6),
        }
    }

    // rule: privacy-requests M-2
    #[test]
    fn masks_equal_those_of_another_implementation() {
        let secrets = known();

        assert_eq!(secrets.hash(MaskDigest::Sha256, "ana@example.com"), HASH_256);
        assert_eq!(secrets.hash(MaskDigest::Sha512, "ana@example.com"), HASH_512);
        assert_eq!(secrets.hmac(MaskDigest::Sha256, "ana@example.com"), HMAC_256);
        assert_eq!(secrets.encrypt("ana@example.com"), ENCRYPTED);
    }

    // rule: privacy-requests M-6
    #[test]
    fn encryption_is_convergent_and_opens_with_the_key() {
        let secrets = known();

        let mut sealed = STANDARD.decode(secrets.encrypt("ana")).unwrap();

        assert_eq!(secrets.encrypt("ana"), secrets.encrypt("ana"));
        let tag = salted_hmac(hmac::HMAC_SHA256, &secrets.aes_nonce_key, &secrets.aes_nonce_salt, "ana");
        let nonce: [u8; NONCE_LEN] = tag.as_ref()[..NONCE_LEN].try_into().unwrap();
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secrets.aes_key.expose()).unwrap());
        let plain =
            key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(nonce), &mut sealed).unwrap();
        assert_eq!(plain, b"ana");
    }

    #[test]
    fn random_text_has_the_length_and_only_letters_and_digits() {
        for length in [0, 1, 30, 1000] {
            let text = random_text(length);

            assert_eq!(text.len(), length);
            assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        }
        assert_ne!(random_text(30), random_text(30));
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", known()), "MaskSecrets(…)");
    }

    proptest! {
        // rule: privacy-requests M-5
        #[test]
        fn masks_agree_under_one_set_of_secrets_and_differ_under_two(value in ".{0,40}") {
            let (one, two) = (MaskSecrets::random(), MaskSecrets::random());

            for algorithm in [MaskDigest::Sha256, MaskDigest::Sha512] {
                prop_assert_eq!(one.hash(algorithm, &value), one.hash(algorithm, &value));
                prop_assert_ne!(one.hash(algorithm, &value), two.hash(algorithm, &value));
                prop_assert_eq!(one.hmac(algorithm, &value), one.hmac(algorithm, &value));
                prop_assert_ne!(one.hmac(algorithm, &value), two.hmac(algorithm, &value));
            }
            prop_assert_eq!(one.encrypt(&value), one.encrypt(&value));
            prop_assert_ne!(one.encrypt(&value), two.encrypt(&value));
        }
    }
}
