//! What a caller names a call by, so that it can be made again when its answer got lost.

use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use crate::{ApiError, Invalid};

const HEADER: &str = "idempotency-key";
/// The longest key.
const MOST_CHARACTERS: usize = 255;

/// For the document alone.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct KeyHeader {
    /// A text of the caller's own, new for each call and the same when a call is made again: a UUID, say.
    /// At most 255 visible ASCII characters.
    #[expect(dead_code, reason = "headers are read as they come")]
    #[serde(rename = "Idempotency-Key")]
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
}

/// The key of a call, if it has one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MOST_CHARACTERS);
    let refused = || {
        let loc = vec![json!("header"), json!("Idempotency-Key")];
        let text = "Input should be a text of 1 to 255 visible ASCII characters";
        ApiError::Invalid(vec![Invalid::new("string_pattern_mismatch", loc, text)])
    };
    key.map(|key| Some(key.to_owned())).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::empty("")]
    #[case::not_ascii("sch\u{fc}ssel")]
    #[case::too_long(&"k".repeat(256))]
    fn what_is_no_key_is_refused(#[case] text: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(text.as_bytes()).unwrap());

        assert!(matches!(key(&headers), Err(ApiError::Invalid(_))));
    }
}
