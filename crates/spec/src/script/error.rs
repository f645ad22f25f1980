use std::fmt;

use starlark::ErrorKind;
use thiserror::Error;

use super::ScriptHostError;

/// A script that could not be run to its end.
///
/// Text and `Debug` name the place and the kind of the problem; what the script itself said, which
/// may hold a person's data, is in [`ScriptError::detail`] only.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: function `{function}` {problem}")]
pub struct ScriptError {
    /// Name of the file.
    pub file: String,
    /// The function that was run.
    pub function: String,
    /// Line of the problem, from 1; 0 if it has no place.
    pub line: usize,
    /// Column of the problem, from 1; 0 if it has no place.
    pub column: usize,
    /// What is wrong.
    pub problem: ScriptProblem,
    detail: String,
}

/// Kinds of problems of a running script.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScriptProblem {
    /// No function of this name.
    #[error("does not exist; define it with `def`")]
    NoFunction,
    /// Called with other arguments than it takes.
    #[error("or one that it calls does not take these arguments")]
    Arguments,
    /// An operation that its values do not allow.
    #[error("used a value in a way that it does not allow: a missing key, a wrong type")]
    Value,
    /// `fail(…)`.
    #[error("gave up by `fail`")]
    Failed,
    /// Too deep.
    #[error("calls itself too deeply")]
    TooDeep,
    /// Too long, or too much memory.
    #[error("took more steps, memory or time than a script may")]
    TooMuch,
    /// More reads and signatures than allowed.
    #[error("asked for more than {limit} reads and signatures")]
    TooManyAsks {
        /// How many are allowed.
        limit: usize,
    },
    /// Something it asked its caller for.
    #[error("was stopped: {0}")]
    Host(ScriptHostError),
    /// A result that is no data.
    #[error("returned something else than text, numbers, lists and dicts")]
    NotData,
    /// A result of lists in lists in lists.
    #[error("returned values that are nested too deeply")]
    TooNested,
}

impl ScriptError {
    pub(super) fn new(file: &str, function: &str, problem: ScriptProblem) -> Self {
        Self {
            file: file.to_owned(),
            function: function.to_owned(),
            line: 0,
            column: 0,
            problem,
            detail: String::new(),
        }
    }

    /// `too_much` says that a limit was reached, which has no kind of its own.
    pub(super) fn of((file, function): (&str, &str), error: &starlark::Error, too_much: bool) -> Self {
        let (line, column) = error.span().map_or((0, 0), |span| {
            let begin = span.resolve_span().begin;
            (begin.line + 1, begin.column + 1)
        });
        let problem = match error.kind() {
            _ if too_much => ScriptProblem::TooMuch,
            ErrorKind::Fail(_) => ScriptProblem::Failed,
            ErrorKind::StackOverflow(_) => ScriptProblem::TooDeep,
            ErrorKind::Function(_) => ScriptProblem::Arguments,
            _ => ScriptProblem::Value,
        };
        let detail = error.without_diagnostic().to_string();
        Self { line, column, detail, ..Self::new(file, function, problem) }
    }

    /// What the script or the language said; it may hold a person's data.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Debug for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptError")
            .field("file", &self.file)
            .field("function", &self.function)
            .field("line", &self.line)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}
