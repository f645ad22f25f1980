//! Trials whose time is over, and their keys under another master key.

use serde_json::json;

use super::place;
use crate::sql::query;
use crate::store::Tx;
use crate::{Actor, AuditEvent, Store, StoreError};

impl Store {
    /// Destroys the trials whose time is over, with all that belongs to them; says how many there were.
    pub async fn dataset_trial_forget_due(&self, actor: Actor) -> Result<u64, StoreError> {
        const DUE: &str = "SELECT id FROM dataset_trial WHERE expires_at <= $1 LIMIT 1";
        let due = query(DUE).bind(self.now()).fetch_optional(&self.inner.reader).await?;
        if due.is_none() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        let destroyed = trials_destroy(&mut tx, self.now()).await?;
        if destroyed > 0 {
            let event = AuditEvent::new(actor, "dataset_trial.forgotten", "dataset_trial");
            self.audit_enter_in(&mut tx, &event.with(json!({"trials": destroyed}))).await?;
        }
        tx.commit().await?;
        self.scrub().await?;
        Ok(destroyed)
    }

    /// Brings the keys of trials under the current master key.
    pub(crate) async fn reseal_dataset_trials(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT id, data_key FROM dataset_trial";
        const PUT: &str = "UPDATE dataset_trial SET data_key = $2 WHERE id = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (id, wrapped): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(new) = self.inner.keys.reseal(&place(&id, "data-key"), &wrapped)? {
                query(PUT).bind(id).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}

/// Destroys the trials that end at `until` or before it.
pub(crate) async fn trials_destroy(tx: &mut Tx, until: i64) -> Result<u64, StoreError> {
    const LOGS: &str =
        "DELETE FROM dataset_trial_log WHERE trial IN (SELECT id FROM dataset_trial WHERE expires_at <= $1)";
    const TRIALS: &str = "DELETE FROM dataset_trial WHERE expires_at <= $1";
    query(LOGS).bind(until).execute(tx.connection()).await?;
    Ok(query(TRIALS).bind(until).execute(tx.connection()).await?.rows_affected())
}
