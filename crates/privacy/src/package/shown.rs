use model::{CollectionAddress, Row};
use serde::Serialize;
use serde_json::Value;

use super::PackageOptions;
use super::redaction::ShownFields;

/// Below this depth the readable page shows JSON text instead of nested lists.
pub(super) const DEEPEST: usize = 8;

/// What the readable page shows of one collection.
#[derive(Debug, Serialize)]
pub(super) struct ShownCollection<'a> {
    pub(super) address: String,
    /// Rows delivered, shown or not.
    pub(super) delivered: u64,
    pub(super) rows: Vec<Shown>,
    #[serde(skip)]
    most: usize,
    #[serde(skip)]
    fields: Option<ShownFields<'a>>,
}

/// One value as the template takes it. Numbers are texts here: they keep their digits, and no
/// other serializer ever sees a JSON number.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub(super) enum Shown {
    Text(String),
    /// Null or empty text.
    Nothing,
    List(Vec<Shown>),
    Members(Vec<(String, Shown)>),
}

impl<'a> ShownCollection<'a> {
    pub(super) fn new(address: &CollectionAddress, options: &PackageOptions<'a>) -> Self {
        let redaction = options.redaction;
        let shown = redaction.map_or_else(|| address.clone(), |redaction| redaction.address(address));
        Self {
            address: shown.to_string(),
            delivered: 0,
            rows: Vec::new(),
            most: options.rows_shown,
            fields: redaction.map(|redaction| redaction.fields(address)),
        }
    }

    fn show(&mut self, row: Row) {
        let row = match &mut self.fields {
            Some(fields) => fields.row(row),
            None => row,
        };
        self.rows.push(Shown::of_row(row));
    }

    /// Counts a row that is JSON text, and keeps it while there is room.
    pub(super) fn add_text(&mut self, row: &[u8]) {
        self.delivered += 1;
        if self.rows.len() < self.most
            && let Ok(row) = serde_json::from_slice(row)
        {
            self.show(row);
        }
    }
}

impl Shown {
    pub(super) fn of_row(row: Row) -> Self {
        Self::of(Value::Object(row), 0)
    }

    fn of(value: Value, depth: usize) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::String(text) if text.is_empty() => Self::Nothing,
            Value::String(text) => Self::Text(text),
            Value::Bool(flag) => Self::Text(flag.to_string()),
            Value::Number(number) => Self::Text(number.to_string()),
            nested @ (Value::Array(_) | Value::Object(_)) if depth >= DEEPEST => {
                Self::Text(nested.to_string())
            }
            Value::Array(items) => {
                Self::List(items.into_iter().map(|item| Self::of(item, depth + 1)).collect())
            }
            Value::Object(members) => Self::Members(
                members.into_iter().map(|(name, member)| (name, Self::of(member, depth + 1))).collect(),
            ),
        }
    }
}
