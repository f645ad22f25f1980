use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceType};

use super::{Expansion, KeptRun, SyncType, WriteError, Writer};
use crate::wall_clock::write_time;
use crate::{Filter, ReadError, Reader, SyncRun};

impl Writer {
    /// Takes along an earlier run of another file.
    ///
    /// A file that is written again keeps its newest run or runs (baton R-5): which, the caller says. Their rows count
    /// as discovered when the run began, and are counted anew. A run with the id of the one that is written, or of one
    /// that is kept already, is the same run and left out. Assets are not taken along (baton DB-12).
    ///
    /// # Errors
    /// If the run cannot be read. Some of its rows are in the writer then: drop it.
    pub fn keep(&mut self, reader: &Reader, run: &SyncRun) -> Result<(), WriteError> {
        if run.id == self.run.sync_id || self.kept.iter().any(|kept| kept.sync_id == run.id) {
            return Ok(());
        }
        let started_at = run.started_at.map(write_time).unwrap_or_default();
        let own_id = std::mem::replace(&mut self.run.sync_id, run.id.clone());
        let own_time = std::mem::replace(&mut self.discovered_at, started_at.clone());
        // One of single resources is not expanded by who writes it (baton S-22).
        let kept = if run.sync_type == SyncType::Partial.name() { Expansion::Left } else { Expansion::Done };
        let own_expansion = std::mem::replace(&mut self.expansion_of_run, kept);
        let own_counts = std::mem::take(&mut self.statistics);
        let copied = self.copy(reader, run);
        self.run.sync_id = own_id;
        self.discovered_at = own_time;
        self.expansion_of_run = own_expansion;
        let counts = std::mem::replace(&mut self.statistics, own_counts);
        copied?;
        self.kept.push(KeptRun {
            sync_id: run.id.clone(),
            started_at,
            ended_at: run
                .finished
                .then(|| run.ended_at.or(run.started_at).map(write_time).unwrap_or_default()),
            token: run.token.clone(),
            sync_type: run.sync_type.clone(),
            parent_sync_id: run.parent_sync_id.clone(),
            stats: Some(counts.json()),
        });
        Ok(())
    }

    fn copy(&mut self, reader: &Reader, run: &SyncRun) -> Result<(), WriteError> {
        let unread =
            |source: ReadError| WriteError::Keep { sync_id: run.id.clone(), source: Box::new(source) };
        let all = Filter::default();
        for row in reader.rows::<ResourceType>(run, &all) {
            self.resource_type(&row.map_err(unread)?)?;
        }
        for row in reader.rows::<Resource>(run, &all) {
            self.resource(&row.map_err(unread)?)?;
        }
        for row in reader.rows::<Entitlement>(run, &all) {
            self.entitlement(&row.map_err(unread)?)?;
        }
        for row in reader.rows::<Grant>(run, &all) {
            self.grant(&row.map_err(unread)?)?;
        }
        Ok(())
    }
}
