//! Privacy requests as a table: which columns there are shows once all lines are known.

use std::collections::HashMap;

use super::csv_file::Line;
use super::identity::KNOWN;
use crate::ApiError;

/// The most columns of a table. People that nobody knows name kinds of identities and custom fields,
/// and each name is a column.
const MOST_COLUMNS: usize = 200;

const FIXED: [&str; 10] = [
    "Status",
    "Request Type",
    "Time Received",
    "Deadline",
    "Reviewed By",
    "Request ID",
    "Time Approved/Denied",
    "Denial Reason",
    "Last Updated",
    "Completed On",
];

/// One line before it is known which columns there are.
pub(super) struct Entry {
    /// The values that every line has.
    pub(super) fixed: [String; FIXED.len()],
    /// Kind of identity, its label, its values.
    pub(super) identities: Vec<(String, String, String)>,
    /// Label of a custom field, and its value.
    pub(super) fields: Vec<(String, String)>,
}

/// All lines, and the columns that they have: known kinds of identities first, then others, then custom
/// fields.
pub(super) struct Table {
    entries: Vec<Entry>,
    kinds: Columns,
    fields: Columns,
}

/// Columns in the order in which they were seen first.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Table {
    pub(super) fn new() -> Self {
        let mut kinds = Columns::default();
        for (kind, label) in KNOWN {
            kinds.enter(kind, label);
        }
        Self { entries: Vec::new(), kinds, fields: Columns::default() }
    }

    /// Adds a line, unless that makes too many columns.
    pub(super) fn push(&mut self, entry: Entry) -> Result<(), ApiError> {
        for (kind, label, _) in &entry.identities {
            self.kinds.enter(kind, label);
        }
        for (label, _) in &entry.fields {
            self.fields.enter(label, label);
        }
        if FIXED.len() + self.kinds.names.len() + self.fields.names.len() > MOST_COLUMNS {
            return Err(ApiError::BadRequest(format!(
                "the file would have more than {MOST_COLUMNS} columns, one for each kind of identity and custom field; narrow the search"
            )));
        }
        self.entries.push(entry);
        Ok(())
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The names of all columns, and the lines under them.
    pub(super) fn into_lines(self) -> (Line, impl Iterator<Item = Line>) {
        let Self { entries, kinds, fields } = self;
        let mut columns: Vec<String> = FIXED.iter().map(|name| (*name).to_owned()).collect();
        columns.extend(kinds.names.iter().cloned());
        columns.extend(fields.names.iter().map(|label| format!("Custom Field {label}")));
        let lines = entries.into_iter().map(move |entry| {
            let identities = entry.identities.into_iter().map(|(kind, _, value)| (kind, value));
            let mut line = Vec::from(entry.fixed);
            line.extend(kinds.line(identities));
            line.extend(fields.line(entry.fields));
            line
        });
        (columns, lines)
    }
}

impl Columns {
    fn enter(&mut self, key: &str, name: &str) {
        if !self.places.contains_key(key) {
            self.places.insert(key.to_owned(), self.names.len());
            self.names.push(name.to_owned());
        }
    }

    /// The values under their columns; of two under one, the first.
    fn line(&self, values: impl IntoIterator<Item = (String, String)>) -> Line {
        let mut line: Vec<Option<String>> = vec![None; self.names.len()];
        for (key, value) in values {
            if let Some(cell) = self.places.get(&key).and_then(|place| line.get_mut(*place)) {
                cell.get_or_insert(value);
            }
        }
        line.into_iter().map(Option::unwrap_or_default).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fields: &[(&str, &str)]) -> Entry {
        let fields = fields.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned()));
        Entry { fixed: Default::default(), identities: Vec::new(), fields: fields.collect() }
    }

    #[test]
    fn a_value_stands_under_its_column_whichever_line_named_it_first() {
        let mut table = Table::new();
        table.push(entry(&[("A", "1")])).unwrap();
        table.push(entry(&[("B", "2"), ("A", "3"), ("A", "4")])).unwrap();

        let (columns, lines) = table.into_lines();

        let lines: Vec<Line> = lines.collect();
        assert_eq!(columns[16..], ["Custom Field A", "Custom Field B"]);
        assert_eq!(
            (&lines[0][16..], &lines[1][16..]),
            (&["1", ""].map(String::from)[..], &["3", "2"].map(String::from)[..])
        );
    }

    #[test]
    fn two_hundred_columns_fit_and_no_more() {
        let mut table = Table::new();
        let labels: Vec<String> = (0..185).map(|at| format!("F{at}")).collect();
        let fields: Vec<(&str, &str)> = labels.iter().map(|label| (label.as_str(), "x")).collect();

        let fits = table.push(entry(&fields[..184])).is_ok();
        let again = table.push(entry(&fields[..184])).is_ok();
        let more = table.push(entry(&fields[184..]));

        assert!(fits && again);
        assert!(matches!(more, Err(ApiError::BadRequest(_))));
    }
}
