use std::io::{self, Write as _};
use std::path::Path;

use c1z::ReadError;
use prost::{Message, Name};

use super::file::failure;
use crate::failure::Failure;
use crate::output;

/// Prints a message in one line, in the JSON form of its wire format.
pub(super) fn print<M: Message + Name>(message: &M) -> Result<(), Failure> {
    let value = protos::json::to_value(message).map_err(|error| Failure::bad_input(&error))?;
    output::json_line(&value);
    Ok(())
}

/// Prints a message that is one list, member by member: a list may be longer than memory. An empty list is left out,
/// as in every such message.
pub(super) fn print_list<M: Message + Name>(
    name: &str,
    members: impl Iterator<Item = Result<M, ReadError>>,
) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut before = format!("{{\"{name}\":[");
    let mut end = "{}\n";
    for member in members {
        let value = protos::json::to_value(&member.map_err(|error| failure(&error))?)
            .map_err(|error| Failure::bad_input(&error))?;
        if !is_read(write!(out, "{before}{value}"))? {
            return Ok(());
        }
        ",".clone_into(&mut before);
        end = "]}\n";
    }
    is_read(out.write_all(end.as_bytes()).and_then(|()| out.flush())).map(drop)
}

/// Whether anybody takes what was written. A reader that went away (`| head`) is no error; anything else would leave a
/// list that is short and does not say so.
fn is_read(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::unwritable(Path::new("standard output"), &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_and_a_reader_that_went_away_is_none() {
        let failed = |kind: io::ErrorKind| is_read(Err(kind.into()));

        assert!(matches!(is_read(Ok(())), Ok(true)));
        assert!(matches!(failed(io::ErrorKind::BrokenPipe), Ok(false)));
        assert!(matches!(failed(io::ErrorKind::StorageFull), Err(Failure::Failed(_))));
    }
}
