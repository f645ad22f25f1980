//! Which part of an application's access is wanted.

use std::collections::BTreeSet;

use governance::change::ResourceName;
use governance::{Expansion, NamedResource, SyncPart};
use spec::connector_file::ConnectorFile;

use super::{OneShotError, unsupported};
use crate::command_line::{ResourceBid, StorageEngine, SyncDepth, SyncSettings};

/// What the flags of a process say; `None` if nothing is to be read.
///
/// # Errors
/// [`OneShotError`] for what this version does not do, and for kinds that the file does not have.
pub(crate) fn wanted_part(
    file: &ConnectorFile,
    wanted: &SyncSettings,
) -> Result<Option<SyncPart>, OneShotError> {
    if wanted.external.is_some() {
        return Err(unsupported("external-resource-c1z", "leave it out"));
    }
    if wanted.storage == Some(StorageEngine::Pebble) {
        return Err(unsupported("storage-engine", "`sqlite` is the format that every explorer reads"));
    }
    let unknown = |field| move |UnknownKind { kind, known }| OneShotError::UnknownKind { field, kind, known };
    let kinds = kinds_of(file, &wanted.resource_types).map_err(unknown("sync-resource-types"))?;
    let resources: Vec<NamedResource> = wanted.resources.iter().map(named).collect();
    let resources = resources_of((file, &kinds), resources).map_err(unknown("sync-resources"))?;
    let depth = match wanted.depth {
        SyncDepth::Nothing => return Ok(None),
        SyncDepth::Everything => governance::SyncDepth::Everything,
        SyncDepth::ResourcesOnly => governance::SyncDepth::ResourcesOnly,
        SyncDepth::WithoutGrants => governance::SyncDepth::WithoutGrants,
    };
    Ok(Some(SyncPart { kinds, resources, depth, expansion: Expansion::Done }))
}

fn named(bid: &ResourceBid) -> NamedResource {
    NamedResource {
        name: ResourceName::new(&bid.resource_type, &bid.id),
        parent: bid.parent.as_ref().map(|(kind, id)| ResourceName::new(kind, id)),
    }
}

/// A kind that the file does not have or that is not wanted, and those that may be named.
#[derive(Debug)]
pub(crate) struct UnknownKind {
    pub(crate) kind: String,
    pub(crate) known: String,
}

/// These kinds, if the file has all of them.
pub(crate) fn kinds_of(file: &ConnectorFile, kinds: &[String]) -> Result<BTreeSet<String>, UnknownKind> {
    known(file, &BTreeSet::new(), kinds.iter())?;
    Ok(kinds.iter().cloned().collect())
}

/// These resources, if the file has the kinds of all of them and `kinds`, unless it is empty, has too: one that was left
/// out would pass for one that is not there.
pub(crate) fn resources_of(
    (file, kinds): (&ConnectorFile, &BTreeSet<String>),
    resources: Vec<NamedResource>,
) -> Result<Vec<NamedResource>, UnknownKind> {
    known(file, kinds, resources.iter().map(|resource| &resource.name.kind))?;
    Ok(resources)
}

fn known<'a>(
    file: &ConnectorFile,
    wanted: &BTreeSet<String>,
    mut kinds: impl Iterator<Item = &'a String>,
) -> Result<(), UnknownKind> {
    // Without the section there is nothing to compare with; the sync itself says that it is missing.
    let Some(section) = file.governance.as_deref() else { return Ok(()) };
    let is_wanted = |kind: &str| wanted.is_empty() || wanted.contains(kind);
    let unknown = kinds.find(|kind| section.find_type(kind).is_none() || !is_wanted(kind));
    let Some(kind) = unknown else { return Ok(()) };
    let known = section.resource_types.iter().map(|known| known.id.as_str());
    let known: Vec<&str> = known.filter(|known| is_wanted(known)).collect();
    Err(UnknownKind { kind: kind.clone(), known: known.join(", ") })
}
