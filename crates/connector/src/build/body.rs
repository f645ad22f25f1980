//! Bodies by content type (saas-config 12.5–12.9).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use model::text_form;
use serde_json::Value;
use spec::connector_file::NameTemplate;
use url::form_urlencoded;

use super::BuildError;

const FORM: &str = "application/x-www-form-urlencoded";

/// Whether the headers as written ask for a plain text body, so that values are not escaped as JSON.
pub(super) fn is_plain_text(headers: &[NameTemplate]) -> bool {
    headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-type"))
        .is_some_and(|header| media_type(header.value.source()) == "text/plain")
}

/// Whether `headers` say that the body is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| media_type(text) == FORM)
}

/// Whether `headers` say that the body is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = content_type.map(media_type);
    media.is_some_and(|media| media == "application/json" || is_json_suffix(&media))
}

/// The body as sent, and `Content-Type: application/json` where a body has none.
pub(super) fn encode(
    place: &str,
    mut headers: HeaderMap,
    body: Option<String>,
) -> Result<(HeaderMap, Option<Bytes>), BuildError> {
    let Some(text) = body else { return Ok((headers, None)) };
    let Some(content_type) = headers.get(CONTENT_TYPE) else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Ok((headers, content(text)));
    };
    let content_type = String::from_utf8_lossy(content_type.as_bytes()).into_owned();
    let text = match media_type(&content_type).as_str() {
        FORM => form_text(&text).ok_or_else(|| BuildError::FormBody { place: place.to_owned() })?,
        "text/plain" => text,
        media if media == "application/json" || is_json_suffix(media) => text,
        _ => return Err(BuildError::ContentType { place: place.to_owned(), content_type }),
    };
    Ok((headers, content(text)))
}

/// A body that became empty is not sent; its content type is (saas-config 12.9).
fn content(text: String) -> Option<Bytes> {
    (!text.is_empty()).then(|| Bytes::from(text))
}

/// The media type without parameters, lower case.
fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// `application/vnd.segment.v1+json` and its like are JSON (RFC 6839).
fn is_json_suffix(media: &str) -> bool {
    media.starts_with("application/") && media.ends_with("+json")
}

/// A JSON object as a form (saas-config 12.8); `None` if the text is no JSON object.
fn form_text(text: &str) -> Option<String> {
    let Ok(Value::Object(members)) = serde_json::from_str(text) else { return None };
    let mut pairs = Vec::new();
    collect_pairs(None, &Value::Object(members), &mut pairs);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs);
    Some(form.finish())
}

/// Pairs in ascending order of their keys, level by level. An object inside an array gets its
/// position as a name, `l[0][k]`; a scalar there gets `l[]`.
fn collect_pairs(name: Option<&str>, value: &Value, out: &mut Vec<(String, String)>) {
    let below = |key: &str| name.map_or_else(|| key.to_owned(), |name| format!("{name}[{key}]"));
    match value {
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort();
            for key in keys {
                if let Some(member) = members.get(key) {
                    collect_pairs(Some(&below(key)), member, out);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                match item {
                    Value::Object(_) | Value::Array(_) => {
                        collect_pairs(Some(&below(&index.to_string())), item, out);
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                        collect_pairs(Some(&below("")), item, out);
                    }
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push((name.unwrap_or_default().to_owned(), text_form(value).unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn encoded(
        content_type: Option<&str>,
        body: Option<&str>,
    ) -> Result<(Option<String>, Option<Bytes>), BuildError> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        let (headers, body) = encode("test_request", headers, body.map(str::to_owned))?;
        Ok((headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned()), body))
    }

    // rule: saas-config 12.5
    // rule: saas-config 12.6
    #[test]
    fn json_content_type_is_added_only_to_a_body() {
        assert_eq!(encoded(None, None), Ok((None, None)));
        assert_eq!(encoded(None, Some("{}")), Ok((Some("application/json".into()), Some("{}".into()))));
        assert_eq!(encoded(Some("text/plain"), None), Ok((Some("text/plain".into()), None)));
    }

    // rule: saas-config 12.7
    #[rstest]
    #[case("application/json")]
    #[case("application/json; charset=utf-8")]
    #[case("Application/JSON")]
    #[case("application/vnd.segment.v1+json")]
    #[case("text/plain")]
    fn json_and_text_bodies_are_sent_as_they_are(#[case] content_type: &str) {
        let sent = encoded(Some(content_type), Some("{ not json")).unwrap();

        assert_eq!(sent, (Some(content_type.to_owned()), Some("{ not json".into())));
    }

    // rule: saas-config 12.7
    #[test]
    fn other_content_types_are_refused_by_name() {
        let error = encoded(Some("application/xml"), Some("<a/>")).unwrap_err();

        assert!(error.to_string().contains("Unsupported Content-Type `application/xml`"), "{error}");
        assert!(!error.is_skippable());
    }

    // rule: saas-config 12.8
    #[rstest]
    #[case(
        r#"{"b":{"d":1,"c":[1,null]},"a":"x y","n":null,"e":{}}"#,
        "a=x+y&b%5Bc%5D%5B%5D=1&b%5Bc%5D%5B%5D=&b%5Bd%5D=1&n="
    )]
    #[case(r#"{"address": "jo@x.test", "hard": true}"#, "address=jo%40x.test&hard=true")]
    #[case(r#"{"l":[{"k":1}],"empty":[]}"#, "l%5B0%5D%5Bk%5D=1")]
    #[case(r#"{"big":123456789012345678901234567890}"#, "big=123456789012345678901234567890")]
    fn form_body_is_the_json_object_flattened(#[case] body: &str, #[case] expected: &str) {
        let (_, sent) = encoded(Some("application/x-www-form-urlencoded"), Some(body)).unwrap();

        assert_eq!(sent.unwrap(), expected);
    }

    // rule: saas-config 12.8
    // rule: saas-config 11.9
    #[rstest]
    #[case("[1]")]
    #[case("a=b")]
    #[case("\"text\"")]
    fn form_body_that_is_no_object_is_refused_and_may_be_skipped(#[case] body: &str) {
        let error = encoded(Some("application/x-www-form-urlencoded"), Some(body)).unwrap_err();

        assert!(error.is_skippable());
    }

    // rule: saas-config 12.9
    #[test]
    fn body_that_became_empty_is_sent_without_content() {
        assert_eq!(encoded(Some("text/plain"), Some("")), Ok((Some("text/plain".into()), None)));
        assert_eq!(
            encoded(Some("application/x-www-form-urlencoded"), Some("{}")),
            Ok((Some("application/x-www-form-urlencoded".into()), None))
        );
    }
}
