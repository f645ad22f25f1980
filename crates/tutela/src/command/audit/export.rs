use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::SystemClock;
use store::{AuditExport, AuditLine, Store, StoreError};
use tempfile::NamedTempFile;

use super::server;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::Output;
use crate::project::ProjectArgument;
use crate::runtime;
use crate::state::{self, StateArgument};

/// What is written where.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela audit export --out audit.jsonl
  tutela audit export --checkpoint --out checkpoint.json
  tutela audit export --server https://tutela.example.com --out audit.jsonl

One JSON object a line: entries by number, then the signed checkpoints. Entries hold ids, counts and
keyed hashes, no personal data. Keep checkpoints where nobody who can change the data folder reaches
them; `tutela audit verify --against` compares. A file gets its name once it is whole.")]
pub(crate) struct Export {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    #[command(flatten)]
    server: ServerOption,
    /// Only the newest signed checkpoint.
    #[arg(long)]
    checkpoint: bool,
    /// File to write; standard output if none is named.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes the log.
pub(crate) fn run(export: &Export, output: Output) -> Result<Exit, Failure> {
    if let Some(address) = export.server.address()? {
        return runtime::run_until_interrupted(async {
            let place = Place { out: export.out.as_deref() };
            if export.checkpoint {
                place.put(&server::checkpoint(&address, output).await?)?;
            } else {
                place.keep(server::download(&address, &place.folder(), output).await?.log)?;
            }
            Ok(Exit::Done)
        });
    }
    let settings = export.state.settings(&export.project.project)?;
    runtime::run(async {
        let state = settings.look(Arc::new(SystemClock)).await?;
        let place = Place { out: export.out.as_deref() };
        if export.checkpoint {
            let newest = state.store.checkpoint_find().await.map_err(|error| state::failure(&error))?;
            place.put(&newest.ok_or_else(no_checkpoint)?)?;
        } else {
            let mut draft = place.draft()?;
            write(&state.store, &mut draft).await.map_err(|error| error.into_failure(&place.name()))?;
            place.keep(draft)?;
        }
        Ok(Exit::Done)
    })
}

pub(super) fn no_checkpoint() -> Failure {
    Failure::Failed("the audit log has no signed checkpoint yet; do something first".to_owned())
}

/// Where an export goes.
struct Place<'a> {
    out: Option<&'a Path>,
}

impl Place<'_> {
    /// As messages name it.
    fn name(&self) -> PathBuf {
        self.out.map_or_else(|| PathBuf::from("standard output"), Path::to_owned)
    }

    /// Where it lies until it is whole.
    fn folder(&self) -> PathBuf {
        self.out.map_or_else(std::env::temp_dir, state::beside)
    }

    fn draft(&self) -> Result<NamedTempFile, Failure> {
        NamedTempFile::new_in(self.folder()).map_err(|error| self.unwritable(&error))
    }

    /// Gives a whole draft its name, in place of what has it; or prints it.
    fn keep(&self, draft: NamedTempFile) -> Result<(), Failure> {
        draft.as_file().sync_all().map_err(|error| self.unwritable(&error))?;
        if let Some(path) = self.out {
            return draft.persist(path).map(drop).map_err(|error| self.unwritable(&error.error));
        }
        let mut whole = draft.reopen().map_err(|error| self.unwritable(&error))?;
        io::copy(&mut whole, &mut io::stdout().lock()).map(drop).map_err(|error| self.unwritable(&error))
    }

    fn put(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut draft = self.draft()?;
        draft.write_all(bytes).map_err(|error| self.unwritable(&error))?;
        self.keep(draft)
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        Failure::unwritable(&self.name(), error)
    }
}

/// Why a log was not written.
enum Unwritten {
    Store(StoreError),
    File(io::Error),
}

impl Unwritten {
    fn into_failure(self, place: &Path) -> Failure {
        match self {
            Self::Store(error) => state::failure(&error),
            Self::File(error) => Failure::unwritable(place, &error),
        }
    }
}

async fn write(store: &Store, draft: &mut NamedTempFile) -> Result<(), Unwritten> {
    let mut out = BufWriter::new(draft);
    let mut export = AuditExport::begin(store.clone()).await.map_err(Unwritten::Store)?;
    while let Some(lines) = export.lines().await.map_err(Unwritten::Store)? {
        out.write_all(&lines).map_err(Unwritten::File)?;
    }
    out.flush().map_err(Unwritten::File)
}

/// Reads an exported log line by line.
///
/// # Errors
/// Bad input, for the file or for each line that is none of an exported log.
pub(crate) fn lines(path: &Path) -> Result<impl Iterator<Item = Result<AuditLine, Failure>>, Failure> {
    let file = File::open(path).map_err(|error| Failure::unreadable(path, &error))?;
    let path = path.to_owned();
    Ok((1_u64..).zip(BufReader::new(file).lines()).map(move |(number, text)| {
        let text = text.map_err(|error| Failure::unreadable(&path, &error))?;
        AuditLine::read(&text).ok_or_else(|| {
            Failure::Failed(format!("line {number} of {} is none of an exported audit log", path.display()))
        })
    }))
}
