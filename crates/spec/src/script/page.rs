use model::{IncompleteReason, Row};
use serde_json::Value;
use thiserror::Error;

/// What a `read` function returned: rows, and whether there is more.
///
/// A list is all rows. `{"rows": […], "next": …, "incomplete": "http_4xx"}` is a page: `next`, if it is
/// not null, is handed to the next call; `incomplete` says why rows are missing, in the word of a report.
#[derive(Clone, PartialEq)]
pub struct ScriptPage {
    /// The rows.
    pub rows: Vec<Row>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Value>,
    /// Why rows are missing.
    pub incomplete: Option<IncompleteReason>,
}

impl std::fmt::Debug for ScriptPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptPage").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

/// A result that is no page. Names positions, never values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScriptPageError {
    /// Something else.
    #[error("a function that reads must return a list of rows, or a dict with `rows`")]
    NotAPage,
    /// A row that is no dict.
    #[error("row {index} is no dict")]
    NotARow {
        /// Its position, from 0.
        index: usize,
    },
    /// A reason that nobody knows.
    #[error("`incomplete` is no reason that a report knows, such as `http_4xx`, `page_cap`, `malformed`")]
    UnknownReason,
}

/// The page that a `read` function returned.
///
/// # Errors
/// [`ScriptPageError`] if it is none.
pub fn page(result: Value) -> Result<ScriptPage, ScriptPageError> {
    let (rows, next, incomplete) = match result {
        Value::Array(rows) => (rows, Value::Null, Value::Null),
        Value::Object(mut page) => {
            let rows = page.remove("rows");
            let (next, incomplete) = (page.remove("next"), page.remove("incomplete"));
            match rows {
                Some(Value::Array(rows)) if page.is_empty() => {
                    (rows, next.unwrap_or_default(), incomplete.unwrap_or_default())
                }
                Some(_) | None => return Err(ScriptPageError::NotAPage),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(ScriptPageError::NotAPage);
        }
    };
    let row = |(index, row)| match row {
        Value::Object(row) => Ok(row),
        _ => Err(ScriptPageError::NotARow { index }),
    };
    Ok(ScriptPage {
        rows: rows.into_iter().enumerate().map(row).collect::<Result<_, _>>()?,
        next: Some(next).filter(|next| !next.is_null()),
        incomplete: Some(incomplete)
            .filter(|reason| !reason.is_null())
            .map(serde_json::from_value)
            .transpose()
            .map_err(|_| ScriptPageError::UnknownReason)?,
    })
}
