use std::io::{self, Write as _};

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
    let mut write = |text: &str| {
        // A reader that went away (`| head`) is no error, and there is no more to do.
        out.write_all(text.as_bytes()).is_ok()
    };
    let mut before = format!("{{\"{name}\":[");
    let mut end = "{}";
    for member in members {
        let value = protos::json::to_value(&member.map_err(|error| failure(&error))?)
            .map_err(|error| Failure::bad_input(&error))?;
        if !(write(&before) && write(&value.to_string())) {
            return Ok(());
        }
        ",".clone_into(&mut before);
        end = "]}";
    }
    write(end);
    write("\n");
    Ok(())
}
