//! Reads a graph of collections, and sends what a plan says: what may run in parallel does, rows are kept
//! sealed.
//!
//! For: starting each collection when its inputs are complete, bounded parallelism shared by many
//! runs ([`Concurrency`]), keeping pages where they are sealed ([`SealedRows`]) and going on from the last
//! one after a crash ([`RowKeeping::Store`]), saying what of a reading is missing, the only permits to
//! write ([`Writer`]), and following jobs ([`poll_jobs`]). Not for: calls (`connector`, `datastore`), order
//! (`graph`), plans and packages (`privacy`).
//!
//! ```
//! use std::collections::HashMap;
//!
//! use engine::{Cancellation, Concurrency, JobWait, Limits, RowKeeping, RunPlan};
//! # use connector::Person;
//! # use graph::{Graph, Targets};
//! # use model::{Identities, PrivacyRequestId, RandomIds, Row, RunId};
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
//! # let spool = tempfile::tempdir()?;
//! # let (ids, identities) = (RandomIds, Identities::default());
//! let graph = Graph::build(&[])?;
//! let plan = RunPlan {
//!     run_id: RunId::new(&ids),
//!     traversal: graph.traverse(&identities, Targets::Everything)?,
//!     sources: HashMap::new(),
//!     person: Person { identities, privacy_request_id: PrivacyRequestId::new(&ids), privacy_request: Row::new(), custom_fields: Row::new() },
//!     limits: Concurrency::new(Limits::default()),
//!     rows: RowKeeping::Spool(spool.path().to_owned()),
//!     waiting: JobWait::Here,
//!     cancellation: Cancellation::never(),
//! };
//!
//! let outcome = engine::run(plan, &|_progress| {}).await?;
//!
//! assert!(outcome.is_complete() && outcome.collections.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod basis;
mod budgets;
mod cancellation;
mod collection;
mod concurrency;
mod gather;
mod hold;
mod job;
mod job_wait;
mod kept_outcome;
mod kept_reading;
mod outcome;
mod progress;
mod row_keeping;
mod row_writer;
mod rows_error;
mod run;
mod sealed_rows;
mod source;
mod spool;
mod stage;
mod stop;
mod tokens;
mod unit_state;
mod units;
mod upstream;
mod write;

pub use budgets::SharedBudgets;
pub use cancellation::{Cancellation, Canceller};
pub use concurrency::{Concurrency, Limits, Slot};
pub use gather::{Gathered, gather};
pub use hold::{HoldError, HoldRequest, HoldState, LEASE, TaskHold};
pub use job::{JobError, JobPoll, Jobs, poll_jobs};
pub use job_wait::{JobWait, WaitsFor};
pub use kept_reading::kept_reading;
pub use outcome::{CollectionOutcome, RunOutcome, Status};
pub use progress::Progress;
pub use row_keeping::{RowKeeping, RunBegun, StoredRows};
pub use rows_error::RowsError;
pub use run::{RunError, RunPlan, run, run_with};
pub use sealed_rows::{Pages, SealedRows};
pub use source::Source;
pub use spool::SpoolError;
pub use stage::reading_tasks;
pub use tokens::{StoredTokens, StoredTokensParts};
#[cfg(feature = "planted-defects")]
pub use write::Defect;
pub use write::{
    Chain, WriteError, WriteOrder, WritePayload, WriteReport, WriteRetry, Writer, WriterParts,
    operation_outcome,
};
