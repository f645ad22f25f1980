use std::collections::HashMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value as Field,
};
use serde_json::{Map, Value};

use super::{DEPTH, JsonError, Mismatch, TYPE, VALUE, WellKnown};
use crate::descriptors::{pool, stable_bytes};

/// Both alphabets are accepted: [`bytes`] turns the one for URLs into the usual one.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn message(descriptor: &MessageDescriptor, value: &Value) -> Result<DynamicMessage, JsonError> {
    nested(descriptor, value, DEPTH).map_err(|fault| JsonError::Mismatch {
        at: fault.path.into_iter().rev().collect::<String>().trim_start_matches('.').to_owned(),
        problem: fault.problem,
    })
}

/// What does not fit, and where: steps from the inside out.
struct Fault {
    path: Vec<String>,
    problem: Mismatch,
}

impl Fault {
    fn inside(mut self, step: impl FnOnce() -> String) -> Self {
        self.path.push(step());
        self
    }
}

impl From<Mismatch> for Fault {
    fn from(problem: Mismatch) -> Self {
        Self { path: vec![], problem }
    }
}

fn nested(descriptor: &MessageDescriptor, value: &Value, depth: usize) -> Result<DynamicMessage, Fault> {
    let depth = depth.checked_sub(1).ok_or(Mismatch::Depth)?;
    let mut message = DynamicMessage::new(descriptor.clone());
    match WellKnown::of(descriptor) {
        Some(WellKnown::Any) => return any(descriptor, value, depth),
        Some(WellKnown::Timestamp) => {
            let time = parsed::<prost_types::Timestamp>(value, "a time in RFC 3339")?;
            fill(&mut message, &time);
        }
        Some(WellKnown::Duration) => {
            let duration = parsed::<prost_types::Duration>(value, "a duration in seconds, as `1.5s`")?;
            fill(&mut message, &duration);
        }
        Some(WellKnown::Struct) => set_only_field(&mut message, "fields", value, depth)?,
        Some(WellKnown::List) => set_only_field(&mut message, "values", value, depth)?,
        Some(WellKnown::Wrapper) => set_only_field(&mut message, VALUE, value, depth)?,
        Some(WellKnown::Value) => {
            let choice = match value {
                Value::Null => "null_value",
                Value::Bool(_) => "bool_value",
                Value::Number(_) => "number_value",
                Value::String(_) => "string_value",
                Value::Array(_) => "list_value",
                Value::Object(_) => "struct_value",
            };
            set_only_field(&mut message, choice, value, depth)?;
        }
        None => {
            let members = value.as_object().ok_or(Mismatch::Kind("an object"))?;
            set_members(&mut message, members.iter(), depth)?;
        }
    }
    Ok(message)
}

/// Copies a message of a fixed type into its walkable form.
fn fill<M: prost::Message>(message: &mut DynamicMessage, fixed: &M) {
    message.transcode_from(fixed).expect("both are the same flat message");
}

fn parsed<T: std::str::FromStr>(value: &Value, kind: &'static str) -> Result<T, Mismatch> {
    value.as_str().and_then(|text| text.parse().ok()).ok_or(Mismatch::Kind(kind))
}

fn set_only_field(
    message: &mut DynamicMessage,
    name: &str,
    value: &Value,
    depth: usize,
) -> Result<(), Fault> {
    let descriptor = message.descriptor().get_field_by_name(name);
    let descriptor = descriptor.expect("the well-known type has this field");
    let value = field(&descriptor, value, depth)?;
    message.set_field(&descriptor, value);
    Ok(())
}

fn set_members<'a>(
    message: &mut DynamicMessage,
    members: impl Iterator<Item = (&'a String, &'a Value)>,
    depth: usize,
) -> Result<(), Fault> {
    let descriptor = message.descriptor();
    for (name, value) in members {
        let step = || format!(".{name}");
        let member = descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name));
        let Some(member) = member else {
            let message = descriptor.full_name().to_owned();
            return Err(Fault::from(Mismatch::Field { message }).inside(step));
        };
        if value.is_null() && !takes_null(&member) {
            continue;
        }
        let is_set = match member.containing_oneof() {
            Some(group) => group.fields().any(|choice| message.has_field(&choice)),
            None => message.has_field(&member),
        };
        if is_set {
            return Err(Fault::from(Mismatch::Twice).inside(step));
        }
        let value = field(&member, value, depth).map_err(|fault| fault.inside(step))?;
        message.set_field(&member, value);
    }
    Ok(())
}

/// Whether `null` is a value of the field and not its absence.
fn takes_null(field: &FieldDescriptor) -> bool {
    !field.is_list()
        && match field.kind() {
            Kind::Message(message) => WellKnown::of(&message) == Some(WellKnown::Value),
            Kind::Enum(values) => values.full_name() == "google.protobuf.NullValue",
            _ => false,
        }
}

fn field(descriptor: &FieldDescriptor, value: &Value, depth: usize) -> Result<Field, Fault> {
    if descriptor.is_map() {
        let members = value.as_object().ok_or(Mismatch::Kind("an object"))?;
        let kind = descriptor.kind();
        let entry = kind.as_message().expect("a map is a list of entries");
        let (key, kind) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        let entries = members.iter().map(|(name, value)| {
            let step = || format!("[{name:?}]");
            let value = single(&kind, value, depth).map_err(|fault| fault.inside(step))?;
            Ok((map_key(&key, name).map_err(|problem| Fault::from(problem).inside(step))?, value))
        });
        Ok(Field::Map(entries.collect::<Result<HashMap<_, _>, Fault>>()?))
    } else if descriptor.is_list() {
        let items = value.as_array().ok_or(Mismatch::Kind("a list"))?;
        let items = items.iter().enumerate().map(|(index, item)| {
            single(&descriptor.kind(), item, depth).map_err(|fault| fault.inside(|| format!("[{index}]")))
        });
        Ok(Field::List(items.collect::<Result<_, _>>()?))
    } else {
        single(&descriptor.kind(), value, depth)
    }
}

fn single(kind: &Kind, value: &Value, depth: usize) -> Result<Field, Fault> {
    Ok(match kind {
        Kind::Message(descriptor) => Field::Message(nested(descriptor, value, depth)?),
        Kind::Enum(descriptor) => Field::EnumNumber(match value {
            Value::Null if descriptor.full_name() == "google.protobuf.NullValue" => 0,
            Value::String(name) => {
                let unknown = || Mismatch::Enum { name: descriptor.full_name().to_owned() };
                descriptor.get_value_by_name(name).ok_or_else(unknown)?.number()
            }
            other => whole(other).ok_or(Mismatch::Kind("the name of an enum's value"))?,
        }),
        Kind::Bool => Field::Bool(value.as_bool().ok_or(Mismatch::Kind("true or false"))?),
        Kind::String => Field::String(value.as_str().ok_or(Mismatch::Kind("a text"))?.to_owned()),
        Kind::Bytes => Field::Bytes(bytes(value)?.into()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Field::I32(whole(value).ok_or(Mismatch::Kind("a whole number of 32 bits"))?)
        }
        Kind::Uint32 | Kind::Fixed32 => {
            Field::U32(whole(value).ok_or(Mismatch::Kind("a whole number of 32 bits without sign"))?)
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            Field::I64(whole(value).ok_or(Mismatch::Kind("a whole number of 64 bits"))?)
        }
        Kind::Uint64 | Kind::Fixed64 => {
            Field::U64(whole(value).ok_or(Mismatch::Kind("a whole number of 64 bits without sign"))?)
        }
        Kind::Float => Field::F32(float(value)? as f32),
        Kind::Double => Field::F64(float(value)?),
    })
}

/// A whole number, as number or as text; `1e3` and `2.0` are whole too.
fn whole<T: TryFrom<i128>>(value: &Value) -> Option<T> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let number = text.parse::<i128>().ok().or_else(|| {
        let number = text.parse::<f64>().ok()?;
        // Above, one `f64` stands for several whole numbers.
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i128)
    })?;
    T::try_from(number).ok()
}

fn float(value: &Value) -> Result<f64, Mismatch> {
    let number = match value {
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok().filter(|number: &f64| number.is_finite()),
        },
        _ => None,
    };
    number.ok_or(Mismatch::Kind("a number"))
}

fn bytes(value: &Value) -> Result<Vec<u8>, Mismatch> {
    let text = value.as_str().ok_or(Mismatch::Kind("a text in base64"))?;
    let text = text.replace('-', "+").replace('_', "/");
    BASE64.decode(text).map_err(|_| Mismatch::Kind("a text in base64"))
}

fn map_key(kind: &Kind, name: &str) -> Result<MapKey, Mismatch> {
    let text = Value::from(name);
    let key = match kind {
        Kind::String => Some(MapKey::String(name.to_owned())),
        Kind::Bool => name.parse().ok().map(MapKey::Bool),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => whole(&text).map(MapKey::I32),
        Kind::Uint32 | Kind::Fixed32 => whole(&text).map(MapKey::U32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => whole(&text).map(MapKey::I64),
        Kind::Uint64 | Kind::Fixed64 => whole(&text).map(MapKey::U64),
        Kind::Float | Kind::Double | Kind::Bytes | Kind::Message(_) | Kind::Enum(_) => None,
    };
    key.ok_or(Mismatch::Kind("a key of this map"))
}

fn any(descriptor: &MessageDescriptor, value: &Value, depth: usize) -> Result<DynamicMessage, Fault> {
    let members = value.as_object().ok_or(Mismatch::Kind("an object"))?;
    let mut message = DynamicMessage::new(descriptor.clone());
    if members.is_empty() {
        return Ok(message);
    }
    let at_type = || format!(".{TYPE}");
    let type_url = members.get(TYPE).and_then(Value::as_str);
    let type_url = type_url.ok_or_else(|| Fault::from(Mismatch::Kind("a type URL")).inside(at_type))?;
    let content = match pool().get_message_by_name(type_url.rsplit('/').next().unwrap_or_default()) {
        Some(known) => stable_bytes(&opened(&known, members, depth)?),
        None => bytes(only_value(members)?)
            .map_err(|problem| Fault::from(problem).inside(|| format!(".{VALUE}")))?,
    };
    fill(&mut message, &prost_types::Any { type_url: type_url.to_owned(), value: content });
    Ok(message)
}

/// The message that an `Any` of a known type was opened into.
fn opened(
    descriptor: &MessageDescriptor,
    members: &Map<String, Value>,
    depth: usize,
) -> Result<DynamicMessage, Fault> {
    if WellKnown::of(descriptor).is_some() {
        return nested(descriptor, only_value(members)?, depth)
            .map_err(|fault| fault.inside(|| format!(".{VALUE}")));
    }
    let depth = depth.checked_sub(1).ok_or(Mismatch::Depth)?;
    let mut message = DynamicMessage::new(descriptor.clone());
    set_members(&mut message, members.iter().filter(|(name, _)| *name != TYPE), depth)?;
    Ok(message)
}

/// The member `value` of an `Any` that has no other.
fn only_value(members: &Map<String, Value>) -> Result<&Value, Fault> {
    match members.get(VALUE) {
        Some(value) if members.len() == 2 => Ok(value),
        _ => Err(Mismatch::Kind("an object of `@type` and `value` alone").into()),
    }
}
