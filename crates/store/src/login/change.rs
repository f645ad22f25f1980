use crypto::PasswordHash;
use serde_json::{Value, json};

use super::{Login, LoginId, LoginPerson, NewLogin, OWNER};
use crate::sql::query;
use crate::store::Tx;
use crate::words::list_text;
use crate::{Actor, AuditEvent, Store, StoreError};

/// What is to be changed in a person's account.
#[derive(Debug)]
pub enum LoginChange {
    /// Who they are. With another e-mail address codes that were mailed to the one before end.
    Person(LoginPerson),
    /// Kept out, and their tokens and mailed codes end; or let in again.
    Disabled(bool),
    /// Another password; their tokens and mailed codes end.
    Password(PasswordHash),
    /// Other roles.
    Roles(Vec<String>),
}

impl LoginChange {
    fn action(&self) -> &'static str {
        match self {
            Self::Person(_) => "login.changed",
            Self::Disabled(true) => "login.disabled",
            Self::Disabled(false) => "login.enabled",
            Self::Password(_) => "login.password_changed",
            Self::Roles(_) => "login.roles_set",
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::Person(_) | Self::Disabled(_) | Self::Password(_) => json!({}),
            Self::Roles(roles) => json!({"roles": roles}),
        }
    }

    fn ends_tokens(&self) -> bool {
        match self {
            Self::Person(_) | Self::Disabled(false) | Self::Roles(_) => false,
            Self::Disabled(true) | Self::Password(_) => true,
        }
    }

    /// Whether codes that were mailed before are of no use afterwards; another address ends them, too.
    fn ends_codes(&self) -> bool {
        match self {
            Self::Person(_) | Self::Disabled(false) | Self::Roles(_) => false,
            Self::Disabled(true) | Self::Password(_) => true,
        }
    }

    fn ends_ownership(&self) -> bool {
        match self {
            Self::Person(_) | Self::Disabled(false) | Self::Password(_) => false,
            Self::Disabled(true) => true,
            Self::Roles(roles) => !roles.iter().any(|role| role == OWNER),
        }
    }
}

/// What became of a new or changed account.
#[derive(Debug)]
pub enum LoginPut {
    /// It is as asked for.
    Done(Box<Login>),
    /// There is no such person.
    Absent,
    /// Somebody else has the username.
    UsernameTaken,
    /// Somebody else has the e-mail address.
    EmailTaken,
    /// Nobody would be owner any more.
    LastOwner,
}

/// What became of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginRemoval {
    /// The account is gone.
    Done,
    /// There was none.
    Absent,
    /// Nobody would be owner any more.
    LastOwner,
}

pub(super) const INSERT: &str = "INSERT INTO login (id, username, username_folded, email_hash, sealed, password_hash, disabled, permission_id, roles, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT DO NOTHING";
const FIRST: &str = "INSERT INTO login (id, username, username_folded, email_hash, sealed, password_hash, disabled, permission_id, roles, created_at, updated_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10 WHERE NOT EXISTS (SELECT 1 FROM login) ON CONFLICT DO NOTHING";

impl Store {
    /// Makes an account.
    pub async fn login_create(&self, new: NewLogin) -> Result<LoginPut, StoreError> {
        const NAME_TAKEN: &str = "SELECT 1 FROM login WHERE username_folded = $1";
        let folded = new.username.to_lowercase();
        let mut tx = self.begin().await?;
        if let Some(login) = self.login_insert(&mut tx, INSERT, new).await? {
            tx.commit().await?;
            return Ok(LoginPut::Done(Box::new(login)));
        }
        let named = query(NAME_TAKEN).bind(folded).fetch_optional(tx.connection()).await?;
        Ok(if named.is_some() { LoginPut::UsernameTaken } else { LoginPut::EmailTaken })
    }

    /// Makes the first account of an installation; `None` if there are accounts already.
    pub async fn login_create_first(&self, new: NewLogin) -> Result<Option<Login>, StoreError> {
        let mut tx = self.begin().await?;
        let login = self.login_insert(&mut tx, FIRST, new).await?;
        tx.commit().await?;
        Ok(login)
    }

    pub(super) async fn login_insert(
        &self,
        tx: &mut Tx,
        statement: &'static str,
        new: NewLogin,
    ) -> Result<Option<Login>, StoreError> {
        let id = LoginId(format!("fid_{}", self.inner.ids.next_uuid()));
        let inserted = query(statement)
            .bind(id.as_str())
            .bind(new.username.as_str())
            .bind(new.username.to_lowercase())
            .bind(self.login_email_hash(&new.person))
            .bind(self.login_seal(&id, &new.person))
            .bind(new.password.as_ref().map(PasswordHash::as_str))
            .bind(i64::from(new.disabled))
            .bind(format!("fid_{}", self.inner.ids.next_uuid()))
            .bind(list_text(&new.roles))
            .bind(self.now())
            .execute(tx.connection())
            .await?
            .rows_affected();
        if inserted == 0 {
            return Ok(None);
        }
        let event = AuditEvent::new(new.actor, "login.created", id.as_str());
        self.audit_enter_in(tx, &event.with(json!({"roles": new.roles}))).await?;
        self.login_find_in(tx, &id).await
    }

    /// Changes an account.
    pub async fn login_change(
        &self,
        id: &LoginId,
        change: LoginChange,
        actor: Actor,
    ) -> Result<LoginPut, StoreError> {
        const END: &str = "DELETE FROM access_token WHERE login_id = $1";
        const CODES: &str = "DELETE FROM login_code WHERE login_id = $1";
        const MOVED: &str = "DELETE FROM login_code WHERE login_id = $1 AND NOT EXISTS (SELECT 1 FROM login WHERE id = $1 AND email_hash = $2)";
        let mut tx = self.begin().await?;
        if change.ends_ownership() && self.is_last_owner(&mut tx, id).await? {
            return Ok(LoginPut::LastOwner);
        }
        if let LoginChange::Person(person) = &change
            && self.email_taken(&mut tx, id, person).await?
        {
            return Ok(LoginPut::EmailTaken);
        }
        if let LoginChange::Person(person) = &change {
            let moved = query(MOVED).bind(id.as_str()).bind(self.login_email_hash(person));
            moved.execute(tx.connection()).await?;
        }
        if self.login_update(&mut tx, id, &change).await? == 0 {
            return Ok(LoginPut::Absent);
        }
        if change.ends_tokens() {
            query(END).bind(id.as_str()).execute(tx.connection()).await?;
        }
        if change.ends_codes() {
            query(CODES).bind(id.as_str()).execute(tx.connection()).await?;
        }
        let event = AuditEvent::new(actor, change.action(), id.as_str()).with(change.details());
        self.audit_enter_in(&mut tx, &event).await?;
        let login = self.login_find_in(&mut tx, id).await?;
        tx.commit().await?;
        Ok(login.map_or(LoginPut::Absent, |login| LoginPut::Done(Box::new(login))))
    }

    async fn login_update(&self, tx: &mut Tx, id: &LoginId, change: &LoginChange) -> Result<u64, StoreError> {
        const PERSON: &str = "UPDATE login SET updated_at = $2, sealed = $3, email_verified_at = CASE WHEN email_hash = $4 THEN email_verified_at END, email_hash = $4 WHERE id = $1";
        const DISABLED: &str =
            "UPDATE login SET updated_at = $2, disabled = $3, disabled_reason = NULL WHERE id = $1";
        const PASSWORD: &str = "UPDATE login SET updated_at = $2, password_hash = $3 WHERE id = $1";
        const ROLES: &str = "UPDATE login SET updated_at = $2, roles = $3 WHERE id = $1";
        let now = self.now();
        let query = match change {
            LoginChange::Person(person) => query(PERSON)
                .bind(id.as_str())
                .bind(now)
                .bind(self.login_seal(id, person))
                .bind(self.login_email_hash(person)),
            LoginChange::Disabled(disabled) => {
                query(DISABLED).bind(id.as_str()).bind(now).bind(i64::from(*disabled))
            }
            LoginChange::Password(hash) => query(PASSWORD).bind(id.as_str()).bind(now).bind(hash.as_str()),
            LoginChange::Roles(roles) => query(ROLES).bind(id.as_str()).bind(now).bind(list_text(roles)),
        };
        Ok(query.execute(tx.connection()).await?.rows_affected())
    }

    /// Removes an account with its tokens.
    pub async fn login_remove(&self, id: &LoginId, actor: Actor) -> Result<LoginRemoval, StoreError> {
        const REMOVE: &str = "DELETE FROM login WHERE id = $1";
        let mut tx = self.begin().await?;
        if self.is_last_owner(&mut tx, id).await? {
            return Ok(LoginRemoval::LastOwner);
        }
        if query(REMOVE).bind(id.as_str()).execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(LoginRemoval::Absent);
        }
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "login.removed", id.as_str())).await?;
        tx.commit().await?;
        Ok(LoginRemoval::Done)
    }

    async fn email_taken(&self, tx: &mut Tx, id: &LoginId, person: &LoginPerson) -> Result<bool, StoreError> {
        const TAKEN: &str = "SELECT 1 FROM login WHERE email_hash = $1 AND id <> $2";
        let Some(hash) = self.login_email_hash(person) else { return Ok(false) };
        Ok(query(TAKEN).bind(hash).bind(id.as_str()).fetch_optional(tx.connection()).await?.is_some())
    }

    /// Whether `id` is an owner who is let in, and nobody else is.
    async fn is_last_owner(&self, tx: &mut Tx, id: &LoginId) -> Result<bool, StoreError> {
        // Holds the owners' rows until the transaction ends: two may not remove each other at once.
        const OWNERS: &str =
            "UPDATE login SET roles = roles WHERE disabled = 0 AND roles LIKE '%\"owner\"%' RETURNING id";
        let rows = query(OWNERS).fetch_all(tx.connection()).await?;
        let ids = rows.iter().map(|row| row.try_get::<String>(0)).collect::<Result<Vec<_>, _>>()?;
        Ok(ids.len() == 1 && ids.first().is_some_and(|only| only == id.as_str()))
    }
}
