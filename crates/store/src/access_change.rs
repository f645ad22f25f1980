//! Changes of who has access to an application: one run each, about one subject.

use model::RunId;

use crate::run::run_id;
use crate::sql::query;
use crate::{RunKind, RunState, Store, StoreError};

/// Kind and name of the only task of a change of access.
pub const ACCESS_CHANGE_TASK: (&str, &str) = ("access_change", "write");

impl Store {
    /// Changes about this subject that were begun and have no end, oldest first: somebody works on them, or
    /// a crash left them behind.
    pub async fn access_change_list_open(&self, subject: &[u8]) -> Result<Vec<RunId>, StoreError> {
        const LIST: &str =
            "SELECT id FROM run WHERE kind = $1 AND state = $2 AND subject_hash = $3 ORDER BY created_at, id";
        let rows = query(LIST)
            .bind(RunKind::AccessChange.as_str())
            .bind(RunState::Active.as_str())
            .bind(self.keyed_hash(subject).to_vec())
            .fetch_all(&self.inner.reader)
            .await?;
        rows.iter().map(|row| run_id(row, 0)).collect()
    }
}
