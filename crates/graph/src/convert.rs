//! Conversion of values to a declared type (privacy-requests 1.3).

use serde_json::{Number, Value};
use spec::dataset_file::{DataKind, DataType};

/// `value` as `data_type` has it, or `None` if it is null or cannot be converted
/// (privacy-requests D-14). Of an array type the element's kind counts: inputs are elements.
pub fn convert(value: &Value, data_type: Option<DataType>) -> Option<Value> {
    if value.is_null() {
        return None;
    }
    let Some(data_type) = data_type else {
        return Some(value.clone());
    };
    match data_type.kind {
        DataKind::String => to_text(value),
        DataKind::Integer => to_integer(value),
        DataKind::Float => to_float(value),
        DataKind::Boolean => to_boolean(value),
        DataKind::ObjectId => value.as_str().filter(|text| text.chars().count() == 24).map(Value::from),
        DataKind::Object => value.is_object().then(|| value.clone()),
    }
}

/// A falsy value has no text.
fn to_text(value: &Value) -> Option<Value> {
    if model::is_falsy(value) {
        return None;
    }
    model::text_form(value).map(Value::from)
}

fn to_integer(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(flag) => Some(Value::from(u8::from(*flag))),
        Value::Number(number) if is_whole(number) => Some(value.clone()),
        Value::Number(number) => {
            let whole = number.as_f64()?.trunc();
            parse_digits(&format!("{whole:.0}"))
        }
        Value::String(text) => parse_digits(text.trim()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn to_float(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(flag) => Number::from_f64(f64::from(u8::from(*flag))).map(Value::Number),
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => {
            let parsed: f64 = text.trim().parse().ok()?;
            Number::from_f64(parsed).map(Value::Number)
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn to_boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(flag) => Some(Value::from(*flag)),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(Value::from(true)),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(Value::from(false)),
        Value::String(text) => match text.as_str() {
            "True" | "true" => Some(Value::from(true)),
            "False" | "false" => Some(Value::from(false)),
            _ => None,
        },
        Value::Number(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_whole(number: &Number) -> bool {
    number.to_string().chars().all(|character| character.is_ascii_digit() || character == '-')
}

/// A whole number of any length, without leading zeros or plus sign.
fn parse_digits(text: &str) -> Option<Value> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let canonical = if digits.is_empty() { "0".to_owned() } else { format!("{minus}{digits}") };
    serde_json::from_str::<Number>(&canonical).ok().map(Value::Number)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn scalar(kind: DataKind) -> DataType {
        DataType { kind, is_array: false }
    }

    // rule: privacy-requests D-14
    #[rstest]
    #[case(DataKind::String, json!(7), Some(json!("7")))]
    #[case(DataKind::String, json!(0), None)]
    #[case(DataKind::String, json!(""), None)]
    #[case(DataKind::String, json!(false), None)]
    #[case(DataKind::Integer, json!("1"), Some(json!(1)))]
    #[case(DataKind::Integer, json!("007"), Some(json!(7)))]
    #[case(DataKind::Integer, json!(1.7), Some(json!(1)))]
    #[case(DataKind::Integer, json!(-1.7), Some(json!(-1)))]
    #[case(DataKind::Integer, json!(-0.2), Some(json!(0)))]
    #[case(DataKind::Integer, json!(true), Some(json!(1)))]
    #[case(DataKind::Integer, json!(0), Some(json!(0)))]
    #[case(DataKind::Integer, json!("1.5"), None)]
    #[case(DataKind::Integer, json!("a"), None)]
    #[case(DataKind::Float, json!("1.5"), Some(json!(1.5)))]
    #[case(DataKind::Float, json!("x"), None)]
    #[case(DataKind::Boolean, json!("True"), Some(json!(true)))]
    #[case(DataKind::Boolean, json!(0), Some(json!(false)))]
    #[case(DataKind::Boolean, json!("yes"), None)]
    #[case(DataKind::Boolean, json!(2), None)]
    #[case(DataKind::ObjectId, json!("0123456789abcdef01234567"), Some(json!("0123456789abcdef01234567")))]
    #[case(DataKind::ObjectId, json!("short"), None)]
    #[case(DataKind::Object, json!({"a": 1}), Some(json!({"a": 1})))]
    #[case(DataKind::Object, json!("a"), None)]
    fn values_become_the_declared_type_or_nothing(
        #[case] kind: DataKind,
        #[case] value: Value,
        #[case] expected: Option<Value>,
    ) {
        assert_eq!(convert(&value, Some(scalar(kind))), expected);
    }

    #[test]
    fn untyped_values_are_unchanged_and_long_numbers_keep_their_digits() {
        let long = "123456789012345678901234567890";

        let whole = convert(&json!(long), Some(scalar(DataKind::Integer))).unwrap();

        assert_eq!(whole.to_string(), long);
        assert_eq!(convert(&json!(0), None), Some(json!(0)));
        assert_eq!(convert(&json!(null), None), None);
    }
}
