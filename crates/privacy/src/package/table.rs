//! The rows of one collection as a CSV table (privacy-requests PK-7).

use std::collections::HashMap;
use std::io::{self, Write};

use engine::CollectionOutcome;
use graph::Selection;
use model::Row;
use serde_json::Value;

use super::{Failed, each_row};

/// Columns of one table; what a row has beyond them stands as JSON in one more.
const MOST_COLUMNS: usize = 2_000;

/// Objects below this depth are JSON text in one cell.
const DEEPEST: usize = 8;

/// Header of the column for what has none.
const REST: &str = "(further fields)";

/// First characters that make a spreadsheet take a text for a formula, also in their wide forms.
const FORMULA: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '|', '＝', '＋', '－', '＠'];

/// The columns of one collection, in the order in which rows first have them.
#[derive(Debug, Default)]
pub(super) struct Columns {
    names: Vec<String>,
    places: HashMap<String, usize>,
    more: bool,
    rows: u64,
}

impl Columns {
    /// Goes through all rows once: which columns there are is known only at the end.
    pub(super) fn of(collection: &CollectionOutcome, selection: &Selection) -> Result<Self, Failed> {
        let mut columns = Self::default();
        each_row(collection, selection, |row| {
            columns.note(&row);
            Ok(())
        })?;
        Ok(columns)
    }

    fn note(&mut self, row: &Row) {
        self.rows += 1;
        flatten(row, &mut |name, _| {
            if self.places.contains_key(name) {
                return;
            }
            if self.names.len() >= MOST_COLUMNS {
                self.more = true;
                return;
            }
            self.places.insert(name.to_owned(), self.names.len());
            self.names.push(name.to_owned());
        });
    }

    /// Whether there is anything to write.
    pub(super) fn has_rows(&self) -> bool {
        self.rows > 0
    }

    /// Goes through the rows again and writes them; gives their number.
    pub(super) fn write(
        &self,
        out: &mut dyn Write,
        collection: &CollectionOutcome,
        selection: &Selection,
    ) -> Result<u64, Failed> {
        let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        let further = self.more.then_some(REST);
        let header = self.names.iter().map(String::as_str).map(harmless).chain(further.map(str::to_owned));
        table.write_record(header).map_err(failed)?;
        let mut rows = 0;
        each_row(collection, selection, |row| {
            rows += 1;
            table.write_record(self.cells(&row)).map_err(failed)
        })?;
        table.flush().map_err(Failed::Write)?;
        Ok(rows)
    }

    fn cells(&self, row: &Row) -> Vec<String> {
        let mut cells = vec![String::new(); self.names.len()];
        let mut rest = Row::new();
        flatten(
            row,
            &mut |name, value| match self.places.get(name).and_then(|place| cells.get_mut(*place)) {
                Some(cell) => *cell = text(value),
                None => {
                    rest.insert(name.to_owned(), value.clone());
                }
            },
        );
        if self.more {
            cells.push(if rest.is_empty() { String::new() } else { Value::Object(rest).to_string() });
        }
        cells
    }
}

fn failed(error: csv::Error) -> Failed {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Failed::Write(error),
        // All records have one length, and texts are texts.
        _ => Failed::Write(io::Error::other("a row does not fit its table")),
    }
}

/// Visits the leaves of a row: members of objects under dotted names; lists, empty objects and
/// what lies too deep are leaves. A dot in a name is written `\.`, so that no two leaves share a
/// name.
fn flatten(row: &Row, visit: &mut dyn FnMut(&str, &Value)) {
    let mut name = String::new();
    flatten_below(row, 1, &mut name, visit);
}

fn flatten_below(row: &Row, depth: usize, name: &mut String, visit: &mut dyn FnMut(&str, &Value)) {
    let outer = name.len();
    for (key, value) in row {
        if outer > 0 {
            name.push('.');
        }
        for letter in key.chars() {
            if matches!(letter, '.' | '\\') {
                name.push('\\');
            }
            name.push(letter);
        }
        match value {
            Value::Object(members) if !members.is_empty() && depth < DEEPEST => {
                flatten_below(members, depth + 1, name, visit);
            }
            leaf => visit(name, leaf),
        }
        name.truncate(outer);
    }
}

/// One cell. Numbers keep their digits and are never taken for formulas; texts that a spreadsheet
/// would run as one get an apostrophe in front.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => harmless(text),
        Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn harmless(text: &str) -> String {
    let first = text.trim_start_matches(' ').chars().next();
    if first.is_some_and(|first| FORMULA.contains(&first)) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn table(rows: &[Value]) -> Vec<Vec<String>> {
        let rows: Vec<Row> = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
        let mut columns = Columns::default();
        for row in &rows {
            columns.note(row);
        }
        let mut table = vec![columns.names.clone()];
        table.extend(rows.iter().map(|row| columns.cells(row)));
        table
    }

    // rule: privacy-requests PK-7
    #[test]
    fn columns_are_the_union_in_first_seen_order() {
        let table = table(&[json!({"b": 1, "a": "x"}), json!({"c": null, "a": "y"})]);

        assert_eq!(table, [["b", "a", "c"], ["1", "x", ""], ["", "y", ""]]);
    }

    // rule: privacy-requests PK-7
    #[test]
    fn members_get_dotted_columns_and_lists_are_json() {
        let table =
            table(&[json!({"at": {"city": "Bern", "geo": {"lat": 1.5}}, "tags": ["a", {"b": 1}], "no": {}})]);

        assert_eq!(table[0], ["at.city", "at.geo.lat", "tags", "no"]);
        assert_eq!(table[1], ["Bern", "1.5", r#"["a",{"b":1}]"#, "{}"]);
    }

    #[test]
    fn no_two_fields_share_a_column() {
        let table = table(&[json!({"a.b": 1, "a": {"b": 2, "b.": 3}, "a\\": {"b": 4}})]);

        assert_eq!(table[0], ["a\\.b", "a.b", "a.b\\.", "a\\\\.b"]);
        assert_eq!(table[1], ["1", "2", "3", "4"]);
    }

    #[rstest]
    #[case("=1+1", "'=1+1")]
    #[case("+15550100", "'+15550100")]
    #[case("-2", "'-2")]
    #[case("@SUM(A1)", "'@SUM(A1)")]
    #[case("\t=1", "'\t=1")]
    #[case("  =1", "'  =1")]
    #[case("＝1", "'＝1")]
    #[case("a=1", "a=1")]
    #[case("", "")]
    fn no_text_is_run_as_a_formula(#[case] given: &str, #[case] expected: &str) {
        assert_eq!(text(&json!(given)), expected);
        assert_eq!(harmless(given), expected, "and no header");
    }

    #[test]
    fn numbers_keep_sign_and_digits() {
        let value: Value = serde_json::from_str("-12345678901234567890123.10").unwrap();

        assert_eq!(text(&value), "-12345678901234567890123.10");
    }

    #[test]
    fn what_finds_no_column_is_not_lost() {
        let mut wide = Row::new();
        for number in 0..MOST_COLUMNS + 2 {
            wide.insert(format!("f{number}"), json!(number));
        }
        let mut columns = Columns::default();
        columns.note(&wide);

        let cells = columns.cells(&wide);

        assert_eq!(cells.len(), MOST_COLUMNS + 1);
        assert_eq!(cells.last().unwrap(), r#"{"f2000":2000,"f2001":2001}"#);
    }
}
