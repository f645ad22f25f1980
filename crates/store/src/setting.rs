//! Settings that were made over the API. Those of files and environment never come here.

use serde_json::{Value, json};

use crate::sql::query;
use crate::{Actor, AuditEvent, Store, StoreError};

/// What happens to the settings that are not put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSettings {
    /// They stay.
    Keep,
    /// They go.
    Remove,
}

impl Store {
    /// Puts settings, keys as `execution.masking_strict`; all or none. None of them may be a secret.
    pub async fn setting_put(
        &self,
        settings: &[(String, Value)],
        others: OtherSettings,
        actor: Actor,
    ) -> Result<(), StoreError> {
        const REMOVE: &str = "DELETE FROM setting";
        const PUT: &str = "INSERT INTO setting (key, value, set_at) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET value = excluded.value, set_at = excluded.set_at";
        let mut tx = self.begin().await?;
        if others == OtherSettings::Remove {
            query(REMOVE).execute(tx.connection()).await?;
        }
        // One order for all, so that none waits for another that waits for it.
        let mut ordered: Vec<&(String, Value)> = settings.iter().collect();
        ordered.sort_by(|one, two| one.0.cmp(&two.0));
        for (key, value) in &ordered {
            let put = query(PUT).bind(key.as_str()).bind(value.to_string()).bind(self.now());
            put.execute(tx.connection()).await?;
        }
        let keys: Vec<&str> = ordered.iter().map(|(key, _)| key.as_str()).collect();
        let removed = others == OtherSettings::Remove;
        let event = AuditEvent::new(actor, "setting.put", "settings")
            .with(json!({ "keys": keys, "others_removed": removed }));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// All settings that were put, by key.
    pub async fn setting_list(&self) -> Result<Vec<(String, Value)>, StoreError> {
        const LIST: &str = "SELECT key, value FROM setting ORDER BY key";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        rows.iter()
            .map(|row| {
                let text: String = row.try_get(1)?;
                let value =
                    serde_json::from_str(&text).map_err(|_| StoreError::Damaged { what: "a setting" })?;
                Ok((row.try_get(0)?, value))
            })
            .collect()
    }
}
