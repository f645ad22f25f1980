//! A sync into a file, behind a folder that keeps what was read until the file is there.

use std::path::Path;
use std::sync::Arc;

use connector::Connector;
use engine::Cancellation;
use futures::FutureExt as _;
use governance::{
    FileTimes, KindCause, KindStatus, ReadSync, Sync, SyncPart, SyncParts, SyncProgress, SyncReport,
    SyncRequest,
};
use model::Clock;
use serde_json::Value;
use store::{Actor, Store};
use tonic::Code;

use super::folder::JobFolder;
use super::{LONGEST_WAIT, OneShotError, calls_at_once, error};
use crate::command_line::Workers;
use crate::exit::Exit;

/// What one file is made of.
pub(crate) struct SyncJob<'a> {
    /// The connection; its file has a section `governance`.
    pub(crate) connector: &'a Connector,
    /// Stands for the text of the connector file.
    pub(crate) definition: &'a str,
    /// Its settings.
    pub(crate) values: &'a [(String, Value)],
    /// Calls side by side.
    pub(crate) workers: Workers,
    /// What is read, and which rows the file has.
    pub(crate) part: SyncPart,
    /// Where it is to stand.
    pub(crate) target: &'a Path,
    /// When it says that it was made.
    pub(crate) times: FileTimes,
    /// Name of the process, as no other has it.
    pub(crate) worker: &'a str,
    /// Where time comes from.
    pub(crate) clock: Arc<dyn Clock>,
    /// Stops it; what was read stays in the folder.
    pub(crate) cancellation: Cancellation,
    /// Hears of lists and pages.
    pub(crate) progress: &'a (dyn Fn(SyncProgress) + Send + std::marker::Sync),
}

impl SyncJob<'_> {
    /// Reads its part, or what an earlier process left to read of it, and writes the file. Kinds that could not be
    /// read to the end have no rows in it: the report names them.
    ///
    /// # Errors
    /// [`OneShotError`]; then there is no new file, and what was read stays in the folder.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash.
    pub(crate) async fn run(&self, folder: &JobFolder) -> Result<SyncReport, OneShotError> {
        let store = folder.open(Arc::clone(&self.clock)).await?;
        // Boxed: callers would hold all of it.
        let done = self.run_in(&store).boxed().await;
        store.close().await;
        done
    }

    async fn run_in(&self, store: &Store) -> Result<SyncReport, OneShotError> {
        let request = SyncRequest {
            basis: self.basis(store),
            worker: self.worker.to_owned(),
            wait: Some(LONGEST_WAIT),
            actor: Actor::system(),
        };
        let parts = SyncParts {
            connector: self.connector.clone(),
            store: store.clone(),
            limits: calls_at_once(self.workers),
            clock: Arc::clone(&self.clock),
            cancellation: self.cancellation.clone(),
        };
        let begun = Sync::begin_part(parts, &request, self.part.clone()).boxed().await?;
        let resumed = begun.is_resumed();
        tracing::info!(resumed, "sync begins");
        let (target, times) = (self.target, self.times);
        let write = |read: ReadSync| async move { read.write(target, times).await }.boxed();
        let (read, made) = begun.read_and(self.progress, write).boxed().await?;
        if let Some((report, detail)) = read.unfinished() {
            read.close(&report, Some(&detail)).await?;
            return Err(OneShotError::Unfinished { exit: self.exit_of(&report), detail });
        }
        let report = match made {
            Some(report) => report,
            None => read.write(target, times).boxed().await?,
        };
        read.close(&report, None).await?;
        Ok(report)
    }

    /// Stands for the connector file and its settings, with the values hashed under a key of the state.
    fn basis(&self, store: &Store) -> String {
        let hash = store.keyed_hash(&crypto::canonical_json(&serde_json::json!(self.values)));
        format!("{}|{}", self.definition, crypto::hex(&hash))
    }

    /// What is to be said of a file that has no rows of some kinds, each of which is logged.
    pub(crate) fn missing(&self, report: &SyncReport) -> Option<OneShotError> {
        let kinds = warn(report)?;
        Some(OneShotError::Incomplete { kinds, exit: self.exit_of(report) })
    }

    /// The status for the first kind of the file that is missing, one of those that have to be there if it is among
    /// them.
    fn exit_of(&self, report: &SyncReport) -> Exit {
        let governance = self.connector.connection().file.governance.as_deref();
        let is_required = |kind: &str| {
            governance.and_then(|section| section.find_type(kind)).is_some_and(|kind| kind.required)
        };
        let missing = report.kinds.iter().filter(|kind| match kind.status {
            KindStatus::Complete => false,
            KindStatus::Incomplete => true,
            KindStatus::Unavailable => is_required(&kind.kind),
        });
        let first = missing.min_by_key(|kind| !is_required(&kind.kind));
        match first.and_then(|kind| kind.cause) {
            Some(KindCause { status: Some(status), .. }) => Exit::of_http(status),
            Some(KindCause { reason, status: None }) => error::exit_of_reason(reason),
            None => Exit::of(Code::Unknown),
        }
    }
}

/// Pages are for whoever looks closely.
pub(crate) fn note(progress: SyncProgress) {
    match progress {
        SyncProgress::Started { kind, units } => tracing::debug!(kind, units, "list begins"),
        SyncProgress::Page { kind, items } => tracing::debug!(kind, items, "page read"),
        SyncProgress::Ended { kind } => tracing::info!(kind, "list ends"),
    }
}

/// Says which kinds have no rows, and names those that should have.
fn warn(report: &SyncReport) -> Option<String> {
    let mut incomplete = Vec::new();
    for kind in &report.kinds {
        let (name, reason) = (&kind.kind, kind.reason.as_deref().unwrap_or_default());
        match kind.status {
            KindStatus::Complete if reason.is_empty() => {}
            KindStatus::Complete => tracing::warn!(kind = name, reason, "grants were left out"),
            KindStatus::Unavailable => {
                tracing::warn!(kind = name, reason, "kind is not available; the file has no rows of it");
            }
            KindStatus::Incomplete => {
                tracing::warn!(kind = name, reason, "kind is incomplete; the file has no rows of it");
                incomplete.push(format!("`{name}`"));
            }
        }
    }
    (!incomplete.is_empty()).then(|| incomplete.join(", "))
}
