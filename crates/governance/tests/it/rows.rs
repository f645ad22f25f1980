//! A sink that keeps everything, for comparison.

use std::collections::BTreeMap;

use governance::{SinkError, SyncSink};
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};

/// The rows of a sync, in the order in which they came and by id.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) resource_types: Vec<ResourceType>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) entitlements: Vec<Entitlement>,
    pub(crate) grants: Vec<(Grant, Option<GrantExpandable>)>,
    by_id: BTreeMap<String, usize>,
}

impl SyncSink for Rows {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        self.resource_types.push(row.clone());
        Ok(())
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        self.resources.push(row.clone());
        Ok(())
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        self.entitlements.push(row.clone());
        Ok(())
    }

    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        let kept = (row.clone(), expandable.cloned());
        if let Some(place) = self.by_id.get(&row.id) {
            self.grants[*place] = kept;
        } else {
            self.by_id.insert(row.id.clone(), self.grants.len());
            self.grants.push(kept);
        }
        Ok(())
    }
}
