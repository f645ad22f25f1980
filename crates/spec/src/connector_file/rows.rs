//! From an answer to rows, and to the next page (saas-config 15, 18).

use model::Path;

use crate::reference::FieldReference;

/// A step between the answer and the rows (saas-config 15).
#[derive(Debug, Clone)]
pub enum Postprocessor {
    /// Takes the value at a path out of each element.
    Unwrap {
        /// The path.
        data_path: Path,
    },
    /// Keeps the elements that match.
    Filter(Filter),
    /// Adds a text of the answer to the task's message; data pass unchanged.
    ExtractForExecutionLog {
        /// Where the text is; `None` = the whole body.
        path: Option<Path>,
    },
}

/// The `filter` postprocessor.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Dotted path into each element; arrays are mapped over (saas-config 15.6).
    pub field: Vec<String>,
    /// What to look for.
    pub wanted: Wanted,
    /// Whole value, else substring.
    pub exact: bool,
    /// Else full Unicode case folding.
    pub case_sensitive: bool,
}

/// What a filter looks for.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// This text.
    Text(String),
    /// The person's identity of this kind.
    Identity(String),
    /// All values of a field in rows read before; `None` if the reference does not have three
    /// parts, which yields nothing (saas-config 15.5).
    DatasetReference(Option<FieldReference>),
}

/// How the next page is found (saas-config 18).
#[derive(Debug, Clone)]
pub enum Pagination {
    /// A counter in a query param.
    Offset {
        /// The param; among the request's query params.
        incremental_param: String,
        /// Step, at least 1.
        increment_by: i64,
        /// Last value that may be asked for.
        limit: Option<OffsetLimit>,
    },
    /// A link in a header or in the body.
    Link {
        /// Where.
        source: LinkSource,
        /// Must be the text `true` to go on.
        has_next: Option<Path>,
        /// Ours: an answer without the object that holds it is the last page. Otherwise an answer
        /// that lacks what earlier pages had is broken, and the reading incomplete.
        absent_is_end: bool,
    },
    /// A value of the last element, or of the answer, in a query param.
    Cursor {
        /// The query param to set.
        cursor_param: String,
        /// Where the cursor is.
        field: Path,
        /// Must be the text `true` to go on.
        has_next: Option<Path>,
        /// Ours: an answer without the object that holds it is the last page. Otherwise an answer
        /// that lacks what earlier pages had is broken, and the reading incomplete.
        absent_is_end: bool,
    },
}

/// Bound of the offset strategy.
#[derive(Debug, Clone)]
pub enum OffsetLimit {
    /// A number.
    Value(i64),
    /// The secret of this name.
    ConnectorParam(String),
}

/// Where the link strategy looks.
#[derive(Debug, Clone)]
pub enum LinkSource {
    /// The entry of the `Link` header with this `rel`.
    Headers {
        /// The relation, compared exactly.
        rel: String,
    },
    /// The value at this path of the body.
    Body {
        /// The path.
        path: Path,
    },
}
