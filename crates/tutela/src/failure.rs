use std::error::Error;
use std::path::Path;

use thiserror::Error;

use crate::exit::Exit;
use crate::logging::FilterError;

/// Why a command could not do its work: one text for a person, and the exit code.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The input is wrong: a flag, a file, a value.
    #[error("error: {0}")]
    BadInput(String),
    /// The input is right and it did not work.
    #[error("error: {0}")]
    Failed(String),
    /// The input is right, and plan, policy or limits forbid it; nothing was sent.
    #[error("refused: {0}")]
    Refused(String),
    /// What is wrong was shown already, as diagnostics.
    #[error("")]
    Shown(Exit),
}

impl Failure {
    /// Bad input, explained by an error and its sources.
    pub(crate) fn bad_input(error: &dyn Error) -> Self {
        Self::BadInput(chain(error))
    }

    /// A failure, explained by an error and its sources.
    pub(crate) fn failed(error: &dyn Error) -> Self {
        Self::Failed(chain(error))
    }

    /// A refusal, explained by an error and its sources.
    pub(crate) fn refused(error: &dyn Error) -> Self {
        Self::Refused(chain(error))
    }

    /// A file that should be there and cannot be read.
    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::BadInput(format!("{} cannot be read: {error}", path.display()))
    }

    /// A file that cannot be written.
    pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> Self {
        Self::Failed(format!("{} cannot be written: {error}", path.display()))
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::BadInput(_) => Exit::BadInput,
            Self::Failed(_) => Exit::Failed,
            Self::Refused(_) => Exit::Refused,
            Self::Shown(exit) => *exit,
        }
    }
}

impl From<FilterError> for Failure {
    fn from(error: FilterError) -> Self {
        Self::bad_input(&error)
    }
}

/// An error and what caused it, in one line; a cause that the error already tells is left out.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Error)]
    #[error("page 2 was not read")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_stand_in_the_same_line_without_debug_text() {
        let failure = Failure::failed(&Outer(std::io::Error::other("connection reset")));

        assert_eq!(failure.to_string(), "error: page 2 was not read: connection reset");
        assert_eq!(failure.exit(), Exit::Failed);
    }
}
