use std::path::Path;

use c1z::{Limits, Reader, SyncRun, SyncType, WriteError, Writer};

/// The file that a sync of single resources is added to: its newest sync of everything, and what was added to that
/// before (baton ).
#[derive(Debug)]
pub struct FileBase {
    reader: Reader,
    id: String,
}

impl FileBase {
    /// What stands at `target`; nothing if there is no file, or none with a sync of everything.
    ///
    /// # Errors
    /// If there is a file and it cannot be read.
    pub fn find(target: &Path) -> Result<Option<Self>, c1z::ReadError> {
        if !target.exists() {
            return Ok(None);
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let reader = Reader::open(target, folder, &Limits::default())?;
        let id = reader.full_runs().first().map(|run| run.id.clone());
        Ok(id.map(|id| Self { reader, id }))
    }

    /// Id of its newest sync of everything.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Takes it along.
    pub(crate) fn keep_in(&self, writer: &mut Writer) -> Result<(), WriteError> {
        let partial = SyncType::Partial.name();
        let is_kept = |run: &&SyncRun| {
            run.id == self.id || (run.finished && run.sync_type == partial && run.parent_sync_id == self.id)
        };
        self.reader.runs().iter().filter(is_kept).try_for_each(|run| writer.keep(&self.reader, run))
    }
}
