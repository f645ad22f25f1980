use std::path::Path;

use c1z::{Filter, Limits, Reader, Stored, SyncRun};
use jiff::Timestamp;
use model::RunId;
use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceType};
use store::InventoryOrigin;

use super::sink::{Keeper, KeptRows, Teller};
use super::{KeepError, KeepRequest, Kept, fresh, known_chunks, take};
use crate::aside::aside;
use crate::report::KindReport;
use crate::sink::{SinkError, SyncSink};
use crate::source::SourceReading;

/// Makes the newest finished sync of everything in a `.c1z` file the inventory of the connection.
///
/// What its maker says follows from grants is kept and stays marked so. `told` is what is known of its kinds
/// besides, as of those that could not be believed: of an incomplete one the last good part stays. A kind that
/// neither has counts as gone: a file leaves out what could not be read, so that the guard asks about it.
///
/// # Errors
/// [`KeepError`] if the file has no result or it cannot be kept: then nothing of it is in force.
pub async fn keep_file(
    request: &KeepRequest<'_>,
    (file, limits): (&Path, &Limits),
    told: &[KindReport],
) -> Result<Kept, KeepError> {
    keep(request, (file, limits), (told, None)).await
}

/// The same for what a source told, as the result of the sync that is this run.
///
/// # Errors
/// As [`keep_file`].
pub(crate) async fn keep_reading(
    request: &KeepRequest<'_>,
    reading: &SourceReading,
    run: &RunId,
) -> Result<Kept, KeepError> {
    let file = (reading.believed(), &Limits::default());
    keep(request, file, (&reading.report().kinds, Some(run))).await
}

async fn keep(
    request: &KeepRequest<'_>,
    (file, limits): (&Path, &Limits),
    (told, sync): (&[KindReport], Option<&RunId>),
) -> Result<Kept, KeepError> {
    let key = request.store.inventory_key_get(request.connection).await?;
    let mut keeper =
        Keeper::new((request.store.clone(), key.clone()), known_chunks(request).await?, Teller::Somebody);
    let (path, limits, now) = (file.to_owned(), *limits, request.store.clock().now());
    let (rows, read_at, sync_id) = aside(move || {
        let reader = Reader::open(&path, path.parent(), &limits)?;
        let runs = reader.full_runs();
        let run = *runs.first().ok_or(KeepError::NoRun)?;
        read(&reader, run, &mut keeper)?;
        let rows = keeper.finish()?;
        Ok::<_, KeepError>((rows, read_at(run, now), run.id.clone()))
    })
    .await?;
    if is_empty(&rows) {
        return Err(KeepError::Empty);
    }
    let fresh = fresh((&key, Teller::Somebody), read_at, (rows, told));
    let origin = match sync {
        Some(run) => (InventoryOrigin::Sync, run.as_str()),
        None => (InventoryOrigin::File, sync_id.as_str()),
    };
    take(request, (origin.0, Some(origin.1)), fresh).await
}

/// When the rows were read, as far as a file is believed: what it says, if that is not still to come.
fn read_at(run: &SyncRun, now: Timestamp) -> Timestamp {
    run.started_at.or(run.ended_at).map_or(now, |told| told.min(now))
}

fn is_empty(rows: &KeptRows) -> bool {
    rows.parts.iter().all(|part| part.counts.resources == 0)
}

fn read(reader: &Reader, run: &SyncRun, keeper: &mut Keeper) -> Result<(), KeepError> {
    each::<ResourceType>(reader, run, &mut |row| keeper.resource_type(row))?;
    each::<Resource>(reader, run, &mut |row| keeper.resource(row))?;
    each::<Entitlement>(reader, run, &mut |row| keeper.entitlement(row))?;
    each::<Grant>(reader, run, &mut |row| keeper.grant(row, None))
}

fn each<T: Stored>(
    reader: &Reader,
    run: &SyncRun,
    take: &mut dyn FnMut(&T) -> Result<(), SinkError>,
) -> Result<(), KeepError> {
    for row in reader.rows::<T>(run, &Filter::default()) {
        take(&row?)?;
    }
    Ok(())
}
