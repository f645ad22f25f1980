//! A reading that is over, without reading anything.

use std::collections::BTreeMap;

use model::{CollectionAddress, RunId};
use store::{RowCount, Store, StoreError, TaskState};
use tokio::runtime::Handle;

use crate::sealed_rows::Stored;
use crate::stage::{kept_outcome, retried};
use crate::{RunError, RunOutcome};

/// What the reading `stage` of a run gave, as it was kept: nobody is asked, and what it would be read with
/// today has no part in it. Collections that nothing led to are not in it.
///
/// # Errors
/// [`RunError`] if the rows were forgotten, or the reading is not over ([`RunError::Unread`]).
pub async fn kept_reading(store: &Store, run: &RunId, stage: &str) -> Result<RunOutcome, RunError> {
    let mut collections = BTreeMap::new();
    let tasks = retried(run, || store.task_list(run)).await?;
    for task in tasks.into_iter().filter(|task| task.kind == stage) {
        let address: CollectionAddress =
            task.name.parse().map_err(|_| StoreError::Damaged { what: "the name of a task" })?;
        if task.state != TaskState::Done {
            return Err(RunError::Unread { run: run.clone(), collection: address, state: task.state });
        }
        let kept = retried(run, || store.read_outcome(run, &task.id)).await?;
        let kept = kept_outcome(run, kept)?;
        let sealed = Stored {
            store: store.clone(),
            run: run.clone(),
            task: task.id,
            address: address.clone(),
            rows: RowCount::Exactly(kept.rows()),
            in_hand: None,
            runtime: Handle::current(),
        };
        collections.insert(address, kept.with(sealed.into()));
    }
    Ok(RunOutcome { collections })
}
