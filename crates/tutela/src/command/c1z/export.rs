use std::io::{self, Write};
use std::path::{Path, PathBuf};

use c1z::{EXPORT_COLUMNS, Filter};
use clap::ValueEnum;
use tempfile::NamedTempFile;

use super::file::{Opened, failure};
use super::list::told;
use crate::csv_table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::state;

/// What is written where.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela c1z export csv -f sync.c1z --out sync.csv
  tutela c1z export csv -f sync.c1z --out -

A value that a spreadsheet would take for a formula gets a ' in front.")]
pub(crate) struct Export {
    /// The kind of file.
    #[arg(value_enum, default_value_t = Kind::Csv)]
    kind: Kind,
    /// File to write; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "sync.csv")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A table of text.
    Csv,
}

impl Export {
    pub(super) fn run(&self, opened: &Opened) -> Result<Exit, Failure> {
        let explorer = opened.explorer()?;
        let all = Filter::default();
        let lines = explorer.export(&all);
        match self.kind {
            Kind::Csv if self.out == Path::new("-") => write_csv(lines, io::stdout().lock(), &self.out)?,
            Kind::Csv => {
                let unwritable = |error: &io::Error| Failure::unwritable(&self.out, error);
                // A file gets its name once it is whole.
                let mut draft =
                    NamedTempFile::new_in(state::beside(&self.out)).map_err(|error| unwritable(&error))?;
                write_csv(lines, io::BufWriter::new(draft.as_file_mut()), &self.out)?;
                draft.as_file().sync_all().map_err(|error| unwritable(&error))?;
                draft.persist(&self.out).map_err(|error| unwritable(&error.error))?;
            }
        }
        Ok(told(&explorer))
    }
}

fn write_csv(
    lines: impl Iterator<Item = Result<c1z::ExportLine, c1z::ReadError>>,
    out: impl Write,
    path: &Path,
) -> Result<(), Failure> {
    let lines = lines.map(|line| line.map_err(|error| failure(&error)));
    csv_table::write(EXPORT_COLUMNS, lines, (out, path))
}
