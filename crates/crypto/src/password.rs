use argon2::password_hash::phc;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use thiserror::Error;

use crate::Secret;
use crate::hash::random_bytes;

/// What is kept of a password: Argon2id with its parameters and salt, in the PHC text form.
///
/// Making and checking one takes about 20 ms of one core and 19 MiB for that time; callers bound how
/// many run at once, and keep them off threads that others wait for.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The hash of `password` under a fresh salt.
    ///
    /// # Panics
    /// If the system gives no random bytes.
    pub fn make(password: &Secret<String>) -> Self {
        let salt = random_bytes::<16>();
        let hash: phc::PasswordHash = Argon2::default()
            .hash_password_with_salt(password.expose().as_bytes(), &salt)
            .expect("the default parameters and a salt of 16 bytes are allowed");
        Self(hash.to_string())
    }

    /// Takes up a kept text.
    pub fn parse(text: &str) -> Result<Self, PasswordHashError> {
        let hash = phc::PasswordHash::new(text).map_err(|_| PasswordHashError)?;
        let usable = hash.algorithm.as_str() == "argon2id" && hash.salt.is_some() && hash.hash.is_some();
        if usable { Ok(Self(text.to_owned())) } else { Err(PasswordHashError) }
    }

    /// The text to keep.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the hash of `password`. The parameters are those it was made with.
    pub fn verify(&self, password: &Secret<String>) -> bool {
        phc::PasswordHash::new(&self.0)
            .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A text that is no Argon2id hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is not the Argon2id hash of a password")]
pub struct PasswordHashError;

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn only_the_password_itself_fits_its_hash() {
        let hash = PasswordHash::make(&secret("Canary-pass-1"));

        let kept = PasswordHash::parse(hash.as_str()).unwrap();

        assert!(kept.verify(&secret("Canary-pass-1")));
        for wrong in ["canary-pass-1", "Canary-pass-1 ", "Canary-pass-", ""] {
            assert!(!kept.verify(&secret(wrong)), "{wrong}");
        }
    }

    #[test]
    fn one_password_has_as_many_hashes_as_it_is_kept_times_and_none_shows_it() {
        let (one, two) =
            (PasswordHash::make(&secret("Canary-pass-1")), PasswordHash::make(&secret("Canary-pass-1")));

        assert_ne!(one, two);
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        assert!(!format!("{one:?} {}", one.as_str()).contains("Canary"));
    }

    #[test]
    fn texts_that_are_no_hash_are_refused() {
        for text in ["", "Canary-pass-1", "$argon2id$v=19$m=19456,t=2,p=1", "$pbkdf2$c2FsdHNhbHQ$aGFzaGhhc2g"]
        {
            assert_eq!(PasswordHash::parse(text), Err(PasswordHashError), "{text}");
        }
    }
}
