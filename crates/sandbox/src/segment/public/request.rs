use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::PublicError;
use crate::Query;
use crate::segment::simulation::Settings;
use crate::server::Call;

/// One call of the Public API, taken apart.
#[derive(Debug)]
pub(in crate::segment) struct PublicRequest<'a> {
    pub(super) method: &'a str,
    /// The decoded segments of the path; none for `/`.
    pub(super) segments: Vec<String>,
    pub(super) query: Query,
    pub(super) settings: Settings,
    /// Whether the media type asked for is one of the fixed versions before alpha.
    pub(super) stable_version_only: bool,
    body: &'a [u8],
}

impl<'a> PublicRequest<'a> {
    pub(super) fn new(call: &'a Call, settings: Settings) -> Self {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let accept = call.header("accept").unwrap_or_default();
        let stable = ["vnd.segment.v1+json", "vnd.segment.v1beta+json"];
        Self {
            method: call.method.as_str(),
            segments: call.path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect(),
            query: call.parameters(),
            settings,
            stable_version_only: stable.iter().any(|version| accept.contains(version)),
            body: &call.body,
        }
    }

    /// The body, which must be a JSON object.
    pub(super) fn body(&self) -> Result<Map<String, Value>, PublicError> {
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(body)) => Ok(body),
            Ok(_) | Err(_) => Err(PublicError::invalid("body", "The body must be a JSON object.")),
        }
    }

    /// A text of the body that must not be empty.
    pub(super) fn text(&self, field: &str) -> Result<String, PublicError> {
        let body = self.body()?;
        let text = body.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        text.map(str::to_owned).ok_or_else(|| PublicError::invalid(field, format!("{field} must be a text.")))
    }

    /// A list of texts of the body; empty texts and an absent list are refused.
    pub(super) fn texts(&self, field: &str) -> Result<Vec<String>, PublicError> {
        let body = self.body()?;
        let list = body.get(field).and_then(Value::as_array);
        let list = list.ok_or_else(|| PublicError::invalid(field, format!("{field} must be a list.")))?;
        let texts = list.iter().enumerate().map(|(position, entry)| {
            entry.as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(|| {
                PublicError::invalid(format!("{field}[{position}]"), "The value must be a text.")
            })
        });
        texts.collect()
    }

    /// A list in the query with at least one value.
    pub(super) fn query_list(&self, name: &str) -> Result<Vec<String>, PublicError> {
        let values = self.query.list(name);
        if values.is_empty() {
            return Err(PublicError::invalid(name, format!("{name} must hold at least one value.")));
        }
        Ok(values)
    }
}
