use std::collections::HashSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};

use super::broken::{Bound, Broken, Unit};
use super::form;
use super::plan::{self, Form, Rules};

/// The path of a field, and what it breaks.
type Fault = (String, Broken);

pub(super) fn message(message: &DynamicMessage) -> Result<(), Fault> {
    let Some(plan) = plan::find(&message.descriptor()) else { return Ok(()) };
    for (descriptor, rules) in &plan.fields {
        let is_set = message.has_field(descriptor);
        if rules.required && !is_set {
            return Err((descriptor.name().to_owned(), Broken::Missing));
        }
        // What may be absent is checked if it is there; what cannot be absent is checked when it is empty, too.
        let is_checked = is_set || !(descriptor.supports_presence() || rules.ignore_empty);
        if is_checked {
            field(descriptor, rules, &message.get_field(descriptor))
                .map_err(|(rest, broken)| (format!("{}{rest}", descriptor.name()), broken))?;
        }
    }
    for group in &plan.required {
        if !group.fields().any(|choice| message.has_field(&choice)) {
            return Err((group.name().to_owned(), Broken::NoChoice));
        }
    }
    Ok(())
}

/// The path in the error starts behind the field's own name.
fn field(descriptor: &FieldDescriptor, rules: &Rules, value: &Value) -> Result<(), Fault> {
    match value {
        Value::List(items) => {
            size(items.len(), Unit::Items, rules.items).map_err(here)?;
            let mut seen = HashSet::new();
            for (index, item) in items.iter().enumerate() {
                let at = |(rest, broken): Fault| (format!("[{index}]{rest}"), broken);
                if rules.unique && !seen.insert(fingerprint(item)) {
                    return Err(at(here(Broken::Twice)));
                }
                single(&descriptor.kind(), rules.each.as_deref(), item).map_err(at)?;
            }
            Ok(())
        }
        Value::Map(entries) => {
            size(entries.len(), Unit::Items, rules.items).map_err(here)?;
            let kind = descriptor.kind();
            let Some(entry) = kind.as_message() else { return Ok(()) };
            let kind = entry.map_entry_value_field().kind();
            for (key, value) in entries {
                // Keys are the sender's words and may be personal data; the path does not repeat them.
                let at = |(rest, broken): Fault| (format!("[…]{rest}"), broken);
                if let (Some(rules), MapKey::String(key)) = (&rules.keys, key) {
                    text(rules, key).map_err(|broken| at(here(broken)))?;
                }
                single(&kind, rules.each.as_deref(), value).map_err(at)?;
            }
            Ok(())
        }
        value => single(&descriptor.kind(), Some(rules), value),
    }
}

fn here(broken: Broken) -> Fault {
    (String::new(), broken)
}

fn single(kind: &Kind, rules: Option<&Rules>, value: &Value) -> Result<(), Fault> {
    if let Value::Message(inner) = value {
        if let Some(bound) = rules.and_then(|rules| rules.number) {
            duration(inner, bound).map_err(here)?;
        }
        return message(inner).map_err(|(rest, broken)| (format!(".{rest}"), broken));
    }
    let Some(rules) = rules else { return Ok(()) };
    match value {
        Value::String(value) => text(rules, value),
        Value::Bytes(value) => size(value.len(), Unit::Bytes, rules.length),
        Value::I32(value) => number(i64::from(*value), rules),
        Value::U32(value) => number(i64::from(*value), rules),
        Value::I64(value) => number(*value, rules),
        Value::U64(value) => number(i64::try_from(*value).unwrap_or(i64::MAX), rules),
        Value::EnumNumber(number) => enum_number(rules, kind, *number),
        _ => Ok(()),
    }
    .map_err(here)
}

fn text(rules: &Rules, text: &str) -> Result<(), Broken> {
    if text.is_empty() && rules.ignore_empty {
        return Ok(());
    }
    size(text.len(), Unit::Bytes, rules.bytes)?;
    if rules.length.is_some() {
        size(text.chars().count(), Unit::Characters, rules.length)?;
    }
    rules.forms.iter().try_for_each(|form| match form {
        Form::Prefix(prefix) if !text.starts_with(prefix) => Err(Broken::Prefix(prefix.clone())),
        Form::Pattern(pattern) if !pattern.is_match(text) => {
            Err(Broken::Pattern(pattern.as_str().to_owned()))
        }
        Form::OneOf(words) if !words.iter().any(|word| word == text) => Err(Broken::OneOf(words.clone())),
        Form::Uri if !form::is_uri(text) => Err(Broken::Uri),
        Form::Email if !form::is_email(text) => Err(Broken::Email),
        _ => Ok(()),
    })
}

fn enum_number(rules: &Rules, kind: &Kind, number: i32) -> Result<(), Broken> {
    let is_bound = rules.forms.iter().any(|form| matches!(form, Form::Defined));
    match kind {
        Kind::Enum(values) if is_bound && values.get_value(number).is_none() => Err(Broken::Enum),
        _ => Ok(()),
    }
}

fn size(found: usize, unit: Unit, bound: Option<Bound>) -> Result<(), Broken> {
    let found = found as u64;
    match bound {
        Some(bound) if bound.excludes(i64::try_from(found).unwrap_or(i64::MAX)) => {
            Err(Broken::Size { found, unit, bound })
        }
        _ => Ok(()),
    }
}

fn number(number: i64, rules: &Rules) -> Result<(), Broken> {
    match rules.number {
        Some(bound) if bound.excludes(number) => Err(Broken::Number { bound }),
        _ => Ok(()),
    }
}

/// A duration is bounded by its seconds; a fraction above the upper bound is outside.
fn duration(duration: &DynamicMessage, bound: Bound) -> Result<(), Broken> {
    let duration = duration.transcode_to::<prost_types::Duration>().unwrap_or_default();
    let whole = i128::from(duration.seconds) * 1_000_000_000 + i128::from(duration.nanos);
    let is_below = bound.least.is_some_and(|least| whole < i128::from(least) * 1_000_000_000);
    let is_above = bound.most.is_some_and(|most| whole > i128::from(most) * 1_000_000_000);
    if is_below || is_above { Err(Broken::Number { bound }) } else { Ok(()) }
}

/// What tells items of a list apart. Lists with this rule hold texts or enums.
fn fingerprint(item: &Value) -> String {
    match item {
        Value::String(text) => text.clone(),
        other => format!("{other:?}"),
    }
}
