use std::collections::HashSet;
use std::io;
use std::path::Path;

use c1z::{Filter, Limits, Reader, Stored};
use protos::annotations;
use protos::c1::connector::v2::{ChildResourceType, Entitlement, Grant, Resource, ResourceId, ResourceType};
use thiserror::Error;

use super::page_token::Stamp;
use super::row_file::{ListId, RowFile, RowWriter};
use super::unexpanded::reported;

/// One reading of the application, as lists.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) stamp: Stamp,
    pub(super) rows: RowFile,
}

/// Why a reading cannot be listed.
#[derive(Debug, Error)]
pub(super) enum SnapshotError {
    /// The file of the sync.
    #[error("what was read cannot be opened: {0}")]
    Read(#[from] c1z::ReadError),
    /// The rows beside it.
    #[error("what was read cannot be kept ({}); look at the temporary folder", .0.kind())]
    Keep(#[from] io::Error),
}

impl Snapshot {
    /// Puts the rows of a sync's file into lists.
    pub(super) fn of_file(file: &Path, folder: Option<&Path>) -> Result<Self, SnapshotError> {
        let reader = Reader::open(file, folder, &Limits::default())?;
        // There is one, also where the process reads no entitlements and no grants: then it is not one of everything.
        let run = reader.runs().last().ok_or(c1z::ReadError::NoRun)?;
        let mut writer = RowWriter::new(folder)?;
        each::<ResourceType>(&reader, run, |row| writer.add(&row, &[ListId::types()]))?;
        let mut announced = HashSet::new();
        each::<Resource>(&reader, run, |row| {
            if let Some(id) = &row.id {
                let kinds = annotations::list::<ChildResourceType>(&row.annotations).unwrap_or_default();
                announced
                    .extend(kinds.iter().map(|kind| ListId::children(&kind.resource_type_id, parts(id))));
            }
            Ok(())
        })?;
        each::<Resource>(&reader, run, |row| {
            let Some(id) = &row.id else { return Ok(()) };
            let own = ListId::resource(&id.resource_type, &id.resource);
            let parent = row.parent_resource_id.as_ref();
            // A resource is in one of the lists that a driver asks for, not in two (baton M-7).
            let below = parent.map(|parent| ListId::children(&id.resource_type, parts(parent)));
            let list = match below {
                Some(below) if announced.contains(&below) => below,
                Some(_) | None => ListId::resources(&id.resource_type),
            };
            writer.add(&row, &[own, list])
        })?;
        each::<Entitlement>(&reader, run, |row| {
            let on = row.resource.as_ref().and_then(|on| on.id.as_ref());
            let Some(on) = on else { return Ok(()) };
            let list = ListId::entitlements(&on.resource_type, &on.resource);
            writer.add(&row, &[list])
        })?;
        each::<Grant>(&reader, run, |row| {
            let Some(row) = reported(row) else { return Ok(()) };
            let entitlement = row.entitlement.as_ref().and_then(|entitlement| entitlement.resource.as_ref());
            let Some(on) = entitlement.and_then(|on| on.id.as_ref()) else { return Ok(()) };
            let list = ListId::grants(&on.resource_type, &on.resource);
            writer.add(&row, &[list])
        })?;
        let mut stamp = Stamp::default();
        stamp.iter_mut().zip(crypto::sha256(run.id.as_bytes())).for_each(|(byte, of)| *byte = of);
        Ok(Self { stamp, rows: writer.finish()? })
    }
}

fn parts(id: &ResourceId) -> (&str, &str) {
    (&id.resource_type, &id.resource)
}

fn each<T: Stored>(
    reader: &Reader,
    run: &c1z::SyncRun,
    mut add: impl FnMut(T) -> io::Result<()>,
) -> Result<(), SnapshotError> {
    for row in reader.rows::<T>(run, &Filter::default()) {
        add(row?)?;
    }
    Ok(())
}
