use std::path::PathBuf;

use crypto::UnsealError;
use model::RunId;
use thiserror::Error;

use crate::sql::{Cause, DatabaseError};

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same call may succeed later.
    Yes,
    /// It will not, until something is changed.
    No,
}

/// What the state database could not do. Holds ids and codes, never rows, identities or secrets.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The place names no database that can hold the state.
    #[error("`{scheme}` is no place for the state; give a file, or a `postgres://` URL")]
    Place {
        /// What stands before `:`.
        scheme: String,
    },
    /// The database file cannot be made or opened.
    #[error("the state database {} cannot be opened; check that its folder exists and may be written", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Tables of a newer version, or changed by hand.
    #[error(
        "the tables of the state database are not those of this version; a newer version may have been here"
    )]
    Schema {
        /// What differs.
        #[source]
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// A commit would not survive a power failure.
    #[error("the state database is set to lose commits (`{setting}` is `{found}`); set it to `{wanted}`")]
    NotDurable {
        /// The database's setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What is needed.
        wanted: &'static str,
    },
    /// No connection, or lost in the middle; nothing of an open transaction was kept.
    #[error("the state database does not answer; what was under way was not kept")]
    Unavailable {
        /// What the driver said.
        #[source]
        source: DatabaseError,
    },
    /// Another process was in the way, or two waited for each other.
    #[error("the state database was busy with another process")]
    Busy {
        /// What the database said.
        #[source]
        source: DatabaseError,
    },
    /// Writing is not allowed.
    #[error(
        "the state database is read-only; give the account the right to write, or make the file and its folder writable"
    )]
    ReadOnly {
        /// What the database said.
        #[source]
        source: DatabaseError,
    },
    /// No room left.
    #[error("no room left for the state database; make room and go on, nothing half-written was kept")]
    DiskFull {
        /// What the database said.
        #[source]
        source: DatabaseError,
    },
    /// Somebody else took the work over.
    #[error("{what} was taken over by another worker; this one must stop and write nothing more")]
    Fenced {
        /// Task or lease.
        what: String,
    },
    /// No such thing.
    #[error("there is no {what} `{id}` in this state database")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A thing is not in the state that the step needs.
    #[error("{what} `{id}` is {state}; {needs}")]
    Conflict {
        /// Kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
        /// How it is.
        state: String,
        /// How it would have to be, or what to do.
        needs: &'static str,
    },
    /// The answer could only be a part of what is asked for.
    #[error("more than {most} {what} would have to be looked through; narrow the search, by date or status")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many can be looked through.
        most: u64,
    },
    /// The run's data key was destroyed.
    #[error("the personal data of {run} was destroyed and cannot be read")]
    Forgotten {
        /// Whose.
        run: RunId,
    },
    /// A sealed record does not open.
    #[error("{what} cannot be opened")]
    Sealed {
        /// Kind of record.
        what: &'static str,
        /// Why.
        #[source]
        source: UnsealError,
    },
    /// A row holds what this version never writes.
    #[error("{what} in the state database is damaged, or written by a newer version")]
    Damaged {
        /// Kind of record.
        what: &'static str,
    },
    /// Anything else the database refused.
    #[error("the state database refused a statement")]
    Database {
        /// What it said.
        #[source]
        source: DatabaseError,
    },
}

impl StoreError {
    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unavailable { .. } | Self::Busy { .. } => Retry::Yes,
            Self::Place { .. }
            | Self::File { .. }
            | Self::Schema { .. }
            | Self::NotDurable { .. }
            | Self::ReadOnly { .. }
            | Self::DiskFull { .. }
            | Self::Fenced { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::TooMany { .. }
            | Self::Forgotten { .. }
            | Self::Sealed { .. }
            | Self::Damaged { .. }
            | Self::Database { .. } => Retry::No,
        }
    }
}

/// Sorts what the drivers say by what can be done about it.
impl From<DatabaseError> for StoreError {
    fn from(source: DatabaseError) -> Self {
        match source.cause() {
            Cause::Refused(code) => crate::dialect::classify(&code, source),
            Cause::Away => Self::Unavailable { source },
            Cause::Damaged => Self::Damaged { what: "a row" },
            Cause::Other => Self::Database { source },
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> Self {
        DatabaseError::from(source).into()
    }
}

impl From<UnsealError> for StoreError {
    fn from(source: UnsealError) -> Self {
        Self::Sealed { what: "a sealed record", source }
    }
}
