use jiff::Timestamp;
use model::ConnectionKey;

use super::{InventoryPart, InventoryPartId, InventoryState, InventoryStateId, counts, state, states};
use crate::listed::{Listed, Window};
use crate::sql::{Query, query};
use crate::store::{count, signed, time};
use crate::{Store, StoreError};

impl Store {
    /// The state that is in force, if there is one.
    pub async fn inventory_state_now(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<InventoryState>, StoreError> {
        const FIND: &str = states!("WHERE id = (SELECT state_id FROM inventory WHERE connection = $1)");
        self.inventory_state_of(query(FIND).bind(connection.as_str())).await
    }

    /// The state that was in force at a time.
    pub async fn inventory_state_at(
        &self,
        connection: &ConnectionKey,
        at: Timestamp,
    ) -> Result<Option<InventoryState>, StoreError> {
        const FIND: &str = states!("WHERE connection = $1 AND taken_at <= $2 ORDER BY taken_at DESC LIMIT 1");
        self.inventory_state_of(query(FIND).bind(connection.as_str()).bind(at.as_microsecond())).await
    }

    /// The state that is held back, if one is.
    pub async fn inventory_state_held(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<InventoryState>, StoreError> {
        const FIND: &str = states!("WHERE connection = $1 AND standing = 'held'");
        self.inventory_state_of(query(FIND).bind(connection.as_str())).await
    }

    /// The state of this id, if the connection has it.
    pub async fn inventory_state_find(
        &self,
        connection: &ConnectionKey,
        id: &InventoryStateId,
    ) -> Result<Option<InventoryState>, StoreError> {
        const FIND: &str = states!("WHERE connection = $1 AND id = $2");
        self.inventory_state_of(query(FIND).bind(connection.as_str()).bind(id.as_str())).await
    }

    /// States of a connection, the one kept last first.
    pub async fn inventory_state_list(
        &self,
        connection: &ConnectionKey,
        window: Window,
    ) -> Result<Listed<InventoryState>, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM inventory_state WHERE connection = $1";
        const LIST: &str = states!("WHERE connection = $1 ORDER BY kept_at DESC, id DESC LIMIT $2 OFFSET $3");
        let total = query(COUNT).bind(connection.as_str()).fetch_one(&self.inner.reader).await?;
        let rows = query(LIST)
            .bind(connection.as_str())
            .bind(i64::from(window.limit))
            .bind(signed(window.offset))
            .fetch_all(&self.inner.reader)
            .await?;
        let items = rows.iter().map(state).collect::<Result<_, _>>()?;
        Ok(Listed { items, total: count(total.try_get(0)?)? })
    }

    /// The connections that have an inventory, by key.
    pub async fn inventory_list(&self) -> Result<Vec<ConnectionKey>, StoreError> {
        const LIST: &str = "SELECT connection FROM inventory WHERE state_id IS NOT NULL ORDER BY connection";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        let key = |text: String| {
            text.parse().map_err(|_| StoreError::Damaged { what: "the connection of an inventory" })
        };
        rows.iter().map(|row| key(row.try_get(0)?)).collect()
    }

    /// The parts of a state, by kind and holder.
    pub async fn inventory_part_list(&self, id: &InventoryStateId) -> Result<Vec<InventoryPart>, StoreError> {
        const LIST: &str = "SELECT s.part_id, s.kind, s.holder, s.as_of, p.resources, p.entitlements, p.grants FROM inventory_state_part s JOIN inventory_part p ON p.id = s.part_id WHERE s.state_id = $1 ORDER BY s.kind, s.holder";
        let rows = query(LIST).bind(id.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter()
            .map(|row| {
                Ok(InventoryPart {
                    id: InventoryPartId::kept(row.try_get(0)?),
                    kind: row.try_get(1)?,
                    holder: row.try_get(2)?,
                    as_of: time(row.try_get(3)?)?,
                    counts: counts(row, 4)?,
                })
            })
            .collect()
    }

    async fn inventory_state_of(&self, find: Query<'_>) -> Result<Option<InventoryState>, StoreError> {
        let row = find.fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(state).transpose()
    }
}
