use std::collections::BTreeMap;

use model::Row;
use serde_json::Value;

use super::masker::MaskField;
use super::{MaskedRow, MaskedValue, Segment};

/// The masked values of a row by place.
#[derive(Default)]
struct Masks<'a> {
    /// The new value of this very place.
    value: Option<&'a Value>,
    members: BTreeMap<&'a str, Masks<'a>>,
    items: BTreeMap<usize, Masks<'a>>,
}

pub(super) fn masked_only(fields: &[MaskField], received: &Row, masked: &MaskedRow) -> Row {
    members_of(received, &Masks::of(&masked.values), fields, Unmasked::LeaveOut)
}

pub(super) fn all(fields: &[MaskField], received: &Row, masked: &MaskedRow) -> Row {
    let declared: Row = received
        .iter()
        .filter(|(name, _)| MaskField::find(fields, name).is_some())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    members_of(&declared, &Masks::of(&masked.values), fields, Unmasked::Keep)
}

pub(super) fn columns(received: &Row, masked: &MaskedRow) -> Row {
    let mut changed: Row = Row::new();
    for masked in &masked.values {
        let Some(column) = masked.path.column() else { continue };
        if !changed.contains_key(column)
            && let Some(value) = received.get(column)
        {
            changed.insert(column.to_owned(), value.clone());
        }
        masked.path.replace(&mut changed, &masked.value);
    }
    changed
}

/// What happens to members of objects that are not masked. Elements of arrays are always kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unmasked {
    Keep,
    LeaveOut,
}

impl<'a> Masks<'a> {
    fn of(values: &'a [MaskedValue]) -> Self {
        let mut masks = Self::default();
        for masked in values {
            masks.add(masked.path.segments(), &masked.value);
        }
        masks
    }

    fn add(&mut self, path: &'a [Segment], value: &'a Value) {
        match path.split_first() {
            None => self.value = Some(value),
            Some((Segment::Key(name), rest)) => self.members.entry(name).or_default().add(rest, value),
            Some((Segment::Position(position), rest)) => {
                self.items.entry(*position).or_default().add(rest, value);
            }
        }
    }

    fn apply(&self, received: &Value, fields: &[MaskField], unmasked: Unmasked) -> Value {
        if let Some(value) = self.value {
            return value.clone();
        }
        match received {
            Value::Object(members) => Value::Object(members_of(members, self, fields, unmasked)),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(position, item)| match self.items.get(&position) {
                        Some(below) => below.apply(item, fields, unmasked),
                        None => Self::default().apply(item, fields, Unmasked::Keep),
                    })
                    .collect(),
            ),
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => scalar.clone(),
        }
    }
}

fn members_of(members: &Row, masks: &Masks<'_>, fields: &[MaskField], unmasked: Unmasked) -> Row {
    let kept = |(name, value): (&String, &Value)| {
        let field = MaskField::find(fields, name);
        if field.is_some_and(|field| field.read_only) {
            return None;
        }
        let below = field.map_or(&[] as &[MaskField], |field| &field.fields);
        let new = match (masks.members.get(name.as_str()), unmasked) {
            (Some(masks), _) => masks.apply(value, below, unmasked),
            (None, Unmasked::Keep) => Masks::default().apply(value, below, unmasked),
            (None, Unmasked::LeaveOut) => return None,
        };
        Some((name.clone(), new))
    };
    members.iter().filter_map(kept).collect()
}
