//! The checked form of a project file (`tutela.yml`): connections, doors, limits, policies, storage.

use std::fmt;
use std::time::Duration;

use model::ConnectionKey;
use serde_json::Value;

use crate::dataset_file::MaskingStrategy;
use crate::span_index::SpanIndex;

/// One project file, checked.
#[derive(Debug, Clone)]
pub struct Project {
    /// Instances of connectors, keys unique.
    pub connections: Vec<ConnectionEntry>,
    /// What the one door out may do.
    pub egress: EgressSettings,
    /// What to deliver and how to mask.
    pub policies: Vec<Policy>,
    /// Limits of reading.
    pub reading: ReadingSettings,
    /// Places where packages are put, keys unique.
    pub storage: Vec<StorageDestination>,
    /// Only updates that mask may erase (architecture §9).
    pub masking_strict: bool,
    /// How much a plan may change.
    pub limits: PlanLimits,
    /// Quiet period between the last write and the reads that verify it.
    pub verify_after: Duration,
    /// Where everything stands, for later messages; places as in `connections[0].connector`.
    pub spans: SpanIndex,
}

impl Project {
    /// The connection called `key`.
    pub fn find_connection(&self, key: &str) -> Option<&ConnectionEntry> {
        self.connections.iter().find(|connection| connection.key.as_str() == key)
    }

    /// The policy called `key`.
    pub fn find_policy(&self, key: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.key == key)
    }

    /// The place for packages called `key`.
    pub fn find_storage(&self, key: &str) -> Option<&StorageDestination> {
        self.storage.iter().find(|destination| destination.key == key)
    }

    /// Whether only updates that mask may erase data of `connection`: its own word, else the
    /// project's.
    pub fn is_masking_strict(&self, connection: &ConnectionEntry) -> bool {
        connection.masking_strict.unwrap_or(self.masking_strict)
    }
}

/// One instance of a connector with its secrets.
#[derive(Debug, Clone)]
pub struct ConnectionEntry {
    /// Its key, also the key of its dataset.
    pub key: ConnectionKey,
    /// Library name or path of the connector file, as written; empty for a Baton connector.
    pub connector: String,
    /// A Baton connector of somebody else, in place of a connector file.
    pub baton: Option<BatonConnector>,
    /// Path of a dataset file that replaces the connector's own, as written.
    pub dataset: Option<String>,
    /// What may be done through it.
    pub access: Access,
    /// Replaces the project's `masking_strict`.
    pub masking_strict: Option<bool>,
    /// Secrets in the order of the file.
    pub secrets: Vec<(String, SecretValue)>,
}

impl ConnectionEntry {
    /// The kind of database it leads to; `None` if it is run by a connector file.
    pub fn database(&self) -> Option<DatabaseKind> {
        DatabaseKind::from_name(&self.connector)
    }
}

/// A Baton connector of somebody else; it says who has access, and nothing about anybody's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatonConnector {
    /// A program that is run.
    Program {
        /// Its path, as written.
        program: String,
        /// SHA-256 of its bytes.
        sha256: [u8; 32],
        /// User of the machine that it runs as, as written.
        user: String,
        /// Settings that are no secrets, by the names of its flags, as texts.
        settings: Vec<(String, String)>,
        /// Kinds of resources that may be removed through it.
        delete: Vec<String>,
    },
    /// A `.c1z` file that one wrote.
    File {
        /// Its path, as written.
        file: String,
    },
}

/// Databases that are connections by themselves, without a connector file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatabaseKind {
    /// PostgreSQL, or what speaks its protocol.
    Postgres,
    /// MySQL or MariaDB.
    MySql,
    /// A SQLite file.
    Sqlite,
}

impl DatabaseKind {
    /// The kind that `connector: name` means.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "postgres" => Some(Self::Postgres),
            "mysql" => Some(Self::MySql),
            "sqlite" => Some(Self::Sqlite),
            _ => None,
        }
    }

    /// Its name in project files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
            Self::Sqlite => "sqlite",
        }
    }

    /// Schemes that its `url` may begin with.
    pub fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgres", "postgresql"],
            Self::MySql => &["mysql", "mariadb"],
            Self::Sqlite => &["sqlite"],
        }
    }

    /// Names of the secrets that it takes besides `url`, which replaces all of them but
    /// `db_schema` (privacy-requests C-4).
    pub fn secret_names(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["host", "port", "username", "password", "dbname", "db_schema", "ssl_mode"],
            Self::MySql => &["host", "port", "username", "password", "dbname", "ssl_mode"],
            Self::Sqlite => &[],
        }
    }

    /// Names of the secrets that it needs if there is no `url`.
    pub fn required_parts(self) -> &'static [&'static str] {
        match self {
            Self::Postgres | Self::MySql => &["host", "dbname"],
            Self::Sqlite => &["url"],
        }
    }
}

/// What may be done through a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Only reads.
    #[default]
    Read,
    /// Reads and writes.
    Write,
}

/// Where the value of a secret is.
#[derive(Clone, PartialEq)]
pub enum SecretValue {
    /// In the file itself.
    Literal(Value),
    /// In the environment variable of this name (`${NAME}`, the whole value).
    Environment(String),
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("Literal(…)"),
            Self::Environment(name) => f.debug_tuple("Environment").field(name).finish(),
        }
    }
}

/// Settings of the door; what is absent takes the door's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressSettings {
    /// Private networks or addresses that may be reached, as written.
    pub allow: Vec<String>,
    /// Host → other origin, in the order of the file.
    pub routes: Vec<(String, String)>,
    /// Proxy for every call.
    pub proxy: Option<String>,
    /// Longest wait for a connection, in milliseconds.
    pub connect_timeout_ms: Option<u64>,
    /// Longest silence while reading an answer, in milliseconds.
    pub read_timeout_ms: Option<u64>,
    /// Longest time for one call in all, in milliseconds.
    pub total_timeout_ms: Option<u64>,
    /// Largest answer, on the wire and unpacked, in bytes.
    pub max_response_bytes: Option<u64>,
}

/// Limits of reading; what is absent takes the default of the part that reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadingSettings {
    /// Attempts for one call, the first included.
    pub attempts: Option<u32>,
    /// Wait before the second attempt in milliseconds; doubles from there.
    pub retry_wait_ms: Option<u64>,
    /// Most pages of one reading.
    pub page_cap: Option<u64>,
    /// Longest time for one collection, in seconds.
    pub time_cap_s: Option<u64>,
    /// Calls in flight in all.
    pub in_flight: Option<usize>,
    /// Calls in flight per connection.
    pub in_flight_per_connection: Option<usize>,
}

/// What a privacy request delivers or erases.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its key, unique in the file.
    pub key: String,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its key, unique in the policy.
    pub key: String,
    /// What happens to the targeted data.
    pub action: ActionType,
    /// Data categories, with everything below them.
    pub targets: Vec<String>,
    /// How values are masked; always there in an erasure rule, and only there.
    pub masking_strategy: Option<MaskingStrategy>,
    /// Key of the place that takes the package; access rules only.
    pub storage_destination: Option<String>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionType {
    /// Delivers the data.
    Access,
    /// Erases the data.
    Erasure,
    /// Allows the data to be corrected.
    Rectification,
}

/// How much a plan may change; more refuses the plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanLimits {
    /// Most writes.
    pub max_writes: u64,
    /// Most people.
    pub max_subjects: u64,
    /// Largest share of the rows of one table, from 0 to 1.
    pub max_share_of_table: f64,
    /// Rows of one table that the share never refuses.
    pub min_rows: u64,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self { max_writes: 500, max_subjects: 1, max_share_of_table: 0.01, min_rows: 25 }
    }
}

/// A place where packages are put.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageDestination {
    /// Its key, unique in the file.
    pub key: String,
    /// Where it is.
    pub place: StoragePlace,
    /// Form of the package.
    pub format: PackageFormat,
    /// How long a package is kept.
    pub expires_after: Duration,
}

/// Where packages are put.
#[derive(Debug, Clone, PartialEq)]
pub enum StoragePlace {
    /// A folder, as written: relative to the project file.
    Local {
        /// The folder.
        folder: String,
    },
    /// A bucket.
    S3 {
        /// Its name.
        bucket: String,
        /// Put in front of the names of packages; may be empty.
        prefix: String,
        /// Its region.
        region: Option<String>,
        /// Origin of another server that speaks the protocol.
        endpoint: Option<String>,
        /// `access_key_id` and `secret_access_key`.
        secrets: Vec<(String, SecretValue)>,
    },
}

/// Form of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PackageFormat {
    /// One JSON document.
    #[default]
    Json,
    /// One table for each collection.
    Csv,
    /// A page to read.
    Html,
}
