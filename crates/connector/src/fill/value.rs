//! Values as JSON.

use model::text_form;
use serde_json::Value;

use crate::values::Origin;

/// `text` as the inside of a JSON string.
pub(super) fn json_escaped(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted).to_owned()
}

/// The text that puts `value` into JSON where no string is open (saas-config 1.5, 11.5).
///
/// Numbers, booleans and arrays as they are; objects as their members. A text that is a number
/// stays one, as the format has always had it. Lists and objects that were bound are whole values. A secret is the operator's own text and may be any
/// JSON; every other text becomes a JSON string, so that it cannot add members.
pub(super) fn as_json(value: &Value, origin: Origin) -> String {
    match value {
        Value::String(text) if stands_alone(text, origin) => text.clone(),
        Value::String(text) => Value::String(text.clone()).to_string(),
        Value::Array(_) | Value::Object(_) if matches!(origin, Origin::Bound(_)) => value.to_string(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            text_form(value).unwrap_or_else(|| "null".to_owned())
        }
    }
}

fn stands_alone(text: &str, origin: Origin) -> bool {
    match origin {
        Origin::Secret => {
            serde_json::from_str::<Value>(text).is_ok()
                || serde_json::from_str::<Value>(&format!("{{{text}}}")).is_ok()
        }
        Origin::Identity | Origin::Reference | Origin::Request | Origin::Special | Origin::Bound(_) => {
            matches!(serde_json::from_str(text), Ok(Value::Number(_)))
        }
    }
}

/// Adds every text and number inside `value`.
pub(super) fn collect_texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => out.push(number.to_string()),
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, out)),
        Value::Object(members) => members.values().for_each(|member| collect_texts(member, out)),
    }
}
