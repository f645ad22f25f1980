use connector::writes::WriteRequest;
use datastore::SqlOperation;
use model::{ConnectionKey, Outcome, RunId};
use store::{JobId, LedgerEntry, PlanDigest, Retry, StoreError};
use thiserror::Error;

/// One operation of an approved plan, ready to be sent.
#[derive(Debug, Clone)]
pub struct WriteOrder {
    /// The approved plan.
    pub plan: PlanDigest,
    /// Its number in the plan, from 0.
    pub operation: u32,
    /// What is sent.
    pub payload: WritePayload,
    /// The same write may be sent twice without harm. A statement may in any case: it names its rows by
    /// key and brings constant values.
    pub repeatable: bool,
    /// The outcome if it is taken. A write that starts a job is `accepted` until the job ended.
    pub expected: Outcome,
}

/// What is sent.
#[derive(Debug, Clone)]
pub enum WritePayload {
    /// A request; its place in the connector file says how to judge the answer.
    Http {
        /// The connection.
        connection: ConnectionKey,
        /// The request as it stands in the plan.
        write: WriteRequest,
    },
    /// A statement; it names its connection.
    Sql(SqlOperation),
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteReport {
    /// What became of the data.
    pub outcome: Outcome,
    /// The job that goes on at the other side.
    pub job: Option<JobId>,
    /// How often it was sent or about to be sent, earlier calls included.
    pub attempts: u32,
    /// A fixed word about the end (`http_204`, `rows_3_of_5`, `deadlock`).
    pub detail: Option<String>,
}

impl Default for WriteReport {
    fn default() -> Self {
        Self { outcome: Outcome::Unknown, job: None, attempts: 0, detail: None }
    }
}

impl WriteReport {
    /// What the ledger says.
    pub(super) fn of_entry(entry: &LedgerEntry) -> Self {
        Self {
            outcome: entry.outcome.unwrap_or(Outcome::Unknown),
            job: None,
            attempts: entry.attempt,
            detail: entry.detail.clone(),
        }
    }
}

/// Reports of operations that followed one another.
#[derive(Debug)]
pub struct Chain {
    /// In the order of the orders; shorter if it was stopped.
    pub reports: Vec<WriteReport>,
    /// What stopped it.
    pub stopped: Option<WriteError>,
}

/// Why nothing can be said about a write now. Names places and numbers, never values.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Somebody else has the task by now.
    #[error("{run} was taken over by another process; this one stopped sending")]
    Lost {
        /// The run.
        run: RunId,
    },
    /// The run was cancelled.
    #[error("{run} was cancelled; nothing more of it is sent")]
    Cancelled {
        /// The run.
        run: RunId,
    },
    /// The same operation is being settled by another call.
    #[error("operation {operation} of the plan is being sent already")]
    UnderWay {
        /// Its number.
        operation: u32,
    },
    /// The plan has no such operation.
    #[error("the plan has no operation {operation}")]
    NotInPlan {
        /// Its number.
        operation: u32,
    },
    /// The connection is not there, or is of another kind.
    #[error("no connection `{connection}` for operation {operation}; add it to the project")]
    NoConnection {
        /// The connection.
        connection: ConnectionKey,
        /// The operation's number.
        operation: u32,
    },
    /// The connector file has no such write.
    #[error("the connector file of `{connection}` has no write at {place}; make a new plan")]
    NoRequest {
        /// The connection.
        connection: ConnectionKey,
        /// The place that the plan names.
        place: String,
    },
    /// Stopped before anything could be said.
    #[error("stopped before the write was settled; run it again")]
    Stopped,
    /// The state database.
    #[error(transparent)]
    Store(StoreError),
}

impl WriteError {
    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Lost { .. } | Self::UnderWay { .. } | Self::Stopped => Retry::Yes,
            Self::Cancelled { .. }
            | Self::NotInPlan { .. }
            | Self::NoConnection { .. }
            | Self::NoRequest { .. } => Retry::No,
            Self::Store(source) => source.retry(),
        }
    }
}

impl From<StoreError> for WriteError {
    fn from(source: StoreError) -> Self {
        Self::Store(source)
    }
}
