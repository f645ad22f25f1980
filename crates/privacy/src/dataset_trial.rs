//! Trial runs on one dataset: somebody who sets a connection up reads one person from it and looks at what
//! a policy would show (fides-api 6). They are apart from the requests of people: never listed with them,
//! never delivered, without deadline and messages, and gone after an hour.

use std::time::Duration;

use engine::{Concurrency, Source};
use graph::Graph;
use model::{ConnectionKey, IdSource, Identities, PrivacyRequestId, Row};
use store::{Actor, NewDatasetTrial, Store, StoreError};

use crate::subject;

/// How long a trial stays: before it is taken, and after it has ended.
pub const LIFE: Duration = Duration::from_hours(1);
/// Most rows that a trial reads and keeps.
pub const MOST_ROWS: u64 = 1_000;
/// Most bytes of rows that a trial keeps.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Longest time of the reading.
pub const LONGEST: Duration = Duration::from_mins(5);
/// What connector files are told of where the trial comes from.
pub const SOURCE: &str = "Dataset Test";

/// What is tried.
#[derive(Debug)]
pub struct NewTrial {
    /// The connection.
    pub connection: ConnectionKey,
    /// Key of its dataset.
    pub dataset: String,
    /// Key of the policy that says what is shown.
    pub policy: String,
    /// Who is read: identity kinds, and fields of other datasets by their addresses.
    pub identities: Identities,
    /// Who asks.
    pub actor: Actor,
}

/// One dataset of one connection by itself.
#[derive(Debug)]
pub struct Alone {
    /// Its collections; fields of other datasets are identities here.
    pub graph: Graph,
    /// What its rows come from.
    pub source: Source,
    /// Whether the connection serves requests for data.
    pub serves_access: bool,
    /// Calls in flight.
    pub concurrency: Concurrency,
}

/// Makes a trial, which a worker takes.
///
/// # Errors
/// [`StoreError`].
pub async fn begin(store: &Store, ids: &dyn IdSource, new: NewTrial) -> Result<PrivacyRequestId, StoreError> {
    let id = PrivacyRequestId::new(ids);
    let kept = NewDatasetTrial {
        id: id.clone(),
        connection: new.connection,
        dataset: new.dataset,
        policy: new.policy,
        identities: subject::to_bytes(&new.identities),
        life: LIFE,
        actor: new.actor,
    };
    store.dataset_trial_create(kept).await?;
    Ok(id)
}

/// What a trial found, address → rows; nothing as long as it has not ended. Who looked stands in the audit
/// log.
///
/// # Errors
/// [`StoreError`].
pub async fn found(store: &Store, id: &PrivacyRequestId, actor: Actor) -> Result<Row, StoreError> {
    let Some(bytes) = store.dataset_trial_results(id, actor).await? else { return Ok(Row::new()) };
    let rows = serde_json::from_slice(bytes.expose());
    rows.map_err(|_| StoreError::Damaged { what: "the rows of a trial" })
}
