//! The first account of an installation.

use crypto::{AccessToken, PasswordHash, Secret};
use store::{Actor, LoginPerson, NewLogin, Store, Window};

use crate::failure::Failure;
use crate::output;
use crate::state::failure;

const USERNAME: &str = "TUTELA_OWNER_USERNAME";
const PASSWORD: &str = "TUTELA_OWNER_PASSWORD";

/// Who is to own the installation.
#[derive(Debug)]
pub(crate) struct Owner {
    username: String,
    password: Secret<String>,
    /// Made here: a person has to be told.
    is_new: bool,
}

impl Owner {
    /// As the environment says; else `owner` with a password that nobody knows yet.
    ///
    /// # Errors
    /// Bad input if only one of name and password is given.
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        match (given(USERNAME), given(PASSWORD)) {
            (Some(username), Some(password)) => {
                Ok(Self { username, password: Secret::new(password), is_new: false })
            }
            (None, None) => {
                let password = AccessToken::random().text().expose().clone();
                Ok(Self { username: "owner".to_owned(), password: Secret::new(password), is_new: true })
            }
            (Some(_), None) => Err(half(USERNAME, PASSWORD)),
            (None, Some(_)) => Err(half(PASSWORD, USERNAME)),
        }
    }

    /// With this name and password.
    pub(crate) fn named(username: &str, password: Secret<String>) -> Self {
        Self { username: username.to_owned(), password, is_new: false }
    }

    /// Makes the account if the store has none, and tells a person a password that was made here.
    ///
    /// # Errors
    /// A failure if the account cannot be kept.
    pub(crate) async fn settle(self, store: &Store) -> Result<(), Failure> {
        let one = Window { offset: 0, limit: 1 };
        let known = store.login_list(None, one).await.map_err(|error| failure(&error))?;
        if known.total > 0 {
            return Ok(());
        }
        let new = NewLogin {
            username: self.username.clone(),
            person: LoginPerson::default(),
            password: Some(PasswordHash::make(&self.password)),
            disabled: false,
            roles: vec!["owner".to_owned()],
            actor: Actor::system(),
        };
        let made = store.login_create_first(new).await.map_err(|error| failure(&error))?;
        if made.is_some() && self.is_new {
            output::complain(&format!(
                "the first account was made: user `{}`, password `{}`\nit is shown this once; sign in and change it",
                self.username,
                self.password.expose()
            ));
        }
        Ok(())
    }
}

fn half(there: &str, missing: &str) -> Failure {
    Failure::BadInput(format!(
        "{there} is set without {missing}; set both, or none for a password that is made"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(pairs: &'static [(&'static str, &'static str)]) -> Result<Owner, Failure> {
        Owner::from_environment(|asked| {
            pairs.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn owner_is_as_the_environment_says_or_has_a_password_of_its_own() {
        let given = owner(&[(USERNAME, "olga"), (PASSWORD, "pw")]).unwrap();
        let (one, other) = (owner(&[]).unwrap(), owner(&[(PASSWORD, "")]).unwrap());

        assert_eq!((given.username.as_str(), given.password.expose().as_str()), ("olga", "pw"));
        assert!(!given.is_new && one.is_new && other.is_new);
        assert_eq!(one.username, "owner");
        assert!(one.password.expose().len() >= 32);
        assert_ne!(one.password.expose(), other.password.expose());
    }

    #[test]
    fn half_an_owner_is_refused_and_no_value_is_shown() {
        for pairs in [&[(USERNAME, "canary")], &[(PASSWORD, "canary")]] {
            let refused = owner(pairs).unwrap_err();

            assert!(matches!(refused, Failure::BadInput(_)));
            assert!(!refused.to_string().contains("canary"), "{refused}");
        }
    }
}
