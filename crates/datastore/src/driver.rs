//! The drivers. A further database is a file here, a variant, and what the compiler then asks for.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::{Mutex, PoisonError};

use crate::address::Address;
use crate::dialect::Dialect;
use crate::page::PageSink;
use crate::select::Select;
use crate::table::{Table, TableName};
use crate::{DatabaseKind, DatabaseSettings, Fault, SqlValue};

/// The way to one database.
#[derive(Debug)]
pub(crate) enum Driver {
    #[cfg(feature = "postgres")]
    PostgreSql(postgres::PostgreSql),
    #[cfg(feature = "mysql")]
    MySql(mysql::MySql),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Sqlite),
}

/// What a session may do. Each has its own connections: one that reads is never lent to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    Read,
    Write,
}

/// A statement that changes rows, and how many it is meant to change at most.
pub(crate) struct Change<'a> {
    pub(crate) sql: &'a str,
    pub(crate) parameters: &'a [SqlValue],
    pub(crate) planned: u64,
}

impl Driver {
    /// Prepares the way; nothing is dialled or opened.
    pub(crate) fn new(settings: &DatabaseSettings) -> Result<Self, Fault> {
        let kind = settings.kind;
        if !kind.is_built_in() {
            return Err(Fault::NotBuiltIn { kind });
        }
        match (Address::parse(kind, &settings.secrets)?, kind) {
            #[cfg(feature = "postgres")]
            (Address::Server(address), DatabaseKind::PostgreSql) => {
                Ok(Self::PostgreSql(postgres::PostgreSql::new(address, settings)))
            }
            #[cfg(feature = "mysql")]
            (Address::Server(address), DatabaseKind::MySql) => {
                Ok(Self::MySql(mysql::MySql::new(address, settings)))
            }
            #[cfg(feature = "sqlite")]
            (Address::File(path), DatabaseKind::Sqlite) => {
                Ok(Self::Sqlite(sqlite::Sqlite::new(path, settings)))
            }
            (_, kind) => Err(Fault::NotBuiltIn { kind }),
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            #[cfg(feature = "postgres")]
            Self::PostgreSql(_) => Dialect::PostgreSql,
            #[cfg(feature = "mysql")]
            Self::MySql(_) => Dialect::MySql,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Connects and asks for 1 (privacy-requests C-8).
    pub(crate) async fn test(&self) -> Result<(), Fault> {
        match self {
            #[cfg(feature = "postgres")]
            Self::PostgreSql(driver) => driver.test().await,
            #[cfg(feature = "mysql")]
            Self::MySql(driver) => driver.test().await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(driver) => driver.test().await,
        }
    }

    /// What the catalogue says about a table.
    pub(crate) async fn describe(&self, name: TableName) -> Result<Table, Fault> {
        let columns = match self {
            #[cfg(feature = "postgres")]
            Self::PostgreSql(driver) => driver.columns(&name).await?,
            #[cfg(feature = "mysql")]
            Self::MySql(driver) => driver.columns(&name).await?,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(driver) => driver.columns(&name).await?,
        };
        if columns.is_empty() {
            return Err(Fault::NoTable { table: name.to_string() });
        }
        Ok(Table { name, columns })
    }

    /// Reads in a transaction that can only read; rows go to `sink` as they come.
    pub(crate) async fn stream(&self, select: &Select, sink: PageSink) -> Result<(), Fault> {
        match self {
            #[cfg(feature = "postgres")]
            Self::PostgreSql(driver) => driver.stream(select, sink).await,
            #[cfg(feature = "mysql")]
            Self::MySql(driver) => driver.stream(select, sink).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(driver) => driver.stream(select, sink).await,
        }
    }

    /// Makes a change in one transaction and gives the number of rows it met.
    pub(crate) async fn execute(&self, change: &Change<'_>) -> Result<u64, Fault> {
        match self {
            #[cfg(feature = "postgres")]
            Self::PostgreSql(driver) => driver.execute(change).await,
            #[cfg(feature = "mysql")]
            Self::MySql(driver) => driver.execute(change).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(driver) => driver.execute(change).await,
        }
    }

    /// Whether one statement may carry many rows.
    #[cfg_attr(not(feature = "mysql"), expect(clippy::unused_async, reason = "only MySQL has to be asked"))]
    pub(crate) async fn takes_batches(&self) -> Result<bool, Fault> {
        match self {
            #[cfg(feature = "postgres")]
            Self::PostgreSql(_) => Ok(true),
            #[cfg(feature = "mysql")]
            Self::MySql(driver) => driver.has_json_table().await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Ok(true),
        }
    }
}

/// Connections that ended their work cleanly and wait for more.
#[derive(Debug)]
pub(crate) struct Idle<C> {
    read: Mutex<Vec<C>>,
    write: Mutex<Vec<C>>,
}

/// More than this are closed.
const MOST_IDLE: usize = 8;

impl<C> Idle<C> {
    fn new() -> Self {
        Self { read: Mutex::default(), write: Mutex::default() }
    }

    fn list(&self, session: Session) -> &Mutex<Vec<C>> {
        match session {
            Session::Read => &self.read,
            Session::Write => &self.write,
        }
    }

    fn take(&self, session: Session) -> Option<C> {
        self.list(session).lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, session: Session, connection: C) {
        let mut list = self.list(session).lock().unwrap_or_else(PoisonError::into_inner);
        if list.len() < MOST_IDLE {
            list.push(connection);
        }
    }
}

/// Faults of the driver itself, where the server says nothing.
fn driver_fault(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Tls(_) => Fault::Tls,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => Fault::Lost,
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => Fault::SchemaChanged,
        _ => Fault::Code { code: "driver".to_owned() },
    }
}

/// What is left of a fault when the connection was being made.
fn while_connecting(fault: Fault) -> Fault {
    match fault {
        Fault::Lost => Fault::Connect,
        other => other,
    }
}

/// What a fault during COMMIT means: only a refusal of the server says that nothing took effect.
fn while_committing(fault: Fault) -> Fault {
    match fault {
        certain @ (Fault::ForeignKey { .. }
        | Fault::Unique { .. }
        | Fault::NotNull { .. }
        | Fault::Refused { .. }
        | Fault::Deadlock) => certain,
        _ => Fault::CommitUnknown,
    }
}
