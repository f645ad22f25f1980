//! One sync into one file.

use c1z::{NewRun, RunEnd, SyncType, Writer};
use connector::TestOutcome;
use governance::{
    FileDepth, FilePart, KindCause, KindStatus, Sync, SyncParts, SyncProgress, SyncReport, SyncRequest,
};
use model::{IdSource as _, RandomIds};
use protos::Ksuid;
use store::Actor;
use tonic::Code;

use super::folder::JobFolder;
use super::{LONGEST_WAIT, OneShot, OneShotError, error, unsupported};
use crate::command_line::{StorageEngine, SyncDepth};
use crate::exit::Exit;

impl OneShot<'_> {
    /// Reads everything and writes the file; an earlier one is replaced.
    pub(super) async fn sync(&self) -> Result<(), OneShotError> {
        let Some(part) = self.part()? else { return self.validate_only().await };
        let file = &self.settings.file;
        let folder = JobFolder::take(file, ("sync", LONGEST_WAIT), &*self.clock).await?;
        let store = folder.open(self.clock.clone()).await?;
        let request = SyncRequest {
            basis: self.basis(&store),
            worker: self.worker.clone(),
            wait: Some(LONGEST_WAIT),
            actor: Actor::system(),
        };
        let parts = SyncParts {
            connector: self.connector.clone(),
            store: store.clone(),
            limits: self.concurrency(),
            clock: self.clock.clone(),
            cancellation: self.cancellation.clone(),
        };
        let begun = Sync::begin(parts, &request).await?;
        let resumed = begun.is_resumed();
        tracing::info!(resumed, "sync begins");
        let read = begun.read(&note).await?;
        if let Some((report, detail)) = read.unfinished() {
            read.close(&report, Some(&detail)).await?;
            return Err(OneShotError::Unfinished { exit: self.exit_of(&report), detail });
        }
        let report = read.write_part(file, self.times, &part).await?;
        read.close(&report, None).await?;
        store.close().await;
        folder.remove();
        let missing = warn(&report);
        tracing::info!(requests = report.requests, file = %file.display(), "sync is done");
        let Some(missing) = missing else { return Ok(()) };
        Err(OneShotError::Incomplete { kinds: missing, exit: self.exit_of(&report) })
    }

    /// Which rows are wanted; `None` if none are.
    fn part(&self) -> Result<Option<FilePart>, OneShotError> {
        let wanted = &self.settings.sync;
        if !wanted.resources.is_empty() {
            return Err(unsupported("sync-resources", "leave it out to read everything"));
        }
        if wanted.external.is_some() {
            return Err(unsupported("external-resource-c1z", "leave it out"));
        }
        if wanted.storage == Some(StorageEngine::Pebble) {
            return Err(unsupported("storage-engine", "`sqlite` is the format that every explorer reads"));
        }
        let governance = self.connector.connection().file.governance.as_deref();
        for kind in &wanted.resource_types {
            if governance.is_some_and(|section| section.find_type(kind).is_none()) {
                let known = governance.map(|section| &section.resource_types).into_iter().flatten();
                let known: Vec<&str> = known.map(|known| known.id.as_str()).collect();
                return Err(OneShotError::UnknownKind { kind: kind.clone(), known: known.join(", ") });
            }
        }
        let depth = match wanted.depth {
            SyncDepth::Nothing => return Ok(None),
            SyncDepth::Everything => FileDepth::Everything,
            SyncDepth::ResourcesOnly => FileDepth::ResourcesOnly,
            SyncDepth::WithoutGrants => return Err(unsupported("skip-grants", "leave it out")),
        };
        Ok(Some(FilePart { kinds: wanted.resource_types.iter().cloned().collect(), depth }))
    }

    /// Only the credentials are tried (baton S-24). A file with an empty sync is written where there is none: in
    /// place of one with a sync it would say that nobody has access any more.
    async fn validate_only(&self) -> Result<(), OneShotError> {
        self.validate().await?;
        let file = &self.settings.file;
        if file.exists() {
            tracing::info!(file = %file.display(), "the credentials work; the file stays as it is");
            return Ok(());
        }
        let now = self.clock.now();
        let sync_id = Ksuid::new(now.as_second(), RandomIds.next_uuid().into_bytes())
            .map_err(governance::FileError::from)?
            .to_string();
        let run =
            NewRun { sync_id, started_at: now, sync_type: SyncType::Full, parent_sync_id: String::new() };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let writer = Writer::create(file, folder, run).map_err(governance::FileError::from)?;
        writer.finish(RunEnd { ended_at: now, actions: 0 }).map_err(governance::FileError::from)?;
        tracing::info!(file = %file.display(), "the credentials work; the file holds an empty sync");
        Ok(())
    }

    /// Proves the credentials (baton M-4).
    pub(super) async fn validate(&self) -> Result<(), OneShotError> {
        match self.connector.test().await {
            Ok(TestOutcome::Passed) => Ok(()),
            Ok(TestOutcome::Failed(source)) | Err(source) => Err(OneShotError::Call(Box::new(source))),
        }
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
fn note(progress: SyncProgress) {
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
