use crate::{JsonText, Row};

/// Rows as JSON text, one a line: the form in which they are kept, and passed on where nobody asks for
/// their values.
///
/// `Debug` shows counts only: rows are personal data.
#[derive(Default)]
pub struct RowLines {
    text: Vec<u8>,
    /// Where each line ends, behind its line feed.
    ends: Vec<usize>,
}

impl RowLines {
    /// None yet, with room for as many as `other` has.
    pub fn with_room_of(other: &Self) -> Self {
        Self { text: Vec::with_capacity(other.text.len()), ends: Vec::with_capacity(other.ends.len()) }
    }

    /// None yet, with room for so many bytes of text.
    pub fn with_room(bytes: usize) -> Self {
        Self { text: Vec::with_capacity(bytes), ends: Vec::new() }
    }

    /// The lines of these rows.
    pub fn of(rows: &[Row]) -> Self {
        let mut lines = Self::default();
        for row in rows {
            lines.push_row(row);
        }
        lines
    }

    /// Adds a row.
    ///
    /// # Panics
    /// Never: every row can be written as JSON.
    pub fn push_row(&mut self, row: &Row) {
        serde_json::to_writer(&mut self.text, row).expect("a row has text keys and plain values");
        self.end_line();
    }

    /// Adds a row that is written as JSON already, on one line.
    pub fn push_line(&mut self, json: &[u8]) {
        self.text.extend_from_slice(json);
        self.end_line();
    }

    /// Adds the row that `text` stands before, and goes over it. `None` if it is not to be had so, as
    /// [`JsonText`] has it; these lines are of no use then.
    pub fn copy_row(&mut self, text: &mut JsonText<'_>) -> Option<()> {
        text.copy(&mut self.text)?;
        self.end_line();
        Some(())
    }

    fn end_line(&mut self) {
        self.text.push(b'\n');
        self.ends.push(self.text.len());
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All lines, each with its line feed.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The lines without their line feeds.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.text.get(start..end - 1).unwrap_or_default())
    }

    /// The rows with their values.
    ///
    /// # Errors
    /// If a line is no row, or nested deeper than is read.
    pub fn rows(&self) -> serde_json::Result<Vec<Row>> {
        self.lines().map(serde_json::from_slice).collect()
    }
}

impl std::fmt::Debug for RowLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowLines").field("rows", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_lines_are_two_forms_of_the_same() {
        let rows: Vec<Row> =
            [r#"{"z":"a\nb","n":1.10}"#, "{}"].map(|row| serde_json::from_str(row).unwrap()).into();
        let mut lines = RowLines::of(&rows);

        lines.push_line(br#"{"a":null}"#);

        let found: Vec<_> = lines.lines().map(|line| std::str::from_utf8(line).unwrap()).collect();
        assert_eq!(found, [r#"{"z":"a\nb","n":1.10}"#, "{}", r#"{"a":null}"#]);
        assert_eq!(lines.text(), b"{\"z\":\"a\\nb\",\"n\":1.10}\n{}\n{\"a\":null}\n");
        assert_eq!(lines.rows().unwrap()[..2], rows);
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn rows_stay_out_of_debug() {
        let row = Row::from_iter([("email".to_owned(), "ana@example.com".into())]);

        assert!(!format!("{:?}", RowLines::of(&[row])).contains("ana@"));
    }
}
