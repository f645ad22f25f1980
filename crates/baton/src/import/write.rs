use std::path::Path;

use c1z::{NewRun, RunEnd, SyncType, Writer};
use governance::{FileSink, SyncReport};
use jiff::Timestamp;

use super::{ForeignSync, ImportError};

impl ForeignSync {
    /// Writes what is taken of the file to a new one of ours at `target`, under the sync's own id and times.
    /// What stood there stays if this fails.
    ///
    /// # Errors
    /// [`ImportError`] if the one cannot be read or the other not be written.
    pub fn write(&self, target: &Path, now: Timestamp) -> Result<SyncReport, ImportError> {
        let report = self.report();
        let ended_at = self.run.ended_at.unwrap_or(now);
        let run = NewRun {
            sync_id: self.run.id.clone(),
            started_at: self.run.started_at.unwrap_or(ended_at),
            sync_type: SyncType::Full,
            parent_sync_id: String::new(),
        };
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut sink = FileSink::new(Writer::create(target, folder, run)?);
        self.hand_over(&mut sink)?;
        sink.into_writer().finish(RunEnd { ended_at, actions: report.kinds.len() as u64 })?;
        Ok(report)
    }
}
