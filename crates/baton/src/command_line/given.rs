use std::fmt;

use crypto::Secret;

/// A value that somebody gave, as texts. What it means, its flag says.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// The flag's name.
    pub(super) flag: String,
    /// One text, or those of a list.
    pub(super) texts: Secret<Vec<String>>,
    /// Who said it.
    pub(super) origin: Origin,
}

/// Who gave a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line; the flag as it is written there.
    Flag(String),
    /// An environment variable.
    Environment(String),
    /// The configuration file.
    File {
        /// Its name.
        name: String,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Environment(variable) => f.write_str(variable),
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
        }
    }
}
