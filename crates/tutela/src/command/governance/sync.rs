use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::{Canceller, Concurrency};
use governance::{FileTimes, KindStatus, SyncError, SyncOutcome, SyncParts, SyncReport, SyncRequest};
use model::{Clock, SystemClock};
use serde::Serialize;
use spec::connector_file::Service;
use store::{Actor, Store};

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::project::{Member, Opening, Part, ProjectArgument, ProjectFile, limits};
use crate::runtime;
use crate::service::worker;
use crate::state::{StateArgument, StateSettings};
use crate::table::table;

/// How long a sync that another process may be working on is waited for: one that was killed lets go of it
/// after seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Which connection, and where its access is written to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance sync --connection segment -f sync.c1z
  tutela governance sync --project ./shop/tutela.yml --connection segment -f sync.c1z --format json

A kind of resources that the plan or the token does not allow is reported as unavailable; one that could not
be read to its end is incomplete, and neither has rows in the file. Ends with 0, with 3 if something is
incomplete, with 1 if there is no file: then the same command goes on where this one stopped.

With SOURCE_DATE_EPOCH the file bears that time, and the same workspace gives the same bytes.")]
pub(crate) struct Sync {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    /// Key of the connection in the project.
    #[arg(long, value_name = "KEY")]
    connection: String,
    /// File to write.
    #[arg(short, long, value_name = "FILE", default_value = "sync.c1z")]
    file: PathBuf,
}

/// What a program gets.
#[derive(Debug, Serialize)]
struct Reply<'a> {
    connection: &'a str,
    #[serde(flatten)]
    report: &'a SyncReport,
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// Reads and writes.
pub(crate) fn run(sync: &Sync, output: Output) -> Result<Exit, Failure> {
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
    let times = FileTimes::of_epoch(epoch.as_deref()).map_err(|error| Failure::bad_input(&error))?;
    let file = ProjectFile::load(&sync.project.project, output)?;
    let state = sync.state.settings(&sync.project.project)?;
    let member = file.member_for(&sync.connection, Service::Governance, output)?;
    runtime::run(async {
        let store = state.open(Arc::new(SystemClock)).await?.store;
        let work = SyncWork { file: &file, state: &state, store: &store, member: &member, output };
        let (report, error) = work.write(&sync.file, times).await?;
        show(sync, (&report, error.as_deref()), output);
        Ok(match report.outcome {
            SyncOutcome::Complete => Exit::Done,
            SyncOutcome::Incomplete => Exit::Incomplete,
            SyncOutcome::Unfinished => Exit::Failed,
        })
    })
}

/// What a connection of a project is read with.
pub(crate) struct SyncWork<'a> {
    pub(crate) file: &'a ProjectFile,
    pub(crate) state: &'a StateSettings,
    pub(crate) store: &'a Store,
    pub(crate) member: &'a Member,
    pub(crate) output: Output,
}

impl SyncWork<'_> {
    /// Reads who has access, and writes it to a file unless something is missing without which there is
    /// none. Then the second part says what.
    ///
    /// # Errors
    /// Bad input if the connection has nothing to be read, a failure if it cannot be read on.
    pub(crate) async fn write(
        &self,
        target: &Path,
        times: FileTimes,
    ) -> Result<(SyncReport, Option<String>), Failure> {
        let (file, member) = (self.file, self.member);
        let Part::Connector(instance) = &member.part else {
            return Err(Failure::BadInput(format!(
                "`{}` is a database, which says nothing about who has access; name a connection of an application",
                member.entry.key
            )));
        };
        let (clock, worker): (Arc<dyn Clock>, _) = (Arc::new(SystemClock), worker());
        let members = std::slice::from_ref(member);
        let opening =
            Opening::shared((file, self.state), (self.store, &worker), members, Arc::clone(&clock))?;
        let secrets = self.store.keyed_hash(&crypto::canonical_json(&serde_json::json!(member.secrets)));
        let request = SyncRequest {
            basis: format!("{}|{}", member.sha256, crypto::hex(&secrets)),
            worker,
            wait: Some(LONGEST_WAIT),
            actor: Actor::system(),
        };
        let (canceller, cancellation) = Canceller::new();
        let parts = SyncParts {
            connector: opening.calls.connector(instance.connection.clone()),
            store: self.store.clone(),
            limits: Concurrency::new(limits(&file.project.reading)),
            clock,
            cancellation,
        };
        let line = ProgressLine::of_person(self.output);
        let work = read(parts, &request, (target, times), &line);
        let done = runtime::cancelled_when_interrupted(&canceller, work).await;
        line.finish();
        done
    }
}

async fn read(
    parts: SyncParts,
    request: &SyncRequest,
    (target, times): (&Path, FileTimes),
    line: &ProgressLine,
) -> Result<(SyncReport, Option<String>), Failure> {
    let failed = |error: SyncError| match error {
        SyncError::NoGovernance { .. } | SyncError::NotHere { .. } => Failure::bad_input(&error),
        other => Failure::failed(&other),
    };
    let begun = governance::Sync::begin(parts, request).await.map_err(failed)?;
    let read = begun.read(&|progress| line.note_sync(&progress)).await.map_err(failed)?;
    if let Some((report, error)) = read.unfinished() {
        read.close(&report, Some(&error)).await.map_err(failed)?;
        return Ok((report, Some(error)));
    }
    let report = read.write(target, times).await.map_err(|error| Failure::failed(&error))?;
    read.close(&report, None).await.map_err(failed)?;
    Ok((report, None))
}

fn show(sync: &Sync, (report, error): (&SyncReport, Option<&str>), output: Output) {
    let file = report.sync_id.as_ref().map(|_| sync.file.display().to_string());
    match output.format() {
        Format::Json => output::json(&Reply { connection: &sync.connection, report, file, error }),
        Format::Table => {
            output::text(&kinds(report));
            match &file {
                Some(file) => output::text(&format!("{file} written, {} calls", report.requests)),
                None => output::complain(&format!("error: {}", error.unwrap_or("there is no file"))),
            }
        }
    }
}

/// What is said about each kind, for a person.
pub(crate) fn kinds(report: &SyncReport) -> String {
    let rows = report.kinds.iter().map(|kind| {
        let status = match kind.status {
            KindStatus::Complete => "complete",
            KindStatus::Incomplete => "incomplete",
            KindStatus::Unavailable => "unavailable",
        };
        [
            kind.kind.clone(),
            status.to_owned(),
            kind.resources.to_string(),
            kind.entitlements.to_string(),
            kind.grants.to_string(),
            kind.reason.clone().unwrap_or_default(),
        ]
    });
    table(["Kind", "Status", "Resources", "Entitlements", "Grants", "Note"], rows, &[2, 3, 4])
}
