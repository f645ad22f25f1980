use serde_json::json;

use crate::sql::query;
use crate::store::{Tx, run_key_place};
use crate::{
    Actor, AuditEvent, Store, StoreError, failure_notice, installation, login, message, messaging_config,
    run, storage, token, vault,
};

/// What a change of the master key touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// Records that are under the new key now.
    pub records: u64,
}

impl Store {
    /// Brings every sealed record under the current master key, in one transaction. Open the store
    /// with a ring that holds the old key too; afterwards the old key is not needed for this database
    /// any more. Rows are not touched: their data keys are wrapped anew. Doing it twice changes nothing.
    pub async fn keys_reseal(&self, actor: Actor) -> Result<Resealed, StoreError> {
        let mut tx = self.begin().await?;
        let mut records = self.reseal_secrets(&mut tx).await?;
        records += self.reseal_tokens(&mut tx).await?;
        records += self.reseal_connection_oauth(&mut tx).await?;
        records += self.reseal_storage(&mut tx).await?;
        records += self.reseal_logins(&mut tx).await?;
        records += self.reseal_messages(&mut tx).await?;
        records += self.reseal_messaging(&mut tx).await?;
        records += self.reseal_failure_notice(&mut tx).await?;
        records += self.reseal_requests(&mut tx).await?;
        records += self.reseal_manual_inputs(&mut tx).await?;
        records += self.reseal_manual_tasks(&mut tx).await?;
        records += self.reseal_attachments(&mut tx).await?;
        records += self.reseal_clarifications(&mut tx).await?;
        records += self.reseal_hold_rests(&mut tx).await?;
        records += self.reseal_extensions(&mut tx).await?;
        records += self.reseal_dataset_trials(&mut tx).await?;
        records += self.reseal_baton_tasks(&mut tx).await?;
        records += self.reseal_access_ends(&mut tx).await?;
        records += self.reseal_inventories(&mut tx).await?;
        records += self.reseal_installation(&mut tx).await?;
        records += self.reseal_runs(&mut tx).await?;
        if records > 0 {
            let key = self.inner.keys.current().to_string();
            let event = AuditEvent::new(actor, "key.changed", &key).with(json!({"records": records}));
            self.audit_enter_in(&mut tx, &event).await?;
        }
        tx.commit().await?;
        self.scrub().await?;
        Ok(Resealed { records })
    }

    async fn reseal_secrets(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT connection, name, sealed FROM vault";
        const PUT: &str = "UPDATE vault SET sealed = $3 WHERE connection = $1 AND name = $2";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (connection, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let sealed: Vec<u8> = row.try_get(2)?;
            if let Some(new) = self.inner.keys.reseal(&vault::place(&connection, &name), &sealed)? {
                query(PUT).bind(connection).bind(name).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    async fn reseal_tokens(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT connection, slot, sealed FROM token";
        const PUT: &str = "UPDATE token SET sealed = $3 WHERE connection = $1 AND slot = $2";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (connection, slot): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let sealed: Vec<u8> = row.try_get(2)?;
            if let Some(new) = self.inner.keys.reseal(&token::place(&connection, &slot), &sealed)? {
                query(PUT).bind(connection).bind(slot).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    async fn reseal_storage(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT key, sealed_secrets FROM storage WHERE sealed_secrets IS NOT NULL";
        const PUT: &str = "UPDATE storage SET sealed_secrets = $2 WHERE key = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (key, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(new) = self.inner.keys.reseal(&storage::place(&key), &sealed)? {
                query(PUT).bind(key).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    async fn reseal_logins(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT id, sealed FROM login";
        const PUT: &str = "UPDATE login SET sealed = $2 WHERE id = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (id, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(new) = self.inner.keys.reseal(&login::place(&id), &sealed)? {
                query(PUT).bind(id).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    async fn reseal_messages(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT id, sealed FROM message WHERE sealed IS NOT NULL";
        const PUT: &str = "UPDATE message SET sealed = $2 WHERE id = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (id, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(new) = self.inner.keys.reseal(&message::place(&id), &sealed)? {
                query(PUT).bind(id).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    async fn reseal_messaging(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str =
            "SELECT key, sealed_secrets FROM messaging_config WHERE sealed_secrets IS NOT NULL";
        const PUT: &str = "UPDATE messaging_config SET sealed_secrets = $2 WHERE key = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (key, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(new) = self.inner.keys.reseal(&messaging_config::place(&key), &sealed)? {
                query(PUT).bind(key).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    async fn reseal_failure_notice(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const FIND: &str = "SELECT sealed FROM failure_notice WHERE id = 1";
        const PUT: &str = "UPDATE failure_notice SET sealed = $1 WHERE id = 1";
        let Some(row) = query(FIND).fetch_optional(tx.connection()).await? else { return Ok(0) };
        let sealed: Vec<u8> = row.try_get(0)?;
        let Some(new) = self.inner.keys.reseal(failure_notice::PLACE, &sealed)? else { return Ok(0) };
        query(PUT).bind(new).execute(tx.connection()).await?;
        Ok(1)
    }

    async fn reseal_installation(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT name, sealed FROM installation";
        const PUT: &str = "UPDATE installation SET sealed = $2 WHERE name = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (name, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(new) = self.inner.keys.reseal(&installation::place(&name), &sealed)? {
                query(PUT).bind(name).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    async fn reseal_runs(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str =
            "SELECT id, data_key FROM run WHERE data_key IS NOT NULL AND id > $1 ORDER BY id LIMIT 1000";
        const PUT: &str = "UPDATE run SET data_key = $2 WHERE id = $1";
        let (mut changed, mut after) = (0, String::new());
        loop {
            let rows = query(LIST).bind(after.as_str()).fetch_all(tx.connection()).await?;
            let Some(last) = rows.last() else { return Ok(changed) };
            after = last.try_get(0)?;
            for row in &rows {
                let id = run::run_id(row, 0)?;
                let sealed: Vec<u8> = row.try_get(1)?;
                if let Some(new) = self.inner.keys.reseal(&run_key_place(&id), &sealed)? {
                    query(PUT).bind(id.as_str()).bind(new).execute(tx.connection()).await?;
                    changed += 1;
                }
            }
        }
    }
}
