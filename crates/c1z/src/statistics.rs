use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::layout::Table;

/// How much a run holds (baton R-7).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statistics {
    /// Resource types.
    pub resource_types: u64,
    /// Resources.
    pub resources: u64,
    /// Entitlements.
    pub entitlements: u64,
    /// Grants.
    pub grants: u64,
    /// Assets.
    #[serde(skip_serializing_if = "is_zero")]
    pub assets: u64,
    /// Resources of each type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources_by_resource_type: BTreeMap<String, u64>,
    /// Grants on resources of each type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub grants_by_resource_type: BTreeMap<String, u64>,
    /// Entitlements on resources of each type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub entitlements_by_resource_type: BTreeMap<String, u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Statistics {
    /// As a run keeps them.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("counts under text keys are JSON")
    }

    /// Adds rows (takes them away, if below 0) of a table, on resources of this type.
    pub(crate) fn count(&mut self, table: Table, resource_type: &str, rows: i64) {
        let (total, by_type) = match table {
            Table::ResourceTypes => (&mut self.resource_types, None),
            Table::Resources => (&mut self.resources, Some(&mut self.resources_by_resource_type)),
            Table::Entitlements => (&mut self.entitlements, Some(&mut self.entitlements_by_resource_type)),
            Table::Grants => (&mut self.grants, Some(&mut self.grants_by_resource_type)),
            Table::Assets => (&mut self.assets, None),
            Table::SyncRuns => return,
        };
        *total = total.saturating_add_signed(rows);
        if let Some(by_type) = by_type {
            match by_type.get_mut(resource_type) {
                Some(count) => *count = count.saturating_add_signed(rows),
                None => {
                    by_type.insert(resource_type.to_owned(), 0_u64.saturating_add_signed(rows));
                }
            }
        }
    }
}
