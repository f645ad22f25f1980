use serde_json::{Number, Value};

use super::{KeyText, Shape};
use crate::yaml::{Meaning, Scalar};

/// Why a scalar does not fit.
pub(super) enum Misfit {
    /// Not of the expected kind.
    Kind,
    /// None of the allowed texts.
    Option,
    /// Characters that a key may not have.
    KeyText,
    /// Below or above the bounds.
    Range { least: i64, most: i64 },
}

/// The value of `scalar` if it fits `shape`, by the leniency of saas-config 2.2.
pub(super) fn fit_scalar(scalar: &Scalar, shape: &Shape) -> Result<Value, Misfit> {
    if shape.any {
        return Ok(natural_value(scalar));
    }
    match &scalar.meaning {
        Meaning::Null if shape.null => Ok(Value::Null),
        Meaning::Null | Meaning::Date => Err(Misfit::Kind),
        Meaning::Text => match &shape.text {
            Some(rule) => {
                if !rule.options.is_empty() && !rule.options.contains(&scalar.text) {
                    return Err(Misfit::Option);
                }
                match rule.key_text {
                    Some(kind) if !is_key_text(&scalar.text, kind) => Err(Misfit::KeyText),
                    _ => Ok(Value::String(scalar.text.clone())),
                }
            }
            None => fit_words(&scalar.text, shape),
        },
        Meaning::Boolean(flag) => {
            if shape.boolean {
                return Ok(Value::Bool(*flag));
            }
            fit_integer(&Number::from(u8::from(*flag)), shape)
        }
        Meaning::Integer(number) | Meaning::Float(Some(number)) if shape.number.is_some() => {
            fit_number(number, shape)
        }
        Meaning::Integer(number) => fit_integer(number, shape),
        Meaning::Float(Some(number)) => match number.as_f64() {
            Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
                fit_integer(&Number::from(value as i64), shape)
            }
            _ => Err(Misfit::Kind),
        },
        Meaning::Float(None) => Err(Misfit::Kind),
    }
}

/// Text where no text is expected: words for booleans, digits for integers and other numbers.
fn fit_words(text: &str, shape: &Shape) -> Result<Value, Misfit> {
    if shape.boolean {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" | "t" | "y" => return Ok(Value::Bool(true)),
            "false" | "no" | "off" | "0" | "f" | "n" => return Ok(Value::Bool(false)),
            _ => {}
        }
    }
    if let (Some(_), Ok(number)) = (shape.number, text.parse()) {
        return fit_number(&number, shape);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    match text.trim_start_matches('+').parse::<i64>() {
        Ok(number) if is_number && shape.integer.is_some() => fit_integer(&Number::from(number), shape),
        _ => Err(Misfit::Kind),
    }
}

fn fit_integer(number: &Number, shape: &Shape) -> Result<Value, Misfit> {
    match (shape.integer, number.as_i64()) {
        (Some(rule), Some(value)) if value >= rule.least && value <= rule.most => Ok(Value::from(value)),
        (Some(rule), _) => Err(Misfit::Range { least: rule.least, most: rule.most }),
        (None, Some(0)) if shape.boolean => Ok(Value::Bool(false)),
        (None, Some(1)) if shape.boolean => Ok(Value::Bool(true)),
        (None, _) => Err(Misfit::Kind),
    }
}

fn fit_number(number: &Number, shape: &Shape) -> Result<Value, Misfit> {
    match (shape.number, number.as_f64()) {
        (Some(rule), Some(value)) if value >= rule.least as f64 && value <= rule.most as f64 => {
            Ok(Value::Number(number.clone()))
        }
        (Some(rule), _) => Err(Misfit::Range { least: rule.least, most: rule.most }),
        (None, _) => Err(Misfit::Kind),
    }
}

/// The value of a scalar where nothing is expected of it; dates are their text.
pub(super) fn natural_value(scalar: &Scalar) -> Value {
    match &scalar.meaning {
        Meaning::Null => Value::Null,
        Meaning::Boolean(flag) => Value::Bool(*flag),
        Meaning::Integer(number) | Meaning::Float(Some(number)) => Value::Number(number.clone()),
        Meaning::Float(None) | Meaning::Date | Meaning::Text => Value::String(scalar.text.clone()),
    }
}

fn is_key_text(text: &str, kind: KeyText) -> bool {
    let brackets = kind == KeyText::WithBrackets;
    let allowed = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') || (brackets && matches!(c, '<' | '>'))
    };
    !text.is_empty() && text.chars().all(allowed)
}
