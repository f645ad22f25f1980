use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::MaskingOverride;

/// A project file (`tutela.yml`): connections with their secrets, and how to use them.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Tutela project file")]
pub(crate) struct ProjectDocument {
    /// Instances of connectors.
    #[schemars(required)]
    pub(crate) connections: Option<Vec<Connection>>,
    /// What outgoing calls may do.
    pub(crate) egress: Option<EgressSection>,
    /// What to deliver from what was read, what to erase and how, and what may be corrected.
    pub(crate) policies: Option<Vec<PolicySection>>,
    /// Limits of reading.
    pub(crate) reading: Option<ReadingSection>,
    /// Places where packages are put.
    pub(crate) storage: Option<Vec<StorageSection>>,
    /// `true` (default): data are erased only by updates that mask them. `false`: the calls of a
    /// connector that delete rows or a person may be used too.
    pub(crate) masking_strict: Option<bool>,
    /// How much a plan may change.
    pub(crate) limits: Option<LimitsSection>,
    /// Quiet period between the last write and the reads that verify it, as in `0s`, `30m`, `2h`
    /// or `1d`; nothing if absent.
    pub(crate) verify_after: Option<String>,
}

/// One instance of a connector.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    /// Key of the connection and of its dataset: letters, digits, `_`, `.`, `-`.
    #[schemars(required, regex(pattern = "^[a-zA-Z0-9_.-]+$"))]
    pub(crate) key: Option<String>,
    /// Name of a connector of the library, path of a connector file, or one of `postgres`, `mysql`
    /// and `sqlite` for a database. Required, unless there is `baton`.
    pub(crate) connector: Option<String>,
    /// In place of `connector`: a Baton connector of somebody else, which says who has access.
    pub(crate) baton: Option<BatonSection>,
    /// Path of a dataset file, in place of the connector's own. A database needs one.
    pub(crate) dataset: Option<String>,
    /// What may be done through the connection; `read` if absent.
    pub(crate) access: Option<AccessWord>,
    /// In place of the project's `masking_strict`, for this connection.
    pub(crate) masking_strict: Option<bool>,
    /// Settings and secrets that the connector declares. `${NAME}` as a whole value is taken from
    /// the environment. A database takes `url`, or its parts: `host`, `port`, `username`,
    /// `password`, `dbname`, for PostgreSQL also `db_schema`; SQLite only `url`.
    pub(crate) secrets: Option<serde_json::Map<String, Value>>,
}

/// A Baton connector of somebody else: a program that is run, or a file that it wrote.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatonSection {
    /// Path of the program. It gets `secrets` and `settings`, and nothing else of where it is run.
    pub(crate) program: Option<String>,
    /// SHA-256 of the program, 64 hexadecimal digits, as `sha256sum` prints it. Required with `program`:
    /// another program is not started.
    pub(crate) sha256: Option<String>,
    /// User of the machine that the program runs as, by name or by number in quotes. Required with
    /// `program`.
    pub(crate) user: Option<String>,
    /// Settings that are no secrets, by the names of the program's flags: texts, numbers, `true`,
    /// `false`, and lists of texts. Secrets stand in `secrets` of the connection, by the same names.
    pub(crate) settings: Option<serde_json::Map<String, Value>>,
    /// Kinds of resources that may be removed through the program, as in `[user]`, by their ids in its files;
    /// it takes `access: write` of the connection, too. `[]` if absent.
    pub(crate) delete: Option<Vec<String>>,
    /// In place of a program: path of a `.c1z` file.
    pub(crate) file: Option<String>,
}

/// What may be done through a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AccessWord {
    /// Only reads.
    Read,
    /// Reads and writes.
    Write,
}

/// What outgoing calls may do.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EgressSection {
    /// Private networks or single addresses that may be reached, as in `10.1.0.0/16`. `[]` if absent.
    pub(crate) allow: Option<Vec<String>>,
    /// Host, perhaps with a port → origin that is called in its place, as in
    /// `http://127.0.0.1:8787`. `{}` if absent.
    #[serde(default)]
    #[schemars(schema_with = "routes_schema")]
    pub(crate) routes: Option<serde_json::Map<String, Value>>,
    /// Proxy for every call, as in `http://proxy.example.com:3128`; none if absent.
    pub(crate) proxy: Option<String>,
    /// Longest wait for a connection, in milliseconds. `3050` if absent.
    #[schemars(range(min = 1))]
    pub(crate) connect_timeout_ms: Option<u64>,
    /// Longest silence while an answer is read, in milliseconds. `60000` if absent.
    #[schemars(range(min = 1))]
    pub(crate) read_timeout_ms: Option<u64>,
    /// Longest time of one call in all, in milliseconds. `300000` if absent.
    #[schemars(range(min = 1))]
    pub(crate) total_timeout_ms: Option<u64>,
    /// Largest answer in bytes, on the wire and unpacked. `33554432` if absent.
    #[schemars(range(min = 1))]
    pub(crate) max_response_bytes: Option<u64>,
}

fn routes_schema(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({"type": ["object", "null"], "additionalProperties": {"type": "string"}})
}

/// Limits of reading.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadingSection {
    /// Attempts for one call, the first included. `4` if absent.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) attempts: Option<u32>,
    /// Wait before the second attempt in milliseconds; it doubles from there. `2000` if absent.
    #[schemars(range(min = 0))]
    pub(crate) retry_wait_ms: Option<u64>,
    /// Most pages of one reading. `100000` if absent.
    #[schemars(range(min = 1))]
    pub(crate) page_cap: Option<u64>,
    /// Longest time for one collection, in seconds. `86400` if absent.
    #[schemars(range(min = 1))]
    pub(crate) time_cap_s: Option<u64>,
    /// Calls in flight in all. `64` if absent.
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) in_flight: Option<usize>,
    /// Calls in flight per connection. `8` if absent.
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) in_flight_per_connection: Option<usize>,
}

/// What a privacy request delivers or erases.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicySection {
    /// Key, unique in the file.
    #[schemars(required, regex(pattern = "^[a-zA-Z0-9_.-]+$"))]
    pub(crate) key: Option<String>,
    /// The rules.
    #[schemars(required)]
    pub(crate) rules: Option<Vec<RuleSection>>,
}

/// One rule of a policy.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleSection {
    /// Key, unique in the policy.
    #[schemars(required, regex(pattern = "^[a-zA-Z0-9_.-]+$"))]
    pub(crate) key: Option<String>,
    /// What happens to the data.
    #[schemars(required)]
    pub(crate) action_type: Option<ActionWord>,
    /// What the rule is about.
    #[schemars(required)]
    pub(crate) targets: Option<Vec<TargetSection>>,
    /// Erasure rules, which need it: how values are masked.
    pub(crate) masking_strategy: Option<MaskingOverride>,
    /// Access rules only: key of the entry of `storage` that takes the package; the folder given
    /// on the command line if absent.
    pub(crate) storage_destination: Option<String>,
}

/// One target of a rule.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetSection {
    /// A data category; everything below it is meant too.
    #[schemars(required)]
    pub(crate) data_category: Option<String>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ActionWord {
    /// Delivers the data.
    Access,
    /// Erases the data.
    Erasure,
    /// Allows the data to be corrected.
    Rectification,
}

/// How much a plan may change.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsSection {
    /// Most writes of one plan: each request that an application gets counts, and each row that a statement
    /// changes. `500` if absent.
    #[schemars(range(min = 0))]
    pub(crate) max_writes: Option<u64>,
    /// Most people that one plan is about. `1` if absent.
    #[schemars(range(min = 0))]
    pub(crate) max_subjects: Option<u64>,
    /// Largest share of the rows of one table that one plan changes, from 0 to 1. `0.01` if absent.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) max_share_of_table: Option<f64>,
    /// Rows of one table that a share never refuses. `25` if absent.
    #[schemars(range(min = 0))]
    pub(crate) min_rows: Option<u64>,
}

/// A place where packages are put.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StorageSection {
    /// Key, unique in the file.
    #[schemars(required, regex(pattern = "^[a-zA-Z0-9_.-]+$"))]
    pub(crate) key: Option<String>,
    /// Kind of place.
    #[schemars(required)]
    pub(crate) r#type: Option<StorageWord>,
    /// Form of the package; `json` if absent.
    pub(crate) format: Option<FormatWord>,
    /// How long a package is kept, as in `12h` or `7d`; 7 days if absent.
    pub(crate) expires_after: Option<String>,
    /// `local`: the folder, relative to the project file.
    pub(crate) folder: Option<String>,
    /// `s3`: name of the bucket.
    pub(crate) bucket: Option<String>,
    /// `s3`: put in front of the names of packages.
    pub(crate) prefix: Option<String>,
    /// `s3`: region of the bucket.
    pub(crate) region: Option<String>,
    /// `s3`: another server that speaks the protocol, as in `https://storage.example.com`.
    pub(crate) endpoint: Option<String>,
    /// `s3`: `access_key_id` and `secret_access_key`. `${NAME}` as a whole value is taken from the
    /// environment.
    pub(crate) secrets: Option<serde_json::Map<String, Value>>,
}

/// Kinds of places for packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StorageWord {
    /// A folder of this machine.
    Local,
    /// A bucket of Amazon S3 or of a server that speaks its protocol.
    S3,
}

/// Forms of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FormatWord {
    /// One JSON document.
    Json,
    /// One table for each collection.
    Csv,
    /// A page to read.
    Html,
}
