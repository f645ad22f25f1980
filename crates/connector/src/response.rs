//! From an HTTP answer to rows (saas-config 14, architecture §13.15).
//!
//! An answer that is not what the file says it is never counts as an empty list: it is tried again,
//! and if it stays that way the reading is incomplete.

mod look_up;

pub(crate) use look_up::{Found, look_up, look_up_segments, take};

use egress::{HttpReply, Retry};
use http::StatusCode;
use model::{IncompleteReason, Path, Row, is_falsy};
use serde_json::Value;
use spec::connector_file::Request;
use thiserror::Error;

use crate::send::Rejected;

/// An answer whose status is fine and whose body is not. `Display` never shows the body.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// The JSON text ends before its end.
    #[error("`{path}` answered with JSON that stops in its middle, after {bytes} bytes; try again later")]
    Truncated {
        /// Path template of the request.
        path: String,
        /// Length of what arrived.
        bytes: usize,
    },
    /// The body is something else.
    #[error(
        "`{path}` answered {status} with {kind} instead of JSON; check the path and the host, or try again later"
    )]
    NotJson {
        /// Path template of the request.
        path: String,
        /// Status of the answer.
        status: u16,
        /// What the body looks like.
        kind: &'static str,
    },
    /// The rows are not where the file says.
    #[error("`{path}` answered {status} without `{data_path}`; check `data_path`, or try again later")]
    MissingKey {
        /// Path template of the request.
        path: String,
        /// Status of the answer.
        status: u16,
        /// The path that found nothing.
        data_path: String,
    },
    /// Something else stands where a list or an object is expected.
    #[error(
        "`{path}` answered {status} with {kind} at `{data_path}`, where a list or an object is expected; check \
         `data_path`, or try again later"
    )]
    NotItems {
        /// Path template of the request.
        path: String,
        /// Status of the answer.
        status: u16,
        /// Where it stands; `.` for the whole answer.
        data_path: String,
        /// What was found.
        kind: &'static str,
    },
    /// Several things where there can be one.
    #[error("{count} things came where one was asked for; narrow the request")]
    Several {
        /// How many.
        count: usize,
    },
    /// What stands there is no row and no list of rows.
    #[error("there is {kind} where rows are expected; check `data_path` and `postprocessors`")]
    NotRows {
        /// What was found.
        kind: &'static str,
    },
}

impl ResponseError {
    /// Why a reading that ends with this error is incomplete.
    pub fn reason(&self) -> IncompleteReason {
        match self {
            Self::Truncated { .. } => IncompleteReason::Truncated,
            Self::NotJson { .. }
            | Self::MissingKey { .. }
            | Self::NotItems { .. }
            | Self::Several { .. }
            | Self::NotRows { .. } => IncompleteReason::Malformed,
        }
    }

    /// Whether another attempt can help: not where the answer was read and the file misreads it.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Truncated { .. }
            | Self::NotJson { .. }
            | Self::MissingKey { .. }
            | Self::NotItems { .. } => Retry::Yes,
            Self::Several { .. } | Self::NotRows { .. } => Retry::No,
        }
    }
}

impl From<ResponseError> for Rejected {
    fn from(error: ResponseError) -> Self {
        Self { reason: error.reason(), problem: error.to_string(), retry: error.retry() }
    }
}

/// The JSON of a successful answer; `None` for 204 (saas-config 14.3, 14.4).
///
/// # Errors
/// [`ResponseError`] if the body is not JSON, or lacks the key that `data_path` names. Both are
/// worth another attempt.
pub(crate) fn read_json(request: &Request, reply: &HttpReply) -> Result<Option<Value>, ResponseError> {
    if reply.status == StatusCode::NO_CONTENT.as_u16() {
        return Ok(None);
    }
    let json = parse(request, reply)?;
    match &request.data_path {
        Some(data_path) if matches!(look_up(data_path, &json), Found::Missing) => {
            Err(missing_key(request, reply, data_path))
        }
        Some(_) | None => Ok(Some(json)),
    }
}

/// The JSON of a successful answer that brings items: a list or an object stands where the file says.
///
/// Stricter than [`read_json`], because what is absent from such a list counts as gone: null is a missing
/// key, and so is an answer without content. A status that does mean "nothing" belongs under `gone`.
///
/// # Errors
/// [`ResponseError`] for everything else; all of it is worth another attempt.
pub(crate) fn read_items(request: &Request, reply: &HttpReply) -> Result<Value, ResponseError> {
    let json = parse(request, reply)?;
    let found = match &request.data_path {
        Some(data_path) => {
            look_up(data_path, &json).value().ok_or_else(|| missing_key(request, reply, data_path))?
        }
        None => &json,
    };
    let kind = match found {
        Value::Array(_) | Value::Object(_) => return Ok(json),
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
    };
    let data_path = request.data_path.as_ref().map_or_else(|| ".".to_owned(), Path::to_string);
    Err(ResponseError::NotItems { path: path_of(request), status: reply.status, data_path, kind })
}

/// Refuses data without what `unwrap` takes out of them: in a list of access that would be an empty one, or one
/// without some of its entries. An entry that holds null there is about nothing, and is left out.
///
/// # Errors
/// [`ResponseError::NotRows`].
pub(crate) fn check_unwrap(path: &Path, data: &Value) -> Result<(), ResponseError> {
    let is_there = match data {
        Value::Array(items) => items.iter().all(|item| !matches!(look_up(path, item), Found::Missing)),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            look_up(path, data).value().is_some()
        }
    };
    if is_there { Ok(()) } else { Err(ResponseError::NotRows { kind: "nothing" }) }
}

/// The items in `data`, in order, as they came: the entries of a list, whatever they are, or one object.
///
/// # Errors
/// [`ResponseError::NotRows`] for anything else.
pub(crate) fn items(data: Value) -> Result<Vec<Value>, ResponseError> {
    match data {
        Value::Array(items) => Ok(items),
        Value::Object(_) => Ok(vec![data]),
        Value::String(_) => Err(ResponseError::NotRows { kind: "a text" }),
        Value::Number(_) => Err(ResponseError::NotRows { kind: "a number" }),
        Value::Bool(_) => Err(ResponseError::NotRows { kind: "a boolean" }),
        Value::Null => Err(ResponseError::NotRows { kind: "null" }),
    }
}

/// The rows in `data`, in order, as they came (saas-config 14.7, 14.8).
///
/// # Errors
/// [`ResponseError::NotRows`] for a scalar, or a list that holds anything but objects.
pub(crate) fn rows(data: Value) -> Result<Vec<Row>, ResponseError> {
    let not_rows = |kind| ResponseError::NotRows { kind };
    if is_falsy(&data) {
        return Ok(Vec::new());
    }
    match data {
        Value::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Value::Object(row) => Ok(row),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                    Err(not_rows("a list with other things than objects"))
                }
            })
            .collect(),
        Value::Object(row) => Ok(vec![row]),
        Value::String(_) => Err(not_rows("a text")),
        Value::Number(_) => Err(not_rows("a number")),
        Value::Bool(_) | Value::Null => Err(not_rows("a boolean")),
    }
}

fn parse(request: &Request, reply: &HttpReply) -> Result<Value, ResponseError> {
    let body = reply.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&reply.body);
    serde_json::from_slice(body).map_err(|error| not_json(request, reply, body, &error))
}

fn missing_key(request: &Request, reply: &HttpReply, data_path: &Path) -> ResponseError {
    let (path, data_path) = (path_of(request), data_path.to_string());
    ResponseError::MissingKey { path, status: reply.status, data_path }
}

fn not_json(request: &Request, reply: &HttpReply, body: &[u8], error: &serde_json::Error) -> ResponseError {
    let path = path_of(request);
    let text = body.trim_ascii_start();
    if error.is_eof() && !text.is_empty() {
        return ResponseError::Truncated { path, bytes: reply.body.len() };
    }
    let kind = match text.first() {
        None => "an empty body",
        Some(b'<') => "a page of HTML or XML",
        Some(_) => "something else",
    };
    ResponseError::NotJson { path, status: reply.status, kind }
}

fn path_of(request: &Request) -> String {
    request.target.as_ref().map_or_else(String::new, |target| target.path.source().to_owned())
}

#[cfg(test)]
mod tests;
