//! How answers are printed that are lists: item by item, so that a long one takes no more memory than a short one.

use std::io::{self, Write as _};
use std::path::Path;

use serde_json::{Map, Value};

use super::{Found, Head, Seen, ends};
use crate::arguments::Format;
use crate::csv_table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::table::table;

/// A list: what it is called, and how an item of it is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing<const N: usize> {
    /// What it is called in data.
    pub(crate) name: &'static str,
    /// Its columns.
    pub(crate) heading: [&'static str; N],
    /// The columns that are set to the right.
    pub(crate) numbers: &'static [usize],
    /// An item for people and spreadsheets.
    pub(crate) row: fn(&Value) -> Result<[String; N], Failure>,
    /// What is said behind the last item.
    pub(crate) tail: fn(&Seen) -> Tail,
}

/// What is said behind the items.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// For programs.
    pub(crate) data: Map<String, Value>,
    /// For people.
    pub(crate) notes: Vec<String>,
    /// Whether it lacks something although the place that it is from does not.
    pub(crate) is_incomplete: bool,
}

impl<const N: usize> Listing<N> {
    /// Prints a list from one place.
    ///
    /// # Errors
    /// A failure if it cannot be read on or printed.
    pub(crate) fn print(&self, head: &Head, found: Found<'_>, output: Output) -> Result<Exit, Failure> {
        self.print_with((head.data(), &[head]), found, output)
    }

    /// The same with other data in front of it, and from several places: the command ends incomplete if any is.
    ///
    /// # Errors
    /// A failure if it cannot be read on or printed.
    pub(crate) fn print_with(
        &self,
        (data, heads): (Map<String, Value>, &[&Head]),
        mut found: Found<'_>,
        output: Output,
    ) -> Result<Exit, Failure> {
        let is_incomplete = if output.format() == Format::Json {
            let mut json = JsonList::begin(&data, self.name);
            for item in &mut found {
                // What stands there by now is no JSON, and must not pass for an answer.
                json.item(&item.map_err(|failure| broken_off(&failure))?);
            }
            let tail = (self.tail)(&found.into_seen());
            json.end(&tail.data);
            tail.is_incomplete
        } else if output.is_csv() {
            let rows = (&mut found).map(|item| (self.row)(&item?));
            csv_table::write(self.heading, rows, (io::stdout().lock(), Path::new("standard output")))?;
            let tail = (self.tail)(&found.into_seen());
            notes(heads, tail.notes).for_each(|note| output::complain(&note));
            tail.is_incomplete
        } else {
            let rows = (&mut found).map(|item| Ok(visible((self.row)(&item?)?)));
            let rows = rows.collect::<Result<Vec<_>, Failure>>()?;
            output::text(&table(self.heading, rows, self.numbers));
            let tail = (self.tail)(&found.into_seen());
            notes(heads, tail.notes).for_each(|note| output::text(&note));
            tail.is_incomplete
        };
        Ok(ends(exit(heads), is_incomplete))
    }
}

/// How an answer over these ends.
pub(super) fn exit(heads: &[&Head]) -> Exit {
    heads.iter().map(|head| head.exit()).find(|exit| *exit != Exit::Done).unwrap_or(Exit::Done)
}

/// What is said to people besides the rows. Names come from outside and have no lines of their own.
pub(super) fn notes(heads: &[&Head], more: Vec<String>) -> impl Iterator<Item = String> {
    let lines: Vec<String> = heads.iter().flat_map(|head| head.lines()).collect();
    lines.into_iter().chain(more).map(|note| model::visible(&note).into_owned())
}

/// A row whose names have no lines of their own.
pub(super) fn visible<const N: usize>(row: [String; N]) -> [String; N] {
    row.map(|cell| model::visible(&cell).into_owned())
}

fn broken_off(failure: &Failure) -> Failure {
    output::complain(&format!("{failure}; the answer is not whole"));
    Failure::Shown(failure.exit())
}

/// An object with one long list, written as it comes.
struct JsonList {
    out: io::BufWriter<io::Stdout>,
    is_empty: bool,
}

impl JsonList {
    fn begin(data: &Map<String, Value>, name: &str) -> Self {
        let mut json = Self { out: io::BufWriter::new(io::stdout()), is_empty: true };
        json.write("{\n");
        for (name, value) in data {
            json.write(&format!("  {}: {},\n", quoted(name), indented(value, 2)));
        }
        json.write(&format!("  {}: [", quoted(name)));
        json
    }

    fn item(&mut self, item: &Value) {
        let comma = if std::mem::take(&mut self.is_empty) { "" } else { "," };
        self.write(&format!("{comma}\n    {}", indented(item, 4)));
    }

    fn end(mut self, tail: &Map<String, Value>) {
        self.write(if self.is_empty { "]" } else { "\n  ]" });
        for (name, value) in tail {
            self.write(&format!(",\n  {}: {}", quoted(name), indented(value, 2)));
        }
        self.write("\n}\n");
        let _ = self.out.flush();
    }

    /// A reader that went away (`| head`) is no error.
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes());
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A value over several lines, those after the first as far to the right as this.
fn indented(value: &Value, spaces: usize) -> String {
    format!("{value:#}").replace('\n', &format!("\n{}", " ".repeat(spaces)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_set_in_and_stay_what_they_are() {
        let value = json!({"a\nb": [1, {"c": "d\ne"}], "f": {}});

        let text = format!("{{\n  \"value\": {}\n}}", indented(&value, 2));

        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({ "value": value }));
        assert_eq!(text, format!("{:#}", json!({ "value": value })));
    }
}
