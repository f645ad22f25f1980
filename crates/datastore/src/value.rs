//! From JSON values to what a column takes, and nothing that would change their meaning on the way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::table::ColumnKind;

/// A parameter of a statement, as it is bound. `Debug` shows the type only.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlValue {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A whole number beyond `i64`.
    Unsigned(u64),
    /// A binary float; its shortest decimal text in files, where JSON has no `NaN`.
    #[serde(with = "float_text")]
    Float(f64),
    /// A text; in PostgreSQL every scalar, which the statement casts to its type.
    Text(String),
    /// Bytes, base64 in files.
    #[serde(with = "base64_bytes")]
    Bytes(Vec<u8>),
    /// One array parameter of PostgreSQL.
    List(Vec<Option<String>>),
}

impl std::fmt::Debug for SqlValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Integer(_) => "Integer(…)",
            Self::Unsigned(_) => "Unsigned(…)",
            Self::Float(_) => "Float(…)",
            Self::Text(_) => "Text(…)",
            Self::Bytes(_) => "Bytes(…)",
            Self::List(_) => "List(…)",
        })
    }
}

mod float_text {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn serialize<S: Serializer>(float: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(float)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}

/// A value in the form that one kind of column takes.
#[derive(Clone, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Boolean(bool),
    Whole(i128),
    /// Digits, exact.
    Decimal(String),
    Float(f64),
    /// Also dates, arrays and JSON, in the database's own writing.
    Text(String),
    Bytes(Vec<u8>),
}

impl Scalar {
    /// `value` for a column of `kind`; `None` if the column cannot hold it, so that no row can
    /// have it either.
    pub(crate) fn of(value: &Value, kind: &ColumnKind) -> Option<Self> {
        if value.is_null() {
            return Some(Self::Null);
        }
        match kind {
            ColumnKind::Boolean => boolean(value).map(Self::Boolean),
            ColumnKind::Integer { least, most } => {
                whole(value).filter(|whole| (least..=most).contains(&whole)).map(Self::Whole)
            }
            ColumnKind::Decimal => decimal(value).map(Self::Decimal),
            ColumnKind::Float => decimal(value)?.parse().ok().map(Self::Float),
            ColumnKind::Text | ColumnKind::Other => text(value).map(Self::Text),
            ColumnKind::Uuid => {
                value.as_str()?.parse::<uuid::Uuid>().ok().map(|id| Self::Text(id.to_string()))
            }
            ColumnKind::Date | ColumnKind::Time | ColumnKind::DateTime | ColumnKind::Instant => {
                moment(value.as_str()?, kind).map(Self::Text)
            }
            ColumnKind::Bytes => STANDARD.decode(value.as_str()?).ok().map(Self::Bytes),
            ColumnKind::Json => Some(Self::Text(value.to_string())),
            ColumnKind::Array(element) => array(value, element).map(Self::Text),
            ColumnKind::Any => Some(any(value)),
        }
    }

    /// The writing that PostgreSQL casts from; `None` is NULL.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Boolean(flag) => Some(flag.to_string()),
            Self::Whole(whole) => Some(whole.to_string()),
            Self::Float(float) => Some(float.to_string()),
            Self::Decimal(text) | Self::Text(text) => Some(text),
            Self::Bytes(bytes) => Some(hex(&bytes)),
        }
    }

    /// As a parameter of MySQL and SQLite.
    pub(crate) fn into_parameter(self) -> SqlValue {
        match self {
            Self::Null => SqlValue::Null,
            Self::Boolean(flag) => SqlValue::Integer(i64::from(flag)),
            Self::Whole(whole) => match (i64::try_from(whole), u64::try_from(whole)) {
                (Ok(signed), _) => SqlValue::Integer(signed),
                (_, Ok(unsigned)) => SqlValue::Unsigned(unsigned),
                _ => SqlValue::Text(whole.to_string()),
            },
            Self::Float(float) => SqlValue::Float(float),
            Self::Decimal(text) | Self::Text(text) => SqlValue::Text(text),
            Self::Bytes(bytes) => SqlValue::Bytes(bytes),
        }
    }

    /// As an element of a JSON parameter of MySQL and SQLite; bytes as hexadecimal digits.
    pub(crate) fn into_json(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(flag) => Value::from(u8::from(flag)),
            Self::Whole(whole) => exact_number(&whole.to_string()),
            Self::Float(float) => Number::from_f64(float).map_or(Value::Null, Value::Number),
            // As text: a JSON number would pass through a binary float.
            Self::Decimal(text) | Self::Text(text) => Value::from(text),
            Self::Bytes(bytes) => Value::from(hex(&bytes).trim_start_matches("\\x")),
        }
    }
}

/// A JSON number with exactly these digits; a text where they are none.
pub(crate) fn exact_number(text: &str) -> Value {
    serde_json::from_str::<Number>(text).map_or_else(|_| Value::from(text), Value::Number)
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        Value::Number(_) => match whole(value)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(flag) => Some(i128::from(*flag)),
        Value::Number(number) => number.as_i128().or_else(|| {
            let float = number.as_f64()?;
            // Up to here a float holds every whole number exactly.
            (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i128)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn decimal(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => match text.trim() {
            special @ ("NaN" | "Infinity" | "-Infinity") => Some(special.to_owned()),
            digits => serde_json::from_str::<Number>(digits).ok().map(|number| number.to_string()),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Array(_) | Value::Object(_) => Some(value.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => model::text_form(value),
    }
}

/// Dates and times in UTC, written `2024-05-01 12:00:00.5`, which every database reads.
fn moment(text: &str, kind: &ColumnKind) -> Option<String> {
    if matches!(text, "infinity" | "-infinity") {
        return Some(text.to_owned());
    }
    let spaced = |moment: DateTime| moment.to_string().replace('T', " ");
    match kind {
        ColumnKind::Date => text.parse::<Date>().ok().map(|date| date.to_string()),
        ColumnKind::Time => text.parse::<Time>().ok().map(|time| time.to_string()),
        ColumnKind::DateTime => text.parse::<DateTime>().ok().map(spaced),
        _ => match text.parse::<Timestamp>() {
            Ok(instant) => Some(spaced(TimeZone::UTC.to_datetime(instant))),
            Err(_) => text.parse::<DateTime>().ok().map(spaced),
        },
    }
}

/// The writing of a PostgreSQL array.
fn array(value: &Value, element: &ColumnKind) -> Option<String> {
    let Value::Array(items) = value else { return None };
    let mut out = String::from("{");
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        if item.is_array() {
            out.push_str(&array(item, element)?);
            continue;
        }
        match Scalar::of(item, element)?.into_text() {
            None => out.push_str("NULL"),
            Some(text) => {
                out.push('"');
                out.push_str(&text.replace('\\', "\\\\").replace('"', "\\\""));
                out.push('"');
            }
        }
    }
    out.push('}');
    Some(out)
}

fn any(value: &Value) -> Scalar {
    match value {
        Value::Null => Scalar::Null,
        Value::Bool(flag) => Scalar::Boolean(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Scalar::Whole(whole.into()),
            (None, Some(float)) => Scalar::Float(float),
            (None, None) => Scalar::Text(number.to_string()),
        },
        Value::String(text) => Scalar::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Scalar::Text(value.to_string()),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(2 + 2 * bytes.len());
    out.push_str("\\x");
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!("007"), ColumnKind::integer(32, true), Some("7"))]
    #[case(json!(9_223_372_036_854_775_807_i64), ColumnKind::integer(64, true), Some("9223372036854775807"))]
    #[case(json!(3_000_000_000_i64), ColumnKind::integer(32, true), None)]
    #[case(json!(-1), ColumnKind::integer(64, false), None)]
    #[case(json!("ana"), ColumnKind::integer(64, true), None)]
    #[case(json!(1.5), ColumnKind::integer(64, true), None)]
    #[case(json!("12.30"), ColumnKind::Decimal, Some("12.30"))]
    #[case(json!("1,5"), ColumnKind::Decimal, None)]
    #[case(json!(5), ColumnKind::Text, Some("5"))]
    #[case(json!("67E55044-10B1-426F-9247-BB680E5FE0C8"), ColumnKind::Uuid, Some("67e55044-10b1-426f-9247-bb680e5fe0c8"))]
    #[case(json!("no id"), ColumnKind::Uuid, None)]
    #[case(json!("2024-05-01T12:00:00.5+02:00"), ColumnKind::Instant, Some("2024-05-01 10:00:00.5"))]
    #[case(json!("2024-05-01 12:00:00"), ColumnKind::DateTime, Some("2024-05-01 12:00:00"))]
    #[case(json!("soon"), ColumnKind::Date, None)]
    #[case(json!("AQI="), ColumnKind::Bytes, Some("\\x0102"))]
    #[case(json!(["a\"b", null, "c,d"]), ColumnKind::Array(Box::new(ColumnKind::Text)), Some(r#"{"a\"b",NULL,"c,d"}"#))]
    #[case(json!("x"), ColumnKind::Array(Box::new(ColumnKind::Text)), None)]
    fn a_value_becomes_what_the_column_holds_or_nothing(
        #[case] value: Value,
        #[case] kind: ColumnKind,
        #[case] expected: Option<&str>,
    ) {
        let found = Scalar::of(&value, &kind).map(|scalar| scalar.into_text().unwrap());

        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn parameters_show_no_value_and_survive_a_file() {
        let parameters = vec![
            SqlValue::Null,
            SqlValue::Integer(i64::MIN),
            SqlValue::Unsigned(u64::MAX),
            SqlValue::Float(f64::INFINITY),
            SqlValue::Float(-0.1),
            SqlValue::Text("canary".into()),
            SqlValue::Bytes(vec![0, 255]),
            SqlValue::List(vec![None, Some("canary".into())]),
        ];

        let text = serde_json::to_string(&parameters).unwrap();
        let back: Vec<SqlValue> = serde_json::from_str(&text).unwrap();

        assert_eq!(back, parameters);
        assert!(!format!("{parameters:?}").contains("canary"));
    }
}
