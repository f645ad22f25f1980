use serde_json::Value;
use spec::connector_file::{ConnectorFile, Service};
use spec::secrets::{ExternalReferenceError, SecretProblem};
use spec::{
    CheckedSecrets, ConnectionEntry, Diagnostic, Diagnostics, DomainValidation, SecretInputs, SecretValue,
};

use super::ProjectFile;

/// The secrets of one connection, where they stand in the project file.
#[derive(Clone, Copy)]
pub(super) struct SecretsOf<'a> {
    /// The project.
    pub(super) project: &'a ProjectFile,
    /// Position of the connection in it.
    pub(super) position: usize,
    /// The connection.
    pub(super) entry: &'a ConnectionEntry,
}

impl SecretsOf<'_> {
    /// Takes them from file and environment as they are. What is not set stands in `found`.
    pub(super) fn supplied(self, found: &mut Diagnostics) -> Option<Vec<(String, Value)>> {
        let mut supplied: Vec<(String, Value)> = Vec::new();
        let mut unset = Vec::new();
        for (name, value) in &self.entry.secrets {
            match value {
                SecretValue::Literal(value) => supplied.push((name.clone(), value.clone())),
                SecretValue::Environment(variable) => match std::env::var(variable) {
                    Ok(text) => supplied.push((name.clone(), Value::String(text))),
                    Err(_) => unset.push(self.unset(name, variable)),
                },
            }
        }
        if unset.is_empty() {
            return Some(supplied);
        }
        // What else is missing would only repeat these names.
        found.extend(unset);
        None
    }

    /// Takes them and checks them against what the connector needs for `service`.
    ///
    /// `None` if something is wrong; that stands in `found`, by name and place and without any value.
    pub(super) fn check(
        self,
        file: &ConnectorFile,
        service: Service,
        found: &mut Diagnostics,
    ) -> Option<CheckedSecrets> {
        let supplied = SecretInputs::new(self.supplied(found)?);
        match spec::check_secrets_for(file, &supplied, DomainValidation::default(), service) {
            Ok(secrets) => {
                for warning in &secrets.warnings {
                    tracing::warn!(connection = %self.entry.key, "{warning}");
                }
                found.extend(secrets.unknown.iter().map(|unknown| self.unknown(unknown)));
                secrets.unknown.is_empty().then_some(secrets)
            }
            Err(error) => {
                found.extend(error.unknown.iter().map(|unknown| self.unknown(unknown)));
                found.extend(error.problems.iter().map(|problem| self.problem(problem)));
                None
            }
        }
    }

    fn unset(self, name: &str, variable: &str) -> Diagnostic {
        let message =
            format!("secret `{name}` comes from the environment variable `{variable}`, which is not set");
        self.project
            .error_at(&self.of(name), "project::environment", message)
            .with_help(format!("set it first, as in `export {variable}=…`"))
    }

    fn unknown(self, unknown: &spec::secrets::UnknownSecret) -> Diagnostic {
        let found = self.project.error_at_key(
            &self.of(&unknown.name),
            "project::unknown_secret",
            unknown.to_string(),
        );
        found.with_help("`tutela connector show CONNECTOR` lists what it takes")
    }

    fn problem(self, problem: &SecretProblem) -> Diagnostic {
        let place = match problem {
            SecretProblem::Missing { .. } => format!("connections[{}].secrets", self.position),
            SecretProblem::WrongType { name, .. }
            | SecretProblem::NotAnOption { name, .. }
            | SecretProblem::NotOptions { name, .. }
            | SecretProblem::NotMultiselect { name }
            | SecretProblem::HostNotAllowed { name, .. }
            | SecretProblem::Undecided { name, .. } => self.of(name),
            SecretProblem::Reference(error) => self.of(named(error)),
        };
        self.project.error_at_key(&place, "project::secret", problem.to_string())
    }

    fn of(self, name: &str) -> String {
        format!("connections[{}].secrets.{name}", self.position)
    }
}

/// The external reference that an error is about.
fn named(error: &ExternalReferenceError) -> &str {
    match error {
        ExternalReferenceError::Shape { name }
        | ExternalReferenceError::Field { name }
        | ExternalReferenceError::Direction { name }
        | ExternalReferenceError::UnknownDataset { name, .. }
        | ExternalReferenceError::UnknownCollection { name, .. }
        | ExternalReferenceError::UnknownField { name, .. } => name,
    }
}
