//! What an edit of an application's dataset may not change (privacy-requests C-16).

use serde::Serialize;
use serde_json::{Map, Value};
use spec::ConnectorFile;
use spec::connector_file::{ParamSource, Postprocessor, Request, Wanted};
use spec::reference::{FieldReference, ReferenceSource};

/// Something that was put back or taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatasetWarning {
    /// The collection.
    pub collection: String,
    /// The field; none: the whole collection.
    pub field: Option<String>,
    /// What was done.
    pub action: WarningAction,
    /// Why.
    pub message: String,
}

/// What was done about a change that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningAction {
    /// It is as it was.
    Restored,
    /// It was taken out again.
    Removed,
}

/// A field that the connector file refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ProtectedField {
    /// Its collection.
    pub collection: String,
    /// Its path in it.
    pub field: String,
}

/// The fields of its own dataset that a connector file refers to, each once.
pub(crate) fn protected_fields(file: &ConnectorFile) -> Vec<ProtectedField> {
    let requests = file
        .endpoints
        .iter()
        .flat_map(|endpoint| endpoint.read.iter().chain(&endpoint.update).chain(&endpoint.delete));
    let mut fields: Vec<ProtectedField> = requests
        .flat_map(references)
        .filter(|reference| reference.dataset == file.fides_key)
        .map(|reference| ProtectedField {
            collection: reference.collection.clone(),
            field: reference.path.join("."),
        })
        .collect();
    fields.sort();
    fields.dedup();
    fields
}

fn references(request: &Request) -> Vec<&FieldReference> {
    let of_params = request.param_values.iter().flat_map(|param| match &param.source {
        ParamSource::References(sources) => sources.as_slice(),
        ParamSource::Identity(_) | ParamSource::ConnectorParam(_) => &[],
    });
    let of_params = of_params.filter_map(|source| match source {
        ReferenceSource::Field(reference) => Some(reference),
        ReferenceSource::External(_) => None,
    });
    let of_filters = request.postprocessors.iter().filter_map(|postprocessor| match postprocessor {
        Postprocessor::Filter(filter) => match &filter.wanted {
            Wanted::DatasetReference(reference) => reference.as_ref(),
            Wanted::Text(_) | Wanted::Identity(_) => None,
        },
        Postprocessor::Unwrap { .. } | Postprocessor::ExtractForExecutionLog { .. } => None,
    });
    of_params.chain(of_filters).collect()
}

/// `edited` with everything put back that it may not change of `kept`. Both in their canonical form.
pub(super) fn restore(file: &ConnectorFile, kept: &Value, edited: &Value) -> (Value, Vec<DatasetWarning>) {
    let mut restoring = Restoring { file, protected: protected_fields(file), warnings: Vec::new() };
    let mut document = edited.clone();
    if let Some(Value::Array(collections)) = document.get_mut("collections") {
        restoring.collections(items(kept, "collections"), collections);
    }
    (document, restoring.warnings)
}

struct Restoring<'a> {
    file: &'a ConnectorFile,
    protected: Vec<ProtectedField>,
    warnings: Vec<DatasetWarning>,
}

impl Restoring<'_> {
    fn collections(&mut self, kept: &[Value], edited: &mut Vec<Value>) {
        edited.retain(|collection| {
            let name = name_of(collection);
            let stays = self.file.find_endpoint(name).is_some() || find(kept, name).is_some();
            if !stays {
                let message = "the connector file has no endpoint of this name; add it there first";
                self.warn((name, None), WarningAction::Removed, message);
            }
            stays
        });
        for collection in kept {
            let name = name_of(collection);
            match edited.iter_mut().find(|edited| name_of(edited) == name) {
                Some(edited) => self.fields(name, collection, edited),
                None if self.file.find_endpoint(name).is_some() => {
                    let message = "the connector file reads this collection, so it cannot be left out";
                    self.warn((name, None), WarningAction::Restored, message);
                    edited.push(collection.clone());
                }
                None => {}
            }
        }
        edited.sort_by(|one, other| name_of(one).cmp(name_of(other)));
    }

    fn fields(&mut self, collection: &str, kept: &Value, edited: &mut Value) {
        let mut paths: Vec<String> = self
            .protected
            .iter()
            .filter(|field| field.collection == collection)
            .map(|field| field.field.clone())
            .collect();
        primary_keys(kept, "", &mut paths);
        for path in paths {
            let levels: Vec<&str> = path.split('.').collect();
            let Some(original) = field_at(kept, &levels) else { continue };
            let same = field_at(edited, &levels).is_some_and(|field| fixed(field) == fixed(original));
            if same {
                continue;
            }
            let message = if field_at(edited, &levels).is_none() {
                "the connector file needs this field, so it cannot be left out"
            } else {
                "primary key and data type of this field cannot change"
            };
            self.warn((collection, Some(&path)), WarningAction::Restored, message);
            put_back(kept, edited, &levels);
        }
        if let Some(Value::Array(fields)) = edited.get_mut("fields") {
            fields.sort_by(|one, other| name_of(one).cmp(name_of(other)));
        }
    }

    fn warn(&mut self, (collection, field): (&str, Option<&str>), action: WarningAction, message: &str) {
        self.warnings.push(DatasetWarning {
            collection: collection.to_owned(),
            field: field.map(str::to_owned),
            action,
            message: message.to_owned(),
        });
    }
}

/// What may not change of a protected field.
fn fixed(field: &Value) -> (bool, Option<&str>, bool) {
    let is_key = field.pointer("/fides_meta/primary_key").and_then(Value::as_bool).unwrap_or_default();
    let data_type = field.pointer("/fides_meta/data_type").and_then(Value::as_str);
    (is_key, data_type, !items(field, "fields").is_empty())
}

fn primary_keys(part: &Value, above: &str, paths: &mut Vec<String>) {
    for field in items(part, "fields") {
        let path = format!("{above}{}", name_of(field));
        if fixed(field).0 && !paths.contains(&path) {
            paths.push(path.clone());
        }
        primary_keys(field, &format!("{path}."), paths);
    }
}

/// Puts the field at `levels` back: as it was if it is gone or has another shape, else only what is fixed.
fn put_back(kept: &Value, edited: &mut Value, levels: &[&str]) {
    let Some((first, rest)) = levels.split_first() else { return };
    let Some(original) = find(items(kept, "fields"), first) else { return };
    let Some(object) = edited.as_object_mut() else { return };
    let fields = object.entry("fields").or_insert(Value::Null);
    if !fields.is_array() {
        *fields = Value::Array(Vec::new());
    }
    let Value::Array(fields) = fields else { return };
    let Some(field) = fields.iter_mut().find(|field| name_of(field) == *first) else {
        fields.push(original.clone());
        return;
    };
    if fixed(field).2 != fixed(original).2 {
        *field = original.clone();
    } else if rest.is_empty() {
        fix(original, field);
    } else {
        put_back(original, field, rest);
    }
}

fn fix(original: &Value, field: &mut Value) {
    let Some(object) = field.as_object_mut() else { return };
    let settings = object.entry("fides_meta").or_insert(Value::Null);
    if !settings.is_object() {
        *settings = Value::Object(Map::new());
    }
    let Value::Object(settings) = settings else { return };
    for key in ["primary_key", "data_type"] {
        match original.pointer(&format!("/fides_meta/{key}")) {
            Some(value) => settings.insert(key.to_owned(), value.clone()),
            None => settings.shift_remove(key),
        };
    }
}

fn field_at<'a>(part: &'a Value, levels: &[&str]) -> Option<&'a Value> {
    levels.iter().try_fold(part, |part, level| find(items(part, "fields"), level))
}

fn find<'a>(list: &'a [Value], name: &str) -> Option<&'a Value> {
    list.iter().find(|item| name_of(item) == name)
}

fn items<'a>(part: &'a Value, key: &str) -> &'a [Value] {
    part.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn name_of(part: &Value) -> &str {
    part.get("name").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
