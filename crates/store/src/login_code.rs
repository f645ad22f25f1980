//! Codes that are mailed to people so that they can choose a password. Of each only its hash is kept.

use crypto::{AccessToken, PasswordHash, Secret};
use jiff::Timestamp;

use crate::sql::query;
use crate::store::{time, time_or_none};
use crate::{Actor, AuditEvent, Login, LoginId, NewMessage, Store, StoreError};

/// Why somebody gets a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginCodePurpose {
    /// An account was made for them.
    Invitation,
    /// They forgot their password.
    PasswordReset,
}

impl LoginCodePurpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
        }
    }
}

/// A code to be mailed. The one before with the same purpose is of no use any more.
#[derive(Debug)]
pub struct NewLoginCode<'a> {
    /// Whose.
    pub login: &'a LoginId,
    /// Why.
    pub purpose: LoginCodePurpose,
    /// The code.
    pub code: &'a AccessToken,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The message that brings it.
    pub message: &'a NewMessage,
    /// Who asked for it.
    pub actor: Actor,
}

/// An invitation that was not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvitation {
    /// Who was invited.
    pub login: LoginId,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
}

/// What became of a code.
#[derive(Debug)]
pub enum LoginCodeUse {
    /// The password is the new one.
    Done(Box<Login>),
    /// There is no such code for this person, or they are kept out.
    Unknown,
    /// It ended.
    Expired,
}

impl Store {
    /// Keeps a code and puts the message that brings it on its way.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such person.
    pub async fn login_code_put(&self, new: NewLoginCode<'_>) -> Result<(), StoreError> {
        const LOGIN: &str = "SELECT 1 FROM login WHERE id = $1";
        const PUT: &str = "INSERT INTO login_code (login_id, purpose, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (login_id, purpose) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at, expires_at = excluded.expires_at";
        let id = new.login.as_str();
        let mut tx = self.begin().await?;
        if query(LOGIN).bind(id).fetch_optional(tx.connection()).await?.is_none() {
            return Err(StoreError::NotFound { what: "person", id: id.to_owned() });
        }
        query(PUT)
            .bind(id)
            .bind(new.purpose.as_str())
            .bind(new.code.hash().to_vec())
            .bind(self.now())
            .bind(new.expires_at.as_microsecond())
            .execute(tx.connection())
            .await?;
        self.message_put_in(&mut tx, new.message).await?;
        let action = match new.purpose {
            LoginCodePurpose::Invitation => "login.invited",
            LoginCodePurpose::PasswordReset => "login.reset_asked",
        };
        self.audit_enter_in(&mut tx, &AuditEvent::new(new.actor, action, id)).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// Takes a code in exchange for a new password: it and all other codes of the person end, and so do
    /// their tokens. Their address counts as proven, since the code was mailed there.
    pub async fn login_code_use(
        &self,
        (purpose, code): (LoginCodePurpose, &Secret<String>),
        username: Option<&str>,
        password: &PasswordHash,
    ) -> Result<LoginCodeUse, StoreError> {
        const FIND: &str = "SELECT login.id, username, username_folded, expires_at FROM login_code JOIN login ON login.id = login_id WHERE hash = $1 AND purpose = $2 AND disabled = 0";
        const PASSWORD: &str = "UPDATE login SET password_hash = $2, email_verified_at = COALESCE(email_verified_at, $3), updated_at = $3 WHERE id = $1";
        const CODES: &str = "DELETE FROM login_code WHERE login_id = $1";
        const TOKENS: &str = "DELETE FROM access_token WHERE login_id = $1";
        let mut tx = self.begin().await?;
        let row = query(FIND)
            .bind(AccessToken::hash_of(code.expose()).to_vec())
            .bind(purpose.as_str())
            .fetch_optional(tx.connection())
            .await?;
        let Some(row) = row else { return Ok(LoginCodeUse::Unknown) };
        let (id, name, folded): (String, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if username.is_some_and(|username| username.to_lowercase() != folded) {
            return Ok(LoginCodeUse::Unknown);
        }
        let now = self.now();
        if row.try_get::<i64>(3)? <= now {
            return Ok(LoginCodeUse::Expired);
        }
        let id = LoginId::parse(&id).ok_or(StoreError::Damaged { what: "the id of a person" })?;
        // Whoever comes second with the same code finds it gone.
        if query(CODES).bind(id.as_str()).execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(LoginCodeUse::Unknown);
        }
        query(PASSWORD).bind(id.as_str()).bind(password.as_str()).bind(now).execute(tx.connection()).await?;
        query(TOKENS).bind(id.as_str()).execute(tx.connection()).await?;
        let event = AuditEvent::new(Actor::person(&name), "login.password_changed", id.as_str());
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        let login = self.login_find(&id).await?;
        Ok(login.map_or(LoginCodeUse::Unknown, |login| LoginCodeUse::Done(Box::new(login))))
    }

    /// Who was invited and has not answered.
    pub async fn login_invitation_list(&self) -> Result<Vec<OpenInvitation>, StoreError> {
        const LIST: &str =
            "SELECT login_id, expires_at FROM login_code WHERE purpose = 'invitation' ORDER BY login_id";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        rows.iter()
            .map(|row| {
                let id: String = row.try_get(0)?;
                let login = LoginId::parse(&id).ok_or(StoreError::Damaged { what: "the id of a person" })?;
                Ok(OpenInvitation { login, expires_at: time(row.try_get(1)?)? })
            })
            .collect()
    }

    /// Until when the invitation of a person can be answered; `None` if there is none.
    pub async fn login_invitation_find(&self, login: &LoginId) -> Result<Option<Timestamp>, StoreError> {
        const FIND: &str = "SELECT expires_at FROM login_code WHERE login_id = $1 AND purpose = 'invitation'";
        let row = query(FIND).bind(login.as_str()).fetch_optional(&self.inner.reader).await?;
        time_or_none(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// The person with this e-mail address, whatever the case.
    pub async fn login_find_addressed(&self, address: &str) -> Result<Option<Login>, StoreError> {
        const FIND: &str = "SELECT id FROM login WHERE email_hash = $1";
        let person =
            crate::LoginPerson { email_address: Some(address.to_owned()), ..crate::LoginPerson::default() };
        let row = query(FIND).bind(self.login_email_hash(&person)).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let id: String = row.try_get(0)?;
        match LoginId::parse(&id) {
            Some(id) => self.login_find(&id).await,
            None => Ok(None),
        }
    }
}
