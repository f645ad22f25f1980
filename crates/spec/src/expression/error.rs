//! Why an expression cannot be used or has no value.

use cel::ExecutionError;
use thiserror::Error;

use super::arguments::{MAX_TEXT, TOO_LARGE};
use super::bounds::{MAX_DEPTH, MAX_LENGTH, MAX_NESTED_LOOPS};

/// Why an expression cannot be used or has no value.
///
/// It names the expression, and names and keys written in it, and never holds a value.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum ExpressionError {
    /// The text is no CEL expression.
    #[error("not a CEL expression: {detail}")]
    Syntax {
        /// What the parser said.
        detail: String,
    },
    /// The text is too long.
    #[error("an expression has at most {MAX_LENGTH} bytes")]
    TooLong,
    /// Operations are chained or nested too deep.
    #[error("an expression chains or nests at most {MAX_DEPTH} operations")]
    TooDeep,
    /// Loops are nested too deep.
    #[error("`all`, `exists`, `map` and `filter` may stand inside each other {MAX_NESTED_LOOPS} levels deep")]
    TooManyLoops,
    /// A call of what is no function.
    #[error(
        "`{name}` with {arguments} arguments is no function of expressions; the reference page lists them"
    )]
    UnknownFunction {
        /// The name.
        name: String,
        /// How many arguments the call has.
        arguments: usize,
    },
    /// A name that is no variable.
    #[error("expression `{expression}` uses `{name}`, which is not known here")]
    UnknownName {
        /// The expression.
        expression: String,
        /// The name.
        name: String,
    },
    /// A key that the value does not have.
    #[error("expression `{expression}` uses key `{key}`, which is absent; ask with `has(…)` first")]
    NoSuchKey {
        /// The expression.
        expression: String,
        /// The key.
        key: String,
    },
    /// The values do not fit the operations.
    #[error("expression `{expression}` cannot be computed: an operation meets a value of the wrong kind")]
    NotComputable {
        /// The expression.
        expression: String,
    },
    /// A function would make too long a text or list.
    #[error("expression `{expression}` makes a text of over {MAX_TEXT} bytes or a list of too many items")]
    TooLarge {
        /// The expression.
        expression: String,
    },
    /// The value is of another kind than the place takes.
    #[error("expression `{expression}` gives {given}, {wanted} is needed here")]
    WrongKind {
        /// The expression.
        expression: String,
        /// The kind of its value.
        given: &'static str,
        /// The kind that is needed.
        wanted: &'static str,
    },
}

impl ExpressionError {
    /// The crate's errors print values, so only their kinds and what the expression itself spells
    /// are passed on.
    pub(super) fn of(expression: &str, error: &ExecutionError) -> Self {
        let source = expression.to_owned();
        match error {
            ExecutionError::UndeclaredReference(name) => {
                Self::UnknownName { expression: source, name: name.to_string() }
            }
            // A key may be computed (`map[item.email]`), and is then a value.
            ExecutionError::NoSuchKey(key) if expression.contains(key.as_str()) => {
                Self::NoSuchKey { expression: source, key: key.to_string() }
            }
            ExecutionError::FunctionError { function, .. } if function == TOO_LARGE => {
                Self::TooLarge { expression: source }
            }
            _ => Self::NotComputable { expression: source },
        }
    }
}
