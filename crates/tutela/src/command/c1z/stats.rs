use super::file::{Opened, failure};
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::table::table;

/// How much is in a file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tutela c1z stats -f sync.c1z")]
pub(crate) struct Stats {}

impl Stats {
    pub(super) fn run(opened: &Opened, output: Output) -> Result<Exit, Failure> {
        let counts = opened.explorer()?.counts().map_err(|error| failure(&error))?;
        match output.format() {
            Format::Json => output::json_line(&counts),
            Format::Table => {
                let rows = counts
                    .into_iter()
                    .map(|(kind, count)| [model::visible(&kind).into_owned(), count.to_string()]);
                output::text(&table(["Type", "Count"], rows, &[1]));
            }
        }
        Ok(Exit::Done)
    }
}
