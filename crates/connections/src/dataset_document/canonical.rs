use serde_json::{Map, Value};

/// Keys of a dataset besides its collections, in the order in which they are shown.
const DATASET: [&str; 7] =
    ["fides_key", "organization_fides_key", "tags", "name", "description", "meta", "data_categories"];
const COLLECTION: [&str; 3] = ["name", "description", "data_categories"];

/// The one form of a dataset that clients are shown: newer spelling of settings, every key there,
/// collections and their fields sorted by name.
pub fn canonical_dataset(document: &Value) -> Value {
    let mut shown = taken(document, &DATASET);
    let organization = shown.entry("organization_fides_key").or_insert(Value::Null);
    if organization.is_null() {
        *organization = "default_organization".into();
    }
    shown.insert("fides_meta".to_owned(), settings(document));
    let collections = sorted(items(document, "collections").map(collection).collect());
    shown.insert("collections".to_owned(), collections);
    Value::Object(shown)
}

fn collection(document: &Value) -> Value {
    let mut shown = taken(document, &COLLECTION);
    shown.insert("fides_meta".to_owned(), settings(document));
    shown.insert("fields".to_owned(), sorted(items(document, "fields").map(field).collect()));
    Value::Object(shown)
}

fn field(document: &Value) -> Value {
    let mut shown = taken(document, &COLLECTION);
    shown.insert("fides_meta".to_owned(), settings(document));
    let nested = document.get("fields").filter(|fields| fields.is_array());
    let nested = nested.map(|_| Value::Array(items(document, "fields").map(field).collect()));
    shown.insert("fields".to_owned(), nested.unwrap_or(Value::Null));
    Value::Object(shown)
}

fn taken(document: &Value, keys: &[&str]) -> Map<String, Value> {
    let value = |key: &str| document.get(key).cloned().unwrap_or(Value::Null);
    let mut shown: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), value(key))).collect();
    // Says nothing about requests, and is not shown where nobody wrote it.
    if let Some(purposes) = document.get("data_purposes").filter(|purposes| !purposes.is_null()) {
        shown.insert("data_purposes".to_owned(), purposes.clone());
    }
    shown
}

/// If both spellings are there, the newer one counts.
fn settings(document: &Value) -> Value {
    let written = |key| document.get(key).filter(|settings| !Value::is_null(settings));
    written("fides_meta").or_else(|| written("fidesops_meta")).cloned().unwrap_or(Value::Null)
}

fn items<'a>(document: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    document.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn sorted(mut items: Vec<Value>) -> Value {
    let name = |item: &Value| item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    items.sort_by_key(name);
    Value::Array(items)
}
