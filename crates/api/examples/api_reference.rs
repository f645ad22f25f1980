//! Writes the reference page of the HTTP interface to `docs/reference`, or with `--check` fails if it
//! differs.
//!
//! Another folder may be named. `cargo xtask docs` calls this.

use std::io::{Error, Result};
use std::path::PathBuf;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = arguments.iter().any(|argument| argument == "--check");
    let folder = arguments.iter().find(|argument| !argument.starts_with("--")).map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference"),
        PathBuf::from,
    );
    let (file, text) = (folder.join("api.md"), api::reference());
    if !check {
        return std::fs::write(&file, text);
    }
    if std::fs::read_to_string(&file).ok().as_deref() == Some(text.as_str()) {
        return Ok(());
    }
    Err(Error::other(format!("{} is out of date; run `cargo xtask docs`", file.display())))
}
