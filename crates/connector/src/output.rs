//! Rows by template (saas-config 19.8–19.11).

use model::{IncompleteReason, Row};
use serde_json::Value;
use spec::template::Template;
use thiserror::Error;

use crate::fill::{FillError, Filler, Place};
use crate::values::{Origin, ValueMap};

/// A row that cannot be made. `Display` never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OutputError {
    /// A placeholder without a usable value.
    #[error("`output` of {place} cannot be filled in: {source}")]
    Fill {
        /// The request in the file.
        place: String,
        /// What is wrong.
        #[source]
        source: FillError,
    },
    /// The filled template is no JSON.
    #[error(
        "`output` of {place} is no JSON once it is filled in (line {line}, column {column}); check its braces, quotes and commas"
    )]
    NotJson {
        /// The request in the file.
        place: String,
        /// Line in the filled template, from 1.
        line: usize,
        /// Column in the filled template, from 1.
        column: usize,
    },
    /// The result is no object.
    #[error("`output` of {place} must make an object, as a row is one; put braces around it")]
    NotAnObject {
        /// The request in the file.
        place: String,
    },
}

impl OutputError {
    /// Why a reading that ends with this error is incomplete.
    pub fn reason(&self) -> IncompleteReason {
        IncompleteReason::Malformed
    }
}

/// The `output` of one request.
#[derive(Clone, Copy)]
pub(crate) struct Output<'a> {
    /// The request in the file.
    pub(crate) place: &'a str,
    /// The template.
    pub(crate) template: &'a Template,
}

impl Output<'_> {
    /// Makes each row anew from the template; a page without rows stays one (saas-config 19.8,
    /// the better side of 19.11). `values` are those of the combination.
    pub(crate) fn rows(self, rows: Vec<Row>, mut values: ValueMap) -> Result<Vec<Row>, OutputError> {
        rows.into_iter()
            .map(|row| {
                // An empty row has no members to put anywhere: its placeholder has no value.
                let fields = if row.is_empty() { Value::Null } else { Value::Object(row) };
                values.insert("all_object_fields", fields, Origin::Reference);
                self.row(&values)
            })
            .collect()
    }

    /// The one row of a combination, for an `output` without a call (saas-config 19.9).
    pub(crate) fn row(self, values: &ValueMap) -> Result<Row, OutputError> {
        let place = || self.place.to_owned();
        let filled = Filler::new(values)
            .fill(self.template, Place::Json)
            .map_err(|source| OutputError::Fill { place: place(), source })?;
        let value: Value = serde_json::from_str(&filled.text).map_err(|error| OutputError::NotJson {
            place: place(),
            line: error.line(),
            column: error.column(),
        })?;
        match value {
            Value::Object(row) => Ok(row),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(OutputError::NotAnObject { place: place() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(template: &str, rows: Value, values: &[(&str, Value)]) -> Result<Value, OutputError> {
        let template = Template::parse(template);
        let rows = serde_json::from_value(rows).unwrap();
        let mut map = ValueMap::new();
        for (name, value) in values {
            map.insert(*name, value.clone(), Origin::Reference);
        }
        let output = Output { place: "endpoints.x.read[0]", template: &template };
        output.rows(rows, map).map(|rows| json!(rows))
    }

    // rule: saas-config 19.8
    #[test]
    fn template_is_applied_to_each_row() {
        let made = run(
            r#"{<all_object_fields>, "site": "<site>"}"#,
            json!([{"id": 1}, {"id": 2}]),
            &[("site", json!("s1"))],
        );

        assert_eq!(made.unwrap(), json!([{"id": 1, "site": "s1"}, {"id": 2, "site": "s1"}]));
    }

    // rule: saas-config 19.8
    // rule: saas-config 19.11
    #[test]
    fn empty_page_makes_no_row() {
        let made = run(r#"{"email": "<email>"}"#, json!([]), &[("email", json!("ana@example.com"))]);

        assert_eq!(made.unwrap(), json!([]));
    }

    // rule: saas-config 19.11
    #[test]
    fn empty_row_is_an_error_that_names_the_placeholder_and_does_not_repeat_the_row_before() {
        let made = run("{<all_object_fields>}", json!([{"id": 1}, {}]), &[]);

        let error = made.unwrap_err();
        assert!(error.to_string().contains("`all_object_fields`"), "{error}");
        assert_eq!(error.reason(), IncompleteReason::Malformed);
    }

    // rule: saas-config 19.11
    #[test]
    fn what_is_no_json_is_an_error_without_the_text() {
        let made = run(r#"{"name" <name>}"#, json!([{"id": 1}]), &[("name", json!("canary"))]);

        let error = made.unwrap_err();
        assert!(matches!(error, OutputError::NotJson { .. }), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let made = run("[1]", json!([{"id": 1}]), &[]);

        assert!(matches!(made, Err(OutputError::NotAnObject { .. })));
    }

    #[test]
    fn numbers_of_a_row_keep_every_digit_and_texts_are_escaped() {
        let row: Row =
            serde_json::from_str(r#"{"id":12345678901234567890123,"v":1.10,"t":"a\"b\\ \u00e9"}"#).unwrap();

        let made = run(r#"{<all_object_fields>, "who": "<who>"}"#, json!([row]), &[("who", json!("o\"x"))]);

        let text = serde_json::to_string(&made.unwrap()).unwrap();
        assert_eq!(text, r#"[{"id":12345678901234567890123,"v":1.10,"t":"a\"b\\ é","who":"o\"x"}]"#);
    }
}
