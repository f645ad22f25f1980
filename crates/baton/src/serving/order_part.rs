use governance::change::ResourceName;
use governance::{Expansion, NamedResource, SyncDepth, SyncPart};
use protos::c1::connector::v2::{Resource, ResourceId};
use spec::connector_file::ConnectorFile;
use tonic::Code;

use super::failure::failure;
use crate::command_line::{StorageEngine, SyncSettings};
use crate::one_shot::{UnknownKind, kinds_of, resources_of, wanted_part};
use crate::service::{SyncOrder, TaskFailure};

/// Which part of everything a task asks for (baton P-24), where it says nothing the one that the process is told.
pub(super) fn part_of_order(
    file: &ConnectorFile,
    (order, told): (&SyncOrder, &SyncSettings),
) -> Result<SyncPart, TaskFailure> {
    // What the process is told wins (baton P-24).
    if told.storage.is_none() && order.storage == Some(StorageEngine::Pebble) {
        let text = "files for `storage_engine` `pebble` are not written by this connector; ask for `sqlite`";
        return Err(TaskFailure::new(Code::Unimplemented, text));
    }
    let Some(mut part) = wanted_part(file, told).map_err(|error| failure(&error))? else {
        let text = "the connector runs with `skip-full-sync` and reads nothing; an empty sync in place of one would \
                    say that nobody has access";
        return Err(TaskFailure::new(Code::FailedPrecondition, text));
    };
    if order.skip_entitlements_and_grants {
        part.depth = SyncDepth::ResourcesOnly;
    } else if order.skip_grants && part.depth == SyncDepth::Everything {
        part.depth = SyncDepth::WithoutGrants;
    }
    if order.skip_expand_grants {
        part.expansion = Expansion::Left;
    }
    let unknown = |field: &'static str| {
        move |UnknownKind { kind, known }| {
            let text = format!("`{field}`: there is no type `{kind}` to be read; there are {known}");
            TaskFailure::new(Code::InvalidArgument, text)
        }
    };
    if !order.resource_types.is_empty() {
        part.kinds = kinds_of(file, &order.resource_types).map_err(unknown("sync_resource_type_ids"))?;
    }
    if !order.resources.is_empty() {
        part.resources = order.resources.iter().map(named).collect::<Result<_, _>>()?;
    }
    // Also those that the process is told: the task may leave out their kinds.
    part.resources =
        resources_of((file, &part.kinds), part.resources).map_err(unknown("targeted_sync_resources"))?;
    Ok(part)
}

fn named(resource: &Resource) -> Result<NamedResource, TaskFailure> {
    let name = |id: &ResourceId| {
        let has_both = !id.resource_type.is_empty() && !id.resource.is_empty();
        has_both.then(|| ResourceName::new(&id.resource_type, &id.resource))
    };
    let own = resource.id.as_ref().and_then(name);
    let own = own.ok_or_else(|| {
        TaskFailure::new(
            Code::InvalidArgument,
            "`targeted_sync_resources` names a resource without type or id",
        )
    })?;
    Ok(NamedResource { name: own, parent: resource.parent_resource_id.as_ref().and_then(name) })
}
