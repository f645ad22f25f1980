//! Which secrets a connection takes: the form that a person fills in, and the check of what comes back.

mod builtin;
mod check;

use serde_json::{Map, Value, json};
use spec::connector_file::{ConnectorFile, Required};

pub use self::check::connector_secret_problems;
use crate::connection_type::ConnectionType;

/// What is shown in place of a sensitive value.
pub const MASK: &str = "**********";

/// The secrets of one type of connection.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretSchema {
    /// Its name in messages: `PostgreSQLSchema`, `mailchimp_schema`.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// The secrets, in the order in which they are asked for.
    pub fields: Vec<SecretField>,
    /// What happens to names that are not among them.
    pub others: Others,
}

/// What happens to names that a schema does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They are left out.
    Dropped,
    /// They are kept as they are (saas-config 4.3), and never shown.
    Kept,
}

/// One secret of a schema.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a mark that clients get by its own name")]
pub struct SecretField {
    /// Its key.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// What its values look like.
    pub kind: FieldKind,
    /// The value that counts where none is given.
    pub default: Option<Value>,
    /// The only values allowed; empty means any.
    pub options: Vec<String>,
    /// Several options may be chosen.
    pub multiselect: bool,
    /// Whether it is never shown.
    pub sensitive: bool,
    /// Whether it must be given.
    pub required: bool,
    /// Whether forms offer it; what is not offered is taken all the same.
    pub offered: bool,
}

/// What the values of a field look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A whole number, also written as text.
    Integer,
    /// True or false.
    Boolean,
    /// An object with keys of its own, also as JSON text.
    Object,
    /// One of the options, or a list of them.
    List,
    /// A field of a dataset that the operator chooses (saas-config 4.12).
    Reference,
}

impl SecretSchema {
    /// The schema of a type that comes with the program; `None` for `saas`, whose connector file says it,
    /// and for types without secrets that are known.
    pub fn of_type(kind: ConnectionType) -> Option<Self> {
        builtin::schema(kind)
    }

    /// The schema that a connector file declares (saas-config 4.3).
    pub fn of_connector(file: &ConnectorFile) -> Self {
        let params = file.connector_params.iter().map(|param| SecretField {
            name: param.name.clone(),
            title: param.label.clone().unwrap_or_else(|| title_of(&param.name)),
            description: param.description.clone(),
            kind: if param.multiselect { FieldKind::List } else { FieldKind::Text },
            default: param.default_value.clone(),
            options: param.options.clone(),
            multiselect: param.multiselect,
            sensitive: file.is_secret(&param.name),
            required: matches!(param.required, Required::Always)
                && param.default_value.as_ref().is_none_or(model::is_falsy),
            offered: true,
        });
        let references = file.external_references.iter().map(|reference| SecretField {
            title: reference.label.clone().unwrap_or_else(|| title_of(&reference.name)),
            description: reference.description.clone(),
            required: true,
            ..SecretField::new(&reference.name, FieldKind::Reference)
        });
        Self {
            title: format!("{}_schema", file.connector_type),
            description: Some(format!("Secrets of a connection to {}", file.name)),
            fields: params.chain(references).collect(),
            others: Others::Kept,
        }
    }

    /// The field called `name`.
    pub fn find(&self, name: &str) -> Option<&SecretField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// `values` as the API shows them: sensitive ones masked, names that the schema has not left out.
    pub fn masked<'a>(&self, values: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Map<String, Value> {
        let shown = values.into_iter().filter_map(|(name, value)| {
            let field = self.find(name)?;
            let hidden = field.sensitive && !value.is_null();
            Some((name.to_owned(), if hidden { Value::from(MASK) } else { value.clone() }))
        });
        shown.collect()
    }

    /// The schema as JSON Schema, with the marks that forms use.
    pub fn to_json(&self) -> Value {
        let offered = || self.fields.iter().filter(|field| field.offered);
        let properties: Map<String, Value> =
            offered().map(|field| (field.name.clone(), field.to_json())).collect();
        let required: Vec<&str> =
            offered().filter(|field| field.required).map(|field| field.name.as_str()).collect();
        let mut schema = json!({
            "title": self.title,
            "description": self.description,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": self.others == Others::Kept,
        });
        if self.fields.iter().any(|field| field.kind == FieldKind::Reference)
            && let Some(members) = schema.as_object_mut()
        {
            members
                .insert("definitions".to_owned(), json!({ "FidesDatasetReference": reference_definition() }));
        }
        schema
    }
}

impl SecretField {
    /// An optional field that may be shown.
    pub(crate) fn new(name: &str, kind: FieldKind) -> Self {
        Self {
            name: name.to_owned(),
            title: title_of(name),
            description: None,
            kind,
            default: None,
            options: Vec::new(),
            multiselect: false,
            sensitive: false,
            required: false,
            offered: true,
        }
    }

    fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("title".to_owned(), self.title.clone().into());
        if let Some(description) = &self.description {
            members.insert("description".to_owned(), description.clone().into());
        }
        match self.kind {
            FieldKind::Reference => {
                members.insert("external_reference".to_owned(), true.into());
                let reference = json!([{"$ref": "#/definitions/FidesDatasetReference"}]);
                members.insert("allOf".to_owned(), reference);
            }
            FieldKind::List => {
                members.insert("type".to_owned(), "array".into());
                members.insert("items".to_owned(), json!({"type": "string"}));
            }
            FieldKind::Text | FieldKind::Integer | FieldKind::Boolean | FieldKind::Object => {
                members.insert("type".to_owned(), self.kind.word().into());
            }
        }
        if let Some(default) = &self.default {
            members.insert("default".to_owned(), default.clone());
        }
        members.insert("sensitive".to_owned(), self.sensitive.into());
        if !self.options.is_empty() {
            members.insert("options".to_owned(), self.options.clone().into());
            members.insert("multiselect".to_owned(), self.multiselect.into());
        }
        Value::Object(members)
    }
}

impl FieldKind {
    /// Its name in JSON Schema.
    fn word(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::List => "array",
            Self::Object | Self::Reference => "object",
        }
    }
}

/// `api_key` becomes `Api key`.
fn title_of(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => words,
    }
}

fn reference_definition() -> Value {
    json!({
        "title": "FidesDatasetReference",
        "description": "A field of a dataset",
        "type": "object",
        "properties": {
            "dataset": {"title": "Dataset", "type": "string"},
            "field": {"title": "Field", "type": "string"},
            "direction": {"title": "Direction", "type": "string", "enum": ["from"]},
        },
        "required": ["dataset", "field"],
    })
}

#[cfg(test)]
mod tests;
