use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::{Others, Strategy, strategy_schema};

/// A step between the answer and the rows.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Postprocessor {
    /// Name of the strategy.
    pub(crate) strategy: Option<String>,
    /// Its settings, of the type that belongs to the strategy.
    pub(crate) configuration: Option<Value>,
}

const STRATEGIES: &[Strategy] = &[
    Strategy {
        names: &["unwrap"],
        description: "Takes the value at a path out of each element.",
        configuration: SchemaGenerator::subschema_for::<UnwrapConfiguration>,
        optional: false,
    },
    Strategy {
        names: &["filter"],
        description: "Keeps the elements that match.",
        configuration: SchemaGenerator::subschema_for::<FilterConfiguration>,
        optional: false,
    },
    Strategy {
        names: &["extract_for_execution_log"],
        description: "Copies a text of the answer into the message of the task.",
        configuration: SchemaGenerator::subschema_for::<ExtractConfiguration>,
        optional: true,
    },
];

impl JsonSchema for Postprocessor {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Postprocessor".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        strategy_schema(generator, STRATEGIES, Others::Refused)
    }
}

/// Settings of `unwrap`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct UnwrapConfiguration {
    /// The path.
    #[schemars(required)]
    pub(crate) data_path: Option<String>,
}

/// Settings of `filter`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct FilterConfiguration {
    /// Dotted path into each element; lists on the way are searched through.
    #[schemars(required)]
    pub(crate) field: Option<String>,
    /// What to look for: text, `{identity: name}`, or `{dataset_reference: dataset.collection.field}`.
    pub(crate) value: Option<Wanted>,
    /// Compare the whole value (default), else look for a part of it.
    pub(crate) exact: Option<bool>,
    /// Tell upper from lower case (default).
    pub(crate) case_sensitive: Option<bool>,
}

/// What a filter looks for.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// This text.
    Text(String),
    /// A value of the person, or of rows read before.
    Source(WantedSource),
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Text(text)),
            source => serde_json::from_value(source).map(Self::Source).map_err(serde::de::Error::custom),
        }
    }
}

impl JsonSchema for Wanted {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Wanted".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let source = generator.subschema_for::<WantedSource>();
        schemars::json_schema!({"anyOf": [{"type": "string"}, source]})
    }
}

/// Where the wanted value comes from; one of the two.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct WantedSource {
    /// An identity of the person.
    pub(crate) identity: Option<String>,
    /// A field of rows read before, as `dataset.collection.field`.
    pub(crate) dataset_reference: Option<String>,
}

/// Settings of `extract_for_execution_log`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct ExtractConfiguration {
    /// Where the text is; without it the whole body.
    pub(crate) path: Option<String>,
}
