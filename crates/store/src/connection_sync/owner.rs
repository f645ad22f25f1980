//! Who owns connections and applications (governance CON-10, APP-8).

use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::json;

use crate::sql::query;
use crate::store::{Tx, time};
use crate::{Actor, AuditEvent, LoginId, MessageKind, NewMessage, Store, StoreError};

/// An owner: somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Their id.
    pub login: LoginId,
    /// The name they sign in with.
    pub username: String,
    /// Since when.
    pub since: Timestamp,
}

/// How setting owners ended. Unless it is done, nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum OwnersSet {
    /// They are the owners now.
    Done,
    /// There is no such connection or application.
    Absent,
    /// There is nobody with this id.
    Unknown(LoginId),
}

/// What is owned, and the statements for it.
struct Owned<'a> {
    what: &'static str,
    key: &'a str,
    find: &'static str,
    list: &'static str,
    remove: &'static str,
    put: &'static str,
    action: &'static str,
}

impl<'a> Owned<'a> {
    fn connection(key: &'a ConnectionKey) -> Self {
        Self {
            what: "connection",
            key: key.as_str(),
            find: "SELECT 1 FROM connection WHERE key = $1",
            list: "SELECT login_id, username, since FROM connection_owner JOIN login ON login.id = login_id WHERE connection = $1 ORDER BY username",
            remove: "DELETE FROM connection_owner WHERE connection = $1 AND login_id = $2",
            put: "INSERT INTO connection_owner (connection, login_id, since) SELECT $1, id, $3 FROM login WHERE id = $2 ON CONFLICT DO NOTHING",
            // No change of what requests are worked off with, so not `connection.…`.
            action: "owners.connection_set",
        }
    }

    fn application(key: &'a str) -> Self {
        Self {
            what: "application",
            key,
            find: "SELECT 1 FROM application WHERE key = $1",
            list: "SELECT login_id, username, since FROM system_manager JOIN login ON login.id = login_id WHERE application = $1 ORDER BY username",
            remove: "DELETE FROM system_manager WHERE application = $1 AND login_id = $2",
            put: "INSERT INTO system_manager (application, login_id, since) SELECT $1, id, $3 FROM login WHERE id = $2 ON CONFLICT DO NOTHING",
            action: "owners.application_set",
        }
    }
}

impl Store {
    /// The owners of a connection, by name.
    pub async fn connection_owner_list(&self, key: &ConnectionKey) -> Result<Vec<Owner>, StoreError> {
        self.owner_list(&Owned::connection(key)).await
    }

    /// Makes these the owners of a connection, and nobody else. Whoever is new and was not named by themselves
    /// is told.
    pub async fn connection_owner_set(
        &self,
        key: &ConnectionKey,
        owners: &[LoginId],
        by: (Option<&LoginId>, Actor),
    ) -> Result<OwnersSet, StoreError> {
        self.owner_set(&Owned::connection(key), owners, by).await
    }

    /// The owners of an application: those who look after it, by name.
    pub async fn application_owner_list(&self, key: &str) -> Result<Vec<Owner>, StoreError> {
        self.owner_list(&Owned::application(key)).await
    }

    /// Makes these the owners of an application, as [`Store::connection_owner_set`].
    pub async fn application_owner_set(
        &self,
        key: &str,
        owners: &[LoginId],
        by: (Option<&LoginId>, Actor),
    ) -> Result<OwnersSet, StoreError> {
        self.owner_set(&Owned::application(key), owners, by).await
    }

    async fn owner_list(&self, owned: &Owned<'_>) -> Result<Vec<Owner>, StoreError> {
        let rows = query(owned.list).bind(owned.key).fetch_all(&self.inner.reader).await?;
        let mut owners = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: String = row.try_get(0)?;
            owners.push(Owner {
                login: LoginId::parse(&id).ok_or(StoreError::Damaged { what: "the id of an owner" })?,
                username: row.try_get(1)?,
                since: time(row.try_get(2)?)?,
            });
        }
        Ok(owners)
    }

    async fn owner_set(
        &self,
        owned: &Owned<'_>,
        owners: &[LoginId],
        (by, actor): (Option<&LoginId>, Actor),
    ) -> Result<OwnersSet, StoreError> {
        const IS_LOGIN: &str = "SELECT 1 FROM login WHERE id = $1";
        let mut tx = self.begin().await?;
        if query(owned.find).bind(owned.key).fetch_optional(tx.connection()).await?.is_none() {
            return Ok(OwnersSet::Absent);
        }
        let before = query(owned.list).bind(owned.key).fetch_all(tx.connection()).await?;
        for row in &before {
            let id: String = row.try_get(0)?;
            if !owners.iter().any(|owner| owner.as_str() == id) {
                query(owned.remove).bind(owned.key).bind(id).execute(tx.connection()).await?;
            }
        }
        for owner in owners {
            let put = query(owned.put)
                .bind(owned.key)
                .bind(owner.as_str())
                .bind(self.now())
                .execute(tx.connection())
                .await?;
            if put.rows_affected() > 0 {
                self.owner_tell(&mut tx, (owned, owner), by).await?;
                continue;
            }
            if query(IS_LOGIN).bind(owner.as_str()).fetch_optional(tx.connection()).await?.is_none() {
                return Ok(OwnersSet::Unknown(owner.clone()));
            }
        }
        let ids: Vec<&str> = owners.iter().map(LoginId::as_str).collect();
        let event = AuditEvent::new(actor, owned.action, owned.key).with(json!({"owners": ids}));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        self.wake();
        Ok(OwnersSet::Done)
    }

    /// Tells somebody that they are an owner now, unless they said so themselves (governance CON-10).
    async fn owner_tell(
        &self,
        tx: &mut Tx,
        (of, owner): (&Owned<'_>, &LoginId),
        by: Option<&LoginId>,
    ) -> Result<(), StoreError> {
        if by == Some(owner) {
            return Ok(());
        }
        let Some(address) = self.owner_address(tx, owner.as_str()).await? else { return Ok(()) };
        let message = NewMessage::to_email(MessageKind::OwnerNamed, &address)
            .about(of.key)
            .with("what", of.what)
            .with("key", of.key);
        self.message_put_in(tx, &message).await?;
        Ok(())
    }
}
