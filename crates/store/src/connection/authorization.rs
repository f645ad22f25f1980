use std::time::Duration;

use crypto::Secret;
use model::ConnectionKey;

use crate::sql::query;
use crate::store::Tx;
use crate::{Actor, AuditEvent, Store, StoreError};

/// A person who is sent away to authorize a connection.
#[derive(Debug)]
pub struct NewAuthorization<'a> {
    /// The connection.
    pub connection: &'a ConnectionKey,
    /// What they come back with; nobody can guess it.
    pub state: &'a Secret<String>,
    /// Where they are sent in the end.
    pub return_to: Option<String>,
    /// How long they may take.
    pub life: Duration,
    /// Who sent them.
    pub actor: Actor,
}

/// A person who came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The connection.
    pub connection: ConnectionKey,
    /// Who had sent them, as the audit log names them.
    pub actor: Actor,
    /// Where they are sent.
    pub return_to: Option<String>,
}

impl Store {
    /// Notes that a person was sent away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such connection.
    pub async fn authorization_begin(&self, new: NewAuthorization<'_>) -> Result<(), StoreError> {
        const HOLD: &str = "UPDATE connection SET key = key WHERE key = $1";
        const EXPIRED: &str = "DELETE FROM authorization_state WHERE expires_at <= $1";
        const BEGIN: &str = "INSERT INTO authorization_state (state_hash, connection, actor, return_to, expires_at) VALUES ($1, $2, $3, $4, $5)";
        let now = self.now();
        let life = i64::try_from(new.life.as_micros()).unwrap_or(i64::MAX);
        let mut tx = self.begin().await?;
        let held = query(HOLD).bind(new.connection.as_str()).execute(tx.connection()).await?;
        if held.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "connection", id: new.connection.to_string() });
        }
        query(EXPIRED).bind(now).execute(tx.connection()).await?;
        query(BEGIN)
            .bind(self.state_hash(new.state))
            .bind(new.connection.as_str())
            .bind(new.actor.as_str())
            .bind(new.return_to)
            .bind(now.saturating_add(life))
            .execute(tx.connection())
            .await?;
        let event = AuditEvent::new(new.actor, "authorization.begun", new.connection.as_str());
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// The person who comes back with `state`: once, and not too late. Anything else is nobody.
    pub async fn authorization_take(
        &self,
        state: &Secret<String>,
    ) -> Result<Option<Authorization>, StoreError> {
        const TAKE: &str = "DELETE FROM authorization_state WHERE state_hash = $1 RETURNING connection, actor, return_to, expires_at";
        let mut tx = self.begin().await?;
        let row = query(TAKE).bind(self.state_hash(state)).fetch_optional(tx.connection()).await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        if row.try_get::<i64>(3)? <= self.now() {
            return Ok(None);
        }
        let connection: String = row.try_get(0)?;
        Ok(Some(Authorization {
            connection: connection.parse().map_err(|_| StoreError::Damaged { what: "an authorization" })?,
            actor: Actor::kept(row.try_get(1)?),
            return_to: row.try_get(2)?,
        }))
    }

    /// Notes in the audit log that a person authorized a connection.
    pub async fn connection_authorized(
        &self,
        connection: &ConnectionKey,
        actor: Actor,
    ) -> Result<(), StoreError> {
        let event = AuditEvent::new(actor, "authorization.finished", connection.as_str());
        self.audit_enter(&[event]).await?;
        Ok(())
    }

    /// Nobody who is on their way may come back to this connection.
    pub(super) async fn authorizations_remove_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
    ) -> Result<(), StoreError> {
        const REMOVE: &str = "DELETE FROM authorization_state WHERE connection = $1";
        query(REMOVE).bind(connection.as_str()).execute(tx.connection()).await?;
        Ok(())
    }

    fn state_hash(&self, state: &Secret<String>) -> String {
        crypto::hex(&self.keyed_hash(format!("authorization|{}", state.expose()).as_bytes()))
    }
}
