use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use crypto::MasterKey;
use serde_json::json;

use super::with_state;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::server::ServerArgument;
use crate::service::actor;
use crate::state::failure;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new master key in a file that only its owner may read.
    New(New),
    /// Bring everything under the master key of today, so that those before it are not needed any more.
    Rotate(Rotate),
}

/// Where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela admin key new --out /etc/tutela/master-2027.key")]
pub(crate) struct New {
    /// The file; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Of which installation.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  TUTELA_KEY_FILE=new.key TUTELA_OTHER_KEYS_FILE=old.key tutela admin key rotate --config server.yml

TUTELA_OTHER_KEYS_FILE names a file with keys, one a line, that open what they sealed and seal nothing. Without
ending a service: give every server the new key as another one, then every server the new key as its own and
the old one as another, then run this, then take the old one away. On several data folders, run it with each.")]
pub(crate) struct Rotate {
    #[command(flatten)]
    server: ServerArgument,
}

/// Does it.
pub(crate) fn run(command: &Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::New(new) => make(&new.out, output),
        Command::Rotate(rotate) => rotate_keys(rotate, output),
    }
}

fn make(path: &Path, output: Output) -> Result<Exit, Failure> {
    let key = MasterKey::random();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(key.to_base64().expose().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::BadInput(format!("{} is there already; a key is never written over", path.display()))
        }
        _ => Failure::unwritable(path, &error),
    })?;
    let id = key.id().to_string();
    match output.format() {
        Format::Json => output::json(&json!({ "key_id": id, "file": path })),
        Format::Table => {
            output::text(&format!("master key {id} is in {}; keep a copy of it", path.display()));
        }
    }
    Ok(Exit::Done)
}

fn rotate_keys(rotate: &Rotate, output: Output) -> Result<Exit, Failure> {
    let (id, records, entries) = with_state(&rotate.server, output, async |state, _| {
        let done = state.store.keys_reseal(actor()).await.map_err(|error| failure(&error))?;
        let entries = state.journal.reseal(&state.keys).map_err(|error| Failure::failed(&error))?;
        Ok((state.keys.current().to_string(), done.records, entries))
    })?;
    match output.format() {
        Format::Json => {
            output::json(&json!({ "key_id": id, "records": records, "journal_entries": entries }));
        }
        Format::Table => output::text(&format!(
            "{records} records and {entries} entries of the journal were brought under the master key {id}; it is the \
             only one that this state needs, once no process seals with another"
        )),
    }
    Ok(Exit::Done)
}
