use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage, Value as Field};
use serde_json::{Map, Number, Value};

use super::{DEPTH, TYPE, VALUE, WellKnown};
use crate::descriptors::pool;

/// Nested deeper than [`DEPTH`].
struct TooDeep;

pub(super) fn message(message: &DynamicMessage) -> Value {
    // What was decoded in one go is never so deep, and an `Any` that is keeps its bytes.
    nested(message, DEPTH).unwrap_or(Value::Null)
}

fn nested(message: &DynamicMessage, depth: usize) -> Result<Value, TooDeep> {
    let depth = depth.checked_sub(1).ok_or(TooDeep)?;
    match WellKnown::of(&message.descriptor()) {
        Some(WellKnown::Any) => Ok(any(message, depth)),
        Some(WellKnown::Timestamp) => {
            let time = message.transcode_to::<prost_types::Timestamp>().unwrap_or_default();
            Ok(Value::String(time.to_string()))
        }
        Some(WellKnown::Duration) => {
            let duration = message.transcode_to::<prost_types::Duration>().unwrap_or_default();
            Ok(Value::String(duration_text(&duration)))
        }
        Some(WellKnown::Struct) => only_field(message, "fields", depth),
        Some(WellKnown::List) => only_field(message, "values", depth),
        Some(WellKnown::Wrapper) => only_field(message, VALUE, depth),
        Some(WellKnown::Value) => {
            // One choice is set; a value without any is read as null.
            let choice = message.fields().next();
            choice.map_or(Ok(Value::Null), |(descriptor, value)| field(value, &descriptor.kind(), depth))
        }
        None => Ok(Value::Object(members(message, depth)?)),
    }
}

/// Seconds with no, three, six or nine digits behind the point. Any content has a text, also one outside of the range that
/// the type is meant to have.
fn duration_text(duration: &prost_types::Duration) -> String {
    const SECOND: u128 = 1_000_000_000;
    let nanos = i128::from(duration.seconds) * 1_000_000_000 + i128::from(duration.nanos);
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, fraction) = (nanos.unsigned_abs() / SECOND, nanos.unsigned_abs() % SECOND);
    if fraction == 0 {
        return format!("{sign}{seconds}s");
    }
    let digits = format!("{fraction:09}");
    let digits = digits.strip_suffix("000").unwrap_or(&digits);
    format!("{sign}{seconds}.{}s", digits.strip_suffix("000").unwrap_or(digits))
}

/// The form of a message that stands for the one field it has.
fn only_field(message: &DynamicMessage, name: &str, depth: usize) -> Result<Value, TooDeep> {
    let descriptor = message.descriptor().get_field_by_name(name);
    let descriptor = descriptor.expect("the well-known type has this field");
    field(&message.get_field(&descriptor), &descriptor.kind(), depth)
}

fn members(message: &DynamicMessage, depth: usize) -> Result<Map<String, Value>, TooDeep> {
    let mut members = Map::new();
    for descriptor in message.descriptor().fields() {
        if message.has_field(&descriptor) {
            let value = field(&message.get_field(&descriptor), &descriptor.kind(), depth)?;
            members.insert(descriptor.json_name().to_owned(), value);
        }
    }
    Ok(members)
}

/// `kind` is that of the field, also inside a list; inside a map it is that of its entry.
fn field(value: &Field, kind: &Kind, depth: usize) -> Result<Value, TooDeep> {
    Ok(match value {
        Field::Bool(value) => Value::Bool(*value),
        Field::I32(value) => Value::from(*value),
        Field::U32(value) => Value::from(*value),
        Field::I64(value) => Value::String(value.to_string()),
        Field::U64(value) => Value::String(value.to_string()),
        // The shortest text that gives the same `f32` again, not the longer one of the same `f64`.
        Field::F32(value) => number(value.to_string().parse().unwrap_or(f64::from(*value))),
        Field::F64(value) => number(*value),
        Field::String(value) => Value::String(value.clone()),
        Field::Bytes(value) => Value::String(STANDARD.encode(value)),
        Field::EnumNumber(number) => enum_value(*number, kind),
        Field::Message(message) => nested(message, depth)?,
        Field::List(items) => {
            Value::Array(items.iter().map(|item| field(item, kind, depth)).collect::<Result<_, _>>()?)
        }
        Field::Map(entries) => {
            let kind =
                kind.as_message().map_or_else(|| kind.clone(), |entry| entry.map_entry_value_field().kind());
            let mut entries: Vec<_> = entries.iter().map(|(key, value)| (map_key(key), value)).collect();
            entries.sort_by(|first, second| first.0.cmp(&second.0));
            let entries = entries.into_iter().map(|(key, value)| Ok((key, field(value, &kind, depth)?)));
            Value::Object(entries.collect::<Result<_, _>>()?)
        }
    })
}

fn map_key(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

/// Numbers without a fraction are written without one.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.is_nan() {
        Value::from("NaN")
    } else if value.is_infinite() {
        Value::from(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else if value.fract() == 0.0 && value.abs() < EXACT && !(value == 0.0 && value.is_sign_negative()) {
        Value::from(value as i64)
    } else {
        Number::from_f64(value).map_or(Value::Null, Value::Number)
    }
}

fn enum_value(number: i32, kind: &Kind) -> Value {
    let Kind::Enum(descriptor) = kind else { return Value::from(number) };
    if descriptor.full_name() == "google.protobuf.NullValue" {
        return Value::Null;
    }
    descriptor.get_value(number).map_or_else(|| Value::from(number), |value| Value::from(value.name()))
}

/// The message inside, opened; its bytes if the type is unknown or the bytes are no such message.
fn any(any: &DynamicMessage, depth: usize) -> Value {
    let any = any.transcode_to::<prost_types::Any>().unwrap_or_default();
    if any == prost_types::Any::default() {
        return Value::Object(Map::new());
    }
    let mut members = opened(&any, depth).unwrap_or_else(|| {
        let bytes = STANDARD.encode(&any.value);
        Map::from_iter([(VALUE.to_owned(), Value::String(bytes))])
    });
    members.shift_insert(0, TYPE.to_owned(), Value::String(any.type_url));
    Value::Object(members)
}

fn opened(any: &prost_types::Any, depth: usize) -> Option<Map<String, Value>> {
    let descriptor = pool().get_message_by_name(any.type_url.rsplit('/').next()?)?;
    let message = DynamicMessage::decode(descriptor.clone(), any.value.as_slice()).ok()?;
    match WellKnown::of(&descriptor) {
        Some(_) => Some(Map::from_iter([(VALUE.to_owned(), nested(&message, depth).ok()?)])),
        None => members(&message, depth).ok(),
    }
}
