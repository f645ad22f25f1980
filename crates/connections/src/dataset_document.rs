//! A dataset as it is sent and kept: data that `spec` checks.

use serde_json::{Map, Value, json};
use spec::dataset_file::Dataset;
use spec::{CheckOptions, Diagnostic, Locator, Severity, SourceFile, Step, check_datasets};
use store::NewDataset;

use crate::{Categories, PlaceStep, Problem};

mod canonical;

pub use canonical::canonical_dataset;

/// A dataset that passes the checks of the format.
#[derive(Debug, Clone)]
pub struct DatasetDocument {
    /// As data: only keys of the format, all of them, collections and fields sorted by name.
    pub document: Value,
    /// The checked form.
    pub dataset: Dataset,
    /// Masking strategies that an override may not name; reason to refuse the dataset, not the call.
    pub refused_overrides: Vec<String>,
}

impl DatasetDocument {
    /// Checks one document, in which these categories may stand. Keys that the format does not have are
    /// left out.
    ///
    /// # Errors
    /// All problems, each with its place in the document.
    pub fn check(document: &Value, categories: &Categories) -> Result<Self, Vec<Problem>> {
        let Value::Object(members) = document else {
            return Err(vec![problem("dict_type", Vec::new(), "expected an object")]);
        };
        let mut members = members.clone();
        let checked = loop {
            let source = source_of(&members);
            let checked = check_datasets(&source, &CheckOptions::default());
            let locator = Locator::new(&source);
            let unknown: Vec<Vec<Step>> = checked
                .diagnostics
                .iter()
                .filter(|found| found.code == "spec::unknown_key")
                .map(|found| locator.steps(found))
                .collect();
            let removed = unknown.iter().filter(|steps| remove(&mut members, steps)).count();
            if removed == 0 {
                break Found { value: checked.value, findings: checked.diagnostics, locator };
            }
        };
        checked.finish(&Value::Object(members), categories)
    }

    /// Reads a document that is kept; `None` if this version refuses it. Its categories were there when it
    /// was kept.
    pub fn of_kept(body: &str) -> Option<Self> {
        Self::check(&serde_json::from_str(body).ok()?, &Categories::Any).ok()
    }

    /// As the store takes it.
    pub fn to_kept(&self) -> NewDataset {
        NewDataset {
            key: self.dataset.fides_key.clone(),
            name: self.dataset.name.clone().unwrap_or_default(),
            body: self.document.to_string(),
            categories: categories(&self.document),
        }
    }

    /// The same with another document, which must pass the same checks.
    pub(crate) fn with(&self, document: &Value) -> Self {
        Self::check(document, &Categories::Any).unwrap_or_else(|_| self.clone())
    }
}

struct Found {
    value: Option<Vec<Dataset>>,
    findings: spec::Diagnostics,
    locator: Locator,
}

impl Found {
    fn finish(self, members: &Value, categories: &Categories) -> Result<DatasetDocument, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut refused_overrides = Vec::new();
        for found in &self.findings {
            let steps = self.locator.steps(found);
            match (found.code, found.severity) {
                ("spec::secret_masking_override", _) => {
                    refused_overrides.extend(text_at(members, &steps));
                }
                ("spec::lint_unknown_category", _) => {
                    // `data_categories: null` is found, too, and says nothing.
                    let message = text_at(members, &steps)
                        .filter(|category| !categories.have(category))
                        .map(|category| format!("The data category {category} is not supported."));
                    problems.extend(message.map(|text| problem("value_error", place(&steps), &text)));
                }
                (_, Severity::Error) => problems.push(of_finding(found, &steps)),
                (_, Severity::Warning) => {}
            }
        }
        // The databases keep no such text in a column of its own.
        if members.get("name").and_then(Value::as_str).is_some_and(|name| name.contains('\0')) {
            let place = vec![PlaceStep::Key("name".to_owned())];
            problems.push(problem("value_error", place, "a text without a zero character is needed"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let document = canonical_dataset(members);
        let dataset = match self.value {
            Some(datasets) => datasets.into_iter().next(),
            // Only overrides stand in the way: without them there is a checked form to go on with.
            None => check_datasets(&source_of_value(&without_overrides(&document)), &CheckOptions::default())
                .value
                .and_then(|datasets| datasets.into_iter().next()),
        };
        let Some(dataset) = dataset else {
            return Err(vec![problem("value_error", Vec::new(), "not a dataset")]);
        };
        Ok(DatasetDocument { document, dataset, refused_overrides })
    }
}

/// The categories used anywhere in a dataset, each once.
pub(crate) fn categories(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect_categories(document, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn collect_categories(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let own = members.get("data_categories").and_then(Value::as_array).into_iter().flatten();
            found.extend(own.filter_map(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| collect_categories(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_categories(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn source_of(members: &Map<String, Value>) -> SourceFile {
    source_of_value(&Value::Object(members.clone()))
}

fn source_of_value(document: &Value) -> SourceFile {
    SourceFile::new("dataset", json!({ "dataset": [document] }).to_string())
}

fn of_finding(found: &Diagnostic, steps: &[Step]) -> Problem {
    let kind = if found.code == "spec::missing_key" { "missing" } else { "value_error" };
    problem(kind, place(steps), &found.message)
}

fn problem(kind: &str, place: Vec<PlaceStep>, message: &str) -> Problem {
    Problem { kind: kind.to_owned(), place, message: message.to_owned() }
}

/// Without the `dataset[0]` that every place in the checked text begins with.
fn inside(steps: &[Step]) -> &[Step] {
    steps.get(2..).unwrap_or_default()
}

fn place(steps: &[Step]) -> Vec<PlaceStep> {
    inside(steps)
        .iter()
        .map(|step| match step {
            Step::Key(key) => PlaceStep::Key(key.clone()),
            Step::Position(position) => PlaceStep::Position(*position),
        })
        .collect()
}

fn text_at(document: &Value, steps: &[Step]) -> Option<String> {
    let mut value = document;
    for step in inside(steps) {
        value = match step {
            Step::Key(key) => value.get(key)?,
            Step::Position(position) => value.get(position)?,
        };
    }
    value.as_str().map(str::to_owned)
}

/// Removes the key at the end of `steps`; says whether it was there.
fn remove(members: &mut Map<String, Value>, steps: &[Step]) -> bool {
    let Some((Step::Key(last), above)) = inside(steps).split_last() else { return false };
    let Some((first, rest)) = above.split_first() else { return members.shift_remove(last).is_some() };
    let Step::Key(first) = first else { return false };
    let mut value = members.get_mut(first);
    for step in rest {
        value = match (value, step) {
            (Some(value), Step::Key(key)) => value.get_mut(key),
            (Some(value), Step::Position(position)) => value.get_mut(position),
            (None, _) => None,
        };
    }
    value.and_then(Value::as_object_mut).is_some_and(|object| object.shift_remove(last).is_some())
}

fn without_overrides(document: &Value) -> Value {
    match document {
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| *key != "masking_strategy_override");
            Value::Object(kept.map(|(key, value)| (key.clone(), without_overrides(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_overrides).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => document.clone(),
    }
}

#[cfg(test)]
mod tests;
