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

/// The bytes of any body, up to the size that is allowed.
pub(crate) async fn body_bytes(request: Request, state: &ApiState) -> Result<Bytes, ApiError> {
    match Limited::new(request.into_body(), state.settings().body_bytes).collect().await {
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
    invalid.ctx = Some(json!({ "error": "not JSON" }));
    invalid
}

/// Turns what serde says into a place and a reason, without the value that was found.
fn describe(place: &[Value], error: &serde_path_to_error::Error<serde_json::Error>) -> Invalid {
    let inner = error.inner();
    if inner.is_syntax() || inner.is_eof() || inner.is_io() {
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
        loc.push(json!(field));
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
        text if text.starts_with(['i', 'u']) && text[1..].parse::<u8>().is_ok() => "int_type",
        text if text.starts_with('f') => "float_type",
        _ => "value_error",
    }
}
