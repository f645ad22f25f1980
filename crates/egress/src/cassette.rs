use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

const FORMAT: &str = "tutela.cassette/1";

/// Recorded calls and answers, without secrets and without persons.
///
/// A JSON file: `format` (`tutela.cassette/1`), `identities` (kind → pseudonymous values with
/// which a replay starts) and `interactions`, in the order in which the answers came. Each has
///
/// - `request`: `connection`, `endpoint`, `method`, `url` (canonical), `body_sha256` (of the
///   canonical body, absent without one);
/// - `reply`: `status`, `headers` (few), and one of `json` (the body) or `opaque_bytes` (length
///   of a body that was not JSON and was left out), or neither for an empty body.
///
/// A replay looks for method, URL and body hash and gives the answers of equal calls in order.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cassette {
    format: String,
    /// Identity kind → pseudonymous values with which a replay starts.
    #[serde(default)]
    pub identities: BTreeMap<String, Vec<Value>>,
    /// What happened, in order.
    pub interactions: Vec<Interaction>,
}

/// One call and its answer.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interaction {
    /// What was asked.
    pub request: RecordedRequest,
    /// What was answered.
    pub reply: RecordedReply,
}

/// A call as the cassette keeps it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRequest {
    /// Key of the connection.
    pub connection: String,
    /// Name of the endpoint.
    pub endpoint: String,
    /// HTTP method.
    pub method: String,
    /// Canonical URL.
    pub url: String,
    /// SHA-256 of the canonical body in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,
}

/// An answer as the cassette keeps it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedReply {
    /// HTTP status.
    pub status: u16,
    /// Names and values, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// A JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub json: Option<Value>,
    /// Length of a body that is not JSON; a replay gives as many `x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque_bytes: Option<usize>,
}

/// `"json": null` is a body, the text `null`; only a missing key is none.
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    #[expect(clippy::ref_option, reason = "the signature serde calls")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(deserializer).map(Some)
    }
}

impl Cassette {
    /// A cassette of these interactions.
    pub fn new(interactions: Vec<Interaction>) -> Self {
        Self { format: FORMAT.to_owned(), identities: BTreeMap::new(), interactions }
    }

    /// Reads a cassette file.
    ///
    /// # Errors
    /// [`CassetteError`] if `text` is no cassette of this version.
    pub fn parse(text: &str) -> Result<Self, CassetteError> {
        #[derive(Deserialize)]
        struct Header {
            format: String,
        }
        let not_json = |error: serde_json::Error| CassetteError::Shape {
            line: error.line(),
            column: error.column(),
            message: error.to_string(),
        };
        let header: Header = serde_json::from_str(text).map_err(not_json)?;
        if header.format != FORMAT {
            return Err(CassetteError::Version { found: header.format });
        }
        serde_json::from_str(text).map_err(not_json)
    }

    /// The file's text, ending with a line break.
    ///
    /// # Panics
    /// Never: texts and JSON values can always be written as JSON.
    pub fn to_text(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("texts and JSON values can always be written as JSON");
        text.push('\n');
        text
    }
}

/// Shows how much there is.
impl fmt::Debug for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cassette").field("interactions", &self.interactions.len()).finish_non_exhaustive()
    }
}

/// A file that is no cassette.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CassetteError {
    /// Not JSON, or not of this shape.
    #[error(
        "not a cassette, line {line}, column {column}: {message}; record it again with `tutela connector record`"
    )]
    Shape {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A format this program does not know.
    #[error("cassette has format `{found}`, this program reads `tutela.cassette/1`; record it again")]
    Version {
        /// What the file says.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_as_it_was() {
        let text = r#"{
          "format": "tutela.cassette/1",
          "identities": {"email": ["a1@example.com"]},
          "interactions": [{
            "request": {"connection": "shop", "endpoint": "users", "method": "GET", "url": "https://a.example/"},
            "reply": {"status": 200, "headers": [["content-type", "application/json"]], "json": {"n": 1.50, "big": 12345678901234567890123}}
          }, {
            "request": {"connection": "shop", "endpoint": "users", "method": "GET", "url": "https://a.example/n"},
            "reply": {"status": 200, "json": null}
          }, {
            "request": {"connection": "shop", "endpoint": "users", "method": "POST", "url": "https://a.example/", "body_sha256": "00"},
            "reply": {"status": 502, "opaque_bytes": 12}
          }]
        }"#;

        let cassette = Cassette::parse(text).unwrap();
        let again = Cassette::parse(&cassette.to_text()).unwrap();

        assert_eq!(cassette, again);
        assert!(
            cassette.to_text().contains("1.50") && cassette.to_text().contains("12345678901234567890123")
        );
        assert_eq!(cassette.interactions[1].reply.json, Some(Value::Null));
        assert_eq!(cassette.interactions[2].reply.json, None);
    }

    #[test]
    fn another_version_and_another_shape_are_told_apart() {
        let later = Cassette::parse(r#"{"format": "tutela.cassette/2", "new": 1}"#);
        let shape = Cassette::parse("{\"format\": \"tutela.cassette/1\",\n \"interactions\": 1}");

        assert_eq!(later, Err(CassetteError::Version { found: "tutela.cassette/2".into() }));
        assert!(matches!(shape, Err(CassetteError::Shape { line: 2, .. })), "{shape:?}");
    }
}
