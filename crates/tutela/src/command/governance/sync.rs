//! Reading who has access.

mod server;
mod told;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::{Canceller, Concurrency};
use futures::FutureExt as _;
use governance::inventory::{KeepError, KeepRequest, Kept, ShrinkGuard};
use governance::{FileTimes, ReadSync, SyncError, SyncParts, SyncReport, SyncRequest};
use jiff::SignedDuration;
use model::{Clock, ConnectionKey, SystemClock};
use spec::connector_file::Service;
use store::{Actor, Store};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::project::{Member, Opening, Part, ProjectArgument, ProjectFile, limits};
use crate::runtime;
use crate::service::worker;
use crate::state::{StateArgument, StateSettings};

pub(crate) use self::told::kinds;
use self::told::{InventoryReply, Told};

/// How long a sync that another process may be working on is waited for: one that was killed lets go of it
/// after seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long states of the inventory stay that are not in force any more.
const HISTORY: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Which connection, and where its access is written to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance sync --connection segment
  tutela governance sync --connection segment -f sync.c1z
  tutela governance sync --project ./shop/tutela.yml --connection segment -f sync.c1z --format json
  tutela governance sync --connection segment --accept-shrink

What was read becomes the inventory in the project's state, with its history, and with `-f` a file too. A kind
of resources that the plan or the token does not allow is reported as unavailable; one that could not be read
to its end is incomplete: neither has rows in the file, and in the inventory what was last read of it to its
end stays in force. Ends with 0, with 3 if something is incomplete, with 1 if there is no result: then the
same command goes on where this one stopped.

If half or more of something is gone, the inventory stays what it was and the command ends with 4; look at the
rights of the token, or take it as it is with `--accept-shrink`. The file is written all the same.

With --server the server reads, as it does by its schedule, and the command waits for the end of that; Ctrl-C leaves it
at work.

With SOURCE_DATE_EPOCH the file bears that time, and the same workspace gives the same bytes; what a Baton connector
of somebody else reads keeps the id and the times of its own sync.")]
pub(crate) struct Sync {
    #[command(flatten)]
    pub(super) project: ProjectArgument,
    #[command(flatten)]
    pub(super) state: StateArgument,
    #[command(flatten)]
    pub(super) server: ServerOption,
    /// Key of the connection in the project or on the server.
    #[arg(long, value_name = "KEY")]
    connection: String,
    /// `.c1z` file to write; none if absent.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Take the result as the inventory even if much is gone.
    #[arg(long)]
    accept_shrink: bool,
}

/// How a sync ended.
#[derive(Debug)]
pub(crate) struct Synced {
    pub(crate) report: SyncReport,
    /// What became of the inventory; nothing if there is no result.
    pub(crate) kept: Option<Kept>,
    /// Why there is no result.
    pub(crate) error: Option<String>,
}

/// Reads and writes.
pub(crate) fn run(sync: &Sync, output: Output) -> Result<Exit, Failure> {
    if let Some(address) = sync.server.address()? {
        return server::run(sync, &address, output);
    }
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
    let times = FileTimes::of_epoch(epoch.as_deref()).map_err(|error| Failure::bad_input(&error))?;
    let file = ProjectFile::load(&sync.project.project, output)?;
    let state = sync.state.settings(&sync.project.project)?;
    let guard = if sync.accept_shrink { ShrinkGuard::Off } else { ShrinkGuard::On };
    if let Some(foreign) = file.foreign(&sync.connection, output)? {
        return runtime::run(async {
            let store = state.open(Arc::new(SystemClock)).await?.store;
            let keep = KeepRequest { store: &store, connection: &foreign.key, guard, actor: Actor::system() };
            let synced = super::foreign::run(&foreign, &keep, sync.file.as_deref()).await?;
            forget(&keep).await;
            Ok(synced.told(sync).print(output))
        });
    }
    let member = file.member_for(&sync.connection, Service::Governance, output)?;
    let target = sync.file.clone();
    let runtime = runtime::start()?;
    let store = runtime.block_on(state.open(Arc::new(SystemClock)))?.store;
    let synced = runtime::run_as_task(&runtime, async move {
        let work = SyncWork { file: &file, state: &state, store: &store, member: &member, guard, output };
        work.run(target.as_deref().map(|file| (file, times))).boxed().await
    })?;
    Ok(synced.told(sync).print(output))
}

impl Synced {
    fn told<'a>(&'a self, sync: &'a Sync) -> Told<'a> {
        let file = sync.file.as_ref().filter(|_| self.report.sync_id.is_some());
        Told {
            connection: &sync.connection,
            report: &self.report,
            file: file.map(|file| file.display().to_string()),
            inventory: self.kept.as_ref().map(InventoryReply::of),
            error: self.error.as_deref(),
        }
    }
}

/// What a connection of a project is read with.
pub(crate) struct SyncWork<'a> {
    pub(crate) file: &'a ProjectFile,
    pub(crate) state: &'a StateSettings,
    pub(crate) store: &'a Store,
    pub(crate) member: &'a Member,
    /// Whether the inventory stays what it was if much is gone.
    pub(crate) guard: ShrinkGuard,
    pub(crate) output: Output,
}

impl SyncWork<'_> {
    /// Reads who has access, and makes it the inventory, and a file if one is wanted, unless something is
    /// missing without which there is no result.
    ///
    /// # Errors
    /// Bad input if the connection has nothing to be read, a failure if it cannot be read on.
    pub(crate) async fn run(&self, target: Option<(&Path, FileTimes)>) -> Result<Synced, Failure> {
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
        let connection: ConnectionKey = instance.connection.key.clone();
        let keep = KeepRequest {
            store: self.store,
            connection: &connection,
            guard: self.guard,
            actor: Actor::system(),
        };
        let work = read(parts, (&request, &keep), target, &line);
        let done = runtime::cancelled_when_interrupted(&canceller, work).await;
        line.finish();
        done
    }
}

async fn read(
    parts: SyncParts,
    (request, keep): (&SyncRequest, &KeepRequest<'_>),
    target: Option<(&Path, FileTimes)>,
    line: &ProgressLine,
) -> Result<Synced, Failure> {
    let failed = |error: SyncError| match error {
        SyncError::NoGovernance { .. } | SyncError::NotHere { .. } => Failure::bad_input(&error),
        other => Failure::failed(&other),
    };
    let with_rows = |read: ReadSync| async move { kept(&read, target, keep).await };
    let begun = governance::Sync::begin(parts, request).await.map_err(failed)?;
    let read = begun.read_and(&|progress| line.note_sync(&progress), with_rows).await;
    let (read, made) = read.map_err(failed)?;
    if let Some((report, error)) = read.unfinished() {
        read.close(&report, Some(&error)).await.map_err(failed)?;
        return Ok(Synced { report, kept: None, error: Some(error) });
    }
    let (kept, report) = match made {
        Some(made) => made,
        None => kept(&read, target, keep).await.map_err(|error| Failure::failed(&error))?,
    };
    read.close(&report, None).await.map_err(failed)?;
    forget(keep).await;
    Ok(Synced { report, kept: Some(kept), error: None })
}

/// Makes what was read the inventory, and the file if one is wanted.
async fn kept(
    read: &ReadSync,
    target: Option<(&Path, FileTimes)>,
    keep: &KeepRequest<'_>,
) -> Result<(Kept, SyncReport), KeepError> {
    match target {
        Some(target) => read.write_and_keep(target, keep).await,
        None => read.keep(keep).await,
    }
}

/// Destroys what is past its time. It is no reason to refuse today's work; the next sync tries again.
async fn forget(keep: &KeepRequest<'_>) {
    let before = keep.store.clock().now() - HISTORY;
    if let Err(error) = governance::inventory::forget(keep.store, before).await {
        output::complain(&format!("warning: old states of the inventory stay for now: {error}"));
    }
}
