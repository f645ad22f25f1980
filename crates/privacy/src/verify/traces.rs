//! What of a person's old values is still there, told by keyed hashes alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use crypto::{HashKey, MaskSecrets, canonical_json};
use graph::{DistinctValues, ErasureRule, GraphCollection, Masker, MaskerError};
use model::{Row, loosely_equal};
use serde_json::{Value, json};

use crate::plan::RowMarker;

/// Finds targeted values in rows: those that masking would change, or wrong ones in fields that were
/// corrected.
pub(super) enum Targeted<'a> {
    /// By the rules of a policy.
    Masked(Masker<'a>),
    /// Declared paths, with dots, and the right value of each.
    Corrected(BTreeMap<String, Value>),
}

impl<'a> Targeted<'a> {
    /// Everything that the rules target in a collection.
    pub(super) fn masked(
        collection: &GraphCollection,
        rules: &'a [ErasureRule],
        secrets: &'a MaskSecrets,
    ) -> Result<Self, MaskerError> {
        Ok(Self::Masked(Masker::new(collection, rules, secrets)?))
    }

    /// Field → its old values in a row. A value that is its own mask, or right, is none: nothing of it
    /// would go.
    fn values(&self, row: &Row) -> BTreeMap<String, Vec<Value>> {
        let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        match self {
            Self::Masked(masker) => {
                for masked in masker.mask(row, row).values {
                    let old = masked.path.find(row).filter(|old| **old != masked.value);
                    let values = found.entry(masked.field).or_default();
                    leaves(old.unwrap_or(&Value::Null), &mut |leaf| {
                        if tells_something(leaf) {
                            values.push(leaf.clone());
                        }
                    });
                }
            }
            Self::Corrected(fields) => {
                for (field, right) in fields {
                    let values = found.entry(field.clone()).or_default();
                    at(row, field, &mut |value| {
                        leaves(value, &mut |leaf| {
                            if !loosely_equal(leaf, right) {
                                values.push(leaf.clone());
                            }
                        });
                    });
                }
            }
        }
        found.retain(|_, values| !values.is_empty());
        found
    }
}

/// The values of one field of a primary key.
pub(super) struct KeyValues {
    /// Its path, with dots.
    pub(super) field: String,
    /// Distinct.
    pub(super) values: Vec<Value>,
}

/// The old values of a collection, as they were when the plan was made, and what of them was seen since.
pub(super) struct Traces<'a> {
    targeted: Targeted<'a>,
    key: HashKey,
    collection: &'a GraphCollection,
    key_fields: Vec<Vec<String>>,
    key_values: Vec<DistinctValues>,
    /// Row by its key → fields with the hashes of their values.
    rows: HashMap<String, BTreeMap<String, HashSet<[u8; 32]>>>,
    /// The same over all rows.
    all: BTreeMap<String, HashSet<[u8; 32]>>,
    /// Keys of those rows that were seen again.
    seen: HashSet<String>,
    /// Keys of rows that still hold something that was to go.
    left: HashSet<String>,
    /// Keys of corrected rows that hold neither an old nor the right value.
    other: HashSet<String>,
}

impl<'a> Traces<'a> {
    /// No old values yet. The key of the hashes is thrown away with this.
    pub(super) fn new(collection: &'a GraphCollection, targeted: Targeted<'a>) -> Self {
        let own = |path: Vec<&str>| path.into_iter().map(str::to_owned).collect();
        let key_fields = collection.all_fields().into_iter().filter(|(_, field)| field.primary_key);
        let key_fields: Vec<Vec<String>> = key_fields.map(|(path, _)| own(path)).collect();
        Self {
            targeted,
            key: HashKey::random(),
            collection,
            key_values: key_fields.iter().map(|_| DistinctValues::default()).collect(),
            key_fields,
            rows: HashMap::new(),
            all: BTreeMap::new(),
            seen: HashSet::new(),
            left: HashSet::new(),
            other: HashSet::new(),
        }
    }

    /// Takes a row as it was.
    pub(super) fn remember(&mut self, row: &Row) {
        let values = self.targeted.values(row);
        if values.is_empty() {
            return;
        }
        let hashes = values.into_iter().map(|(field, values)| {
            let hashes: HashSet<_> = values.iter().map(|value| self.hash(value)).collect();
            (field, hashes)
        });
        let hashes: BTreeMap<_, _> = hashes.collect();
        for (field, hashes) in &hashes {
            self.all.entry(field.clone()).or_default().extend(hashes);
        }
        for (path, values) in self.key_fields.iter().zip(&mut self.key_values) {
            at(row, &path.join("."), &mut |value| values.add(value));
        }
        let key = self.row_key(row);
        self.rows.entry(key).or_default().extend(hashes);
    }

    /// How many rows had something that was to go.
    pub(super) fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    /// What to read those rows by, one field of their key; `None` if they have none.
    pub(super) fn key_values(&self) -> Option<KeyValues> {
        let fields = self.key_fields.iter().zip(&self.key_values);
        let values = fields
            .map(|(path, values)| KeyValues { field: path.join("."), values: values.clone().into_values() });
        values.max_by_key(|key| key.values.len())
    }

    /// Takes a row that is found now by what led there before.
    pub(super) fn look(&mut self, row: &Row) {
        let key = self.row_key(row);
        if self.is_left(row) {
            self.left.insert(key.clone());
        } else if self.is_other(row) {
            self.other.insert(key.clone());
        }
        if self.rows.contains_key(&key) {
            self.seen.insert(key);
        }
    }

    /// Takes a row that is there now, if it is one of those that were.
    pub(super) fn look_if_known(&mut self, row: &Row) {
        if self.rows.contains_key(&self.row_key(row)) {
            self.look(row);
        }
    }

    /// How many rows still hold something that was to go.
    pub(super) fn rows_left(&self) -> u64 {
        self.left.len() as u64
    }

    /// Whether a corrected field holds neither what it held nor its right value.
    pub(super) fn holds_other(&self) -> bool {
        !self.other.is_empty()
    }

    /// Whether every row that had something was seen again.
    pub(super) fn saw_all(&self) -> bool {
        self.seen.len() == self.rows.len()
    }

    /// Whether a row as it is now still holds something that was to go: one of its own old values; or,
    /// in a row that was not there, anything that is targeted.
    fn is_left(&self, row: &Row) -> bool {
        let has_key = !self.key_fields.is_empty();
        match self.rows.get(&self.row_key(row)) {
            Some(old) => self.holds(row, old),
            None if has_key => !self.targeted.values(row).is_empty(),
            None => self.holds(row, &self.all),
        }
    }

    fn is_other(&self, row: &Row) -> bool {
        match self.targeted {
            // A mask may be anything.
            Targeted::Masked(_) => false,
            Targeted::Corrected(_) => !self.targeted.values(row).is_empty(),
        }
    }

    fn holds(&self, row: &Row, old: &BTreeMap<String, HashSet<[u8; 32]>>) -> bool {
        old.iter().any(|(field, hashes)| {
            let mut is_there = false;
            at(row, field, &mut |value| {
                leaves(value, &mut |leaf| is_there |= hashes.contains(&self.hash(leaf)));
            });
            is_there
        })
    }

    fn row_key(&self, row: &Row) -> String {
        RowMarker::new(&self.key, &self.collection.address, &self.key_fields).mark(row).key
    }

    fn hash(&self, value: &Value) -> [u8; 32] {
        self.key.keyed_hash(&canonical_json(&json!(value)))
    }
}

/// Every value at a declared path, arrays entered element by element.
fn at(row: &Row, field: &str, found: &mut dyn FnMut(&Value)) {
    fn walk(value: &Value, path: &[&str], found: &mut dyn FnMut(&Value)) {
        match (value, path.split_first()) {
            (value, None) => found(value),
            (Value::Array(items), Some(_)) => items.iter().for_each(|item| walk(item, path, found)),
            (Value::Object(members), Some((name, rest))) => {
                if let Some(member) = members.get(*name) {
                    walk(member, rest, found);
                }
            }
            (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), Some(_)) => {}
        }
    }
    let path: Vec<&str> = field.split('.').collect();
    if let Some((first, rest)) = path.split_first()
        && let Some(value) = row.get(*first)
    {
        walk(value, rest, found);
    }
}

/// Every scalar in a value, null too.
fn leaves(value: &Value, found: &mut dyn FnMut(&Value)) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => found(value),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, found)),
    }
}

/// Null and the empty text tell nothing of anybody.
fn tells_something(leaf: &Value) -> bool {
    match leaf {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests;
