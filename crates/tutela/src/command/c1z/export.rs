use std::io::{self, Write};
use std::path::{Path, PathBuf};

use c1z::{EXPORT_COLUMNS, Filter};
use clap::ValueEnum;
use tempfile::NamedTempFile;

use super::file::{Opened, failure};
use super::list::told;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::state;

/// First characters that make a spreadsheet take a text for a formula.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋'];

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
    let mut table = csv::WriterBuilder::new().from_writer(out);
    let written = |done: Result<(), csv::Error>| match done {
        Ok(()) => Ok(Reader::Listens),
        // A reader that went away (`| head`) is no error.
        Err(error) if is_broken_pipe(&error) => Ok(Reader::Left),
        Err(error) => Err(Failure::unwritable(path, &io::Error::from(error))),
    };
    if written(table.write_record(EXPORT_COLUMNS))? == Reader::Left {
        return Ok(());
    }
    for line in lines {
        let line = line.map_err(|error| failure(&error))?;
        if written(table.write_record(line.iter().map(|cell| plain(cell))))? == Reader::Left {
            return Ok(());
        }
    }
    written(table.flush().map_err(csv::Error::from)).map(drop)
}

fn is_broken_pipe(error: &csv::Error) -> bool {
    matches!(error.kind(), csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
}

/// Whether anybody takes what is written.
#[derive(Debug, PartialEq, Eq)]
enum Reader {
    Listens,
    Left,
}

/// A value that no spreadsheet takes for a formula: names are chosen by those who have access.
fn plain(cell: &str) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_become_a_formula() {
        assert_eq!(["=1+1", "ana", "-2", ""].map(plain), ["'=1+1", "ana", "'-2", ""]);
    }
}
