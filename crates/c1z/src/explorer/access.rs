use std::collections::HashMap;

use protos::baton::v1::{ResourceAccessListOutput, ResourceAccessOutput};
use protos::c1::connector::v2::{Grant, ResourceId};

use super::{Explorer, GrantNames};
use crate::{Filter, ReadError};

impl Explorer<'_> {
    /// What a principal has: each resource once, in the order of its first grant, with the entitlements on it.
    ///
    /// # Errors
    /// If the run has no such principal.
    pub fn access(&self, resource_type: &str, id: &str) -> Result<ResourceAccessListOutput, ReadError> {
        let id = ResourceId {
            resource_type: resource_type.to_owned(),
            resource: id.to_owned(),
            ..ResourceId::default()
        };
        let principal = self.finder.resource(&id)?.ok_or_else(|| ReadError::NoSuch {
            what: "resource",
            id: model::visible(&format!("{}:{}", id.resource_type, id.resource)).into_owned(),
        })?;
        let held = Filter { principal: Some((id.resource_type, id.resource)), ..Filter::default() };
        let mut access: Vec<ResourceAccessOutput> = Vec::new();
        let mut places = HashMap::new();
        for grant in self.reader.rows::<Grant>(self.run, &held) {
            let grant = grant?;
            let names = GrantNames::of(&grant);
            let entitlement = self.entitlement(names.entitlement)?;
            let key = (names.resource.resource_type.clone(), names.resource.resource.clone());
            let place = *places.entry(key).or_insert(access.len());
            if let Some(known) = access.get_mut(place) {
                known.entitlements.push(entitlement);
                continue;
            }
            access.push(ResourceAccessOutput {
                resource_type: Some(self.resource_type(&names.resource.resource_type)?),
                resource: Some(self.resource(&names.resource)?),
                entitlements: vec![entitlement],
            });
        }
        Ok(ResourceAccessListOutput { principal: Some(principal.as_ref().clone()), access })
    }
}
