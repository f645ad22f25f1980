use model::ConnectionKey;
use serde_json::json;

use super::put::in_force;
use super::{InventoryStanding, InventoryStateId};
use crate::sql::query;
use crate::store::Tx;
use crate::{Actor, AuditEvent, Store, StoreError};

impl Store {
    /// A person says that what is gone is gone: what was held back comes into force. Its id, if something
    /// was held back (governance CON-24).
    pub async fn inventory_confirm(
        &self,
        connection: &ConnectionKey,
        actor: Actor,
    ) -> Result<Option<InventoryStateId>, StoreError> {
        const TAKE: &str = "UPDATE inventory_state SET standing = 'taken', taken_at = $2 WHERE id = $1";
        let mut tx = self.begin().await?;
        let Some(id) = lock_held(&mut tx, connection).await? else { return Ok(None) };
        let at = self.take_at(&mut tx, connection).await?;
        query(TAKE).bind(id.as_str()).bind(at).execute(tx.connection()).await?;
        in_force(&mut tx, connection, &id).await?;
        self.decided(&mut tx, (connection, &id), ("inventory.confirmed", actor)).await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    /// A person says that it is not so: what was held back goes. Its id, if something was.
    pub async fn inventory_dismiss(
        &self,
        connection: &ConnectionKey,
        actor: Actor,
    ) -> Result<Option<InventoryStateId>, StoreError> {
        let mut tx = self.begin().await?;
        if lock_held(&mut tx, connection).await?.is_none() {
            return Ok(None);
        }
        let ended = end_held(&mut tx, connection, InventoryStanding::Dismissed).await?;
        if let Some(id) = &ended {
            self.decided(&mut tx, (connection, id), ("inventory.dismissed", actor)).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }

    async fn decided(
        &self,
        tx: &mut Tx,
        (connection, id): (&ConnectionKey, &InventoryStateId),
        (action, actor): (&'static str, Actor),
    ) -> Result<(), StoreError> {
        let event = AuditEvent::new(actor, action, id.as_str());
        self.audit_enter_in(tx, &event.with(json!({"connection": connection.as_str()}))).await?;
        Ok(())
    }
}

/// What is held back, kept from everybody else until the end of the transaction.
async fn lock_held(tx: &mut Tx, connection: &ConnectionKey) -> Result<Option<InventoryStateId>, StoreError> {
    const LOCK: &str = "UPDATE inventory SET state_id = state_id WHERE connection = $1";
    const FIND: &str = "SELECT id FROM inventory_state WHERE connection = $1 AND standing = 'held'";
    query(LOCK).bind(connection.as_str()).execute(tx.connection()).await?;
    let row = query(FIND).bind(connection.as_str()).fetch_optional(tx.connection()).await?;
    row.map(|row| Ok(InventoryStateId::kept(row.try_get(0)?))).transpose()
}

/// Ends what is held back; nothing is kept of its rows.
pub(super) async fn end_held(
    tx: &mut Tx,
    connection: &ConnectionKey,
    standing: InventoryStanding,
) -> Result<Option<InventoryStateId>, StoreError> {
    const END: &str =
        "UPDATE inventory_state SET standing = $2 WHERE connection = $1 AND standing = 'held' RETURNING id";
    const PARTS: &str = "DELETE FROM inventory_state_part WHERE state_id = $1";
    let end = query(END).bind(connection.as_str()).bind(standing.as_str());
    let Some(row) = end.fetch_optional(tx.connection()).await? else { return Ok(None) };
    let id: String = row.try_get(0)?;
    query(PARTS).bind(id.as_str()).execute(tx.connection()).await?;
    Ok(Some(InventoryStateId::kept(id)))
}
