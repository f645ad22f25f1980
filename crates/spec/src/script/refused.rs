//! Headers and params that would make a request another one than it says.

use serde_json::{Map, Value};

/// Headers that are the sender's to say, or that name another method than the request's.
const REFUSED: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// A param that many servers take for the method.
const METHOD: &str = "_method";

/// What `name` is called among the headers that a script may not set; `None` if it may.
pub fn refused_header(name: &str) -> Option<&'static str> {
    // Servers differ in whether an underscore is a dash.
    let name = name.trim().to_ascii_lowercase().replace('_', "-");
    REFUSED.iter().copied().find(|refused| *refused == name)
}

/// The header or param of a request that a script may not set.
pub(super) fn find(
    headers: &Map<String, Value>,
    query: &Map<String, Value>,
    body: &Value,
) -> Option<&'static str> {
    let is_method = |name: &str| name.trim().eq_ignore_ascii_case(METHOD);
    let in_body = match body {
        Value::Object(members) => members.keys().any(|name| is_method(name)),
        Value::String(text) => text.split('&').any(|pair| is_method(pair.split('=').next().unwrap_or(pair))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
    };
    headers
        .keys()
        .find_map(|name| refused_header(name))
        .or_else(|| (in_body || query.keys().any(|name| is_method(name))).then_some(METHOD))
}
