use spec::expression::ExpressionError;
use thiserror::Error;

/// An item of a list that cannot be understood as the file says. Names places, never values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingError {
    /// An expression has no result.
    #[error("`{what}` of an item of `{kind}`: {source}")]
    Expression {
        /// The kind.
        kind: String,
        /// The key of the file.
        what: &'static str,
        /// What is wrong.
        #[source]
        source: ExpressionError,
    },
    /// It gives nothing where something is needed.
    #[error(
        "`{what}` gives nothing for an item of `{kind}`; check the expression against the application's answer"
    )]
    Nothing {
        /// The kind.
        kind: String,
        /// The key of the file.
        what: &'static str,
    },
    /// A list is needed to know what is held, and there is none.
    #[error(
        "`{what}` is no list for an item of `{kind}`, so what it holds is not known; let `get` ask for such items"
    )]
    NoList {
        /// The kind.
        kind: String,
        /// The key of the file.
        what: &'static str,
    },
    /// A kind that the file does not name there.
    #[error("`{what}` of an item of `{kind}` gives a kind that is not named under `types`; name it there")]
    UnknownKind {
        /// The kind.
        kind: String,
        /// The key of the file.
        what: &'static str,
    },
    /// A word that is none of those that it may be.
    #[error("`{what}` gives none of {known} for an item of `{kind}`")]
    UnknownWord {
        /// The kind.
        kind: String,
        /// The key of the file.
        what: &'static str,
        /// The words.
        known: &'static str,
    },
}
