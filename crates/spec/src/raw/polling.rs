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
    /// Fetches the result; takes `result_path` besides the usual keys.
    pub(crate) result_request: Option<Box<Request>>,
}
