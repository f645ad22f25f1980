//! Array elements that are not the person's (saas-config 19.13, privacy-requests 6).

use std::collections::{BTreeMap, HashSet};

use model::Row;
use serde_json::Value;

use crate::collect::ValueKey;
use crate::{CollectedInputs, TraversalNode, UnusableInput};

/// Stands in for a removed element in the erasure form of a row, so that positions stay valid.
pub const DO_NOT_MASK: &str = "FIDESOPS_DO_NOT_MASK";

/// Member of a kept row ([`RowFilter::kept_row`]) that holds the row as it was received. No field of
/// an application is called like this.
const AS_RECEIVED: &str = "\u{0}as received";

/// Removes array elements that match no input, where at least one element of the array does.
#[derive(Default)]
pub struct RowFilter {
    paths: Vec<FilterPath>,
    unusable: Vec<UnusableInput>,
}

struct FilterPath {
    path: Vec<String>,
    wanted: WantedValues,
}

enum WantedValues {
    /// The field is `return_all_elements`.
    All,
    /// One of these.
    These(HashSet<ValueKey>),
}

/// What becomes of an element that matches nothing.
#[derive(Clone, Copy)]
enum Removal {
    Drop,
    Mark,
}

/// The matching places below one value.
#[derive(Default)]
struct Matches {
    members: BTreeMap<String, Matches>,
    items: BTreeMap<usize, Matches>,
}

impl RowFilter {
    /// The filter of a collection that was read with `inputs`.
    pub fn new(node: &TraversalNode, inputs: &CollectedInputs) -> Self {
        let (usable, unusable) = inputs.usable(node);
        let paths = usable.into_iter().map(|input| {
            let path: Vec<String> = input.path.split('.').map(str::to_owned).collect();
            let field = node.collection.find_field(path.iter().map(String::as_str));
            let wanted = if field.is_some_and(|field| field.return_all_elements) {
                WantedValues::All
            } else {
                WantedValues::These(input.values.iter().map(ValueKey::of).collect())
            };
            FilterPath { path, wanted }
        });
        Self { paths: paths.collect(), unusable }
    }

    /// Inputs that take no part because none of their values fits the declared type.
    pub fn unusable(&self) -> &[UnusableInput] {
        &self.unusable
    }

    /// The access form: elements that match nothing are gone.
    pub fn access_row(&self, row: Row) -> Row {
        self.apply(row, Removal::Drop)
    }

    /// The erasure form: in their place stands [`DO_NOT_MASK`].
    pub fn erasure_row(&self, row: Row) -> Row {
        self.apply(row, Removal::Mark)
    }

    /// The access form for what is read with its values, and beside it, where they differ, the row as
    /// it was received, which an erasure needs: [`RowFilter::received`] takes them apart.
    pub fn kept_row(&self, row: Row) -> Row {
        if !self.may_change(&row) {
            return row;
        }
        let mut kept = self.access_row(row.clone());
        if kept != row {
            kept.insert(AS_RECEIVED.to_owned(), Value::Object(row));
        }
        kept
    }

    /// The row as it was received, out of [`RowFilter::kept_row`].
    pub fn received(mut kept: Row) -> Row {
        match kept.shift_remove(AS_RECEIVED) {
            Some(Value::Object(row)) => row,
            Some(_) | None => kept,
        }
    }

    /// Whether rows of this JSON text, one a line, may change; a `false` is certain.
    pub fn may_change_text(&self, text: &str) -> bool {
        let is_there = |wanted: &FilterPath| wanted.path.first().is_some_and(|name| may_name(text, name));
        text.contains('[') && self.paths.iter().any(is_there)
    }

    /// Whether there is an array to look into: without one a row stays as it is.
    fn may_change(&self, row: &Row) -> bool {
        let first = |wanted: &FilterPath| row.get(wanted.path.first()?);
        self.paths.iter().filter_map(first).any(holds_array)
    }

    fn apply(&self, row: Row, removal: Removal) -> Row {
        if !self.may_change(&row) {
            return row;
        }
        let mut members = BTreeMap::new();
        for wanted in &self.paths {
            let Some((first, rest)) = wanted.path.split_first() else { continue };
            if let Some(value) = row.get(first) {
                let earlier: Option<Matches> = members.remove(first);
                let known = earlier.is_some();
                let mut below = earlier.unwrap_or_default();
                if wanted.wanted.find(value, rest, &mut below) || known {
                    members.insert(first.clone(), below);
                }
            }
        }
        if members.is_empty() {
            return row;
        }
        keep_members(row, &members, removal)
    }
}

/// Whether a row of this text may have a member of this name, which may be written with escapes.
pub(crate) fn may_name(text: &str, name: &str) -> bool {
    text.contains(name) || text.contains('\\')
}

fn holds_array(value: &Value) -> bool {
    match value {
        Value::Array(_) => true,
        Value::Object(members) => members.values().any(holds_array),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

impl WantedValues {
    /// Adds the matching places in `value` below `path` to `matches`; whether there are any.
    fn find(&self, value: &Value, path: &[String], matches: &mut Matches) -> bool {
        match value {
            Value::Array(items) => {
                let mut any = false;
                for (position, item) in items.iter().enumerate() {
                    let earlier = matches.items.remove(&position);
                    let known = earlier.is_some();
                    let mut below = earlier.unwrap_or_default();
                    let keep_all = matches!(self, Self::All);
                    let is_match = self.find(item, path, &mut below) || keep_all;
                    if is_match || known {
                        matches.items.insert(position, below);
                    }
                    any |= is_match;
                }
                any
            }
            Value::Object(members) => {
                let Some((first, rest)) = path.split_first() else { return false };
                let Some(member) = members.get(first) else { return false };
                let earlier = matches.members.remove(first);
                let known = earlier.is_some();
                let mut below = earlier.unwrap_or_default();
                let is_match = self.find(member, rest, &mut below);
                if is_match || known {
                    matches.members.insert(first.clone(), below);
                }
                is_match
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                path.is_empty()
                    && match self {
                        Self::All => true,
                        Self::These(values) => values.contains(&ValueKey::of(value)),
                    }
            }
        }
    }
}

impl Matches {
    /// An array with a match keeps its matching elements; everything else is only looked into.
    fn keep(&self, value: Value, removal: Removal) -> Value {
        match value {
            Value::Array(items) if !self.items.is_empty() => {
                let kept = items.into_iter().enumerate().filter_map(|(position, item)| {
                    match (self.items.get(&position), removal) {
                        (Some(below), _) => Some(below.keep(item, removal)),
                        (None, Removal::Drop) => None,
                        (None, Removal::Mark) => Some(Value::from(DO_NOT_MASK)),
                    }
                });
                Value::Array(kept.collect())
            }
            Value::Object(members) if !self.members.is_empty() => {
                Value::Object(keep_members(members, &self.members, removal))
            }
            untouched @ (Value::Array(_)
            | Value::Object(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)) => untouched,
        }
    }
}

fn keep_members(members: Row, matches: &BTreeMap<String, Matches>, removal: Removal) -> Row {
    members
        .into_iter()
        .map(|(name, value)| match matches.get(&name) {
            Some(below) => {
                let kept = below.keep(value, removal);
                (name, kept)
            }
            None => (name, value),
        })
        .collect()
}

#[cfg(test)]
mod tests;
