//! Names that packages for people to read do not show, as regular expressions.

use serde_json::json;

use crate::sql::query;
use crate::{Actor, AuditEvent, Store, StoreError};

impl Store {
    /// Puts the patterns in place of those before, in this order.
    pub async fn redaction_pattern_put(&self, patterns: &[String], actor: Actor) -> Result<(), StoreError> {
        const REMOVE: &str = "DELETE FROM redaction_pattern";
        const PUT: &str = "INSERT INTO redaction_pattern (position, pattern) VALUES ($1, $2) ON CONFLICT (position) DO UPDATE SET pattern = excluded.pattern";
        let mut tx = self.begin().await?;
        query(REMOVE).execute(tx.connection()).await?;
        for (position, pattern) in (0_i64..).zip(patterns) {
            query(PUT).bind(position).bind(pattern.as_str()).execute(tx.connection()).await?;
        }
        let event = AuditEvent::new(actor, "redaction_patterns.put", "redaction_patterns")
            .with(json!({ "patterns": patterns.len() }));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// The patterns, in their order.
    pub async fn redaction_pattern_list(&self) -> Result<Vec<String>, StoreError> {
        const LIST: &str = "SELECT pattern FROM redaction_pattern ORDER BY position";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}
