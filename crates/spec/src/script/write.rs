use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{path, refused};

/// A write that a script returns instead of sending it.
///
/// `{"method": "DELETE", "path": "/people/7", "query": {…}, "headers": {…}, "body": …, "rows": [0]}`;
/// `body` is text, or data that become JSON. `rows` are the positions of the rows it stands for, among
/// those that the function got; without it, it stands for all of them.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptWrite {
    /// HTTP method, upper case, one that writes.
    pub method: String,
    /// Path below the base URL, percent-encoded.
    pub path: String,
    /// Query params, not encoded.
    #[serde(default)]
    pub query: serde_json::Map<String, Value>,
    /// Headers.
    #[serde(default)]
    pub headers: serde_json::Map<String, Value>,
    /// Body; null for none.
    #[serde(default)]
    pub body: Value,
    /// Positions of the rows it stands for; `None` = all.
    #[serde(default)]
    pub rows: Option<Vec<usize>>,
}

impl std::fmt::Debug for ScriptWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptWrite").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A result that is no list of writes. Names positions, never values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScriptWriteError {
    /// Something else than a list.
    #[error("the script must return a list of write requests")]
    NotAList,
    /// An entry of another form.
    #[error(
        "entry {index} is no write request; return dicts with `method`, `path`, and maybe `query`, `headers`, `body`, `rows`"
    )]
    NotAWrite {
        /// Its position, from 0.
        index: usize,
    },
    /// A method that reads, or that nobody knows.
    #[error(
        "entry {index} has a method that does not write; use POST, PUT, PATCH or DELETE, and `fetch` to read"
    )]
    NotAWritingMethod {
        /// Its position, from 0.
        index: usize,
    },
    /// A path that would lead elsewhere.
    #[error(
        "entry {index} has a path that does not lead below the base URL; begin with `/`, put values in with \
         `quote`, and params under `query`"
    )]
    BadPath {
        /// Its position, from 0.
        index: usize,
    },
    /// A header or param that would make it another request than the plan shows.
    #[error(
        "entry {index} sets `{name}`, which the sender says, or which names another method than `method`"
    )]
    Refused {
        /// Its position, from 0.
        index: usize,
        /// The header or param.
        name: &'static str,
    },
}

/// The writes that an `update` or `delete` function returned.
///
/// # Errors
/// [`ScriptWriteError`] for the first entry that is none.
pub fn writes(result: Value) -> Result<Vec<ScriptWrite>, ScriptWriteError> {
    let Value::Array(entries) = result else { return Err(ScriptWriteError::NotAList) };
    let write = |(index, entry)| {
        let write: ScriptWrite =
            serde_json::from_value(entry).map_err(|_| ScriptWriteError::NotAWrite { index })?;
        if !["POST", "PUT", "PATCH", "DELETE"].contains(&write.method.as_str()) {
            return Err(ScriptWriteError::NotAWritingMethod { index });
        }
        if !path::is_plain(&write.path) {
            return Err(ScriptWriteError::BadPath { index });
        }
        if let Some(name) = refused::find(&write.headers, &write.query, &write.body) {
            return Err(ScriptWriteError::Refused { index, name });
        }
        Ok(write)
    };
    entries.into_iter().enumerate().map(write).collect()
}
