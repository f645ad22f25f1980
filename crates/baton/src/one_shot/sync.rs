//! One sync into one file.

use c1z::{NewRun, RunEnd, SyncType, Writer};
use connector::TestOutcome;
use governance::{FileBase, FileError};
use model::{IdSource as _, RandomIds};
use protos::Ksuid;

use super::folder::JobFolder;
use super::part::wanted_part;
use super::sync_job::{SyncJob, note};
use super::{LONGEST_WAIT, OneShot, OneShotError};

impl OneShot {
    /// Reads what is wanted and writes the file; an earlier one is replaced, or, if single resources are wanted, added to.
    pub(super) async fn sync(&self) -> Result<(), OneShotError> {
        let wanted = &self.settings.sync;
        let Some(part) = wanted_part(&self.connector.connection().file, wanted)? else {
            return self.validate_only().await;
        };
        let file = &self.settings.file;
        if !part.resources.is_empty() {
            // Said before anything is asked. What is there then is what counts.
            FileBase::find(file).map_err(FileError::from)?;
        }
        let folder = JobFolder::take(file, ("sync", LONGEST_WAIT), &*self.clock).await?;
        let job = SyncJob {
            connector: &self.connector,
            definition: &self.definition,
            values: &self.settings.connector.values,
            workers: wanted.workers,
            part,
            target: file,
            times: self.times,
            worker: &self.worker,
            clock: self.clock.clone(),
            cancellation: self.cancellation.clone(),
            progress: &note,
        };
        let report = job.run(&folder).await?;
        folder.remove();
        let missing = job.missing(&report);
        tracing::info!(requests = report.requests, file = %file.display(), "sync is done");
        missing.map_or(Ok(()), Err)
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
            .map_err(FileError::from)?
            .to_string();
        let run =
            NewRun { sync_id, started_at: now, sync_type: SyncType::Full, parent_sync_id: String::new() };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let writer = Writer::create(file, folder, run).map_err(FileError::from)?;
        writer.finish(RunEnd { ended_at: now, actions: 0 }).map_err(FileError::from)?;
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
}
