use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::NoServer;
use crate::output::{self, Output};

/// What to start.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connector new acme --out ./acme
  tutela connector check ./acme")]
pub(crate) struct New {
    /// Type of the connector: letters, digits, `_`, `.`, `-`.
    name: String,
    /// Folder to write to; made if it is not there.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    server: NoServer,
}

const CONNECTOR: &str = include_str!("new/connector.yml");
const DATASET: &str = include_str!("new/dataset.yml");

/// Writes both files, or none of them if one is there already.
pub(crate) fn run(new: &New, output: Output) -> Result<Exit, Failure> {
    new.server.refuse("write the files here, and give them to it with `tutela project push`")?;
    let key: model::ConnectionKey = new.name.parse().map_err(|error| Failure::bad_input(&error))?;
    let files = [("connector.yml", CONNECTOR), ("dataset.yml", DATASET)].map(|(name, text)| {
        (new.out.join(name), text.replace("ACME", &title(key.as_str())).replace("acme", key.as_str()))
    });
    if let Some((there, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::BadInput(format!("{} is there already; choose another --out", there.display())));
    }
    std::fs::create_dir_all(&new.out).map_err(|error| Failure::unwritable(&new.out, &error))?;
    for (path, text) in &files {
        write_new(path, text)?;
    }
    let paths = files.map(|(path, _)| path);
    match output.format() {
        Format::Json => output::json(&json!({ "files": paths })),
        Format::Table => {
            for path in &paths {
                output::text(&format!("wrote {}", path.display()));
            }
            output::text(&format!("next: tutela connector check {}", new.out.display()));
        }
    }
    Ok(Exit::Done)
}

/// Writes a file that must not exist, even if it came into being a moment ago.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::BadInput(format!(
                "{} is there already; choose another --out",
                path.display()
            )));
        }
        Err(error) => return Err(Failure::unwritable(path, &error)),
    };
    file.write_all(text.as_bytes()).map_err(|error| Failure::unwritable(path, &error))
}

/// `acme_mail` → `Acme mail`.
fn title(key: &str) -> String {
    let words = key.replace(['_', '-', '.'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
