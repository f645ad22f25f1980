use super::{EntitlementSource, Governance, GovernanceWrite, ResourceSource};
use crate::connector_file::Request;

impl Governance {
    /// Every request of the section, kind by kind.
    pub fn requests(&self) -> Vec<&Request> {
        let mut requests = Vec::new();
        for kind in &self.resource_types {
            if let ResourceSource::Listed(listed) = &kind.source {
                requests.push(&listed.request);
            }
            requests.extend(kind.get.as_ref().map(|get| &get.request));
            for entitlements in &kind.entitlements {
                if let EntitlementSource::Listed { request, .. } = &entitlements.source {
                    requests.push(request);
                }
                requests.extend(entitlements.grants.iter().map(|list| &list.request));
                requests.extend(sent([&entitlements.grant, &entitlements.revoke]));
            }
            for held in &kind.grants {
                requests.extend(sent([&held.grant, &held.revoke]));
            }
            requests.extend(kind.create.as_ref().map(|create| &create.write.request));
            requests.extend(kind.delete.as_ref().map(|write| &write.request));
        }
        requests
    }

    /// Gives the section's client config to its requests that bring none, so that nobody who runs one has to
    /// ask where it stands.
    pub(crate) fn hand_down_client(&mut self) {
        let Some(client) = self.client_config.clone() else { return };
        let give = |request: &mut Request| {
            request.client_config.get_or_insert_with(|| client.clone());
        };
        for kind in &mut self.resource_types {
            if let ResourceSource::Listed(listed) = &mut kind.source {
                give(&mut listed.request);
            }
            kind.get.iter_mut().for_each(|get| give(&mut get.request));
            for entitlements in &mut kind.entitlements {
                if let EntitlementSource::Listed { request, .. } = &mut entitlements.source {
                    give(request);
                }
                entitlements.grants.iter_mut().for_each(|list| give(&mut list.request));
                let writes = entitlements.grant.iter_mut().chain(&mut entitlements.revoke);
                writes.for_each(|write| give(&mut write.request));
            }
            for held in &mut kind.grants {
                held.grant.iter_mut().chain(&mut held.revoke).for_each(|write| give(&mut write.request));
            }
            kind.create.iter_mut().for_each(|create| give(&mut create.write.request));
            kind.delete.iter_mut().for_each(|write| give(&mut write.request));
        }
    }
}

fn sent(writes: [&Option<GovernanceWrite>; 2]) -> impl Iterator<Item = &Request> {
    writes.into_iter().flatten().map(|write| &write.request)
}
