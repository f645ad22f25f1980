use graph::{
    ErasureRule, GraphCollection, Left, LeftReason, MaskedRow, MaskedValue, Masker, MaskerError,
    MaskingGrade, Segment,
};
use model::Row;
use serde_json::Value;

use super::goal::Fix;

/// What rows of one collection get: masks, or right values.
pub(super) struct NewValues<'a> {
    masker: Masker<'a>,
    fixes: Option<Vec<&'a Fix>>,
}

impl<'a> NewValues<'a> {
    /// Masks under `rules`.
    pub(super) fn masks(
        collection: &GraphCollection,
        rules: &'a [ErasureRule],
        secrets: &'a crypto::MaskSecrets,
    ) -> Result<Self, MaskerError> {
        Ok(Self { masker: Masker::new(collection, rules, secrets)?, fixes: None })
    }

    /// The right values of `fixes`.
    pub(super) fn corrections(
        collection: &GraphCollection,
        fixes: Vec<&'a Fix>,
        secrets: &'a crypto::MaskSecrets,
    ) -> Result<Self, MaskerError> {
        Ok(Self { masker: Masker::new(collection, &[], secrets)?, fixes: Some(fixes) })
    }

    /// For the objects that requests are made of.
    pub(super) fn masker(&self) -> &Masker<'a> {
        &self.masker
    }

    /// The new values of one row. `erasure` is its erasure form.
    pub(super) fn of(&self, received: &Row, erasure: &Row) -> MaskedRow {
        let Some(fixes) = &self.fixes else { return self.masker.mask(received, erasure) };
        let mut masked = MaskedRow::default();
        for fix in fixes {
            let mut places = Vec::new();
            if let Some((first, rest)) = fix.path.split_first()
                && let Some(value) = received.get(first)
            {
                leaves(value, rest, vec![Segment::Key(first.clone())], &mut places);
            }
            for (place, value) in places {
                let (path, field) = (place.into_iter().collect(), fix.path.join("."));
                if fix.read_only {
                    let (rule, category) = (fix.rule.clone(), fix.category.clone());
                    masked.left.push(Left { path, field, rule, category, reason: LeftReason::ReadOnly });
                } else if *value != fix.value {
                    masked.values.push(MaskedValue {
                        path,
                        field,
                        value: fix.value.clone(),
                        rule: fix.rule.clone(),
                        category: fix.category.clone(),
                        grade: MaskingGrade::Overwritten,
                    });
                }
            }
        }
        masked
    }
}

/// The scalars at the end of `path`, lists entered.
fn leaves<'v>(
    value: &'v Value,
    path: &[String],
    at: Vec<Segment>,
    found: &mut Vec<(Vec<Segment>, &'v Value)>,
) {
    let with = |segment| at.iter().cloned().chain([segment]).collect();
    match (value, path.split_first()) {
        (Value::Array(items), _) => {
            for (position, item) in items.iter().enumerate() {
                leaves(item, path, with(Segment::Position(position)), found);
            }
        }
        (Value::Object(members), Some((name, rest))) => {
            if let Some(member) = members.get(name) {
                leaves(member, rest, with(Segment::Key(name.clone())), found);
            }
        }
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), None) => found.push((at, value)),
        (Value::Object(_), None) | (_, Some(_)) => {}
    }
}
