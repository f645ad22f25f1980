//! Fields of other collections, as files name them.

/// A field of another collection: `dataset`, and `collection.path.to.field` (saas-config 10.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldReference {
    /// Key of the dataset.
    pub dataset: String,
    /// The collection's name.
    pub collection: String,
    /// Field path inside the collection; never empty.
    pub path: Vec<String>,
    /// Which way values flow.
    pub direction: Direction,
}

/// Direction of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Values come from the referenced field.
    From,
    /// Values go to the referenced field; datasets of databases only.
    To,
    /// Either way, decided by the order of visits.
    Either,
}

/// What stands in a `references` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceSource {
    /// A field.
    Field(FieldReference),
    /// The name of an external reference: its field is stored among the secrets.
    External(String),
}
