//! Privacy requests as a file with comma-separated values.

use csv::{Terminator, WriterBuilder};

use crate::ApiError;

/// One line, by column.
pub(super) type Line = Vec<String>;

/// Writes a file whose first line names the columns.
///
/// A value that a spreadsheet would take for a formula gets a `'` in front: identities are written by
/// people that nobody knows.
pub(super) fn write(columns: &[String], lines: impl IntoIterator<Item = Line>) -> Result<Vec<u8>, ApiError> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let private = |error: csv::Error| ApiError::Private(Box::new(error));
    writer.write_record(columns.iter().map(|column| harmless(column))).map_err(private)?;
    for line in lines {
        writer.write_record(line.iter().map(|value| harmless(value))).map_err(private)?;
    }
    writer.into_inner().map_err(|error| ApiError::Private(Box::new(error.into_error())))
}

fn harmless(value: &str) -> String {
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_formula = match value.chars().next() {
        Some('=' | '@' | '\t' | '\r' | '\n') => true,
        Some('+' | '-') => !is_number(value.get(1..).unwrap_or_default()),
        Some(_) | None => false,
    };
    if is_formula { format!("'{value}") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ana@example.com", "ana@example.com")]
    #[case("+15558675309", "+15558675309")]
    #[case("-3", "-3")]
    #[case("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")")]
    #[case("@SUM(1)", "'@SUM(1)")]
    #[case("+1+cmd|x", "'+1+cmd|x")]
    #[case("-", "'-")]
    #[case("\t=1", "'\t=1")]
    #[case("", "")]
    fn no_value_becomes_a_formula(#[case] value: &str, #[case] expected: &str) {
        assert_eq!(harmless(value), expected);
    }

    #[test]
    fn values_are_quoted_where_they_must_be() {
        let file = write(&["A".to_owned(), "B".to_owned()], [vec!["x,\"y\"".to_owned(), "z\nw".to_owned()]]);

        assert_eq!(String::from_utf8(file.unwrap()).unwrap(), "A,B\r\n\"x,\"\"y\"\"\",\"z\nw\"\r\n");
    }
}
