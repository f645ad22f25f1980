//! The checked form of a project file (`tutela.yml`): connections, doors, limits, policies.

use std::fmt;

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
}

/// One instance of a connector with its secrets.
#[derive(Debug, Clone)]
pub struct ConnectionEntry {
    /// Its key, also the key of its dataset.
    pub key: ConnectionKey,
    /// Library name or path of the connector file, as written.
    pub connector: String,
    /// Path of a dataset file that replaces the connector's own, as written.
    pub dataset: Option<String>,
    /// What may be done through it.
    pub access: Access,
    /// Secrets in the order of the file.
    pub secrets: Vec<(String, SecretValue)>,
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
    /// How values are masked; erasure rules only.
    pub masking_strategy: Option<MaskingStrategy>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionType {
    /// Delivers the data.
    Access,
    /// Erases the data.
    Erasure,
}
