//! A number that grows with every change of what requests are worked off with.

use crate::sql::query;
use crate::store::{Tx, count};
use crate::{Store, StoreError};

/// Beginnings of the actions in the audit log that are such changes.
const CHANGES: [&str; 13] = [
    "connection.",
    "connector.",
    "dataset.",
    "manual_form.",
    "manual_task.configured",
    "messaging.",
    "policy.",
    "redaction_patterns.",
    "secret.",
    "setting.",
    "storage.",
    "template.",
    "webhook.",
];

/// Whether an action changes what requests are worked off with.
pub(crate) fn is_change(action: &str) -> bool {
    CHANGES.iter().any(|beginning| action.starts_with(beginning))
}

impl Store {
    /// Grows with every change of connections, their secrets and datasets, policies, destinations,
    /// webhooks, settings, messaging services, redaction patterns and of what people are asked for,
    /// whoever makes it: what was read at the same number is still so.
    pub async fn revision(&self) -> Result<u64, StoreError> {
        const FIND: &str = "SELECT number FROM revision WHERE id = 'configuration'";
        count(query(FIND).fetch_one(&self.inner.reader).await?.try_get(0)?)
    }
}

impl Tx {
    /// Counts a change. The row is taken last, so that whoever has it waits for nobody.
    pub(crate) async fn revise(&mut self) -> Result<(), StoreError> {
        const BUMP: &str = "UPDATE revision SET number = number + 1 WHERE id = 'configuration'";
        query(BUMP).execute(self.connection()).await?;
        Ok(())
    }
}
