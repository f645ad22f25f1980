use crypto::Secret;
use model::ConnectionKey;
use sqlx::Row as _;

use crate::store::Tx;
use crate::{Actor, AuditEvent, Store, StoreError};

impl Store {
    /// Keeps how calls of a web hook get their access token, JSON text; what was kept before is gone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such connection.
    pub async fn connection_oauth_put(
        &self,
        connection: &ConnectionKey,
        document: &Secret<String>,
        actor: Actor,
    ) -> Result<(), StoreError> {
        const HOLD: &str = "UPDATE connection SET updated_at = $2 WHERE key = $1";
        const PUT: &str = "INSERT INTO connection_oauth (connection, sealed) VALUES ($1, $2) ON CONFLICT (connection) DO UPDATE SET sealed = excluded.sealed";
        let mut tx = self.begin().await?;
        let held =
            sqlx::query(HOLD).bind(connection.as_str()).bind(self.now()).execute(tx.connection()).await?;
        if held.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "connection", id: connection.to_string() });
        }
        let sealed = self.inner.keys.seal(&place(connection.as_str()), document.expose().as_bytes());
        sqlx::query(PUT).bind(connection.as_str()).bind(sealed).execute(tx.connection()).await?;
        let event = AuditEvent::new(actor, "connection.oauth_put", connection.as_str());
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// What is kept, if anything.
    pub async fn connection_oauth_find(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<Secret<String>>, StoreError> {
        const FIND: &str = "SELECT sealed FROM connection_oauth WHERE connection = $1";
        let row = sqlx::query(FIND).bind(connection.as_str()).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let sealed: Vec<u8> = row.try_get(0)?;
        let plain = self
            .inner
            .keys
            .open(&place(connection.as_str()), &sealed)
            .map_err(|source| StoreError::Sealed { what: "how a web hook gets its token", source })?;
        let text = String::from_utf8(plain.expose().clone());
        let text = text.map_err(|_| StoreError::Damaged { what: "how a web hook gets its token" })?;
        Ok(Some(Secret::new(text)))
    }

    /// Forgets it; says whether there was anything.
    pub async fn connection_oauth_remove(
        &self,
        connection: &ConnectionKey,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = self.connection_oauth_remove_in(&mut tx, connection).await?;
        if removed {
            let event = AuditEvent::new(actor, "connection.oauth_removed", connection.as_str());
            self.audit_enter_in(&mut tx, &event).await?;
        }
        tx.commit().await?;
        Ok(removed)
    }

    /// The same as part of a larger change.
    pub(super) async fn connection_oauth_remove_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
    ) -> Result<bool, StoreError> {
        const REMOVE: &str = "DELETE FROM connection_oauth WHERE connection = $1";
        let removed = sqlx::query(REMOVE).bind(connection.as_str()).execute(tx.connection()).await?;
        Ok(removed.rows_affected() > 0)
    }

    /// Brings what is kept under the current master key; says how many there were.
    pub(crate) async fn reseal_connection_oauth(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT connection, sealed FROM connection_oauth";
        const PUT: &str = "UPDATE connection_oauth SET sealed = $2 WHERE connection = $1";
        let mut changed = 0;
        for row in sqlx::query(LIST).fetch_all(tx.connection()).await? {
            let (connection, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(new) = self.inner.keys.reseal(&place(&connection), &sealed)? {
                sqlx::query(PUT).bind(connection).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}

/// The place that it is bound to.
fn place(connection: &str) -> Vec<u8> {
    format!("connection_oauth|{connection}").into_bytes()
}
