//! The `.c1z` file of somebody else as rows of a sync: what a Baton connector wrote, taken with distrust.
//!
//! The file is read twice. First each row is looked at: a kind with a row that cannot be right is *incomplete*, and
//! nothing of it is handed over. Then the rest is handed to a [`SyncSink`](governance::SyncSink).

mod error;
mod judge;
mod write;

use std::path::Path;

use c1z::{Filter, Limits, Reader, RunChoice, SyncRun};
use governance::{SyncReport, SyncSink};
use jiff::Timestamp;
use protos::annotations;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};

pub use error::ImportError;

use judge::Judged;

/// A finished sync in a file of somebody else.
#[derive(Debug)]
pub struct ForeignSync {
    reader: Reader,
    run: SyncRun,
    judged: Judged,
}

impl ForeignSync {
    /// Opens a file and looks at each row of its newest finished sync of everything. Unpacked it lies in
    /// `folder`, or where the system has temporary files.
    ///
    /// Blocks: call it where that is allowed.
    ///
    /// # Errors
    /// [`ImportError`] if it is no such file, or its sync says nothing about the state of the application.
    pub fn open(
        path: &Path,
        folder: Option<&Path>,
        (limits, now): (&Limits, Timestamp),
    ) -> Result<Self, ImportError> {
        let reader = Reader::open(path, folder, limits)?;
        let run = reader.run(&RunChoice::Newest { now })?.clone();
        // What is unfinished, or a part, says nothing about what it lacks (baton R-8, S-22).
        if !run.finished || run.sync_type != "full" {
            return Err(ImportError::NotWhole { sync_id: run.id, sync_type: run.sync_type });
        }
        let judged = judge::judge(&reader, &run)?;
        // A sync that was skipped is finished and empty, and nobody means it (baton S-24).
        if judged.is_empty() {
            return Err(ImportError::Empty { sync_id: run.id });
        }
        Ok(Self { reader, run, judged })
    }

    /// The sync, as the file names it.
    pub fn run(&self) -> &SyncRun {
        &self.run
    }

    /// What is known of each kind.
    pub fn report(&self) -> SyncReport {
        self.judged.report(&self.run.id)
    }

    /// Hands over all rows of the kinds that are complete, kinds first, then resources, entitlements and grants.
    /// Grants come with the ids of both ends, and as the file tells them: inherited ones too.
    ///
    /// # Errors
    /// [`ImportError`] if the file cannot be read again, or `sink` does not keep a row.
    pub fn hand_over(&self, sink: &mut dyn SyncSink) -> Result<(), ImportError> {
        let (reader, run, all) = (&self.reader, &self.run, Filter::default());
        for row in reader.rows::<ResourceType>(run, &all) {
            let row = row?;
            if self.judged.has(&row.id) {
                sink.resource_type(&row)?;
            }
        }
        for row in reader.rows::<Resource>(run, &all) {
            let row = row?;
            if row.id.as_ref().is_some_and(|id| self.judged.has(&id.resource_type)) {
                sink.resource(&row)?;
            }
        }
        for row in reader.rows::<Entitlement>(run, &all) {
            let row = row?;
            let on = row.resource.as_ref().and_then(|on| on.id.as_ref());
            if on.is_some_and(|id| self.judged.has(&id.resource_type)) {
                sink.entitlement(&row)?;
            }
        }
        for row in reader.rows::<Grant>(run, &all) {
            let mut row = row?;
            if self.judged.has_grant(&row) {
                // Judged before: it can be read.
                let expandable = annotations::find::<GrantExpandable>(&row.annotations).ok().flatten();
                annotations::remove::<GrantExpandable>(&mut row.annotations);
                sink.grant(&row, expandable.as_ref())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
