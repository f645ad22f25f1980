use model::ConnectionKey;
use serde_json::json;

use crate::sql::query;
use crate::words::list_text;
use crate::{Actor, AuditEvent, Store, StoreError};

impl Store {
    /// Says which kinds of requests (`access`, `erasure`) a connection serves; `None`: all.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such a connection.
    pub async fn connection_enabled_actions_put(
        &self,
        connection: &ConnectionKey,
        actions: Option<&[String]>,
        actor: Actor,
    ) -> Result<(), StoreError> {
        const PUT: &str = "UPDATE connection SET enabled_actions = $2, updated_at = $3 WHERE key = $1";
        let mut tx = self.begin().await?;
        let put = query(PUT).bind(connection.as_str()).bind(actions.map(list_text)).bind(self.now());
        if put.execute(tx.connection()).await?.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "connection", id: connection.to_string() });
        }
        let event = AuditEvent::new(actor, "connection.enabled_actions", connection.as_str());
        self.audit_enter_in(&mut tx, &event.with(json!({"enabled_actions": actions}))).await?;
        tx.commit().await
    }
}
