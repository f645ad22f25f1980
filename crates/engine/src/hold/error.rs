use model::RunId;
use store::{Retry, StoreError, TaskState};
use thiserror::Error;

/// Why a task is not held.
#[derive(Debug, Error)]
pub enum HoldError {
    /// Another process works on it.
    #[error("`{name}` of {run} is being worked on by another process; wait for it, or run this again later")]
    HeldByAnother {
        /// The run.
        run: RunId,
        /// The task.
        name: String,
    },
    /// The task waits for others, or its run is held or cancelled.
    #[error("`{name}` of {run} cannot start: it waits for other tasks, or the run is paused or cancelled")]
    NotReady {
        /// The run.
        run: RunId,
        /// The task.
        name: String,
    },
    /// The task is over.
    #[error("`{name}` of {run} is over already ({})", state.as_str())]
    Over {
        /// The run.
        run: RunId,
        /// The task.
        name: String,
        /// How it ended.
        state: TaskState,
    },
    /// There is no such task.
    #[error("{run} has no task `{name}`")]
    Missing {
        /// The run.
        run: RunId,
        /// The task.
        name: String,
    },
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HoldError {
    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::HeldByAnother { .. } | Self::NotReady { .. } => Retry::Yes,
            Self::Over { .. } | Self::Missing { .. } => Retry::No,
            Self::Store(source) => source.retry(),
        }
    }
}
