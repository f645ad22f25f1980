use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

/// One setting or secret of a connection.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct ConnectorParam {
    /// Key among the connection's settings.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// Title of the form field.
    pub(crate) label: Option<String>,
    /// Help below the form field.
    pub(crate) description: Option<String>,
    /// Value that a connection gets if it brings none: text, an integer, or a list of either.
    #[serde(default)]
    #[schemars(schema_with = "default_value_schema")]
    pub(crate) default_value: Option<Value>,
    /// The only values that are accepted.
    pub(crate) options: Option<Vec<String>>,
    /// Several options may be chosen; needs `options`.
    pub(crate) multiselect: Option<bool>,
    /// The value is hidden wherever settings are shown.
    pub(crate) sensitive: Option<bool>,
    /// `endpoint` says that the value is a host; other words have no meaning.
    pub(crate) r#type: Option<String>,
    /// Patterns of permitted hosts, with `*` for letters, digits, `.`, `_` and `-`. Only with
    /// `type: endpoint`; an empty list permits every host.
    pub(crate) allowed_values: Option<Vec<String>>,
    /// `false`: a connection may leave it out. Without this key a param is required unless it has
    /// a default value.
    pub(crate) required: Option<bool>,
    /// CEL condition over the other settings: required only where it holds.
    pub(crate) required_when: Option<String>,
    /// `privacy` or `governance`: only that use of a connection needs it, so a connection for the other alone may
    /// leave it out. Without this key every use needs it.
    pub(crate) required_for: Option<ServiceWord>,
}

/// What a connection is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServiceWord {
    /// Privacy requests.
    Privacy,
    /// Who has access.
    Governance,
}

fn default_value_schema(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "anyOf": [
            {"type": ["string", "integer", "null"]},
            {"type": "array", "items": {"type": ["string", "integer"]}},
        ]
    })
}

/// A field of another dataset that the operator chooses.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct ExternalReference {
    /// Key among the connection's settings; requests name it in `references`.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// Title of the form field.
    pub(crate) label: Option<String>,
    /// Help below the form field.
    pub(crate) description: Option<String>,
    /// `privacy`: a connection for governance alone may leave it out.
    pub(crate) required_for: Option<ServiceWord>,
}
