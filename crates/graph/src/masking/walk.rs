use model::Row;
use serde_json::Value;

use super::masker::{MaskField, is_marked};
use super::row::refusal;
use super::{ErasureRule, Left, LeftReason, MaskedRow, MaskedValue, Masker, Strategy, ValuePath};

/// One walk through a row, from the top: what is masked as a whole is met before its parts.
pub(super) struct Walk<'a> {
    masker: &'a Masker<'a>,
    masked: MaskedRow,
}

/// The rule that reaches a place, by itself or from above.
#[derive(Clone, Copy)]
struct Active<'a> {
    rule: &'a ErasureRule,
    category: &'a str,
    strategy: &'a Strategy,
}

/// A value as received and in its erasure form.
#[derive(Clone, Copy)]
struct Pair<'a> {
    received: &'a Value,
    marked: Option<&'a Value>,
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a ValuePath,
    /// The declared field, if there is one.
    field: Option<&'a MaskField>,
    /// Path of the nearest declared field.
    declared: &'a str,
}

impl<'a> Walk<'a> {
    pub(super) fn new(masker: &'a Masker<'a>) -> Self {
        Self { masker, masked: MaskedRow::default() }
    }

    pub(super) fn row(mut self, received: &Row, marked: &Row) -> MaskedRow {
        let top = ValuePath::default();
        for field in self.masker.fields.iter().filter(|field| field.is_touched) {
            if let Some(value) = received.get(&field.name) {
                let path = top.key(&field.name);
                let place = Place { path: &path, field: Some(field), declared: &field.path };
                self.value(place, Pair { received: value, marked: marked.get(&field.name) }, None);
            }
        }
        self.masked
    }

    fn value(&mut self, place: Place<'_>, pair: Pair<'_>, above: Option<Active<'_>>) {
        if is_marked(pair.received, pair.marked) {
            return;
        }
        match self.active(place.field, above) {
            None => self.untargeted(place, pair),
            Some(active) if place.field.is_some_and(|field| field.read_only) => {
                self.leave(place, active, LeftReason::ReadOnly);
            }
            Some(active) => self.targeted(place, pair, active),
        }
    }

    /// The field's own rule, else that from above; the field's own strategy, else that of the rule.
    fn active<'b>(&self, field: Option<&'b MaskField>, above: Option<Active<'b>>) -> Option<Active<'b>>
    where
        'a: 'b,
    {
        let masker: &'a Masker<'a> = self.masker;
        let own = field.and_then(|field| field.rule.as_ref()).and_then(|(index, category)| {
            let rule = masker.rules.get(*index)?;
            Some(Active { rule, category, strategy: &rule.strategy })
        });
        let active = own.or(above)?;
        let strategy = field.and_then(|field| field.strategy.as_ref()).unwrap_or(active.strategy);
        Some(Active { strategy, ..active })
    }

    /// Nothing here is targeted, but something below may be.
    fn untargeted(&mut self, place: Place<'_>, pair: Pair<'_>) {
        let Some(field) = place.field.filter(|field| field.is_touched) else { return };
        match pair.received {
            Value::Object(members) => {
                for below in field.fields.iter().filter(|below| below.is_touched) {
                    if let Some(value) = members.get(&below.name) {
                        let path = place.path.key(&below.name);
                        let inner = Place { path: &path, field: Some(below), declared: &below.path };
                        self.value(inner, pair.member(&below.name, value), None);
                    }
                }
            }
            Value::Array(items) => {
                for (position, item) in items.iter().enumerate() {
                    let path = place.path.position(position);
                    self.value(Place { path: &path, ..place }, pair.item(position, item), None);
                }
            }
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) => self.no_object(place, field),
        }
    }

    fn targeted(&mut self, place: Place<'_>, pair: Pair<'_>, active: Active<'_>) {
        let as_one = active.strategy.takes_any_type()
            && !place.field.is_some_and(|field| field.has_exception)
            && !pair.has_marks();
        match pair.received {
            Value::Object(_) if as_one => self.write(place, pair.received, active),
            Value::Array(items) if as_one && !items.is_empty() && items.iter().all(Value::is_object) => {
                self.write(place, pair.received, active);
            }
            Value::Object(members) => {
                for (name, value) in members {
                    let path = place.path.key(name);
                    let field = place.field.and_then(|field| MaskField::find(&field.fields, name));
                    let declared = field.map_or(place.declared, |field| field.path.as_str());
                    let inner = Place { path: &path, field, declared };
                    self.value(inner, pair.member(name, value), Some(active));
                }
            }
            Value::Array(items) => {
                for (position, item) in items.iter().enumerate() {
                    let path = place.path.position(position);
                    let inner = Place { path: &path, ..place };
                    self.value(inner, pair.item(position, item), Some(active));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.leaf(place, pair.received, active);
            }
        }
    }

    fn leaf(&mut self, place: Place<'_>, value: &Value, active: Active<'_>) {
        let kind = place.field.and_then(|field| field.kind);
        if active.strategy.takes_any_type() {
            self.write(place, value, active);
        } else if let Some(reason) = refusal(kind, value) {
            self.leave(place, active, reason);
        } else if kind.is_some_and(|kind| active.strategy.supports(kind)) || value.is_string() {
            self.write(place, value, active);
        }
        // Else: null in a field that is not known to hold texts. There is nothing to mask, and a
        // text might not fit.
    }

    fn write(&mut self, place: Place<'_>, value: &Value, active: Active<'_>) {
        if *active.strategy == Strategy::Preserve {
            self.leave(place, active, LeftReason::Preserved);
        }
        let length = place.field.and_then(|field| field.length);
        self.masked.values.push(MaskedValue {
            path: place.path.clone(),
            field: place.declared.to_owned(),
            value: active.strategy.mask(value, self.masker.secrets, length),
            rule: active.rule.key.clone(),
            category: active.category.to_owned(),
            grade: active.strategy.grade(),
        });
    }

    fn leave(&mut self, place: Place<'_>, active: Active<'_>, reason: LeftReason) {
        self.masked.left.push(Left {
            path: place.path.clone(),
            field: place.declared.to_owned(),
            rule: active.rule.key.clone(),
            category: active.category.to_owned(),
            reason,
        });
    }

    /// A scalar where targeted fields should be below: the data are there in another shape.
    fn no_object(&mut self, place: Place<'_>, field: &MaskField) {
        let mut below: Vec<&MaskField> = field.fields.iter().collect();
        while let Some(next) = below.pop() {
            if let Some(active) = self.active(Some(next), None) {
                let left = Left {
                    path: place.path.clone(),
                    field: place.declared.to_owned(),
                    rule: active.rule.key.clone(),
                    category: active.category.to_owned(),
                    reason: LeftReason::NotAnObject,
                };
                self.masked.left.push(left);
                return;
            }
            below.extend(&next.fields);
        }
    }
}

impl<'a> Pair<'a> {
    fn member(self, name: &str, received: &'a Value) -> Self {
        Self { received, marked: self.marked.and_then(|marked| marked.get(name)) }
    }

    fn item(self, position: usize, received: &'a Value) -> Self {
        Self { received, marked: self.marked.and_then(|marked| marked.get(position)) }
    }

    /// Whether some element at any depth is not the person's.
    fn has_marks(self) -> bool {
        if is_marked(self.received, self.marked) {
            return true;
        }
        match self.received {
            Value::Object(members) => {
                members.iter().any(|(name, value)| self.member(name, value).has_marks())
            }
            Value::Array(items) => {
                items.iter().enumerate().any(|(position, item)| self.item(position, item).has_marks())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
}
