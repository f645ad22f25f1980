use serde_json::Value;
use thiserror::Error;

use crate::dataset_file::{Dataset, Field};
use crate::reference::{Direction, FieldReference};

/// Why a value cannot be the dataset field behind an external reference (saas-config 4.12).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExternalReferenceError {
    /// Not an object of texts.
    #[error("secret `{name}` must be a reference: `dataset`, `field` and `direction: from`")]
    Shape {
        /// The external reference.
        name: String,
    },
    /// The field has no collection in front.
    #[error("`field` of secret `{name}` must be written as `collection.field`")]
    Field {
        /// The external reference.
        name: String,
    },
    /// Values only flow into the connector (A44).
    #[error("external reference `{name}` can only have a direction of 'from', found 'to'")]
    Direction {
        /// The external reference.
        name: String,
    },
    /// No such dataset (A45).
    #[error("dataset `{dataset}` referenced by external reference `{name}` does not exist")]
    UnknownDataset {
        /// The external reference.
        name: String,
        /// Key of the dataset.
        dataset: String,
    },
    /// No such collection (A45).
    #[error(
        "collection `{collection}` referenced by external reference `{name}` does not exist in dataset `{dataset}`"
    )]
    UnknownCollection {
        /// The external reference.
        name: String,
        /// Key of the dataset.
        dataset: String,
        /// Name of the collection.
        collection: String,
    },
    /// No such field (A45).
    #[error(
        "field `{field}` referenced by external reference `{name}` does not exist in `{dataset}:{collection}`"
    )]
    UnknownField {
        /// The external reference.
        name: String,
        /// Key of the dataset.
        dataset: String,
        /// Name of the collection.
        collection: String,
        /// Path of the field.
        field: String,
    },
}

/// Reads a reference object. Names of datasets and fields are configuration, not secrets, but they
/// stay out of the messages here: someone may have put a token in the wrong place.
///
/// # Errors
/// What is wrong with its shape; whether the field exists is not looked at.
pub fn parse_external_reference(name: &str, value: &Value) -> Result<FieldReference, ExternalReferenceError> {
    let shape = || ExternalReferenceError::Shape { name: name.to_owned() };
    let Value::Object(members) = value else { return Err(shape()) };
    let text = |key: &str| match members.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.as_str())),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(shape()),
    };
    let dataset = text("dataset")?.ok_or_else(shape)?;
    let field = text("field")?.ok_or_else(shape)?;
    let direction = match text("direction")? {
        None => Direction::Either,
        Some("from") => Direction::From,
        Some("to") => return Err(ExternalReferenceError::Direction { name: name.to_owned() }),
        Some(_) => return Err(shape()),
    };
    let mut segments = field.split('.').map(str::to_owned);
    let collection = segments.next().unwrap_or_default();
    let path: Vec<String> = segments.collect();
    if path.is_empty() || collection.is_empty() || path.iter().any(String::is_empty) {
        return Err(ExternalReferenceError::Field { name: name.to_owned() });
    }
    Ok(FieldReference { dataset: dataset.to_owned(), collection, path, direction })
}

/// Whether the field behind the external reference `name` exists in `datasets` (saas-config 4.12, A45).
///
/// # Errors
/// Says which of dataset, collection and field is missing.
pub fn check_external_reference(
    name: &str,
    reference: &FieldReference,
    datasets: &[&Dataset],
) -> Result<(), ExternalReferenceError> {
    let Some(dataset) = datasets.iter().find(|dataset| dataset.fides_key == reference.dataset) else {
        return Err(ExternalReferenceError::UnknownDataset {
            name: name.to_owned(),
            dataset: reference.dataset.clone(),
        });
    };
    let Some(collection) =
        dataset.collections.iter().find(|collection| collection.name == reference.collection)
    else {
        return Err(ExternalReferenceError::UnknownCollection {
            name: name.to_owned(),
            dataset: reference.dataset.clone(),
            collection: reference.collection.clone(),
        });
    };
    if has_field(&collection.fields, &reference.path) {
        return Ok(());
    }
    Err(ExternalReferenceError::UnknownField {
        name: name.to_owned(),
        dataset: reference.dataset.clone(),
        collection: reference.collection.clone(),
        field: reference.path.join("."),
    })
}

fn has_field(fields: &[Field], path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    fields.iter().any(|field| field.name == *first && has_field(&field.fields, rest))
}
