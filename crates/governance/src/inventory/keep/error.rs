use model::ConnectionKey;
use store::{Retry, StoreError};
use thiserror::Error;

use crate::file::FileError;
use crate::sink::SinkError;
use crate::sync::SyncError;

/// Why nothing was kept. What was in force before is in force.
#[derive(Debug, Error)]
pub enum KeepError {
    /// The sync has no result.
    #[error("the sync is unfinished: {why}")]
    Unfinished {
        /// What is missing, in a sentence.
        why: String,
    },
    /// The sync.
    #[error(transparent)]
    Sync(SyncError),
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file that is read.
    #[error(transparent)]
    File(#[from] c1z::ReadError),
    /// The file that is written.
    #[error(transparent)]
    Write(FileError),
    /// The file has no result.
    #[error(
        "the file has no finished sync of everything; make one with `governance sync`, or ask who made the file"
    )]
    NoRun,
    /// The file has a result without anything in it.
    #[error("the sync in the file is empty; was its connector told to skip it?")]
    Empty,
    /// A row without the kind it belongs to.
    #[error("a {what} names no kind of resources; whoever wrote the rows has to name one in each")]
    NoKind {
        /// What.
        what: &'static str,
    },
    /// A kind that no kind can be called.
    #[error("a kind of resources has an id of more than 256 bytes, or one with control characters")]
    Kind,
    /// More kinds than anybody looks after.
    #[error("the rows are of too many kinds: more than {most} parts by kind and holder; leave some out")]
    TooManyKinds {
        /// How many are kept.
        most: usize,
    },
    /// Others were always faster.
    #[error("other syncs of `{connection}` came into force all the time; try again")]
    Overtaken {
        /// The connection.
        connection: ConnectionKey,
    },
}

impl KeepError {
    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Sync(source) => source.retry(),
            Self::Store(source) => source.retry(),
            Self::Overtaken { .. } => Retry::Yes,
            Self::Unfinished { .. }
            | Self::File(_)
            | Self::Write(_)
            | Self::NoRun
            | Self::Empty
            | Self::NoKind { .. }
            | Self::Kind
            | Self::TooManyKinds { .. } => Retry::No,
        }
    }
}

/// The sink of rows is ours: what it says is said as it is.
impl From<SinkError> for KeepError {
    fn from(error: SinkError) -> Self {
        error.downcast().unwrap_or_else(|error| Self::Sync(SyncError::Sink(error)))
    }
}

impl From<SyncError> for KeepError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Sink(error) => error.into(),
            other => Self::Sync(other),
        }
    }
}

impl From<FileError> for KeepError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Sync(error) => error.into(),
            other => Self::Write(other),
        }
    }
}
