use std::fmt;

/// What a database, or the way to it, said.
#[derive(Debug)]
pub struct DatabaseError(Reason);

#[derive(Debug)]
enum Reason {
    Sqlite(rusqlite::Error),
    Postgres(sqlx::Error),
    /// A row holds something else than this version writes.
    Column(usize),
    NoRow,
    Closed,
    TimedOut,
}

/// What can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The database refused, by this code: SQLite's extended numbers, PostgreSQL's five characters.
    Refused(String),
    /// There is no way to it.
    Away,
    /// What it holds is not what was written.
    Damaged,
    /// A mistake of this program.
    Other,
}

impl DatabaseError {
    pub(super) fn column(place: usize) -> Self {
        Self(Reason::Column(place))
    }

    pub(super) fn no_row() -> Self {
        Self(Reason::NoRow)
    }

    pub(super) fn closed() -> Self {
        Self(Reason::Closed)
    }

    pub(super) fn timed_out() -> Self {
        Self(Reason::TimedOut)
    }

    pub(crate) fn cause(&self) -> Cause {
        match &self.0 {
            Reason::Sqlite(error) => match error.sqlite_error() {
                Some(error) => Cause::Refused(error.extended_code.to_string()),
                None => Cause::Other,
            },
            Reason::Postgres(sqlx::Error::Database(error)) => {
                Cause::Refused(error.code().unwrap_or_default().into_owned())
            }
            Reason::Postgres(
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                // A connection that is not in the state it was taken to be in: another one may be.
                | sqlx::Error::BeginFailed
                | sqlx::Error::InvalidSavePointStatement,
            )
            | Reason::Closed
            | Reason::TimedOut => Cause::Away,
            Reason::Postgres(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) | Reason::Column(_) => {
                Cause::Damaged
            }
            Reason::Postgres(_) | Reason::NoRow => Cause::Other,
        }
    }

    /// Whether another connection to the file is in the way.
    pub(super) fn is_busy(&self) -> bool {
        matches!(&self.0, Reason::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy))
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Sqlite(error) => error.fmt(f),
            Reason::Postgres(error) => error.fmt(f),
            Reason::Column(place) => write!(f, "column {place} of a row holds something else"),
            Reason::NoRow => f.write_str("no row where there is always one"),
            Reason::Closed => f.write_str("the connections to the database were closed"),
            Reason::TimedOut => f.write_str("no connection to the database became free in time"),
        }
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Reason::Sqlite(error) => error.source(),
            Reason::Postgres(error) => error.source(),
            Reason::Column(_) | Reason::NoRow | Reason::Closed | Reason::TimedOut => None,
        }
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        Self(Reason::Postgres(error))
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        Self(Reason::Sqlite(error))
    }
}
