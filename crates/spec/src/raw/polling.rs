use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::{Others, Request, Strategy, strategy_schema};

/// How to go on with a request that the application answers later.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct AsyncConfig {
    /// Name of the strategy.
    pub(crate) strategy: Option<String>,
    /// Its settings, of the type that belongs to the strategy.
    pub(crate) configuration: Option<Value>,
}

const STRATEGIES: &[Strategy] = &[
    Strategy {
        names: &["callback"],
        description: "The application calls back when it is done.",
        configuration: |_| schemars::json_schema!({"type": ["object", "null"], "description": "No settings."}),
        optional: true,
    },
    Strategy {
        names: &["polling"],
        description: "We ask for the state until it is done.",
        configuration: SchemaGenerator::subschema_for::<PollingConfiguration>,
        optional: false,
    },
];

impl JsonSchema for AsyncConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AsyncConfig".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        strategy_schema(generator, STRATEGIES, Others::Accepted)
    }
}

/// Settings of `polling`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct PollingConfiguration {
    /// Asks for the state; takes `status_path` and `status_completed_value` besides the usual keys.
    #[schemars(required)]
    pub(crate) status_request: Option<Box<Request>>,
    /// Fetches the result; takes `result_path` besides the usual keys. Reads need it.
    pub(crate) result_request: Option<Box<Request>>,
    /// States that mean that the job ended without a result: the reading, or the write, failed.
    #[serde(default)]
    #[schemars(schema_with = "states_schema")]
    pub(crate) failed_values: Option<Vec<Value>>,
    /// States that mean that the job ended and there was nothing: no rows, and nothing to erase.
    #[serde(default)]
    #[schemars(schema_with = "states_schema")]
    pub(crate) empty_values: Option<Vec<Value>>,
    /// Longest time between two looks, as in `30m`; one hour if absent. The first looks come sooner.
    pub(crate) interval: Option<String>,
    /// The job is given up this long after it was started, as in `45d`; 30 days if absent.
    pub(crate) deadline: Option<String>,
}

fn states_schema(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({"type": ["array", "null"], "items": {"type": ["string", "integer", "boolean"]}})
}
