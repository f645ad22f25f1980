use model::is_falsy;
use serde_json::Value;
use spec::connector_file::ConnectorFile;
use spec::secrets::ExternalReferenceError;
use spec::{SecretInputs, SecretProblem, SecretsError};

use super::{FieldKind, Others, SecretField, SecretSchema};
use crate::{PlaceStep, Problem};

impl SecretSchema {
    /// Checks the secrets of a built-in type and gives those to be stored: defaults filled in, names that
    /// the schema has not left out. `url` stands for everything that is required (C-4).
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(&self, supplied: &SecretInputs) -> Result<Vec<(String, Value)>, Vec<Problem>> {
        let mut problems = Vec::new();
        let given = |name: &str| supplied.find(name).is_some_and(|value| !is_falsy(value));
        let required: Vec<&str> =
            self.fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
        let by_url = self.find("url").is_some() && given("url");
        if !by_url && required.iter().any(|name| !given(name)) {
            let all = required.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
            problems.push(about_all(format!("{} must be supplied all of: [{all}].", self.title)));
        }
        // The one type with a choice: a password or a private key.
        if self.find("private_key").is_some() && given("password") == given("private_key") {
            let choice = "give either `password` or `private_key`";
            problems.push(about_all(choice.to_owned()));
        }
        let mut values = Vec::new();
        for field in &self.fields {
            match (supplied.find(&field.name), &field.default) {
                (Some(value), _) if !value.is_null() => match fit(field, value) {
                    Ok(value) => values.push((field.name.clone(), value)),
                    Err(problem) => problems.push(problem),
                },
                (_, Some(default)) => values.push((field.name.clone(), default.clone())),
                (_, None) => {}
            }
        }
        if self.others == Others::Kept {
            let others = supplied.names().filter(|name| self.find(name).is_none());
            values.extend(others.filter_map(|name| Some((name.to_owned(), supplied.find(name)?.clone()))));
        }
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }
}

fn fit(field: &SecretField, value: &Value) -> Result<Value, Problem> {
    let wrong = |expected: &str| about(&field.name, format!("`{}` must be {expected}", field.name));
    let fitted = match (field.kind, value) {
        (FieldKind::Text, Value::String(_))
        | (FieldKind::Boolean, Value::Bool(_))
        | (FieldKind::Object | FieldKind::Reference, Value::Object(_)) => value.clone(),
        (FieldKind::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => value.clone(),
        (FieldKind::Integer, Value::String(text)) => {
            let number: i64 = text.trim().parse().map_err(|_| wrong("a whole number"))?;
            number.into()
        }
        (FieldKind::Boolean, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => return Err(wrong("true or false")),
        },
        (FieldKind::Object, Value::String(text)) => match serde_json::from_str(text) {
            Ok(object @ Value::Object(_)) => object,
            Ok(_) | Err(_) => return Err(wrong("an object")),
        },
        (FieldKind::List, Value::String(_)) => value.clone(),
        (FieldKind::List, Value::Array(items)) if items.iter().all(Value::is_string) => value.clone(),
        (FieldKind::List, _) => return Err(wrong("a text or a list of texts")),
        (FieldKind::Text, _) => return Err(wrong("a text")),
        (FieldKind::Integer, _) => return Err(wrong("a whole number")),
        (FieldKind::Boolean, _) => return Err(wrong("true or false")),
        (FieldKind::Object, _) => return Err(wrong("an object")),
        (FieldKind::Reference, _) => return Err(wrong("a reference: an object with `dataset` and `field`")),
    };
    let is_port = field.name == "port" && !fitted.as_u64().is_some_and(|port| (1..=65_535).contains(&port));
    if is_port {
        return Err(wrong("a number from 1 to 65535"));
    }
    if let Value::String(text) = &fitted
        && !field.options.is_empty()
        && !field.options.contains(text)
    {
        return Err(not_an_option(&field.name, &field.options));
    }
    Ok(fitted)
}

/// What is wrong with the secrets of a connector file, as lines of an answer.
pub fn connector_secret_problems(file: &ConnectorFile, error: &SecretsError) -> Vec<Problem> {
    error.problems.iter().map(|problem| connector_secret_problem(file, problem)).collect()
}

fn connector_secret_problem(file: &ConnectorFile, problem: &SecretProblem) -> Problem {
    match problem {
        SecretProblem::Missing { required, .. } => about_all(format!(
            "{}_schema must be supplied all of: [{}].",
            file.connector_type,
            required.join(", ")
        )),
        SecretProblem::NotAnOption { name, options } => not_an_option(name, options),
        SecretProblem::NotOptions { name, options } => about(
            name,
            format!("entries of `{name}` are not valid options; choose from [{}]", options.join(", ")),
        ),
        SecretProblem::WrongType { name, .. }
        | SecretProblem::NotMultiselect { name }
        | SecretProblem::HostNotAllowed { name, .. }
        | SecretProblem::Undecided { name, .. } => about(name, problem.to_string()),
        SecretProblem::Reference(error) => about(referenced_by(error), problem.to_string()),
    }
}

fn referenced_by(error: &ExternalReferenceError) -> &str {
    match error {
        ExternalReferenceError::Shape { name }
        | ExternalReferenceError::Field { name }
        | ExternalReferenceError::Direction { name }
        | ExternalReferenceError::UnknownDataset { name, .. }
        | ExternalReferenceError::UnknownCollection { name, .. }
        | ExternalReferenceError::UnknownField { name, .. } => name,
    }
}

fn not_an_option(name: &str, options: &[String]) -> Problem {
    about(name, format!("{name} must be one of [{}]", options.join(", ")))
}

fn about(name: &str, message: String) -> Problem {
    Problem::value_error(vec![PlaceStep::from(name)], message)
}

fn about_all(message: String) -> Problem {
    Problem::value_error(Vec::new(), message)
}
