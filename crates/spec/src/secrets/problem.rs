use thiserror::Error;

use super::ExternalReferenceError;

/// Everything that is wrong with a set of secrets, in one go.
#[derive(Debug, Error)]
#[error("{}", list(problems))]
pub struct SecretsError {
    /// At least one, in the order of the file's params, missing ones first.
    pub problems: Vec<SecretProblem>,
    /// Names that the file does not declare; often the reason why another is missing.
    pub unknown: Vec<UnknownSecret>,
}

/// One thing that is wrong with a set of secrets. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretProblem {
    /// Something required has no truthy value (A41).
    #[error("missing {}; this connector must be supplied all of {}", names(missing), names(required))]
    Missing {
        /// Those without a value.
        missing: Vec<String>,
        /// All that are required: params, then external references, in the file's order.
        required: Vec<String>,
    },
    /// The value has a type that the param does not take.
    #[error("secret `{name}` has the wrong type; write {expected}")]
    WrongType {
        /// The param.
        name: String,
        /// What it takes.
        expected: &'static str,
    },
    /// A text that is not among the options (A42).
    #[error("secret `{name}` must be one of {}", names(options))]
    NotAnOption {
        /// The param.
        name: String,
        /// Its options.
        options: Vec<String>,
    },
    /// A list with entries that are not among the options (A43).
    #[error("entries of secret `{name}` are not valid options; choose from {}", names(options))]
    NotOptions {
        /// The param.
        name: String,
        /// Its options.
        options: Vec<String>,
    },
    /// A list for a param that takes one option.
    #[error("secret `{name}` must be a single value; only a param with `multiselect: true` takes a list")]
    NotMultiselect {
        /// The param.
        name: String,
    },
    /// A host that matches none of the patterns (A10).
    #[error("the host in secret `{name}` is not in the list of allowed values: {}", names(patterns))]
    HostNotAllowed {
        /// The param.
        name: String,
        /// Its patterns.
        patterns: Vec<String>,
    },
    /// An external reference that is not a reference (4.12).
    #[error(transparent)]
    Reference(#[from] ExternalReferenceError),
    /// `required_when` could not be decided.
    #[error("whether secret `{name}` is required cannot be decided: {reason}")]
    Undecided {
        /// The param.
        name: String,
        /// Why the condition failed; says nothing of values.
        reason: String,
    },
}

/// A secret that the file does not declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSecret {
    /// The name supplied.
    pub name: String,
    /// The declared name it was probably meant to be.
    pub nearest: Option<String>,
}

impl std::fmt::Display for UnknownSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "secret `{}` is not declared by the connector", self.name)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

fn list(problems: &[SecretProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn names(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
