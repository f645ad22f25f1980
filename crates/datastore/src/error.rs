use std::fmt;

use egress::{Retry, SendError};
use model::{CollectionAddress, ConnectionKey, IncompleteReason};
use thiserror::Error;

use crate::DatabaseKind;

/// What went wrong with a database, and where.
///
/// Texts are made from codes and names. The server's own sentences are never passed on: they quote
/// values of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseError {
    /// The connection.
    pub connection: ConnectionKey,
    /// The collection, if it is about one.
    pub collection: Option<Box<CollectionAddress>>,
    /// What happened.
    pub fault: Fault,
}

impl DatabaseError {
    /// Whether the same can succeed later, with nothing changed by a person. A write whose commit
    /// is unknown must not be sent again blindly, so it says no.
    pub fn retry(&self) -> Retry {
        self.fault.retry()
    }

    /// How a reading that ends with this error is incomplete.
    pub fn reason(&self) -> IncompleteReason {
        self.fault.reason()
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.collection {
            Some(collection) => write!(f, "`{collection}` in database `{}`: {}", self.connection, self.fault),
            None => write!(f, "database `{}`: {}", self.connection, self.fault),
        }
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.fault)
    }
}

/// What can go wrong with a database.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// There is no driver for it here.
    #[error("this build has no driver for {kind}; the databases it can connect to are named in the guide")]
    NotBuiltIn {
        /// The database.
        kind: DatabaseKind,
    },
    /// The secrets do not say where the database is.
    #[error("{problem}")]
    Secrets {
        /// What is wrong, and what to write; names only.
        problem: String,
    },
    /// The address may not be called.
    #[error(transparent)]
    Address(#[from] SendError),
    /// A SQLite file that may not be opened.
    #[error("the database file {problem}")]
    File {
        /// Why not.
        problem: &'static str,
    },
    /// This is the database in which Tutela keeps its own state.
    #[error("this is Tutela's own state, which is never a connection; name another database")]
    OwnState,
    /// No connection was made.
    #[error("cannot connect; check host and port, that the server runs, and that no firewall is between")]
    Connect,
    /// No trusted connection was made.
    #[error("no trusted TLS connection; check `sslmode` and the root certificate (`sslrootcert`)")]
    Tls,
    /// User or password are wrong.
    #[error("user name or password are not accepted; check the secrets")]
    Credentials,
    /// The database does not exist on the server.
    #[error("the server has no such database; check `dbname` or the end of `url`")]
    NoDatabase,
    /// The table is missing.
    #[error(
        "there is no table {table}; check the collection's name and the dataset's `namespace`, or whether the schema changed"
    )]
    NoTable {
        /// Its name, with schema.
        table: String,
    },
    /// A column is missing.
    #[error("table {table} has no column `{column}`{}; correct the field's name in the dataset, or take it out", closest(nearest.as_deref()))]
    NoColumn {
        /// Table.
        table: String,
        /// The column the dataset names.
        column: String,
        /// A column of a similar name.
        nearest: Option<String>,
    },
    /// The schema changed between two statements.
    #[error("a table or column vanished or changed its type while it was used; run again")]
    SchemaChanged,
    /// A field below a column that holds no object.
    #[error(
        "field `{path}` lies below column `{column}` of type {declared}, which holds no JSON; correct the dataset"
    )]
    NotNested {
        /// Path of the field.
        path: String,
        /// Its column.
        column: String,
        /// The column's type.
        declared: String,
    },
    /// The account may not do this.
    #[error("the account lacks the right to do this; grant it `{privilege}` on the table")]
    Denied {
        /// The missing right.
        privilege: &'static str,
    },
    /// A write met a connection, server or file that only reads.
    #[error(
        "the connection is read-only; set `access: write`, and check that the server or file takes writes"
    )]
    ReadOnly,
    /// A write without a key for its rows.
    #[error(
        "the dataset marks no `primary_key` field{}; without it no row can be named for a change",
        own_key(table_key)
    )]
    NoPrimaryKey {
        /// The key the table really has.
        table_key: Vec<String>,
    },
    /// A row without a part of its key.
    #[error(
        "a row has no usable value for key field `{column}`; the full key is needed, nothing was changed"
    )]
    IncompleteKey {
        /// The part that is missing.
        column: String,
    },
    /// The key names more than one row.
    #[error(
        "the key names more rows than were planned ({affected} instead of {planned}); nothing was changed, mark the full key as `primary_key`"
    )]
    KeyNotUnique {
        /// Rows the statement would change.
        affected: u64,
        /// Rows that were meant.
        planned: u64,
    },
    /// A masked value that the column cannot take.
    #[error(
        "field `{path}` of type {declared} cannot take the masked value; choose another masking strategy for it"
    )]
    NotWritable {
        /// Path of the field.
        path: String,
        /// The column's type.
        declared: String,
    },
    /// Too many rows for one statement, or none.
    #[error("one statement is for 1 to {most} rows of equal shape")]
    BadBatch {
        /// The most rows.
        most: usize,
    },
    /// Other rows still point at this one, or it would point at nothing.
    #[error(
        "rows of {} are tied to these by foreign key {}; erase those first (`erase_after`), or add that table to the dataset", table.as_deref().map_or_else(|| "another table".to_owned(), |table| format!("`{table}`")), constraint.as_deref().unwrap_or("of that table")
    )]
    ForeignKey {
        /// The table that refers, where the server names it.
        table: Option<String>,
        /// The constraint, where the server names it.
        constraint: Option<String>,
    },
    /// A column does not take null.
    #[error("column {} does not accept null; choose another masking strategy for it", quoted(column.as_deref()))]
    NotNull {
        /// The column, where the server names it.
        column: Option<String>,
    },
    /// Equal values where the table wants different ones.
    #[error("the masked values are not unique, which {} asks for; choose a strategy that gives each row its own, such as `random_string_rewrite`", quoted(constraint.as_deref()))]
    Unique {
        /// The constraint, where the server names it.
        constraint: Option<String>,
    },
    /// A value that a rule of the table refuses.
    #[error("the table refuses a masked value ({}); choose another strategy, or set the field's `length`", quoted(constraint.as_deref()))]
    Refused {
        /// Constraint or column, where the server names it.
        constraint: Option<String>,
    },
    /// A statement or a page took too long.
    #[error(
        "no result within the time limit of a statement; is there an index on the columns that are searched?"
    )]
    Timeout,
    /// One row is larger than a page may become.
    #[error("a row is larger than {limit_bytes} bytes; take large columns out of the dataset")]
    RowTooLarge {
        /// The cap.
        limit_bytes: usize,
    },
    /// The connection broke off; nothing was committed.
    #[error("the connection broke off; nothing of the current statement took effect")]
    Lost,
    /// Two transactions wait for each other, or a lock does not come; nothing was committed.
    #[error("another transaction holds the rows (deadlock or lock wait); nothing took effect")]
    Deadlock,
    /// The server takes no more connections, or is starting or stopping.
    #[error("the server takes no connection now (too many, starting, or stopping)")]
    Busy,
    /// The disk of the server is full; nothing was committed.
    #[error("the disk of the database is full; nothing took effect")]
    DiskFull,
    /// The connection broke off during commit.
    #[error(
        "the connection broke off during commit; whether the change took effect must be read from the table"
    )]
    CommitUnknown,
    /// A value that cannot be read as what the column says it is.
    #[error("column `{column}` holds a value that cannot be read as {declared}")]
    BadValue {
        /// The column.
        column: String,
        /// Its type.
        declared: String,
    },
    /// Any other refusal.
    #[error("the database refused with code {code}")]
    Code {
        /// SQLSTATE or the server's own number.
        code: String,
    },
}

impl Fault {
    /// Whether the same can succeed later, with nothing changed by a person.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Connect
            | Self::SchemaChanged
            | Self::Timeout
            | Self::Lost
            | Self::Deadlock
            | Self::Busy => Retry::Yes,
            Self::Address(source) => source.retry(),
            Self::NotBuiltIn { .. }
            | Self::Secrets { .. }
            | Self::File { .. }
            | Self::OwnState
            | Self::Tls
            | Self::Credentials
            | Self::NoDatabase
            | Self::NoTable { .. }
            | Self::NoColumn { .. }
            | Self::NotNested { .. }
            | Self::Denied { .. }
            | Self::ReadOnly
            | Self::NoPrimaryKey { .. }
            | Self::IncompleteKey { .. }
            | Self::KeyNotUnique { .. }
            | Self::NotWritable { .. }
            | Self::BadBatch { .. }
            | Self::ForeignKey { .. }
            | Self::NotNull { .. }
            | Self::Unique { .. }
            | Self::Refused { .. }
            | Self::RowTooLarge { .. }
            | Self::DiskFull
            | Self::CommitUnknown
            | Self::BadValue { .. }
            | Self::Code { .. } => Retry::No,
        }
    }

    fn reason(&self) -> IncompleteReason {
        match self {
            Self::NoTable { .. }
            | Self::NoColumn { .. }
            | Self::NotNested { .. }
            | Self::SchemaChanged
            | Self::BadValue { .. } => IncompleteReason::Malformed,
            Self::RowTooLarge { .. } => IncompleteReason::Truncated,
            Self::Address(source) => source.reason(),
            Self::NotBuiltIn { .. }
            | Self::Secrets { .. }
            | Self::File { .. }
            | Self::OwnState
            | Self::Connect
            | Self::Tls
            | Self::Credentials
            | Self::NoDatabase
            | Self::Denied { .. }
            | Self::ReadOnly
            | Self::NoPrimaryKey { .. }
            | Self::IncompleteKey { .. }
            | Self::KeyNotUnique { .. }
            | Self::NotWritable { .. }
            | Self::BadBatch { .. }
            | Self::ForeignKey { .. }
            | Self::NotNull { .. }
            | Self::Unique { .. }
            | Self::Refused { .. }
            | Self::Timeout
            | Self::Lost
            | Self::Deadlock
            | Self::Busy
            | Self::DiskFull
            | Self::CommitUnknown
            | Self::Code { .. } => IncompleteReason::Connection,
        }
    }
}

fn closest(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(" (it has `{name}`)")).unwrap_or_default()
}

fn quoted(name: Option<&str>) -> String {
    name.map_or_else(|| "of that table".to_owned(), |name| format!("`{name}`"))
}

fn own_key(table_key: &[String]) -> String {
    match table_key {
        [] => " and the table has none".to_owned(),
        columns => format!(" (the table's key is `{}`)", columns.join("`, `")),
    }
}
