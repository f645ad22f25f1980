//! How answers are printed that are no plain lists, and words that answers share.

use std::io;
use std::path::Path;

use governance::reach::Held;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Head, Seen, Tail, listing};
use crate::arguments::Format;
use crate::csv_table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::table::table;

/// An answer of which rows are only a part.
#[derive(Debug)]
pub(crate) struct Answer<const N: usize> {
    /// Its columns.
    pub(crate) heading: [&'static str; N],
    /// Its rows, for people and spreadsheets.
    pub(crate) rows: Vec<[String; N]>,
    /// The same and more, for programs.
    pub(crate) data: Map<String, Value>,
    /// What else is to be said to people.
    pub(crate) notes: Vec<String>,
}

impl<const N: usize> Answer<N> {
    /// Prints it with where it is from and what of that is not current, and tells how the command ends: incomplete if
    /// any place is.
    ///
    /// # Errors
    /// A failure if it cannot be printed.
    pub(crate) fn print(self, heads: &[&Head], output: Output) -> Result<Exit, Failure> {
        let exit = listing::exit(heads);
        if output.format() == Format::Json {
            output::json(&self.data);
            return Ok(exit);
        }
        let notes = listing::notes(heads, self.notes);
        if output.is_csv() {
            let rows = self.rows.into_iter().map(Ok);
            csv_table::write(self.heading, rows, (io::stdout().lock(), Path::new("standard output")))?;
            notes.for_each(|note| output::complain(&note));
            return Ok(exit);
        }
        output::text(&table(self.heading, self.rows.into_iter().map(listing::visible), &[]));
        notes.for_each(|note| output::text(&note));
        Ok(exit)
    }
}

/// How a grant is held, in a word.
pub(crate) fn held(held: Held) -> String {
    match held {
        Held::Directly => "direct",
        Held::Inherited => "inherited",
    }
    .to_owned()
}

/// The word by which data says something, such as a status; empty if nothing is known.
pub(crate) fn word(value: &impl Serialize) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

/// What is said behind a list that has a limit and no pages.
pub(crate) fn bounded(seen: &Seen) -> Tail {
    let data = Map::from_iter([("more".to_owned(), json!(seen.more))]);
    Tail { data, notes: more(seen.more), ..Tail::default() }
}

/// What is said if an answer is cut.
pub(crate) fn more(more: bool) -> Vec<String> {
    if more { vec!["there is more; raise `--limit`".to_owned()] } else { Vec::new() }
}
