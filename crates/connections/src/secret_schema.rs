use serde_json::Value;

/// What secrets a connection takes: of a built-in type, or of a connector file.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretSchema {
    /// Its name in messages: `PostgreSQLSchema`, `mailchimp_schema`.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// The secrets, in the order in which they are asked for.
    pub fields: Vec<SecretField>,
}

/// One secret.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretField {
    /// Its key.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether it must be given.
    pub required: bool,
    /// Its value where none is given.
    pub default: Option<Value>,
    /// Masked wherever secrets are shown.
    pub sensitive: bool,
    /// The only values it takes; empty: any.
    pub options: Vec<String>,
    /// Several of the options may be chosen.
    pub multiselect: bool,
    /// For people.
    pub description: Option<String>,
}

/// What a secret takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A whole number, or a text that is one.
    Integer,
    /// True or false.
    Boolean,
    /// An object with keys of its own.
    Object,
    /// A list of texts.
    List,
    /// A field of a dataset: `dataset`, `field`, `direction: from`.
    Reference,
}

impl SecretSchema {
    /// The secret called `name`.
    pub fn find(&self, name: &str) -> Option<&SecretField> {
        self.fields.iter().find(|field| field.name == name)
    }
}
