use thiserror::Error;

use super::given::Origin;
use super::mode::ForeignTask;
use crate::config_file::ConfigFileError;

/// A command line that cannot be used. No text shows the value of a secret.
#[derive(Debug, Error)]
pub enum CommandLineError {
    /// The arguments are not understood; the text says how they are written.
    #[error("{0}")]
    Usage(String),
    /// The configuration file cannot be used.
    #[error(transparent)]
    ConfigFile(#[from] ConfigFileError),
    /// Values that break a rule, all of them.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
    /// Something that connectors made from files do not do.
    #[error("{0}")]
    Unsupported(ForeignTask),
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl From<Problem> for CommandLineError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

/// One value that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// A value that its field does not take.
    #[error("field `{field}` (from {origin}): {rule}")]
    Value {
        /// The flag's name.
        field: String,
        /// Who said it.
        origin: Origin,
        /// What it must be.
        rule: String,
    },
    /// A value that nobody gave.
    #[error("field `{field}` is required: give it as {}", ways.join(" or "))]
    Missing {
        /// The flag's name.
        field: String,
        /// The flag and its variables.
        ways: Vec<String>,
    },
    /// Fields of which one says nothing without the others.
    #[error("fields {} go together; {} {} missing", names(together), names(missing), if missing.len() == 1 { "is" } else { "are" })]
    Apart {
        /// All of them.
        together: Vec<String>,
        /// Those that were not given.
        missing: Vec<String>,
    },
    /// Fields of which only one may be given.
    #[error("fields {} exclude each other; give one of them", names(given))]
    Exclusive {
        /// Those that were given.
        given: Vec<String>,
    },
    /// A field that says nothing without another.
    #[error("field `{field}` needs field `{needs}`")]
    Needs {
        /// The flag's name.
        field: String,
        /// The other's.
        needs: String,
    },
    /// A one-shot change that does not say what to change.
    #[error("unknown provisioning action: field `{field}` needs {}", names(needs))]
    Action {
        /// The flag's name.
        field: String,
        /// What it needs; one of them is enough.
        needs: Vec<String>,
    },
    /// A rule between the connector's own fields.
    #[error("{0}")]
    Connector(String),
}

fn names(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
