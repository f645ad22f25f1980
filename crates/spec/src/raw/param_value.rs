use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

/// Where the value of one placeholder comes from; exactly one source is needed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct ParamValue {
    /// Name of the placeholder.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// An identity of the person, as in `email`.
    pub(crate) identity: Option<String>,
    /// Fields of other collections, or names of external references.
    pub(crate) references: Option<Vec<Reference>>,
    /// A setting of the connection.
    pub(crate) connector_param: Option<String>,
    /// Take lists apart: each element is a value of its own.
    pub(crate) unpack: Option<bool>,
}

/// A field of another collection, or the name of an external reference.
#[derive(Debug, Clone)]
pub(crate) enum Reference {
    /// Name of an external reference.
    External(String),
    /// A field.
    Field(FieldReference),
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(name) => Ok(Self::External(name)),
            field => serde_json::from_value(field).map(Self::Field).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for Reference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reference".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let field = generator.subschema_for::<FieldReference>();
        schemars::json_schema!({"anyOf": [{"type": "string"}, field]})
    }
}

/// A field of another collection.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct FieldReference {
    /// Key of the dataset; in a connector file usually `<instance_fides_key>`.
    #[schemars(required, regex(pattern = "^[a-zA-Z0-9_.<>-]+$"))]
    pub(crate) dataset: Option<String>,
    /// Collection and field, as in `customers.address.id`.
    #[schemars(required)]
    pub(crate) field: Option<String>,
    /// Which way values flow; in connector files only `from`, or nothing for either way.
    pub(crate) direction: Option<DirectionWord>,
}

/// Which way values flow along a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DirectionWord {
    /// From the referenced field to this one.
    From,
    /// From this field to the referenced one; datasets of databases only.
    To,
}
