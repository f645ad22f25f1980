use privacy::storage::{self, PackageRecord, StorageError};

use crate::ApiError;
use crate::state::ApiState;

/// What was delivered from the data folder of this server and not removed, oldest first.
pub(crate) async fn package_records(state: &ApiState) -> Result<Vec<PackageRecord>, ApiError> {
    let data = state.packages().data.clone();
    let records = tokio::task::spawn_blocking(move || storage::list(&data)).await;
    records.unwrap_or(Err(StorageError::Stopped)).map_err(|error| ApiError::Private(Box::new(error)))
}
