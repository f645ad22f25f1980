use serde_json::Value;
use spec::connector_file::Service;
use spec::{CheckedSecrets, DomainValidation, SecretInputs, SecretProblem, check_secrets_for};

use super::Problem;
use super::values::Values;
use crate::flag::{ConnectorField, ConnectorFields, Flag, FlagKind};

/// The connector's own fields, checked by the rules of its file; `None` with problems.
pub(super) fn check(
    fields: &ConnectorFields,
    values: &Values,
    problems: &mut Vec<Problem>,
) -> Option<CheckedSecrets> {
    let given = |field: &ConnectorField| {
        values.find(&field.flag.name)?;
        let name = &field.flag.name;
        let value = if field.flag.kind == FlagKind::List {
            Value::from(values.list(name))
        } else {
            Value::from(values.text(name).filter(|_| values.is_set(name))?)
        };
        Some((field.param.clone(), value))
    };
    let inputs = SecretInputs::new(fields.fields.iter().filter_map(given));
    match check_secrets_for(&fields.file, &inputs, DomainValidation::Enabled, Service::Governance) {
        Ok(checked) => Some(checked),
        Err(error) => {
            for problem in error.problems {
                problems.extend(in_flags(fields, values, problem));
            }
            None
        }
    }
}

/// A problem with params, said of their flags.
fn in_flags(fields: &ConnectorFields, values: &Values, problem: SecretProblem) -> Vec<Problem> {
    let flag = |param: &str| fields.fields.iter().find(|field| field.param == param).map(|field| &field.flag);
    let about = |param: &str, rule: String| {
        let name = flag(param).map_or(param, |flag| flag.name.as_str());
        vec![values.problem(name, &rule)]
    };
    match problem {
        SecretProblem::Missing { missing, .. } => {
            missing.iter().filter_map(|param| flag(param)).map(missing_flag).collect()
        }
        SecretProblem::WrongType { name, expected } => about(&name, format!("must be {expected}")),
        SecretProblem::NotAnOption { name, options } | SecretProblem::NotOptions { name, options } => {
            about(&name, format!("must be of {}", options.join(", ")))
        }
        SecretProblem::NotMultiselect { name } => about(&name, "takes one value, not a list".to_owned()),
        SecretProblem::HostNotAllowed { name, patterns } => {
            about(&name, format!("must be a host of {}", patterns.join(", ")))
        }
        problem @ (SecretProblem::Reference(_) | SecretProblem::Undecided { .. }) => {
            vec![Problem::Connector(problem.to_string())]
        }
    }
}

fn missing_flag(flag: &Flag) -> Problem {
    let ways = std::iter::once(format!("--{}", flag.name)).chain(flag.variables()).collect();
    Problem::Missing { field: flag.name.clone(), ways }
}
