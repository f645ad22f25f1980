//! What an account may be made of.

use crypto::Secret;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use store::{Login, LoginChange, LoginPerson, LoginPut};
use utoipa::ToSchema;

use super::not_found;
use crate::password::chosen;
use crate::{ApiError, Invalid};

/// An account to be made.
#[derive(Deserialize, ToSchema)]
pub(super) struct UserCreate {
    /// The name to sign in with: 3 to 100 of letters, digits and `. @ + _ -`.
    username: String,
    /// Their e-mail address.
    email_address: String,
    /// The password, plain or in base64: eight characters or more with a digit, a capital letter, a
    /// lowercase letter and a symbol. Without one they cannot sign in yet.
    password: Option<String>,
    /// First name.
    first_name: Option<String>,
    /// Last name.
    last_name: Option<String>,
    /// Kept out.
    #[serde(default)]
    disabled: bool,
}

/// An account that may be made.
pub(super) struct CheckedUser {
    pub(super) username: String,
    pub(super) person: LoginPerson,
    pub(super) password: Option<Secret<String>>,
    pub(super) disabled: bool,
}

impl UserCreate {
    /// All that is wrong with it, or the account.
    pub(super) fn checked(self) -> Result<CheckedUser, ApiError> {
        let mut wrong = Vec::new();
        if !is_username(&self.username) {
            let text = "3 to 100 of letters, digits and `. @ + _ -` are needed";
            wrong.push(invalid("username", text));
        }
        if !is_email(&self.email_address) {
            wrong.push(invalid("email_address", "an e-mail address is needed"));
        }
        let password = self.password.as_deref().map(chosen).transpose();
        let password = password.map_err(|lack| wrong.push(invalid("password", lack))).ok().flatten();
        if !wrong.is_empty() {
            return Err(ApiError::Invalid(wrong));
        }
        let person = LoginPerson {
            email_address: Some(self.email_address),
            first_name: self.first_name,
            last_name: self.last_name,
        };
        Ok(CheckedUser { username: self.username, person, password, disabled: self.disabled })
    }
}

/// What is to be changed in an account. A name that is sent as `null` is taken away.
#[expect(clippy::option_option, reason = "`null` takes a name away; what was not sent stays")]
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct UserUpdate {
    /// Their e-mail address.
    email_address: Option<String>,
    /// First name.
    #[schema(value_type = Option<String>)]
    #[serde(deserialize_with = "sent")]
    first_name: Option<Option<String>>,
    /// Last name.
    #[schema(value_type = Option<String>)]
    #[serde(deserialize_with = "sent")]
    last_name: Option<Option<String>>,
    /// Kept out; with `user:update` only.
    pub(super) disabled: Option<bool>,
}

impl UserUpdate {
    /// What has to be done to `login`.
    pub(super) fn changes(self, login: &Login) -> Result<Vec<LoginChange>, ApiError> {
        let old = &login.person;
        let person = LoginPerson {
            email_address: self.email_address.or_else(|| old.email_address.clone()),
            first_name: self.first_name.unwrap_or_else(|| old.first_name.clone()),
            last_name: self.last_name.unwrap_or_else(|| old.last_name.clone()),
        };
        if person.email_address != old.email_address
            && person.email_address.as_deref().is_some_and(|address| !is_email(address))
        {
            return Err(ApiError::Invalid(vec![invalid("email_address", "an e-mail address is needed")]));
        }
        let person = (person != *old).then_some(LoginChange::Person(person));
        let disabled = self.disabled.filter(|disabled| *disabled != login.disabled);
        Ok(person.into_iter().chain(disabled.map(LoginChange::Disabled)).collect())
    }
}

/// Tells `null` from what was not sent.
#[expect(clippy::option_option, reason = "`null` takes a name away; what was not sent stays")]
fn sent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The account, or what stood in the way.
pub(super) fn done(put: LoginPut) -> Result<Login, ApiError> {
    let taken = |text: &str| Err(ApiError::BadRequest(text.to_owned()));
    match put {
        LoginPut::Done(login) => Ok(*login),
        LoginPut::Absent => Err(not_found()),
        LoginPut::UsernameTaken => taken("Username already exists."),
        LoginPut::EmailTaken => taken("User with this email address already exists."),
        LoginPut::LastOwner => Err(last_owner()),
    }
}

pub(super) fn last_owner() -> ApiError {
    let text = "this is the last owner who can sign in; give somebody else the role of owner first";
    ApiError::BadRequest(text.to_owned())
}

/// Something wrong with one key of the body.
pub(super) fn invalid(key: &str, text: &str) -> Invalid {
    Invalid::new("value_error", vec![json!("body"), json!(key)], text)
}

fn is_username(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".@+_-".contains(&byte);
    (3..=100).contains(&text.len()) && text.bytes().all(fits)
}

/// Whether mail could be sent to it; whether it arrives, only a message tells.
pub(in crate::routes) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_host = |domain: &str| {
        domain.contains('.')
            && domain.split('.').all(|label| {
                let fits = |one: char| one.is_alphanumeric() || one == '-';
                !label.is_empty() && label.chars().all(fits)
            })
    };
    let is_local = |local: &str| {
        (1..=64).contains(&local.len())
            && !local
                .chars()
                .any(|one| one.is_control() || one.is_whitespace() || "@,;:<>()[]\\\"".contains(one))
    };
    text.len() <= 254 && is_local(local) && is_host(domain)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ana@example.com", true)]
    #[case("ana.b+c@mail.example.com", true)]
    #[case("ana", false)]
    #[case("@example.com", false)]
    #[case("ana@", false)]
    #[case("ana@example", false)]
    #[case("ana@example..com", false)]
    #[case("a na@example.com", false)]
    #[case("ana@b@example.com", false)]
    #[case("ana\r\nBcc: ben@example.com", false)]
    #[case("Ana <ana@example.com>", false)]
    fn only_what_mail_can_be_sent_to_is_an_address(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_email(text), expected);
    }

    #[rstest]
    #[case("ana", true)]
    #[case("Ana.B+c_d-1@example.com", true)]
    #[case("an", false)]
    #[case("ana b", false)]
    #[case("anä", false)]
    #[case("ana\0", false)]
    #[case(&"a".repeat(101), false)]
    fn only_plain_names_are_usernames(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_username(text), expected);
    }
}
