//! JSON Schema of the files, for editors and validators.
//!
//! Made from the same types that the shape checker uses, so that both always agree. The schema
//! knows shapes; rules that span several keys are the checker's alone.

use serde_json::Value;

use crate::raw::{ConnectorDocument, DatasetDocument, ProjectDocument, ServerDocument, schema_of};

/// Schema of a connector file, JSON Schema draft 2020-12.
pub fn connector_schema() -> Value {
    tidied(schema_of::<ConnectorDocument>())
}

/// Schema of a dataset file, JSON Schema draft 2020-12.
pub fn dataset_schema() -> Value {
    tidied(schema_of::<DatasetDocument>())
}

/// Schema of a project file, JSON Schema draft 2020-12.
pub fn project_schema() -> Value {
    tidied(schema_of::<ProjectDocument>())
}

/// Schema of a server file, JSON Schema draft 2020-12.
pub fn server_schema() -> Value {
    tidied(schema_of::<ServerDocument>())
}

/// Takes away what only describes the Rust types behind the schema: widths of integers and the
/// `null` that stands for an absent key.
fn tidied(mut schema: Value) -> Value {
    tidy(&mut schema);
    schema
}

fn tidy(value: &mut Value) {
    match value {
        Value::Object(members) => {
            // Below `properties` a member is a key of the file, whatever it is called.
            if members.get("default").is_some_and(Value::is_null) {
                members.shift_remove("default");
            }
            if members
                .get("format")
                .is_some_and(|format| matches!(format.as_str(), Some(width) if is_width(width)))
            {
                members.shift_remove("format");
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_width(format: &str) -> bool {
    let digits = format.trim_start_matches("uint").trim_start_matches("int");
    digits.len() < format.len() && digits.chars().all(|character| character.is_ascii_digit())
}

#[cfg(test)]
mod tests;
