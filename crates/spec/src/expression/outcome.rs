//! Values of the interpreter as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelOptional, CelString, CelUInt, Kind,
};
use cel::common::value::{CowVal, Val};
use model::Row;
use serde_json::{Number, Value};

use super::arguments::text_of;
use super::big_number::BigNumber;
use super::environment::ENVIRONMENT;

/// `value` as JSON; none if JSON cannot say it (a type, not a number, keys that become equal).
///
/// Bytes become Base64, times RFC 3339 text and durations seconds, as protobuf's JSON writes them. An
/// optional gives what it holds, or null. Members come in the order of their keys, so that equal values are equal text.
pub(super) fn to_json(value: &dyn Val) -> Option<Value> {
    Some(match value.get_type().kind() {
        Kind::NullType => Value::Null,
        Kind::Boolean => Value::Bool(*value.downcast_ref::<CelBool>()?.inner()),
        Kind::Int => Value::from(*value.downcast_ref::<CelInt>()?.inner()),
        Kind::UInt => Value::from(*value.downcast_ref::<CelUInt>()?.inner()),
        Kind::Double => Value::Number(Number::from_f64(*value.downcast_ref::<CelDouble>()?.inner())?),
        Kind::String => Value::String(value.downcast_ref::<CelString>()?.inner().to_owned()),
        Kind::Bytes => Value::String(STANDARD.encode(value.downcast_ref::<CelBytes>()?.inner())),
        Kind::List => {
            let items = value.downcast_ref::<CelList>()?.inner().iter();
            Value::Array(items.map(|item| to_json(item.as_ref())).collect::<Option<_>>()?)
        }
        Kind::Map => Value::Object(members(value.downcast_ref::<CelMap>()?)?),
        Kind::Timestamp | Kind::Duration => Value::String(spelled(value)?),
        _ => return other_to_json(value),
    })
}

/// What `string(…)` makes of a time or duration.
fn spelled(value: &dyn Val) -> Option<String> {
    let arguments = vec![CowVal::Borrowed(value)];
    let spell = ENVIRONMENT.find_overload("string", &arguments)?;
    let spelled = spell(arguments).ok()?;
    text_of(spelled.as_ref()).map(str::to_owned)
}

fn members(map: &CelMap<'_>) -> Option<Row> {
    let members = map.inner().iter();
    let members = members.map(|(key, member)| Some((key_text(key), to_json(member.as_ref())?)));
    let mut members = members.collect::<Option<Vec<_>>>()?;
    members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let written = members.len();
    let members: Row = members.into_iter().collect();
    (members.len() == written).then_some(members)
}

fn key_text(key: &CelMapKey<'_>) -> String {
    match key {
        CelMapKey::Bool(flag) => flag.inner().to_string(),
        CelMapKey::Int(integer) => integer.inner().to_string(),
        CelMapKey::UInt(integer) => integer.inner().to_string(),
        CelMapKey::String(text) => text.inner().to_owned(),
    }
}

fn other_to_json(value: &dyn Val) -> Option<Value> {
    if let Some(big) = value.downcast_ref::<BigNumber>() {
        return big.written().parse().ok().map(Value::Number);
    }
    match value.downcast_ref::<CelOptional>()?.option() {
        Some(held) => to_json(held),
        None => Some(Value::Null),
    }
}
