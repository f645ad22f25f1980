use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::{Row, text_form};
use serde_json::Value;

use super::restore::Restored;
use super::{Build, BuildError, Prepared, body, prepared};

/// A request in parts, as a script writes it.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'p> {
    /// HTTP method.
    pub(crate) method: &'p str,
    /// Path below the base URL, percent-encoded.
    pub(crate) path: &'p str,
    /// Query params; null is left out, a list comes several times.
    pub(crate) query: &'p Row,
    /// Headers; null is left out.
    pub(crate) headers: &'p Row,
    /// Text, or data that become JSON or a form; null for none.
    pub(crate) body: &'p Value,
}

impl Build<'_> {
    /// The request of these parts, to the host of the file's request.
    pub(crate) fn of_parts(self, parts: Parts<'_>) -> Result<Prepared, BuildError> {
        let method = Method::from_bytes(parts.method.as_bytes())
            .map_err(|_| BuildError::NoTarget { place: self.place() })?;
        let mut headers = self.headers_of(parts.headers)?;
        let body = match parts.body {
            Value::Null => None,
            Value::String(text) => {
                headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain"));
                self.check_json(&headers, text)?;
                Some(text.clone())
            }
            data => Some(data.to_string()),
        };
        let (headers, body) = body::encode(&self.place(), headers, body)?;
        let target = prepared::path_and_query(parts.path, &query(parts.query));
        let url = self.client()?.url(&target).ok_or_else(|| BuildError::Url { place: self.place() })?;
        self.restore(Restored { method, url, headers, body })
    }

    fn headers_of(self, parts: &Row) -> Result<HeaderMap, BuildError> {
        let mut headers = HeaderMap::new();
        for (name, value) in parts.iter().filter(|(_, value)| !value.is_null()) {
            let bad = || BuildError::Header { place: self.place(), name: name.clone() };
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
            // The door says these itself; a second opinion would let two readers disagree.
            if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&header) {
                continue;
            }
            let value = text_form(value).ok_or_else(bad)?;
            headers.insert(header, HeaderValue::from_str(&value).map_err(|_| bad())?);
        }
        Ok(headers)
    }

    fn check_json(self, headers: &HeaderMap, text: &str) -> Result<(), BuildError> {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        if is_json || !body::is_json(headers) {
            return Ok(());
        }
        Err(BuildError::BodyNotJson { place: self.place() })
    }
}

fn query(params: &Row) -> Vec<(String, String)> {
    let mut query = Vec::new();
    for (name, value) in params {
        match value {
            Value::Array(items) => {
                query.extend(items.iter().filter_map(|item| Some((name.clone(), text_form(item)?))));
            }
            other => query.extend(text_form(other).map(|text| (name.clone(), text))),
        }
    }
    query
}
