use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::{Others, Strategy, strategy_schema};

/// How to get the next page.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Pagination {
    /// Name of the strategy.
    pub(crate) strategy: Option<String>,
    /// Its settings, of the type that belongs to the strategy.
    pub(crate) configuration: Option<Value>,
}

const STRATEGIES: &[Strategy] = &[
    Strategy {
        names: &["offset"],
        description: "A number in the query that grows with each page.",
        configuration: SchemaGenerator::subschema_for::<OffsetConfiguration>,
        optional: false,
    },
    Strategy {
        names: &["link"],
        description: "The answer holds the address of the next page.",
        configuration: SchemaGenerator::subschema_for::<LinkConfiguration>,
        optional: false,
    },
    Strategy {
        names: &["cursor"],
        description: "The answer holds a value that asks for the next page.",
        configuration: SchemaGenerator::subschema_for::<CursorConfiguration>,
        optional: false,
    },
];

impl JsonSchema for Pagination {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pagination".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        strategy_schema(generator, STRATEGIES, Others::Refused)
    }
}

/// Settings of `offset`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct OffsetConfiguration {
    /// The query param that grows; must stand among the request's `query_params`.
    #[schemars(required)]
    pub(crate) incremental_param: Option<String>,
    /// By how much it grows, at least 1.
    #[schemars(required)]
    pub(crate) increment_by: Option<i64>,
    /// Last value that is asked for: an integer, or `{connector_param: name}`.
    #[serde(default)]
    #[schemars(schema_with = "limit_schema")]
    pub(crate) limit: Option<Value>,
}

fn limit_schema(generator: &mut SchemaGenerator) -> Schema {
    let param = generator.subschema_for::<ParamName>();
    schemars::json_schema!({"anyOf": [{"type": ["integer", "null"]}, param]})
}

/// The value of a connector param.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct ParamName {
    /// Name of the connector param.
    #[schemars(required)]
    pub(crate) connector_param: Option<String>,
}

/// Settings of `link`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct LinkConfiguration {
    /// Where the link is.
    #[schemars(required)]
    pub(crate) source: Option<LinkSourceWord>,
    /// With `headers`: the relation to look for in the `Link` header, usually `next`.
    pub(crate) rel: Option<String>,
    /// With `body`: path of the link in the answer.
    pub(crate) path: Option<String>,
    /// Path of a flag that must be `true` to go on.
    pub(crate) has_next: Option<String>,
    /// On the last page the object around the link is left out. Without this key its absence
    /// counts as a malformed answer.
    pub(crate) absent_is_end: Option<bool>,
}

/// Where a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LinkSourceWord {
    /// In the `Link` header.
    Headers,
    /// In the body.
    Body,
}

/// Settings of `cursor`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct CursorConfiguration {
    /// The query param that takes the cursor.
    #[schemars(required)]
    pub(crate) cursor_param: Option<String>,
    /// Path of the cursor in the last row, or else in the whole answer.
    #[schemars(required)]
    pub(crate) field: Option<String>,
    /// Path of a flag that must be `true` to go on.
    pub(crate) has_next: Option<String>,
    /// On the last page the object around the cursor is left out. Without this key its absence
    /// counts as a malformed answer.
    pub(crate) absent_is_end: Option<bool>,
}
