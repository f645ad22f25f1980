use std::collections::BTreeSet;

use model::ConnectionKey;
use serde_json::json;

use super::kinds_of;
use crate::sql::query;
use crate::{Actor, AuditEvent, Store, StoreError};

impl Store {
    /// Switches these kinds of a connection off, and no others (governance CON-27). It holds from the next sync on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such connection.
    pub async fn connection_kinds_off_set(
        &self,
        connection: &ConnectionKey,
        kinds: &BTreeSet<String>,
        actor: Actor,
    ) -> Result<(), StoreError> {
        const SET: &str = "UPDATE connection_sync SET kinds_off = $2 WHERE connection = $1";
        let mut tx = self.begin().await?;
        self.sync_meet(&mut tx, connection).await?;
        let set = query(SET).bind(connection.as_str()).bind(json!(kinds).to_string());
        set.execute(tx.connection()).await?;
        let event = AuditEvent::new(actor, "access_sync.kinds", connection.as_str());
        self.audit_enter_in(&mut tx, &event.with(json!({"off": kinds}))).await?;
        tx.commit().await
    }

    /// The kinds of a connection that are switched off.
    pub async fn connection_kinds_off(
        &self,
        connection: &ConnectionKey,
    ) -> Result<BTreeSet<String>, StoreError> {
        const FIND: &str = "SELECT kinds_off FROM connection_sync WHERE connection = $1";
        let row = query(FIND).bind(connection.as_str()).fetch_optional(&self.inner.reader).await?;
        row.map(|row| kinds_of(&row.try_get::<String>(0)?)).transpose().map(Option::unwrap_or_default)
    }
}
