//! Which parts of a row a policy targets (privacy-requests 9).

mod pick_text;

use std::collections::BTreeMap;

use model::Row;
use serde_json::Value;

use crate::{GraphCollection, GraphField};

/// Whether `category` lies at or below `target`, segment by segment: `user.contact` covers
/// `user.contact.email`, but not `user.contact_preferences` (privacy-requests R-7, the better side).
pub fn covers(target: &str, category: &str) -> bool {
    category.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether any category of the collection or of one of its fields is targeted.
pub fn is_targeted(collection: &GraphCollection, targets: &[String]) -> bool {
    any_covered(&collection.data_categories, targets) || any_field_covered(&collection.fields, targets)
}

/// The parts of a collection's rows that some targets select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The rows whole: the collection itself is targeted.
    Whole,
    /// These fields.
    Fields(FieldTree),
    /// Nothing; the collection is left out.
    Nothing,
}

/// Paths, joined where they begin alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldTree {
    /// The path ends here: everything below is selected.
    selected: bool,
    below: BTreeMap<String, FieldTree>,
}

/// The member of a row that lists files which stand for rows. No category can say what is in a file: unless
/// the dataset declares the member, it goes with its collection (privacy-requests R-12, saas-config 23.15).
const ATTACHMENTS: &str = "retrieved_attachments";

impl Selection {
    /// What `targets` select of `collection` (privacy-requests ).
    pub fn of(collection: &GraphCollection, targets: &[String]) -> Self {
        if any_covered(&collection.data_categories, targets) {
            return Self::Whole;
        }
        let mut tree = FieldTree::default();
        tree.add_covered(&collection.fields, &mut Vec::new(), targets);
        if tree.below.is_empty() {
            return Self::Nothing;
        }
        if collection.find_field([ATTACHMENTS]).is_none() {
            tree.add(&[ATTACHMENTS]);
        }
        Self::Fields(tree)
    }

    /// The selected part of `row`; `None` if nothing is left (the better side of R-11).
    ///
    /// Array elements stay in place while the parts are picked; then empty objects and arrays are
    /// taken out, from inside out. Empty texts and nulls stay.
    pub fn pick(&self, row: Row) -> Option<Row> {
        match self {
            Self::Whole => Some(row),
            Self::Nothing => None,
            Self::Fields(tree) => {
                let picked = tree.pick_members(row);
                (!picked.is_empty()).then_some(picked)
            }
        }
    }
}

impl FieldTree {
    /// A tree of these dotted paths.
    pub fn from_paths<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut tree = Self::default();
        for path in paths {
            tree.add(&path.split('.').collect::<Vec<_>>());
        }
        tree
    }

    fn add(&mut self, path: &[&str]) {
        match path.split_first() {
            None => self.selected = true,
            Some((first, rest)) => self.below.entry((*first).to_owned()).or_default().add(rest),
        }
    }

    /// Adds the fields that `targets` cover, all of them below `path`.
    fn add_covered<'a>(&mut self, fields: &'a [GraphField], path: &mut Vec<&'a str>, targets: &[String]) {
        for field in fields {
            path.push(&field.name);
            if any_covered(&field.data_categories, targets) {
                self.add(path);
            }
            self.add_covered(&field.fields, path, targets);
            path.pop();
        }
    }

    /// What is selected of the member called `name`; `None` if nothing is.
    pub fn of_member(&self, name: &str) -> Option<&Self> {
        if self.selected { Some(self) } else { self.below.get(name) }
    }

    fn pick_members(&self, members: Row) -> Row {
        members
            .into_iter()
            .filter_map(|(name, value)| {
                let picked = self.below.get(&name)?.pick(value)?;
                Some((name, picked))
            })
            .collect()
    }

    fn pick(&self, value: Value) -> Option<Value> {
        if self.selected {
            return without_empty(value);
        }
        match value {
            Value::Object(members) => keep(Value::Object(self.pick_members(members))),
            Value::Array(items) => {
                keep(Value::Array(items.into_iter().filter_map(|item| self.pick(item)).collect()))
            }
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Some(scalar),
        }
    }
}

fn without_empty(value: Value) -> Option<Value> {
    match value {
        Value::Object(members) => keep(Value::Object(
            members.into_iter().filter_map(|(name, value)| Some((name, without_empty(value)?))).collect(),
        )),
        Value::Array(items) => keep(Value::Array(items.into_iter().filter_map(without_empty).collect())),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Some(scalar),
    }
}

fn keep(value: Value) -> Option<Value> {
    let empty = match &value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    (!empty).then_some(value)
}

fn any_covered(categories: &[String], targets: &[String]) -> bool {
    categories.iter().any(|category| targets.iter().any(|target| covers(target, category)))
}

fn any_field_covered(fields: &[GraphField], targets: &[String]) -> bool {
    fields.iter().any(|field| {
        any_covered(&field.data_categories, targets) || any_field_covered(&field.fields, targets)
    })
}

#[cfg(test)]
mod tests;
