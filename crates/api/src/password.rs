//! Passwords of people: which are good enough, in which forms they are sent, and checking them without
//! keeping others waiting.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{PasswordHash, Secret};
use tokio::sync::Semaphore;

use crate::ApiError;

/// Checks at once; each takes one core and 19 MiB for some 20 ms.
const AT_ONCE: usize = 2;
/// Bytes of the longest password that is taken.
const LONGEST: usize = 1_000;

/// Makes and checks hashes of passwords, a few at once.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    at_once: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { at_once: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The hash to keep of a password.
    pub(crate) async fn make(&self, password: Secret<String>) -> Result<PasswordHash, ApiError> {
        self.apart(move || PasswordHash::make(&password)).await
    }

    /// Whether `sent` is the password of `kept`. Takes as long where nothing is kept, so that the time
    /// does not tell which names exist.
    pub(crate) async fn check(&self, sent: &str, kept: Option<PasswordHash>) -> Result<bool, ApiError> {
        if sent.len() > LONGEST * 2 {
            return Ok(false);
        }
        let forms = forms(sent);
        self.apart(move || {
            forms.iter().any(|form| {
                if let Some(kept) = &kept {
                    return kept.verify(form);
                }
                PasswordHash::make(form);
                false
            })
        })
        .await
    }

    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = Arc::clone(&self.at_once).acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|error| ApiError::Private(Box::new(error)))
    }
}

/// The password that `sent` stands for, or what it lacks. Clients may send it in base64.
pub(crate) fn chosen(sent: &str) -> Result<Secret<String>, &'static str> {
    if let Some(plain) = decoded(sent)
        && lacks(plain.expose()).is_none()
    {
        return Ok(plain);
    }
    match lacks(sent) {
        None => Ok(Secret::new(sent.to_owned())),
        Some(lack) => Err(lack),
    }
}

/// What a password lacks to be good enough.
fn lacks(password: &str) -> Option<&'static str> {
    let has = |is: fn(char) -> bool| password.chars().any(is);
    if password.chars().count() < 8 {
        Some("Password must have at least eight characters.")
    } else if password.len() > LONGEST {
        Some("Password must have at most 1000 bytes.")
    } else if !has(char::is_numeric) {
        Some("Password must have at least one number.")
    } else if !has(char::is_uppercase) {
        Some("Password must have at least one capital letter.")
    } else if !has(char::is_lowercase) {
        Some("Password must have at least one lowercase letter.")
    } else if !has(|one| !one.is_alphanumeric()) {
        Some("Password must have at least one symbol.")
    } else {
        None
    }
}

/// What `sent` may mean: the text that it is base64 of, or itself.
fn forms(sent: &str) -> Vec<Secret<String>> {
    decoded(sent).into_iter().chain([Secret::new(sent.to_owned())]).collect()
}

fn decoded(sent: &str) -> Option<Secret<String>> {
    let text = Secret::new(String::from_utf8(STANDARD.decode(sent).ok()?).ok()?);
    (!text.expose().is_empty() && !text.expose().chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Canary-1", None)]
    #[case("Öffnung-1", None)]
    #[case("Cana-1", Some("eight characters"))]
    #[case("Canary-canary", Some("number"))]
    #[case("canary-1", Some("capital"))]
    #[case("CANARY-1", Some("lowercase"))]
    #[case("Canary12", Some("symbol"))]
    #[case("", Some("eight"))]
    fn a_password_is_told_what_it_lacks(#[case] password: &str, #[case] expected: Option<&str>) {
        let lack = chosen(password).err();

        assert_eq!(lack.is_some(), expected.is_some());
        assert!(lack.unwrap_or_default().contains(expected.unwrap_or_default()), "{lack:?}");
    }

    #[test]
    fn a_password_of_any_length_is_refused_before_it_costs_anything() {
        assert!(chosen(&format!("Canary-1{}", "x".repeat(LONGEST))).is_err());
    }

    #[test]
    fn base64_stands_for_its_text_when_that_is_good_enough() {
        let of = |sent: &str| chosen(sent).map(|password| password.expose().clone());

        assert_eq!(of("Q2FuYXJ5LTE=").unwrap(), "Canary-1");
        // "weak" in base64 has all that a password needs, and is none that decodes to one.
        assert_eq!(of("Y2FuYXJ5LTE=").unwrap(), "Y2FuYXJ5LTE=");
    }

    #[tokio::test]
    async fn what_was_chosen_fits_in_both_forms_and_nothing_fits_where_nothing_is_kept() {
        let passwords = Passwords::new();
        let kept = passwords.make(chosen("Q2FuYXJ5LTE=").unwrap()).await.unwrap();

        assert!(passwords.check("Canary-1", Some(kept.clone())).await.unwrap());
        assert!(passwords.check("Q2FuYXJ5LTE=", Some(kept.clone())).await.unwrap());
        assert!(!passwords.check("Canary-2", Some(kept)).await.unwrap());
        assert!(!passwords.check("Canary-1", None).await.unwrap());
    }
}
