use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto::PublicKey;
use model::SystemClock;
use privacy::CHECKPOINTS_FILE;
use privacy::certificate::Certificate;
use serde::de::IgnoredAny;
use serde_json::json;
use store::{AuditError, AuditLine, AuditReport, Checkpoint};

use super::{export, server};
use crate::arguments::Format;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::ProjectArgument;
use crate::runtime;
use crate::state::{self, StateArgument, StateSettings};

/// Which log, and against what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela audit verify
  tutela audit verify --data ./shop/.tutela --against checkpoint.json
  tutela audit verify --log audit.jsonl --key signing-key.pub
  tutela audit verify --server https://tutela.example.com --key signing-key.pub --against checkpoint.json

Compares every entry with the checkpoints of the log, and with one kept elsewhere: a file of
`tutela audit export --checkpoint`, or a certificate. The data folder's own log is also compared with its
`checkpoints.jsonl`. With --server the log is fetched and checked here, with the key of `--key`, or the
one that the server says is its own. Only a checkpoint that was out of reach of whoever could change the log says
something about the time before it. Ends with 1 if anything differs, and for entries that no checkpoint
vouches for.")]
pub(crate) struct Verify {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    #[command(flatten)]
    server: ServerOption,
    /// A checkpoint, or a certificate, that was kept elsewhere; once for each.
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Check a file of `tutela audit export` instead of the data folder, or of a server's log.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Public keys to trust instead of those in the data folder, or of the server.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Checks a log.
pub(crate) fn run(verify: &Verify, output: Output) -> Result<Exit, Failure> {
    if let Some(address) = verify.server.address()? {
        return of_server(verify, &address, output);
    }
    let settings = verify.state.settings(&verify.project.project)?;
    let keys = match &verify.key {
        Some(path) => state::public_keys(path)?,
        None => settings.public_keys()?,
    };
    let against = verify.against(&keys)?;
    let checked = match &verify.log {
        Some(path) => exported(path, &keys, &against)?,
        None => runtime::run(own(&settings, &keys, &against))?,
    };
    conclude(checked, output)
}

/// Fetches the log of a server and checks it here.
fn of_server(verify: &Verify, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    let own = verify.key.as_deref().map(state::public_keys).transpose()?;
    let checked = runtime::run_until_interrupted(async {
        if let Some(path) = &verify.log {
            let keys = match own {
                Some(keys) => keys,
                None => server::public_keys(address, output).await?,
            };
            return exported(path, &keys, &verify.against(&keys)?);
        }
        // What was kept elsewhere is read before anything is fetched.
        let against = own.as_deref().map(|keys| verify.against(keys)).transpose()?;
        let downloaded = server::download(address, &std::env::temp_dir(), output).await?;
        let keys = own.unwrap_or(downloaded.keys);
        let against = match against {
            Some(against) => against,
            None => verify.against(&keys)?,
        };
        let checked = exported(downloaded.log.path(), &keys, &against)?;
        Ok(checked.map(|(report, _)| (report, downloaded.waiting)))
    })?;
    conclude(checked, output)
}

fn conclude(checked: Checked, output: Output) -> Result<Exit, Failure> {
    match checked {
        // Entries are signed as they are numbered: those without a checkpoint were put there otherwise.
        Ok((AuditReport { entries, checkpoints: 0, .. }, _)) if entries > 0 => Err(Failure::Failed(format!(
            "no signed checkpoint vouches for the {entries} entries of the audit log; its checkpoints were removed; give \
             one that was kept elsewhere, with `--against`"
        ))),
        Ok((report, waiting)) => {
            show(&report, waiting, output);
            Ok(Exit::Done)
        }
        Err(AuditError::Store(error)) => Err(state::failure(&error)),
        Err(error) => Err(Failure::failed(&error)),
    }
}

impl Verify {
    /// What was kept elsewhere.
    fn against(&self, keys: &[PublicKey]) -> Result<Vec<Checkpoint>, Failure> {
        self.against.iter().map(|path| checkpoint(path, keys)).collect()
    }
}

/// What a check came to; and how many entries wait for their number.
type Checked = Result<(AuditReport, u64), AuditError>;

async fn own(
    settings: &StateSettings,
    keys: &[PublicKey],
    against: &[Checkpoint],
) -> Result<Checked, Failure> {
    let state = settings.look(Arc::new(SystemClock)).await?;
    // Read before the log: one that another command signs meanwhile would be none of its end.
    let published = match published(&settings.folder.join(CHECKPOINTS_FILE), keys)? {
        Ok(published) => published,
        Err(error) => return Ok(Err(error)),
    };
    let against = [against, &published].concat();
    let waiting = state.store.audit_waiting().await.map_err(|error| state::failure(&error))?;
    let report = state.store.audit_verify(keys, &against).await;
    Ok(report.map(|report| (report, waiting)))
}

/// The checkpoints that lie beside the database; none where nothing was published yet.
fn published(path: &Path, keys: &[PublicKey]) -> Result<Result<Vec<Checkpoint>, AuditError>, Failure> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(Vec::new())),
        Err(error) => return Err(Failure::unreadable(path, &error)),
    };
    // What a crash cut off is no JSON, and stands again in the next line.
    let whole = |line: &&[u8]| serde_json::from_slice::<IgnoredAny>(line).is_ok();
    let lines = text.split_inclusive(|byte| *byte == b'\n').filter(whole);
    Ok(lines.map(|line| Checkpoint::open(line, keys).map_err(AuditError::from)).collect())
}

fn exported(path: &Path, keys: &[PublicKey], against: &[Checkpoint]) -> Result<Checked, Failure> {
    let mut check = store::LogCheck::default();
    // Two readings: what was signed must be known before the entries come by.
    let mut expected: Vec<Checkpoint> = against.to_vec();
    for line in export::lines(path)? {
        if let AuditLine::Checkpoint(envelope) = line? {
            match Checkpoint::open(envelope.as_bytes(), keys) {
                Ok(checkpoint) => expected.push(checkpoint),
                Err(error) => return Ok(Err(error.into())),
            }
        }
    }
    for checkpoint in &expected {
        if let Err(error) = check.expect(checkpoint) {
            return Ok(Err(error));
        }
    }
    for line in export::lines(path)? {
        if let AuditLine::Entry(entry) = line?
            && let Err(error) = check.entry(&entry)
        {
            return Ok(Err(error));
        }
    }
    Ok(check.finish().map(|report| (report, 0)))
}

/// A checkpoint by itself, or the one in a certificate.
fn checkpoint(path: &Path, keys: &[PublicKey]) -> Result<Checkpoint, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::unreadable(path, &error))?;
    let certified = || {
        let log = Certificate::verify(&bytes, keys).ok()?.log?;
        Checkpoint::open(log.checkpoint.as_bytes(), keys).ok()
    };
    match Checkpoint::open(&bytes, keys) {
        Ok(checkpoint) => Ok(checkpoint),
        Err(error) => certified().ok_or_else(|| Failure::Failed(format!("{}: {error}", path.display()))),
    }
}

fn show(report: &AuditReport, waiting: u64, output: Output) {
    let AuditReport { entries, checkpoints, unsigned } = report;
    match output.format() {
        Format::Json => output::json(&json!({
            "entries": entries, "checkpoints": checkpoints, "unsigned": unsigned, "waiting": waiting,
        })),
        Format::Table => {
            output::text(&format!(
                "the audit log is as it was signed: {entries} entries, {checkpoints} checkpoints agree"
            ));
            if unsigned + waiting > 0 {
                output::text(&format!(
                    "{} entries came after the last checkpoint; nothing vouches for them yet",
                    unsigned + waiting
                ));
            }
        }
    }
}
