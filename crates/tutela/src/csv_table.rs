//! Tables for spreadsheets.

use std::io::{self, Write};
use std::path::Path;

use crate::failure::Failure;

/// First characters that make a spreadsheet take a text for a formula, also in their wide forms.
const FORMULA: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '|', '＝', '＋', '－', '＠'];

/// Writes rows below their heading. A value that a spreadsheet would take for a formula gets a ' in front: names are
/// chosen by those who have access. A reader that went away (`| head`) is no error.
///
/// # Errors
/// The first row that cannot be made, or a failure if `out`, which is called `path`, cannot be written.
pub(crate) fn write<const N: usize>(
    heading: [&str; N],
    rows: impl Iterator<Item = Result<[String; N], Failure>>,
    (out, path): (impl Write, &Path),
) -> Result<(), Failure> {
    let mut table = csv::WriterBuilder::new().from_writer(out);
    let written = |done: Result<(), csv::Error>| match done {
        Ok(()) => Ok(Reader::Listens),
        Err(error) if is_broken_pipe(&error) => Ok(Reader::Left),
        Err(error) => Err(Failure::unwritable(path, &io::Error::from(error))),
    };
    if written(table.write_record(heading))? == Reader::Left {
        return Ok(());
    }
    for row in rows {
        if written(table.write_record(row?.iter().map(|cell| plain(cell))))? == Reader::Left {
            return Ok(());
        }
    }
    written(table.flush().map_err(csv::Error::from)).map(drop)
}

/// Whether anybody takes what is written.
#[derive(Debug, PartialEq, Eq)]
enum Reader {
    Listens,
    Left,
}

fn is_broken_pipe(error: &csv::Error) -> bool {
    matches!(error.kind(), csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
}

fn plain(cell: &str) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_become_a_formula() {
        assert_eq!(["=1+1", "ana", "-2", ""].map(plain), ["'=1+1", "ana", "'-2", ""]);
        for first in FORMULA {
            assert_eq!(plain(&format!("{first}1")), format!("'{first}1"));
        }
        assert_eq!(["＠SUM(1)", "－1", "\n=1", "|x"].map(plain), ["'＠SUM(1)", "'－1", "'\n=1", "'|x"]);
    }

    #[test]
    fn what_separates_cells_stays_inside_of_them() {
        let mut out = Vec::new();
        let rows = [["a,\"b\"".to_owned(), "c\nd".to_owned()]];

        write(["one", "two"], rows.into_iter().map(Ok), (&mut out, Path::new("x"))).unwrap();

        assert_eq!(String::from_utf8(out).unwrap(), "one,two\n\"a,\"\"b\"\"\",\"c\nd\"\n");
    }
}
