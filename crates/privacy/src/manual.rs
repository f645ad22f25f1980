//! What people bring from places that no program reads: which input a request still lacks, whether
//! input fits its form, and the rows that it adds to a package (privacy-requests 15.4).

use model::{ConnectionKey, PrivacyRequestId, Row};
use serde_json::Value;
use store::{
    AttachmentOwner, ManualAction, ManualField, ManualForm, NewManualInput, Store, StoreError,
    StoredConnection,
};
use thiserror::Error;

/// The type of connections whose data people bring.
pub const CONNECTION_TYPE: &str = "manual_webhook";

/// Input that a request lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// By the form of which connection.
    pub connection: ConnectionKey,
    /// For what.
    pub action: ManualAction,
}

/// A value that does not fit its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Its name, as it was sent.
    pub field: String,
    /// What is wrong.
    pub why: UnfitReason,
}

/// Why a value does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnfitReason {
    /// The form has no such field.
    #[error("the form has no field of this name")]
    Unknown,
    /// Packages hold texts.
    #[error("expected a text, or null where it is not known yet")]
    NoText,
    /// The field takes files only.
    #[error("a file is brought for this field")]
    IsFile,
    /// A text that cannot be kept.
    #[error("at most 100,000 characters, and none of them U+0000")]
    TooLong,
    /// What was erased is said by yes or no.
    #[error("expected `true` or `false`")]
    NoFlag,
}

/// What was brought by one form, as far as it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Brought {
    /// Whether every field has a value, so that the request can go on.
    pub checked: bool,
    /// All fields of the form, those without a value as null.
    pub fields: Row,
}

const LONGEST: usize = 100_000;

/// Compares what was sent with the form; the values to keep, those that are null left out.
///
/// # Errors
/// Everything that does not fit.
pub fn check(fields: &[ManualField], action: ManualAction, sent: Row) -> Result<Row, Vec<Unfit>> {
    let mut unfit = Vec::new();
    for (name, value) in &sent {
        let field = fields.iter().find(|field| field.label == *name);
        let takes_text = field.is_some_and(takes_texts);
        let why = match (field.is_some(), value, action) {
            (false, _, _) => Some(UnfitReason::Unknown),
            (true, Value::String(_), ManualAction::Access) if !takes_text => Some(UnfitReason::IsFile),
            (true, Value::Null, _) | (true, Value::Bool(_), ManualAction::Erasure) => None,
            (true, Value::String(text), ManualAction::Access) => {
                let fits = text.chars().count() <= LONGEST && !text.contains('\0');
                (!fits).then_some(UnfitReason::TooLong)
            }
            (true, _, ManualAction::Access) => Some(UnfitReason::NoText),
            (true, _, ManualAction::Erasure) => Some(UnfitReason::NoFlag),
        };
        unfit.extend(why.map(|why| Unfit { field: name.clone(), why }));
    }
    if !unfit.is_empty() {
        return Err(unfit);
    }
    Ok(sent.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

/// Keeps what somebody brought, in the place of what was there.
///
/// # Errors
/// [`StoreError::Conflict`] unless the request waits for input.
pub async fn keep(
    store: &Store,
    (request, connection, action): (&PrivacyRequestId, &ConnectionKey, ManualAction),
    (values, actor): (&Row, store::Actor),
) -> Result<(), StoreError> {
    let values = crypto::Secret::new(Value::Object(values.clone()).to_string().into_bytes());
    store.manual_input_put(NewManualInput { request, connection, action, values: &values, actor }).await
}

/// What was brought for a request by one form.
pub async fn brought(
    store: &Store,
    request: &PrivacyRequestId,
    (connection, fields, action): (&ConnectionKey, &[ManualField], ManualAction),
) -> Result<Brought, StoreError> {
    let kept = store.manual_input_find(request, (connection, action)).await?;
    let mut kept: Row = match kept {
        Some(bytes) => serde_json::from_slice(bytes.expose())
            .map_err(|_| StoreError::Damaged { what: "manual input" })?,
        None => Row::new(),
    };
    let values = fields.iter().map(|field| {
        let value = kept.shift_remove(&field.label).unwrap_or_default();
        (field.label.clone(), value)
    });
    let with_files = with_files(store, request, (connection, fields, action)).await?;
    let fields: Row = values.collect();
    // An erasure is done when each of its parts is.
    let is_there = |(label, value): (&String, &Value)| match action {
        ManualAction::Access => value.is_string() || with_files.contains(label),
        ManualAction::Erasure => *value == Value::Bool(true),
    };
    Ok(Brought { checked: fields.iter().all(is_there), fields })
}

/// The fields of a form for which files were brought.
async fn with_files(
    store: &Store,
    request: &PrivacyRequestId,
    (connection, fields, action): (&ConnectionKey, &[ManualField], ManualAction),
) -> Result<Vec<String>, StoreError> {
    if action == ManualAction::Erasure || !fields.iter().any(takes_files) {
        return Ok(Vec::new());
    }
    let owner = AttachmentOwner::Form(connection.clone());
    let kept = store.manual_attachment_list(request).await?;
    Ok(kept.into_iter().filter(|file| file.owner == owner).map(|file| file.field).collect())
}

/// Whether files may be brought for a field.
pub fn takes_files(field: &ManualField) -> bool {
    field.types.iter().any(|one| one == "file")
}

fn takes_texts(field: &ManualField) -> bool {
    field.types.is_empty() || field.types.iter().any(|one| one == "string")
}

/// The input that a request under a policy with these actions lacks, of these forms. Only forms of connections that are
/// switched on and serve the action count; a form that changed asks for its new fields, too.
pub async fn missing(
    store: &Store,
    (request, forms): (&PrivacyRequestId, &[ManualForm]),
    actions: &[ManualAction],
) -> Result<Vec<Missing>, StoreError> {
    let mut missing = Vec::new();
    for form in forms {
        let Some(connection) = store.connection_find(&form.connection).await? else { continue };
        for action in actions {
            let action = *action;
            if !serves(&connection, action) {
                continue;
            }
            let brought = brought(store, request, (&form.connection, &form.fields, action)).await?;
            if !brought.checked {
                missing.push(Missing { connection: form.connection.clone(), action });
            }
        }
    }
    Ok(missing)
}

/// What was brought for the package by these forms: one row for each, under the key of its connection, with the
/// name of the system that it is about. It goes in as it is: people chose it for this request.
pub async fn rows(
    store: &Store,
    request: &PrivacyRequestId,
    forms: &[ManualForm],
) -> Result<Vec<(ConnectionKey, Row)>, StoreError> {
    let mut rows = Vec::new();
    for form in forms {
        let Some(connection) = store.connection_find(&form.connection).await? else { continue };
        if !serves(&connection, ManualAction::Access) {
            continue;
        }
        let of = (&form.connection, form.fields.as_slice(), ManualAction::Access);
        let brought = brought(store, request, of).await?;
        if !brought.checked {
            continue;
        }
        let mut row = brought.fields;
        let system = connection.system_key.or(connection.name);
        let system = system.unwrap_or_else(|| form.connection.as_str().to_owned());
        row.entry("system_name").or_insert(Value::String(system));
        rows.push((form.connection.clone(), row));
    }
    Ok(rows)
}

fn serves(connection: &StoredConnection, action: ManualAction) -> bool {
    let enabled = connection.enabled_actions.as_ref();
    !connection.disabled
        && connection.connection_type == CONNECTION_TYPE
        && enabled.is_none_or(|actions| actions.iter().any(|one| one == action.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Vec<ManualField> {
        let field = |label: &str| ManualField {
            pii_field: label.to_owned(),
            label: label.to_owned(),
            types: vec!["string".to_owned()],
            data_categories: Vec::new(),
        };
        vec![field("name"), field("note")]
    }

    fn row(value: Value) -> Row {
        serde_json::from_value(value).unwrap()
    }

    // rule: privacy-requests W-14
    #[test]
    fn input_has_the_fields_of_the_form_and_no_others() {
        let check = |action, value| check(&fields(), action, row(value));
        let unfit = |field: &str, why| vec![Unfit { field: field.to_owned(), why }];

        let fits = check(ManualAction::Access, json!({"name": "", "note": null}));
        let unknown = check(ManualAction::Access, json!({"name": "Ana", "age": "7"}));
        let flag = check(ManualAction::Access, json!({"name": true}));
        let text = check(ManualAction::Erasure, json!({"name": "yes"}));

        assert_eq!(fits, Ok(row(json!({"name": ""}))));
        assert_eq!(unknown, Err(unfit("age", UnfitReason::Unknown)));
        assert_eq!(flag, Err(unfit("name", UnfitReason::NoText)));
        assert_eq!(text, Err(unfit("name", UnfitReason::NoFlag)));
    }
}
