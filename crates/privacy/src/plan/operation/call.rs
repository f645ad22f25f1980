use std::fmt;

use connector::writes::WriteRequest;
use datastore::{SqlValue, Write};
use serde_json::Value;

/// What is sent, so that nothing else is needed to send it. A secret stands in it by name only.
#[derive(Clone, PartialEq)]
pub enum Call {
    /// An HTTP request.
    Http {
        /// Name of the collection that the request belongs to.
        endpoint: String,
        /// The request's place in the connector file.
        place: String,
        /// Method.
        method: String,
        /// Whole URL.
        url: String,
        /// Headers without authentication, in order.
        headers: Vec<(String, String)>,
        /// Body as sent: a JSON value stands for its compact text, a JSON text for itself.
        body: Option<Value>,
    },
    /// An SQL statement over the rows of one collection.
    Sql {
        /// What it does to them.
        write: Write,
        /// The columns that it writes; none for a deletion.
        columns: Vec<String>,
        /// Its text; values stand in `parameters`.
        sql: String,
        /// Bound values, in order, each with its type.
        parameters: Vec<SqlValue>,
    },
}

impl From<WriteRequest> for Call {
    fn from(request: WriteRequest) -> Self {
        let is_json = request.is_json();
        let WriteRequest { place, endpoint, method, url, headers, body } = request;
        let body = body.map(|text| shown_body(text, is_json));
        Self::Http { endpoint, place, method, url, headers, body }
    }
}

/// A body as JSON where that gives exactly the same text again.
fn shown_body(text: String, is_json: bool) -> Value {
    let parsed = if is_json { serde_json::from_str::<Value>(&text).ok() } else { None };
    match parsed.map(|value| (value.to_string(), value)) {
        Some((compact, value)) if compact == text && !value.is_string() => value,
        Some(_) | None => Value::String(text),
    }
}

/// Shows no URL, body or parameter.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { method, .. } => write!(f, "Http({method} …)"),
            Self::Sql { .. } => f.write_str("Sql(…)"),
        }
    }
}
