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
        // Before the entries are read: what another command signs meanwhile vouches for more of them.
        let newest = state.store.checkpoint_find().await.map_err(|error| state::failure(&error))?;
        if export.checkpoint {
            let newest = newest.ok_or_else(|| {
                Failure::Failed("the audit log has no signed checkpoint yet; do something first".to_owned())
            })?;
            out.write_all(&newest).map_err(unwritable)?;
        } else {
            let newest = newest.and_then(|newest| size_of(&newest)).unwrap_or(0);
            write_entries(&state.store, &mut out, &unwritable).await?;
            write_checkpoints(&state.store, newest, &mut out, &unwritable).await?;
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

/// Writes the checkpoints of up to `newest` entries.
async fn write_checkpoints(
    store: &Store,
    newest: u64,
    out: &mut dyn Write,
    unwritable: &dyn Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    let mut after = 0;
    loop {
        let found = store.checkpoint_list(after, BATCH).await.map_err(|error| state::failure(&error))?;
        for envelope in &found {
            // Sizes grow; this reads them without trusting the signature.
            let size = size_of(envelope);
            if size.is_some_and(|size| size > newest) {
                return Ok(());
            }
            let text = String::from_utf8_lossy(envelope);
            line(out, &json!({ "checkpoint": text })).map_err(unwritable)?;
            after = after.max(size.unwrap_or(u64::MAX));
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

#[cfg(test)]
mod tests {
    use crypto::{KeyRing, MasterKey};
    use model::RandomIds;
    use store::{AUDIT_LEASE, Access, Actor, AuditEvent, StoreParts, StorePlace};

    use super::*;

    /// One more entry, numbered and signed.
    async fn sign(store: &Store) {
        store.audit_enter(&[AuditEvent::new(Actor::system(), "test", "it")]).await.unwrap();
        let lease = store
            .lease_take(AUDIT_LEASE, "tester", std::time::Duration::from_secs(9))
            .await
            .unwrap()
            .unwrap();
        while store.audit_sequence(&lease, 10).await.unwrap().is_some() {}
        store.lease_release(&lease).await.unwrap();
    }

    #[tokio::test]
    async fn checkpoints_that_were_signed_during_the_export_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreParts {
            place: StorePlace::File(folder.path().join("state.db")),
            keys: KeyRing::new(MasterKey::random()),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            access: Access::Write,
            max_bytes: None,
        })
        .await
        .unwrap();
        sign(&store).await;
        let newest = size_of(&store.checkpoint_find().await.unwrap().unwrap()).unwrap();
        let unwritable = |_| Failure::Failed(String::new());

        let mut out = Vec::new();
        write_entries(&store, &mut out, &unwritable).await.unwrap();
        sign(&store).await;
        write_checkpoints(&store, newest, &mut out, &unwritable).await.unwrap();

        let text = String::from_utf8(out).unwrap();
        assert_eq!((newest, text.lines().count()), (1, 2), "an entry and its checkpoint: {text}");
    }
}
