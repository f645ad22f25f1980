//! The checked form of a dataset file (saas-config 25, privacy-requests 1).

use model::CollectionAddress;
use serde_json::Value;

use crate::reference::FieldReference;

/// One dataset: the collections of an application and what each field holds.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Key; equals the connection's.
    pub fides_key: String,
    /// Name for people.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Datasets visited first.
    pub after: Vec<String>,
    /// Where the tables are; databases only.
    pub namespace: Option<Namespace>,
    /// Packages for people to read do not show its name.
    pub redacted: bool,
    /// Sorted by name, names unique.
    pub collections: Vec<Collection>,
}

/// Where the tables of a dataset are (privacy-requests Q-16).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace {
    /// Name of the database.
    pub database: Option<String>,
    /// Name of the schema.
    pub schema: Option<String>,
}

/// One collection of a dataset.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Categories of all rows as a whole.
    pub data_categories: Vec<String>,
    /// Top-level fields, sorted by name, names unique.
    pub fields: Vec<Field>,
    /// Collections read first.
    pub after: Vec<CollectionAddress>,
    /// Collections erased first.
    pub erase_after: Vec<CollectionAddress>,
    /// Remove the collection from the graph.
    pub skip_processing: bool,
    /// Packages for people to read do not show its name.
    pub redacted: bool,
    /// `{strategy: delete}`: rows are erased by deletion.
    pub masking_strategy_override: Option<MaskingStrategy>,
}

/// One field, with nested fields in the order of the file.
#[expect(clippy::struct_excessive_bools, reason = "each is a mark that files give by its own name")]
#[derive(Debug, Clone)]
pub struct Field {
    /// Name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What the field holds.
    pub data_categories: Vec<String>,
    /// Nested fields; empty for a leaf.
    pub fields: Vec<Field>,
    /// Declared type; `None` = untyped.
    pub data_type: Option<DataType>,
    /// Part of the row's key.
    pub primary_key: bool,
    /// Longest masked text, in characters.
    pub length: Option<u64>,
    /// Never masked, never sent in updates.
    pub read_only: bool,
    /// Array filtering is switched off here and below.
    pub return_all_elements: bool,
    /// Packages for people to read do not show its name.
    pub redacted: bool,
    /// Replaces the rule's strategy.
    pub masking_strategy_override: Option<MaskingStrategy>,
    /// Edges; empty in datasets of connector files (saas-config 25.12).
    pub references: Vec<FieldReference>,
    /// Identity kind that seeds this field; `None` in datasets of connector files.
    pub identity: Option<String>,
    /// The custom field of requests whose value this field is searched by; it seeds nothing.
    pub custom_request_field: Option<String>,
}

/// A declared type, with or without `[]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataType {
    /// The element's type.
    pub kind: DataKind,
    /// Written with `[]`.
    pub is_array: bool,
}

/// The types that the format knows (saas-config 25.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum DataKind {
    String,
    Integer,
    Float,
    Boolean,
    ObjectId,
    Object,
}

/// A masking strategy by name; its configuration is checked when erasure is planned.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskingStrategy {
    /// The strategy's name.
    pub strategy: String,
    /// Its configuration.
    pub configuration: Value,
}
