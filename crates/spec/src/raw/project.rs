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
    /// What to deliver from what was read.
    pub(crate) policies: Option<Vec<PolicySection>>,
    /// Limits of reading.
    pub(crate) reading: Option<ReadingSection>,
}

/// One instance of a connector.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    /// Key of the connection and of its dataset: letters, digits, `_`, `.`, `-`.
    #[schemars(required, regex(pattern = "^[a-zA-Z0-9_.-]+$"))]
    pub(crate) key: Option<String>,
    /// Name of a connector of the library, or path of a connector file.
    #[schemars(required)]
    pub(crate) connector: Option<String>,
    /// Path of a dataset file, in place of the connector's own.
    pub(crate) dataset: Option<String>,
    /// What may be done through the connection; `read` if absent.
    pub(crate) access: Option<AccessWord>,
    /// Settings and secrets that the connector declares. `${NAME}` as a whole value is taken from
    /// the environment.
    pub(crate) secrets: Option<serde_json::Map<String, Value>>,
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
    /// Private networks or single addresses that may be reached, as in `10.1.0.0/16`.
    pub(crate) allow: Option<Vec<String>>,
    /// Host → origin that is called in its place, as in `http://127.0.0.1:8787`.
    #[serde(default)]
    #[schemars(schema_with = "routes_schema")]
    pub(crate) routes: Option<serde_json::Map<String, Value>>,
    /// Proxy for every call, as in `http://proxy.example.com:3128`.
    pub(crate) proxy: Option<String>,
    /// Longest wait for a connection, in milliseconds.
    #[schemars(range(min = 1))]
    pub(crate) connect_timeout_ms: Option<u64>,
    /// Longest silence while an answer is read, in milliseconds.
    #[schemars(range(min = 1))]
    pub(crate) read_timeout_ms: Option<u64>,
    /// Longest time of one call in all, in milliseconds.
    #[schemars(range(min = 1))]
    pub(crate) total_timeout_ms: Option<u64>,
    /// Largest answer in bytes, on the wire and unpacked.
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
    /// Attempts for one call, the first included.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) attempts: Option<u32>,
    /// Wait before the second attempt in milliseconds; it doubles from there.
    #[schemars(range(min = 0))]
    pub(crate) retry_wait_ms: Option<u64>,
    /// Most pages of one reading.
    #[schemars(range(min = 1))]
    pub(crate) page_cap: Option<u64>,
    /// Longest time for one collection, in seconds.
    #[schemars(range(min = 1))]
    pub(crate) time_cap_s: Option<u64>,
    /// Calls in flight in all.
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) in_flight: Option<usize>,
    /// Calls in flight per connection.
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
    /// Erasure rules only: how values are masked.
    pub(crate) masking_strategy: Option<MaskingOverride>,
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
}
