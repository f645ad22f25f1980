use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

use crate::state::ApiState;
use crate::{ApiError, Invalid};

/// A JSON body as what the handler needs; what does not fit is a 422 list that leads to the place.
///
/// A body that is not there is `null`, so `Body<Option<T>>` takes a call without one.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<ApiState> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let bytes = json_bytes(request, state).await?;
        from_slice(&bytes).map(Self).map_err(|invalid| ApiError::Invalid(vec![invalid]))
    }
}

/// The bytes of a body that says it is JSON, up to the size that is allowed.
pub(crate) async fn json_bytes(request: Request, state: &ApiState) -> Result<Bytes, ApiError> {
    let media =
        request.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default().to_owned());
    let bytes = body_bytes(request, state).await?;
    match media {
        Some(media) if !bytes.is_empty() && !is_json(&media) => {
            Err(ApiError::UnsupportedMedia("send the body as `Content-Type: application/json`".to_owned()))
        }
        Some(_) | None => Ok(bytes),
    }
}

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_mins(1);

/// The bytes of any body, up to the size that is allowed.
pub(crate) async fn body_bytes(request: Request, state: &ApiState) -> Result<Bytes, ApiError> {
    let body = Limited::new(request.into_body(), state.settings().body_bytes).collect();
    match tokio::time::timeout(BODY_TIME, body).await.map_err(|_| ApiError::TimedOut)? {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge),
        Err(_) => Err(ApiError::BadRequest("the body broke off; send the call again".to_owned())),
    }
}

fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads JSON; absent is `null`.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Invalid> {
    let absent = bytes.is_empty();
    let bytes = if absent { b"null" } else { bytes };
    if let Some(loc) = find_nul(bytes) {
        let text = "expected a text without the character U+0000, which cannot be kept";
        return Err(Invalid::new("value_error", loc, text));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        if absent {
            Invalid::new("missing", vec![json!("body")], "Field required")
        } else {
            describe(&[json!("body")], &error)
        }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// The way to the first text that holds U+0000. It comes as an escape; raw it is no JSON anyway.
fn find_nul(bytes: &[u8]) -> Option<Vec<Value>> {
    if !bytes.windows(6).any(|window| window == b"\\u0000") {
        return None;
    }
    let document: Value = serde_json::from_slice(bytes).ok()?;
    let mut way = vec![json!("body")];
    nul_in(&document, &mut way).then_some(way)
}

/// Lengthens the way as far as it leads; a key that holds U+0000 is not on it.
fn nul_in(value: &Value, way: &mut Vec<Value>) -> bool {
    let mut step = |part: Value, inner: &Value| {
        way.push(part);
        let found = nul_in(inner, way);
        if !found {
            way.pop();
        }
        found
    };
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().enumerate().any(|(at, inner)| step(json!(at), inner)),
        Value::Object(object) => {
            object.iter().any(|(key, inner)| key.contains('\0') || step(json!(key), inner))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Reads one JSON value that stands at `place` in the body.
pub(crate) fn from_value<T: DeserializeOwned>(place: &[Value], value: &Value) -> Result<T, Invalid> {
    serde_path_to_error::deserialize(value).map_err(|error| describe(place, &error))
}

fn malformed(error: &serde_json::Error) -> Invalid {
    let mut invalid = Invalid::new(
        "json_invalid",
        vec![json!("body"), json!(error.column())],
        format!("not JSON at line {}, column {}", error.line(), error.column()),
    );
    invalid.ctx = Some(Box::new(json!({ "error": "not JSON" })));
    invalid
}

/// Turns what serde says into a place and a reason, without the value that was found.
fn describe(place: &[Value], error: &serde_path_to_error::Error<serde_json::Error>) -> Invalid {
    let inner = error.inner();
    // A value that was read already has no lines: then it is the number that does not fit.
    if inner.line() > 0 && (inner.is_syntax() || inner.is_eof() || inner.is_io()) {
        return malformed(inner);
    }
    let mut loc = place.to_vec();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => loc.push(json!(index)),
            Segment::Map { key } => loc.push(json!(key)),
            Segment::Enum { variant } => loc.push(json!(variant)),
            Segment::Unknown => {}
        }
    }
    let text = inner.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    reason(loc, text)
}

/// The kind and message of serde's text, as it stands for `loc`.
pub(crate) fn reason(mut loc: Vec<Value>, text: &str) -> Invalid {
    if let Some(field) = quoted(text, "missing field `") {
        loc.push(json!(field));
        return Invalid::new("missing", loc, "Field required");
    }
    if let Some(field) = quoted(text, "unknown field `") {
        // The way to the key is mostly known already.
        if loc.last() != Some(&json!(field)) {
            loc.push(json!(field));
        }
        return Invalid::new("extra_forbidden", loc, "no such key here");
    }
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| expected);
    match expected {
        Some(expected) if text.starts_with("unknown variant") => {
            Invalid::new("enum", loc, format!("expected {expected}"))
        }
        Some(expected) if text.starts_with("invalid ") => {
            Invalid::new(kind_of(expected), loc, format!("expected {expected}"))
        }
        Some(_) | None => Invalid::new("value_error", loc, text),
    }
}

fn quoted<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.strip_prefix(start)?.split('`').next()
}

fn kind_of(expected: &str) -> &'static str {
    match expected {
        "a string" | "a borrowed string" => "string_type",
        "a boolean" => "bool_type",
        text if text.starts_with("a sequence") => "list_type",
        text if text.starts_with("struct ") || text.starts_with("a map") => "model_type",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => "int_type",
        "f32" | "f64" => "float_type",
        _ => "value_error",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only reading is looked at")]
    struct Thing {
        name: String,
        kind: Kind,
        #[serde(default)]
        count: Option<u32>,
        #[serde(default)]
        parts: Vec<Part>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Read,
        Write,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only reading is looked at")]
    struct Part {
        flag: bool,
    }

    // rule: fides-api 1.1
    #[rstest]
    #[case::missing(r#"{"kind": "read"}"#, "missing", json!(["body", "name"]), "Field required")]
    #[case::text(r#"{"name": 1, "kind": "read"}"#, "string_type", json!(["body", "name"]), "expected a string")]
    #[case::number(r#"{"name": "a", "kind": "read", "count": "x"}"#, "int_type", json!(["body", "count"]), "expected u32")]
    #[case::negative(r#"{"name": "a", "kind": "read", "count": -1}"#, "int_type", json!(["body", "count"]), "expected u32")]
    #[case::choice(r#"{"name": "a", "kind": "x"}"#, "enum", json!(["body", "kind"]), "expected `read` or `write`")]
    #[case::deep(
        r#"{"name": "a", "kind": "read", "parts": [{"flag": true}, {"flag": "yes"}]}"#,
        "bool_type", json!(["body", "parts", 1, "flag"]), "expected a boolean"
    )]
    #[case::extra(
        r#"{"name": "a", "kind": "read", "parts": [{"flag": true, "flagg": 1}]}"#,
        "extra_forbidden", json!(["body", "parts", 0, "flagg"]), "no such key here"
    )]
    #[case::shape("[]", "model_type", json!(["body"]), "expected struct Thing with 4 elements")]
    #[case::nothing("", "missing", json!(["body"]), "Field required")]
    fn what_is_wrong_is_told_with_its_place(
        #[case] text: &str,
        #[case] kind: &str,
        #[case] loc: Value,
        #[case] msg: &str,
    ) {
        let invalid = from_slice::<Thing>(text.as_bytes()).unwrap_err();

        assert_eq!((invalid.kind.as_str(), json!(invalid.loc), invalid.msg.as_str()), (kind, loc, msg));
    }

    #[rstest]
    #[case("{")]
    #[case("nonsense")]
    #[case("{\"name\": \"a\", \"kind\": \"read\"} more")]
    #[case("\u{feff}{}")]
    fn what_is_no_json_is_told_as_such(#[case] text: &str) {
        let invalid = from_slice::<Thing>(text.as_bytes()).unwrap_err();

        assert_eq!(invalid.kind, "json_invalid");
        assert_eq!(invalid.loc[0], "body");
    }

    #[test]
    fn nesting_without_end_is_no_json() {
        let deep = "[".repeat(100_000);

        assert_eq!(from_slice::<Value>(deep.as_bytes()).unwrap_err().kind, "json_invalid");
    }

    #[test]
    fn what_was_found_is_not_repeated() {
        let text = r#"{"name": "a", "kind": "canary-secret", "count": "canary-secret"}"#;

        let invalid = from_slice::<Thing>(text.as_bytes()).unwrap_err();

        assert!(!json!(invalid).to_string().contains("canary"), "{invalid:?}");
    }

    #[test]
    fn a_body_that_may_be_absent_is_none() {
        assert!(from_slice::<Option<Thing>>(b"").unwrap().is_none());
    }

    #[rstest]
    #[case(r#"{"a": ["b", "x\u0000"]}"#, Some(json!(["body", "a", 1])))]
    #[case(r#"{"a": {"x\u0000": 1}}"#, Some(json!(["body", "a"])))]
    #[case(r#""x\\\u00001""#, Some(json!(["body"])))]
    #[case(r#"{"a": "x\\u0000"}"#, None)]
    #[case(r#"{"a": "x\u0001"}"#, None)]
    fn a_text_with_nul_is_refused(#[case] text: &str, #[case] loc: Option<Value>) {
        let read = from_slice::<Value>(text.as_bytes());

        assert_eq!(read.err().map(|invalid| json!(invalid.loc)), loc);
    }
}
