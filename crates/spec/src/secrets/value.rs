use serde_json::Value;

use super::{SecretProblem, has_default};
use crate::connector_file::ConnectorParam;

/// Whether `value` has a type that `param` takes and is among its options (saas-config 4.3, 4.6).
pub(super) fn check_value(param: &ConnectorParam, value: &Value) -> Result<(), SecretProblem> {
    let wrong = |expected| Err(SecretProblem::WrongType { name: param.name.clone(), expected });
    match value {
        Value::String(text) => check_option(param, text),
        Value::Array(items) if !param.options.is_empty() => check_options(param, items),
        Value::Null if has_default(param) => Ok(()),
        Value::Number(number) if has_default(param) && is_integer(number) => Ok(()),
        Value::Array(items) if has_default(param) && is_uniform(items) => Ok(()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            wrong(if has_default(param) {
                "a text, an integer, or a list of either"
            } else if param.multiselect {
                "one of its options, or a list of them"
            } else {
                "a text; put quotes around a number"
            })
        }
    }
}

fn check_option(param: &ConnectorParam, text: &str) -> Result<(), SecretProblem> {
    if param.options.is_empty() || param.options.iter().any(|option| option == text) {
        return Ok(());
    }
    Err(SecretProblem::NotAnOption { name: param.name.clone(), options: param.options.clone() })
}

fn check_options(param: &ConnectorParam, items: &[Value]) -> Result<(), SecretProblem> {
    if !param.multiselect {
        return Err(SecretProblem::NotMultiselect { name: param.name.clone() });
    }
    let is_option =
        |item: &Value| item.as_str().is_some_and(|text| param.options.iter().any(|option| option == text));
    if items.iter().all(is_option) {
        return Ok(());
    }
    Err(SecretProblem::NotOptions { name: param.name.clone(), options: param.options.clone() })
}

fn is_integer(number: &serde_json::Number) -> bool {
    number.is_i64() || number.is_u64()
}

fn is_uniform(items: &[Value]) -> bool {
    items.iter().all(Value::is_string)
        || items.iter().all(|item| matches!(item, Value::Number(number) if is_integer(number)))
}
