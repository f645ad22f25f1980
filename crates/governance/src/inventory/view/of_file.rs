//! The inventory of one sync run in a `.c1z` file.

use c1z::{Filter, ReadError, Reader, Stored, SyncRun};
use jiff::Timestamp;
use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceType};
use thiserror::Error;

use super::{Inventory, InventoryBuilder, KindStanding, KindState};
use crate::inventory::InventoryError;
use crate::sink::{SinkError, SyncSink as _};

/// Why a file gives no inventory.
#[derive(Debug, Error)]
pub enum FileInventoryError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] ReadError),
    /// A row cannot be taken.
    #[error(transparent)]
    Row(#[from] SinkError),
    /// No inventory can be made of its rows.
    #[error(transparent)]
    Rows(#[from] InventoryError),
}

impl Inventory {
    /// Everything in a run, in memory. It is of the time that the file tells, unless that is still to come. A run that
    /// is not finished may lack anything, so no kind of it is complete. What no list could be read of has no rows in a
    /// file, and the file does not tell of it.
    ///
    /// # Errors
    /// [`FileInventoryError`] if the file is damaged.
    pub fn of_run(reader: &Reader, run: &SyncRun, now: Timestamp) -> Result<Self, FileInventoryError> {
        let mut builder = InventoryBuilder::new();
        let as_of = run.ended_at.or(run.started_at).map_or(now, |told| told.min(now));
        each::<ResourceType>((reader, run), &mut |row| {
            if !run.finished {
                builder.kind_state(KindState {
                    kind: row.id.clone(),
                    status: KindStanding::Incomplete,
                    as_of: Some(as_of),
                    reason: Some("the sync run of the file is not finished".to_owned()),
                });
            }
            builder.resource_type(row)
        })?;
        each::<Resource>((reader, run), &mut |row| builder.resource(row))?;
        each::<Entitlement>((reader, run), &mut |row| builder.entitlement(row))?;
        each::<Grant>((reader, run), &mut |row| builder.grant(row, None))?;
        Ok(builder.finish(as_of)?)
    }
}

fn each<T: Stored>(
    (reader, run): (&Reader, &SyncRun),
    take: &mut dyn FnMut(&T) -> Result<(), SinkError>,
) -> Result<(), FileInventoryError> {
    for row in reader.rows::<T>(run, &Filter::default()) {
        take(&row?)?;
    }
    Ok(())
}
