use std::path::PathBuf;
use std::time::Duration;

use egress::AllowedNetwork;
use model::ConnectionKey;
use serde_json::Value;
use spec::Access;
use spec::dataset_file::Namespace;

use crate::DatabaseKind;

/// What a connection to a database is made of. `Debug` is not offered: secrets are in it.
#[derive(Clone)]
pub struct DatabaseSettings {
    /// Key of the connection, also of its dataset.
    pub connection: ConnectionKey,
    /// Which database.
    pub kind: DatabaseKind,
    /// `url`, or its parts (`host`, `port`, `username`, `password`, `dbname`, `db_schema`,
    /// `sslmode`, `sslrootcert`); `url` wins (privacy-requests C-4).
    pub secrets: Vec<(String, Value)>,
    /// Whether writes may be made at all.
    pub access: Access,
    /// Where the dataset says its tables are (privacy-requests Q-16). MySQL has one level only: the
    /// database, or else the schema, is the database of the tables.
    pub namespace: Namespace,
    /// What the operator allows.
    pub boundary: Boundary,
    /// Limits of time and size.
    pub limits: ReadLimits,
}

/// What a connection may reach (architecture law 1, §13.19).
#[derive(Debug, Clone, Default)]
pub struct Boundary {
    /// Networks that are open although they are not public: `egress.allow`.
    pub allow: Vec<AllowedNetwork>,
    /// SQLite files lie in or below one of these folders.
    pub folders: Vec<PathBuf>,
    /// Relative SQLite paths start here: the project file's folder.
    pub base: PathBuf,
    /// Data folder and state files of Tutela: nothing in or below them is opened.
    pub own_paths: Vec<PathBuf>,
    /// The URL of Tutela's own state, if that is a server.
    pub own_state: Option<OwnState>,
}

/// Where Tutela keeps its own state on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnState {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database.
    pub database: String,
}

/// Limits of reading; all settable, all with a default.
#[derive(Debug, Clone)]
pub struct ReadLimits {
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time of one statement on the server, and of one page.
    pub statement_timeout: Duration,
    /// Most rows of a page.
    pub page_rows: usize,
    /// Size after which a page is full.
    pub page_bytes: usize,
    /// Largest row.
    pub row_bytes: usize,
    /// Attempts to read the first page of a unit, at least 1. Later pages are not tried again
    /// here: the unit would have to start over.
    pub attempts: u32,
    /// First wait between attempts; doubles each time.
    pub retry_wait: Duration,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_mins(5),
            page_rows: 4000,
            page_bytes: 1024 * 1024,
            row_bytes: 32 * 1024 * 1024,
            attempts: 4,
            retry_wait: Duration::from_secs(2),
        }
    }
}
