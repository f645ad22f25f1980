use protos::c1::connector::v2::{Capability, ConnectorCapabilities, ResourceTypeCapability};
use spec::connector_file::ConnectorFile;
use spec::connector_file::governance::{Governance, ResourceType};

/// What a connector file can do, by kind of resources, in the order of their ids (baton M-3). Empty for a file
/// without a section `governance`.
pub fn capabilities(file: &ConnectorFile) -> ConnectorCapabilities {
    let Some(governance) = file.governance.as_deref() else { return ConnectorCapabilities::default() };
    let mut kinds: Vec<&ResourceType> = governance.resource_types.iter().collect();
    kinds.sort_by(|left, right| left.id.cmp(&right.id));
    ConnectorCapabilities {
        resource_type_capabilities: kinds.into_iter().map(|kind| of_kind(governance, kind)).collect(),
        ..ConnectorCapabilities::default()
    }
}

fn of_kind(governance: &Governance, kind: &ResourceType) -> ResourceTypeCapability {
    let is_account = kind.create.as_ref().is_some_and(|create| create.is_account);
    let abilities = [
        (true, Capability::Sync),
        (is_provisioned(governance, kind), Capability::Provision),
        (is_account, Capability::AccountProvisioning),
        (kind.create.is_some() && !is_account, Capability::ResourceCreate),
        (kind.delete.is_some(), Capability::ResourceDelete),
        // Where the file does not say how one is asked for, it is looked for in the list.
        (true, Capability::TargetedSync),
    ];
    ResourceTypeCapability {
        resource_type: Some(governance::resource_type_row(kind)),
        capabilities: abilities.into_iter().filter(|(has, _)| *has).map(|(_, of)| of as i32).collect(),
        skip_sync_anomaly_detection: kind.skips.anomaly_detection,
        ..ResourceTypeCapability::default()
    }
}

/// Whether some entitlement on resources of the kind can be given or taken: as the kind says itself, or as those
/// say that hold it.
fn is_provisioned(governance: &Governance, kind: &ResourceType) -> bool {
    let own = kind.entitlements.iter().any(|own| own.grant.is_some() || own.revoke.is_some());
    let mut held = governance.resource_types.iter().flat_map(|holder| &holder.grants);
    own || held
        .any(|held| (held.grant.is_some() || held.revoke.is_some()) && held.resource.types.contains(&kind.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flag::tests::library;

    // rule: baton SG-5, M-3
    #[test]
    fn segment_lists_its_types_by_id_and_what_can_be_done_with_each() {
        let capabilities = capabilities(&library("segment"));

        let told: Vec<(String, Vec<&str>)> = capabilities
            .resource_type_capabilities
            .iter()
            .map(|of| {
                let names =
                    of.capabilities().map(|name| name.as_str_name().trim_start_matches("CAPABILITY_"));
                (of.resource_type.as_ref().unwrap().id.clone(), names.collect())
            })
            .collect();
        let ids: Vec<&str> = told.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(
            ids,
            ["function", "group", "invite", "role", "source", "space", "user", "warehouse", "workspace"]
        );
        for (id, abilities) in &told {
            assert_eq!(abilities.first(), Some(&"SYNC"), "{id}");
            let provisioned =
                ["function", "group", "role", "source", "space", "warehouse"].contains(&id.as_str());
            assert_eq!(abilities.contains(&"PROVISION"), provisioned, "{id}: {abilities:?}");
            assert_eq!(abilities.last(), Some(&"TARGETED_SYNC"), "{id}");
        }
        assert_eq!(capabilities.connector_capabilities, Vec::<i32>::new());
    }
}
