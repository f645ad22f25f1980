//! Steps between an answer and its rows (saas-config 15).

mod filter;

use std::collections::HashMap;

use model::{Identities, IncompleteReason, Path, text_form};
use serde_json::Value;
use spec::connector_file::Postprocessor;
use spec::reference::FieldReference;
use thiserror::Error;

/// What postprocessors may look at besides the data.
#[derive(Clone, Copy)]
pub(crate) struct PostprocessorContext<'a> {
    /// The request in the file.
    pub(crate) place: &'a str,
    /// The collection that is read.
    pub(crate) collection: &'a str,
    /// Who is being looked for.
    pub(crate) identities: &'a Identities,
    /// Values of fields read before.
    pub(crate) filter_values: &'a HashMap<FieldReference, Vec<Value>>,
}

/// A step that could not be applied (saas-config 15.1). `Display` never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("postprocessor `{strategy}` of {place} (collection {collection}): {problem}")]
pub struct PostprocessorError {
    strategy: &'static str,
    place: String,
    collection: String,
    problem: Problem,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Problem {
    #[error("`{field}` holds {kind}, which cannot be compared; point `field` at a text or an integer")]
    Target { field: String, kind: &'static str },
    #[error("the values to look for are of mixed kinds; they must be all texts or all integers")]
    WantedMixed,
    #[error("no rows of `{reference}` were read before; add its collection to `after`")]
    UnknownReference { reference: String },
    #[error("the data are {kind}, neither a list nor an object; check `data_path`")]
    Data { kind: &'static str },
}

impl PostprocessorError {
    /// Why a reading that ends with this error is incomplete.
    pub fn reason(&self) -> IncompleteReason {
        IncompleteReason::Malformed
    }
}

/// Applies `steps` in order, each to the result of the one before (saas-config 14.6).
pub(crate) fn apply(
    steps: &[Postprocessor],
    data: Value,
    context: PostprocessorContext<'_>,
) -> Result<Value, PostprocessorError> {
    steps.iter().try_fold(data, |data, step| match step {
        Postprocessor::Unwrap { data_path } => Ok(unwrap(data_path, data)),
        Postprocessor::Filter(filter) => {
            filter::apply(filter, data, context).map_err(|problem| PostprocessorError {
                strategy: "filter",
                place: context.place.to_owned(),
                collection: context.collection.to_owned(),
                problem,
            })
        }
        Postprocessor::ExtractForExecutionLog { .. } => Ok(data),
    })
}

/// The texts that `extract_for_execution_log` steps take out of an answer, in order; `body` is the
/// raw text, `json` what it says (saas-config 15.9). It never fails: what is not there adds nothing.
pub(crate) fn messages(steps: &[Postprocessor], body: &[u8], json: Option<&Value>) -> Vec<String> {
    let text = |step: &Postprocessor| match step {
        Postprocessor::ExtractForExecutionLog { path: None } => {
            Some(String::from_utf8_lossy(body).into_owned())
        }
        Postprocessor::ExtractForExecutionLog { path: Some(path) } => shown(path.find(json?)?),
        Postprocessor::Unwrap { .. } | Postprocessor::Filter(_) => None,
    };
    let trimmed = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    steps.iter().filter_map(text).filter_map(trimmed).collect()
}

fn shown(value: &Value) -> Option<String> {
    match value {
        // The text form of an object lacks its braces; a message shows all of it.
        Value::Object(_) => text_form(value).map(|members| format!("{{{members}}}")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            text_form(value)
        }
    }
}

fn unwrap(path: &Path, data: Value) -> Value {
    let take_out = |value: Value| Some(crate::response::take(path, value)).filter(|value| !value.is_null());
    match data {
        Value::Object(_) => take_out(data).unwrap_or_else(|| Value::Array(Vec::new())),
        Value::Array(items) => Value::Array(flatten(items.into_iter().filter_map(take_out))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::Array(Vec::new()),
    }
}

/// The values with lists among them replaced by their elements, one level deep.
fn flatten(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut flat = Vec::new();
    for value in values {
        match value {
            Value::Array(items) => flat.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                flat.push(value);
            }
        }
    }
    flat
}

#[cfg(test)]
mod tests;
