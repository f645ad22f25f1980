//! People who sign in.

mod change;
mod list;
mod provider;

use std::fmt;

use crypto::PasswordHash;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sql::{Row, query};
use crate::store::{Tx, time, time_or_none};
use crate::words::list_of;
use crate::{Actor, Store, StoreError};

pub use change::{LoginChange, LoginPut, LoginRemoval};
pub use provider::{ProviderPerson, ProviderSignIn};

/// Id of a person who signs in, `fid_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LoginId(String);

impl LoginId {
    /// Takes up an id from outside; `None` for a text that no id can be.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (!text.is_empty() && text.len() <= 64 && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who a person is: kept sealed, not shown.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginPerson {
    /// Their e-mail address. No two people have the same, whatever the case.
    pub email_address: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
}

impl fmt::Debug for LoginPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginPerson(…)")
    }
}

/// A person who is to sign in.
#[derive(Debug)]
pub struct NewLogin {
    /// The name they sign in with. No two people have the same, whatever the case.
    pub username: String,
    /// Who they are.
    pub person: LoginPerson,
    /// What is kept of their password; without one they cannot sign in yet.
    pub password: Option<PasswordHash>,
    /// Kept out.
    pub disabled: bool,
    /// Their roles.
    pub roles: Vec<String>,
    /// Who makes it.
    pub actor: Actor,
}

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The id.
    pub id: LoginId,
    /// The name they sign in with.
    pub username: String,
    /// Who they are.
    pub person: LoginPerson,
    /// What is kept of their password.
    pub password: Option<PasswordHash>,
    /// Kept out.
    pub disabled: bool,
    /// Why they are kept out.
    pub disabled_reason: Option<String>,
    /// When their address was proven to be theirs.
    pub email_verified_at: Option<Timestamp>,
    /// The id under which their roles are shown.
    pub permission_id: String,
    /// Their roles.
    pub roles: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// The role whose last holder stays.
const OWNER: &str = "owner";

/// What is read of a login, in the order of [`Store::login_of`].
macro_rules! select {
    ($rest:expr) => {
        concat!(
            "SELECT id, username, sealed, password_hash, disabled, disabled_reason, email_verified_at, ",
            "permission_id, roles, created_at, updated_at FROM login ",
            $rest
        )
    };
}
use select;

const FIND: &str = select!("WHERE id = $1");

impl Store {
    /// The person, if there is one.
    pub async fn login_find(&self, id: &LoginId) -> Result<Option<Login>, StoreError> {
        let row = query(FIND).bind(id.as_str()).fetch_optional(&self.inner.reader).await?;
        row.map(|row| self.login_of(&row)).transpose()
    }

    /// The person who signs in as `username`, whatever the case.
    pub async fn login_find_named(&self, username: &str) -> Result<Option<Login>, StoreError> {
        const NAMED: &str = select!("WHERE username_folded = $1");
        if username.contains('\0') {
            return Ok(None);
        }
        let row = query(NAMED).bind(username.to_lowercase()).fetch_optional(&self.inner.reader).await?;
        row.map(|row| self.login_of(&row)).transpose()
    }

    pub(crate) async fn login_find_in(&self, tx: &mut Tx, id: &LoginId) -> Result<Option<Login>, StoreError> {
        let row = query(FIND).bind(id.as_str()).fetch_optional(tx.connection()).await?;
        row.map(|row| self.login_of(&row)).transpose()
    }

    fn login_of(&self, row: &Row) -> Result<Login, StoreError> {
        let id: String = row.try_get(0)?;
        let sealed: Vec<u8> = row.try_get(2)?;
        let plain = self
            .inner
            .keys
            .open(&place(&id), &sealed)
            .map_err(|source| StoreError::Sealed { what: "a person's account", source })?;
        let person = serde_json::from_slice(plain.expose())
            .map_err(|_| StoreError::Damaged { what: "a person's account" })?;
        let password = row
            .try_get::<Option<String>>(3)?
            .map(|text| PasswordHash::parse(&text))
            .transpose()
            .map_err(|_| StoreError::Damaged { what: "the hash of a password" })?;
        Ok(Login {
            id: LoginId(id),
            username: row.try_get(1)?,
            person,
            password,
            disabled: row.try_get::<i64>(4)? != 0,
            disabled_reason: row.try_get(5)?,
            email_verified_at: time_or_none(row.try_get(6)?)?,
            permission_id: row.try_get(7)?,
            roles: list_of(&row.try_get::<String>(8)?)?,
            created_at: time(row.try_get(9)?)?,
            updated_at: time(row.try_get(10)?)?,
        })
    }

    fn login_seal(&self, id: &LoginId, person: &LoginPerson) -> Vec<u8> {
        let plain = serde_json::to_vec(person).expect("texts are always JSON");
        self.inner.keys.seal(&place(id.as_str()), &plain)
    }

    /// Finds doubles of an address without keeping it readable.
    pub(crate) fn login_email_hash(&self, person: &LoginPerson) -> Option<Vec<u8>> {
        let address = person.email_address.as_deref()?.trim().to_lowercase();
        Some(self.keyed_hash(format!("login|{address}").as_bytes()).to_vec())
    }
}

/// The place that a person's account is bound to.
pub(crate) fn place(id: &str) -> Vec<u8> {
    format!("login|{id}").into_bytes()
}
