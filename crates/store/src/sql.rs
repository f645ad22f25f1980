//! How statements are said to either database, in one way.
//!
//! PostgreSQL is spoken to by `sqlx`. SQLite runs in this process: its statements are a few
//! microseconds of work each and run where they are said, on the thread of whoever says them. A
//! thread of the database's own, to which each statement is handed and from which each row comes
//! back, costs several times what the statement costs. What waits for the disk is said to the runtime,
//! which lets others go on meanwhile.

mod bound;
mod column;
mod connection;
mod error;
mod executor;
mod pool;
mod row;
mod sqlite;
mod transaction;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(crate) use bound::{Bind, Bound};
pub(crate) use column::Column;
pub(crate) use connection::Connection;
pub(crate) use error::Cause;
pub use error::DatabaseError;
pub(crate) use executor::Executor;
pub(crate) use pool::{Lent, Pool, WAIT};
pub(crate) use row::Row;
pub(crate) use sqlite::SqliteConnection;
pub(crate) use transaction::Transaction;

/// A statement and the values of its places `$1`, `$2`, ….
#[derive(Debug)]
pub(crate) struct Query<'a> {
    text: Cow<'static, str>,
    values: Vec<Bound<'a>>,
    /// Whether it may take long, so that others on the same thread should not wait for it.
    is_long: bool,
}

/// A statement of this program.
pub(crate) fn query<'a>(text: &'static str) -> Query<'a> {
    Query { text: Cow::Borrowed(text), values: Vec::new(), is_long: false }
}

/// A statement that this program has put together, for as many values as there are. What comes from
/// outside is never in its text, always among its values.
pub(crate) fn query_made<'a>(text: String) -> Query<'a> {
    Query { text: Cow::Owned(text), values: Vec::new(), is_long: false }
}

/// What a statement changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Done {
    rows: u64,
}

impl Done {
    pub(crate) fn rows_affected(self) -> u64 {
        self.rows
    }
}

/// How many rows of a statement are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    None,
    First,
    All,
}

/// What a statement came to.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    changed: u64,
    rows: Vec<Row>,
}

impl<'a> Query<'a> {
    /// The value of the next place.
    pub(crate) fn bind(mut self, value: impl Bind<'a>) -> Self {
        self.values.push(value.bound());
        self
    }

    /// Said of what goes through much of the file.
    pub(crate) fn long(mut self) -> Self {
        self.is_long = true;
        self
    }

    pub(crate) async fn execute(self, on: impl Executor) -> Result<Done, DatabaseError> {
        Ok(Done { rows: on.run(self, Wanted::None).await?.changed })
    }

    pub(crate) async fn fetch_optional(self, on: impl Executor) -> Result<Option<Row>, DatabaseError> {
        Ok(on.run(self, Wanted::First).await?.rows.pop())
    }

    pub(crate) async fn fetch_one(self, on: impl Executor) -> Result<Row, DatabaseError> {
        self.fetch_optional(on).await?.ok_or(DatabaseError::no_row())
    }

    pub(crate) async fn fetch_all(self, on: impl Executor) -> Result<Vec<Row>, DatabaseError> {
        Ok(on.run(self, Wanted::All).await?.rows)
    }
}
