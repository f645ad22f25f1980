//! Names that packages for people to read do not show (privacy-requests PK-9): those that a dataset marks
//! with `redact: name`, and those that fit the patterns of the settings.

use std::collections::{BTreeMap, HashMap};

use graph::Graph;
use model::{CollectionAddress, Row};
use regex::{RegexSet, RegexSetBuilder};
use serde_json::Value;
use thiserror::Error;

use crate::{CollectionReport, Report};

/// The most patterns there may be.
const MOST: usize = 100;
/// The most characters of one.
const LONGEST: usize = 500;
/// The most memory that they may take once they are compiled.
const MOST_BYTES: usize = 1 << 20;

/// Patterns of names, in any case, found anywhere in a name.
#[derive(Debug, Clone, Default)]
pub struct NamePatterns(
    /// `None` without patterns: making a set takes a while, also an empty one.
    Option<RegexSet>,
);

/// Why patterns cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// One is no regular expression, or too large.
    #[error("this is no regular expression that can be used here: {reason}")]
    Bad {
        /// Which, from 0.
        position: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// There are too many, or they are too large together.
    #[error("at most {MOST} patterns of {LONGEST} characters can be used, and they are too large together")]
    TooMany,
}

impl NamePatterns {
    /// The patterns, ready to be used.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn parse(patterns: &[String]) -> Result<Self, PatternError> {
        if patterns.is_empty() {
            return Ok(Self::default());
        }
        if patterns.len() > MOST {
            return Err(PatternError::TooMany);
        }
        let build = |patterns: &[String]| {
            RegexSetBuilder::new(patterns).case_insensitive(true).size_limit(MOST_BYTES).build()
        };
        if let Some(position) = patterns.iter().position(|one| one.chars().count() > LONGEST) {
            return Err(PatternError::Bad {
                position,
                reason: format!("it has more than {LONGEST} characters"),
            });
        }
        if let Ok(set) = build(patterns) {
            return Ok(Self(Some(set)));
        }
        for (position, pattern) in patterns.iter().enumerate() {
            let reason = match build(std::slice::from_ref(pattern)) {
                Ok(_) => continue,
                Err(regex::Error::CompiledTooBig(_)) => "it is too large".to_owned(),
                Err(error) => error.to_string().lines().last().unwrap_or_default().to_owned(),
            };
            return Err(PatternError::Bad { position, reason });
        }
        Err(PatternError::TooMany)
    }

    fn hide(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|patterns| patterns.is_match(name))
    }
}

/// What stands in the place of the names of a graph that are not shown.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    datasets: BTreeMap<String, String>,
    collections: BTreeMap<CollectionAddress, String>,
    fields: BTreeMap<CollectionAddress, HashMap<String, String>>,
    /// How many fields each collection declares.
    declared: BTreeMap<CollectionAddress, usize>,
    patterns: NamePatterns,
}

impl Redaction {
    /// The names of `graph` that are not shown. A hidden name is numbered by its place among all: of
    /// datasets, of the collections of a dataset, of the fields of a collection.
    pub fn of(graph: &Graph, patterns: NamePatterns) -> Self {
        let mut hidden = Self { patterns, ..Self::default() };
        let (mut datasets, mut collections) = (0, 0);
        let mut last: Option<&str> = None;
        // By address: those of one dataset follow each other.
        for collection in graph.collections() {
            let address = &collection.address;
            if last != Some(address.dataset()) {
                (datasets, collections) = (datasets + 1, 0);
                last = Some(address.dataset());
            }
            collections += 1;
            if collection.dataset_redacted || hidden.patterns.hide(address.dataset()) {
                hidden.datasets.insert(address.dataset().to_owned(), format!("dataset_{datasets}"));
            }
            if collection.redacted || hidden.patterns.hide(address.collection()) {
                hidden.collections.insert(address.clone(), format!("collection_{collections}"));
            }
            let all = collection.all_fields();
            hidden.declared.insert(address.clone(), all.len());
            let mut fields = HashMap::new();
            for (number, (path, field)) in (1..).zip(all) {
                if field.redacted || hidden.patterns.hide(&field.name) {
                    fields.insert(path.join("."), format!("field_{number}"));
                }
            }
            hidden.fields.insert(address.clone(), fields);
        }
        hidden
    }

    /// An address as it is shown.
    pub(super) fn address(&self, address: &CollectionAddress) -> CollectionAddress {
        let dataset = self.datasets.get(address.dataset()).map_or(address.dataset(), String::as_str);
        let collection = self.collections.get(address).map_or(address.collection(), String::as_str);
        CollectionAddress::new(dataset, collection)
    }

    /// The names of a collection's fields as they are shown.
    pub(super) fn fields<'a>(&'a self, address: &CollectionAddress) -> ShownFields<'a> {
        ShownFields {
            patterns: &self.patterns,
            names: self.fields.get(address).cloned().unwrap_or_default(),
            next: self.declared.get(address).copied().unwrap_or_default(),
        }
    }

    /// A report as it is shown. What it says in sentences may name anything, and goes where a name does.
    pub(super) fn report(&self, report: &Report) -> Report {
        let shown = |(address, one): (&CollectionAddress, &CollectionReport)| {
            let mut one = one.clone();
            let to = self.address(address);
            if self.hides_anything() {
                one.completeness.detail = None;
            }
            (to, one)
        };
        Report { outcome: report.outcome, collections: report.collections.iter().map(shown).collect() }
    }

    fn hides_anything(&self) -> bool {
        !self.datasets.is_empty()
            || !self.collections.is_empty()
            || self.fields.values().any(|fields| !fields.is_empty())
    }
}

/// The names of the fields of one collection. One that no dataset declares gets its number when it is
/// first seen.
#[derive(Debug)]
pub(super) struct ShownFields<'a> {
    patterns: &'a NamePatterns,
    names: HashMap<String, String>,
    next: usize,
}

impl ShownFields<'_> {
    /// Whether every name is shown.
    pub(super) fn show_all(&self) -> bool {
        self.names.is_empty() && self.patterns.0.is_none()
    }

    /// A row with the names that are shown.
    pub(super) fn row(&mut self, row: Row) -> Row {
        if self.show_all() {
            return row;
        }
        self.members(row, "")
    }

    fn members(&mut self, members: Row, above: &str) -> Row {
        let shown = |(name, value): (String, Value)| {
            let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
            let value = self.value(value, &path);
            (self.name(name, path), value)
        };
        members.into_iter().map(shown).collect()
    }

    fn value(&mut self, value: Value, path: &str) -> Value {
        match value {
            Value::Object(members) => Value::Object(self.members(members, path)),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.value(item, path)).collect())
            }
            other => other,
        }
    }

    fn name(&mut self, name: String, path: String) -> String {
        if let Some(shown) = self.names.get(&path) {
            return shown.clone();
        }
        if !self.patterns.hide(&name) {
            return name;
        }
        self.next += 1;
        self.names.entry(path).or_insert(format!("field_{}", self.next)).clone()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn patterns(patterns: &[&str]) -> Result<NamePatterns, PatternError> {
        NamePatterns::parse(&patterns.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>())
    }

    // rule: privacy-requests PK-9
    #[test]
    fn fields_that_fit_a_pattern_are_numbered_wherever_they_stand() {
        let hidden = Redaction { patterns: patterns(&["^int", "secret"]).unwrap(), ..Redaction::default() };
        let mut fields = hidden.fields(&"shop:orders".parse().unwrap());

        let first = fields.row(row(json!({"internal": 1, "a": [{"SecretCode": 2, "b": 3}]})));
        let second = fields.row(row(json!({"a": [{"SecretCode": 4}], "internal": {"secret": 5}, "pint": 6})));

        assert_eq!(Value::Object(first), json!({"field_1": 1, "a": [{"field_2": 2, "b": 3}]}));
        let expected = json!({"a": [{"field_2": 4}], "field_1": {"field_3": 5}, "pint": 6});
        assert_eq!(Value::Object(second), expected);
    }

    fn row(value: Value) -> Row {
        let Value::Object(row) = value else { panic!("no object") };
        row
    }

    #[rstest]
    #[case::not_closed(&["a", "("], Some(1))]
    #[case::too_large(&["(?:a{1000}){1000}"], Some(0))]
    #[case::backwards(&["(a)\\1"], Some(0))]
    #[case::good(&["^a.*z$", ""], None)]
    fn what_is_no_pattern_is_told_by_its_place(#[case] written: &[&str], #[case] bad: Option<usize>) {
        match (patterns(written), bad) {
            (Ok(_), None) => {}
            (Err(PatternError::Bad { position, .. }), Some(bad)) => assert_eq!(position, bad),
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn more_patterns_than_can_be_used_are_refused() {
        let many: Vec<String> = (0..=MOST).map(|number| format!("a{number}")).collect();

        assert_eq!(NamePatterns::parse(&many).unwrap_err(), PatternError::TooMany);
        assert!(matches!(patterns(&[&"a".repeat(LONGEST + 1)]), Err(PatternError::Bad { position: 0, .. })));
    }
}
