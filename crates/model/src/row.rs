use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// One record as the API returned it: keys in the order received, numbers exact to the digit
/// (saas-config 1.1).
pub type Row = Map<String, Value>;

/// Missing, null, `false`, zero, empty text, empty array, empty object (saas-config 1.3).
pub fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// Equality of scalars by value across number types; `true` equals `1`; a text never equals a
/// number (saas-config 1.7). Arrays and objects are equal when they are identical.
pub fn loosely_equal(left: &Value, right: &Value) -> bool {
    match (number_of(left), number_of(right)) {
        (Some(left), Some(right)) => numbers_equal(&left, &right),
        (None, None) => left == right,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn number_of(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(flag) => Some(Number::from(u8::from(*flag))),
        Value::Number(number) => Some(number.clone()),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn numbers_equal(left: &Number, right: &Number) -> bool {
    if left == right {
        return true;
    }
    // Two integers that fit are compared exactly; a float only ever meets another by value.
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => left == right,
        _ => left.as_f64().is_some_and(|l| right.as_f64() == Some(l)),
    }
}

/// The text that stands for `value` where it replaces a placeholder (saas-config 1.5), before any
/// escaping for its place; `None` for null, which counts as missing.
///
/// Booleans are `true`/`false` (the better side of the known defect). Objects lose their outer
/// braces, so that a template can add members around them.
pub fn text_form(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) => Some(json_text(value)),
        Value::Object(_) => {
            let text = json_text(value);
            let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            Some(inner.unwrap_or(&text).to_owned())
        }
    }
}

/// JSON with `", "` and `": "`, keys in order, every non-ASCII character escaped (saas-config 1.6).
fn json_text(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_json_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_json_string(key, out);
                out.push_str(": ");
                write_json(member, out);
            }
            out.push('}');
        }
    }
}

fn write_json_string(text: &str, out: &mut String) {
    let quoted = Value::String(text.to_owned()).to_string();
    for character in quoted.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            let mut units = [0u16; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // rule: saas-config 1.3
    #[test]
    fn falsy_is_what_the_contract_lists() {
        for value in [json!(null), json!(false), json!(0), json!(0.0), json!(""), json!([]), json!({})] {
            assert!(is_falsy(&value), "{value} is falsy");
        }
        for value in [json!("false"), json!("0"), json!(1), json!([0]), json!({"a": null})] {
            assert!(!is_falsy(&value), "{value} is truthy");
        }
    }

    // rule: saas-config 1.5
    #[test]
    fn text_form_of_each_kind() {
        let cases = [
            (json!("a\"b"), Some("a\"b")),
            (json!(12), Some("12")),
            (json!(0.5), Some("0.5")),
            (json!(true), Some("true")),
            (json!([1, "a", null]), Some("[1, \"a\", null]")),
            (json!({"a": 1}), Some("\"a\": 1")),
            (json!({}), Some("")),
            (json!(null), None),
        ];
        for (value, expected) in cases {
            assert_eq!(text_form(&value).as_deref(), expected, "{value}");
        }
    }

    // rule: saas-config 1.6
    #[test]
    fn json_text_escapes_non_ascii_and_keeps_key_order() {
        let value = json!([{"z": "é", "a": "😀"}]);

        assert_eq!(text_form(&value).unwrap(), r#"[{"z": "\u00e9", "a": "\ud83d\ude00"}]"#);
    }

    // rule: saas-config 1.7
    #[test]
    fn numbers_are_equal_by_value_and_texts_never_equal_numbers() {
        assert!(loosely_equal(&json!(1), &json!(1.0)));
        assert!(loosely_equal(&json!(true), &json!(1)));
        assert!(loosely_equal(&json!(false), &json!(0)));
        assert!(!loosely_equal(&json!("1"), &json!(1)));
        assert!(!loosely_equal(&json!(9_007_199_254_740_993_i64), &json!(9_007_199_254_740_992_i64)));
    }

    #[test]
    fn numbers_keep_every_digit() {
        let row: Row = serde_json::from_str(r#"{"id":123456789012345678901234567890,"v":1.10}"#).unwrap();

        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"id":123456789012345678901234567890,"v":1.10}"#);
    }
}
