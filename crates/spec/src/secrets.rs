//! Checks the secrets of a connection against what its connector file declares (saas-config 4.3–4.12).
//!
//! Values come in, are compared and go out again; nothing here prints one. Errors name the params.

mod external_reference;
mod problem;
mod value;

use std::collections::HashSet;

use model::{Row, is_falsy};
use serde_json::Value;

pub use self::external_reference::{
    ExternalReferenceError, check_external_reference, parse_external_reference,
};
pub use self::problem::{SecretProblem, SecretsError, UnknownSecret};
use self::value::check_value;
use crate::connector_file::{ConnectorFile, ConnectorParam, Required, Service};
use crate::diagnostic::nearest_of;
use crate::reference::FieldReference;
use crate::{ConditionError, DomainValidation};

/// Secrets as an operator supplies them, in that order. `Debug` shows the names only.
#[derive(Clone, Default)]
pub struct SecretInputs(Vec<(String, Value)>);

impl SecretInputs {
    /// Takes names and values; a repeated name keeps its last value.
    pub fn new(entries: impl IntoIterator<Item = (String, Value)>) -> Self {
        let mut kept: Vec<(String, Value)> = Vec::new();
        for (name, value) in entries {
            match kept.iter_mut().find(|(known, _)| *known == name) {
                Some(entry) => entry.1 = value,
                None => kept.push((name, value)),
            }
        }
        Self(kept)
    }

    /// The value supplied for `name`.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The names supplied, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl std::fmt::Debug for SecretInputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Secrets that satisfy the file. `Debug` shows the names only.
#[derive(Clone)]
pub struct CheckedSecrets {
    /// Everything to store: what was supplied, then the defaults of params left out (4.5).
    pub values: Vec<(String, Value)>,
    /// The dataset fields chosen for external references (4.12).
    pub references: Vec<(String, FieldReference)>,
    /// Supplied under names that the file does not declare. The format stores them unchanged
    /// (4.3); whoever reads a project file refuses them, because there they are typing errors.
    pub unknown: Vec<UnknownSecret>,
    /// Hosts that match no pattern, accepted because validation only monitors (4.9).
    pub warnings: Vec<SecretProblem>,
}

impl std::fmt::Debug for CheckedSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

/// Checks `supplied` against the params and external references of `file` and fills in defaults, for a
/// connection that serves privacy requests.
///
/// # Errors
/// [`SecretsError`] with every problem found.
pub fn check_secrets(
    file: &ConnectorFile,
    supplied: &SecretInputs,
    mode: DomainValidation,
) -> Result<CheckedSecrets, SecretsError> {
    check_secrets_for(file, supplied, mode, Service::Privacy)
}

/// As [`check_secrets`], for a connection that is used for `service` alone: what only another use needs
/// (`required_for`) may be left out.
///
/// # Errors
/// [`SecretsError`] with every problem found.
pub fn check_secrets_for(
    file: &ConnectorFile,
    supplied: &SecretInputs,
    mode: DomainValidation,
    service: Service,
) -> Result<CheckedSecrets, SecretsError> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let mut references = Vec::new();
    let values = with_defaults(file, supplied);

    if let Some(missing) = check_required(file, &values, service, &mut problems) {
        problems.insert(0, missing);
    }
    for param in &file.connector_params {
        let Some(value) = supplied.find(&param.name) else { continue };
        if is_falsy(value) && !has_default(param) {
            continue; // reported as missing, or optional and left empty
        }
        match check_value(param, value) {
            Err(problem) => problems.push(problem),
            Ok(()) => match check_host(param, value, mode) {
                HostVerdict::Fine => {}
                HostVerdict::Tolerated(problem) => warnings.push(problem),
                HostVerdict::Refused(problem) => problems.push(problem),
            },
        }
    }
    for reference in &file.external_references {
        let Some(value) = supplied.find(&reference.name).filter(|value| !is_falsy(value)) else { continue };
        match parse_external_reference(&reference.name, value) {
            Ok(field) => references.push((reference.name.clone(), field)),
            Err(problem) => problems.push(problem.into()),
        }
    }

    let unknown = find_unknown(file, supplied);
    if problems.is_empty() {
        Ok(CheckedSecrets { values, references, unknown, warnings })
    } else {
        Err(SecretsError { problems, unknown })
    }
}

fn has_default(param: &ConnectorParam) -> bool {
    param.default_value.as_ref().is_some_and(|value| !is_falsy(value))
}

fn with_defaults(file: &ConnectorFile, supplied: &SecretInputs) -> Vec<(String, Value)> {
    // An optional param left empty counts as not supplied: an empty text must not reach a request.
    let left_empty = |name: &str, value: &Value| {
        is_falsy(value) && file.find_param(name).is_some_and(|param| !has_default(param))
    };
    let mut values: Vec<(String, Value)> =
        supplied.0.iter().filter(|(name, value)| !left_empty(name, value)).cloned().collect();
    for param in &file.connector_params {
        if let (Some(default), None, true) =
            (&param.default_value, supplied.find(&param.name), has_default(param))
        {
            values.push((param.name.clone(), default.clone()));
        }
    }
    values
}

fn check_required(
    file: &ConnectorFile,
    values: &[(String, Value)],
    service: Service,
    problems: &mut Vec<SecretProblem>,
) -> Option<SecretProblem> {
    let variables = condition_variables(file, values);
    let is_needed = |only: Option<Service>| only.is_none_or(|only| only == service);
    let mut required: Vec<&str> = Vec::new();
    let params = file.connector_params.iter().filter(|param| is_needed(param.required_for));
    for param in params.filter(|param| !has_default(param)) {
        let needed: Result<bool, ConditionError> = match &param.required {
            Required::Always => Ok(true),
            Required::Never => Ok(false),
            Required::When(condition) => condition.evaluate(&variables),
        };
        match needed {
            Ok(true) => required.push(&param.name),
            Ok(false) => {}
            Err(error) => {
                problems
                    .push(SecretProblem::Undecided { name: param.name.clone(), reason: error.to_string() });
            }
        }
    }
    let references = file.external_references.iter();
    let references = references.filter(|reference| is_needed(reference.required_for));
    required.extend(references.map(|reference| reference.name.as_str()));

    let given: HashSet<&str> =
        values.iter().filter(|(_, value)| !is_falsy(value)).map(|(name, _)| name.as_str()).collect();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    let missing: Vec<&str> = required.iter().copied().filter(|name| !given.contains(name)).collect();
    (!missing.is_empty())
        .then(|| SecretProblem::Missing { missing: owned(&missing), required: owned(&required) })
}

/// All declared params, null where nothing was supplied, so that a condition may name any of them.
fn condition_variables(file: &ConnectorFile, values: &[(String, Value)]) -> Row {
    let mut variables: Row =
        file.connector_params.iter().map(|param| (param.name.clone(), Value::Null)).collect();
    for (name, value) in values {
        variables.insert(name.clone(), value.clone());
    }
    variables
}

enum HostVerdict {
    Fine,
    Tolerated(SecretProblem),
    Refused(SecretProblem),
}

fn check_host(param: &ConnectorParam, value: &Value, mode: DomainValidation) -> HostVerdict {
    let (true, Some(patterns), Value::String(host)) = (param.is_endpoint, &param.allowed_values, value)
    else {
        return HostVerdict::Fine;
    };
    if model::host_allowed(patterns, host) {
        return HostVerdict::Fine;
    }
    let problem = SecretProblem::HostNotAllowed { name: param.name.clone(), patterns: patterns.clone() };
    match mode {
        DomainValidation::Enabled => HostVerdict::Refused(problem),
        DomainValidation::Monitor => HostVerdict::Tolerated(problem),
        DomainValidation::Disabled => HostVerdict::Fine,
    }
}

fn find_unknown(file: &ConnectorFile, supplied: &SecretInputs) -> Vec<UnknownSecret> {
    let declared: Vec<&str> = file
        .connector_params
        .iter()
        .map(|param| param.name.as_str())
        .chain(file.external_references.iter().map(|reference| reference.name.as_str()))
        .collect();
    supplied
        .names()
        .filter(|name| !declared.contains(name) && !crate::lint::is_supplied_beyond_params(file, name))
        .map(|name| UnknownSecret {
            name: name.to_owned(),
            nearest: nearest_of(name, declared.iter().copied()).map(str::to_owned),
        })
        .collect()
}
