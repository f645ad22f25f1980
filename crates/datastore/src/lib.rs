//! The company's own databases: PostgreSQL, MySQL or MariaDB, SQLite.
//!
//! For: reading the tables that a dataset describes, with the values that the graph gathered, in
//! pages and with exact types; making and sending changes by primary key. Not for: which rows and
//! values are changed (`graph`), the order of collections (`engine`), Tutela's own state (`store`).
//! A change needs an `egress::WritePermit`, like every write.
//!
//! ```
//! use std::sync::Arc;
//! use datastore::{Boundary, Database, DatabaseKind, DatabaseSettings, ReadLimits};
//! use model::SystemClock;
//!
//! let settings = DatabaseSettings {
//!     connection: "shop".parse()?,
//!     kind: DatabaseKind::PostgreSql,
//!     secrets: vec![("url".into(), "postgres://ana:secret@db.example.com/shop".into())],
//!     access: spec::Access::Read,
//!     namespace: spec::dataset_file::Namespace::default(),
//!     boundary: Boundary::default(),
//!     limits: ReadLimits::default(),
//! };
//! let database = Database::new(&settings, Arc::new(SystemClock))?;
//! assert!(!format!("{database:?}").contains("secret"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
    not(all(feature = "postgres", feature = "mysql", feature = "sqlite")),
    expect(dead_code, reason = "what a driver that is left out would use")
)]

mod address;
mod change;
mod columns;
mod condition;
mod count;
mod database;
mod dialect;
mod driver;
mod error;
mod file;
mod kind;
mod operation;
mod page;
mod preview;
mod reading;
mod select;
mod server;
mod settings;
#[cfg(test)]
mod suite;
mod table;
mod value;

pub use change::{Changes, PlannedChange, RefusedChange, RowChange};
pub use database::Database;
pub use error::{DatabaseError, Fault};
pub use kind::{DatabaseKind, UnknownDatabaseKind};
pub use model::{CallStats, Page};
pub use operation::{SqlOperation, Write};
pub use reading::{PageReader, Reading};
pub use settings::{Boundary, DatabaseSettings, OwnState, ReadLimits};
pub use value::SqlValue;
