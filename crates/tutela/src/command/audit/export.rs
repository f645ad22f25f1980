use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::SystemClock;
use serde_json::{Value, json};
use store::{AuditEntry, Store};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::ProjectArgument;
use crate::runtime;
use crate::state::{self, StateArgument};

/// What is written where.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela audit export --out audit.jsonl
  tutela audit export --checkpoint --out checkpoint.json

One JSON object a line: entries by number, then the signed checkpoints. Entries hold ids, counts and
keyed hashes, no personal data. Keep checkpoints where nobody who can change the data folder reaches
them; `tutela audit verify --against` compares.")]
pub(crate) struct Export {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    /// Only the newest signed checkpoint.
    #[arg(long)]
    checkpoint: bool,
    /// File to write; standard output if none is named.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// One line of an exported log.
#[derive(Debug)]
pub(crate) enum Line {
    /// A numbered entry.
    Entry(AuditEntry),
    /// A signed checkpoint, exactly as it was signed.
    Checkpoint(String),
}

/// Entries and checkpoints read at once.
const BATCH: u32 = 1000;

/// Writes the log.
pub(crate) fn run(export: &Export) -> Result<Exit, Failure> {
    let settings = export.state.settings(&export.project.project)?;
    runtime::run(async {
        let state = settings.look(Arc::new(SystemClock)).await?;
        let place = export.out.clone().unwrap_or_else(|| PathBuf::from("standard output"));
        let unwritable = |error: io::Error| Failure::unwritable(&place, &error);
        let mut out: Box<dyn Write> = match &export.out {
            Some(path) => Box::new(BufWriter::new(File::create(path).map_err(unwritable)?)),
            None => Box::new(BufWriter::new(io::stdout())),
        };
        if export.checkpoint {
            let newest = state.store.checkpoint_find().await.map_err(|error| state::failure(&error))?;
            let newest = newest.ok_or_else(|| {
                Failure::Failed("the audit log has no signed checkpoint yet; do something first".to_owned())
            })?;
            out.write_all(&newest).map_err(unwritable)?;
        } else {
            write_entries(&state.store, &mut out, &unwritable).await?;
            write_checkpoints(&state.store, &mut out, &unwritable).await?;
        }
        out.flush().map_err(unwritable)?;
        Ok(Exit::Done)
    })
}

async fn write_entries(
    store: &Store,
    out: &mut dyn Write,
    unwritable: &dyn Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    let mut from = 0;
    loop {
        let entries = store.audit_list(from, BATCH).await.map_err(|error| state::failure(&error))?;
        for entry in &entries {
            // The body is canonical JSON, so that reading it back gives it to the byte.
            let body: Value = serde_json::from_str(&entry.body).map_err(|_| {
                Failure::Failed(format!("entry {} of the audit log is damaged", entry.number))
            })?;
            line(out, &json!({ "number": entry.number, "entry": body })).map_err(unwritable)?;
        }
        from += entries.len() as u64;
        if entries.len() < BATCH as usize {
            return Ok(());
        }
    }
}

async fn write_checkpoints(
    store: &Store,
    out: &mut dyn Write,
    unwritable: &dyn Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    let mut after = 0;
    loop {
        let found = store.checkpoint_list(after, BATCH).await.map_err(|error| state::failure(&error))?;
        for envelope in &found {
            let text = String::from_utf8_lossy(envelope);
            line(out, &json!({ "checkpoint": text })).map_err(unwritable)?;
            // Sizes grow; this reads them without trusting the signature.
            after = after.max(size_of(envelope).unwrap_or(u64::MAX));
        }
        if found.len() < BATCH as usize {
            return Ok(());
        }
    }
}

/// The size that an envelope states, whoever signed it.
fn size_of(envelope: &[u8]) -> Option<u64> {
    use base64::Engine as _;
    let envelope: Value = serde_json::from_slice(envelope).ok()?;
    let payload =
        base64::engine::general_purpose::STANDARD.decode(envelope.get("payload")?.as_str()?).ok()?;
    serde_json::from_slice::<Value>(&payload).ok()?.get("size")?.as_u64()
}

fn line(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Reads an exported log line by line.
///
/// # Errors
/// Bad input, for the file or for each line that is none of an exported log.
pub(crate) fn lines(path: &Path) -> Result<impl Iterator<Item = Result<Line, Failure>>, Failure> {
    let file = File::open(path).map_err(|error| Failure::unreadable(path, &error))?;
    let path = path.to_owned();
    Ok((1_u64..).zip(BufReader::new(file).lines()).map(move |(number, text)| {
        let text = text.map_err(|error| Failure::unreadable(&path, &error))?;
        read(&text).ok_or_else(|| {
            Failure::Failed(format!("line {number} of {} is none of an exported audit log", path.display()))
        })
    }))
}

fn read(text: &str) -> Option<Line> {
    let value: Value = serde_json::from_str(text).ok()?;
    if let Some(envelope) = value.get("checkpoint") {
        return Some(Line::Checkpoint(envelope.as_str()?.to_owned()));
    }
    let body = String::from_utf8(crypto::canonical_json(value.get("entry")?)).ok()?;
    Some(Line::Entry(AuditEntry { number: value.get("number")?.as_u64()?, body }))
}
