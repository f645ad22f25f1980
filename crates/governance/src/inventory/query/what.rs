//! What a principal can reach.

use super::{AccessItem, GrantItem};
use crate::inventory::view::Inventory;
use crate::number::{EntitlementNumber, ResourceNumber};
use crate::reach::{AccessQuery, Bounded};

/// What can a principal reach?
#[derive(Debug, Clone, Copy)]
pub struct WhatQuery {
    /// Who.
    pub principal: ResourceNumber,
    /// How many entitlements to tell of.
    pub limit: usize,
}

impl Inventory {
    /// Everything that the principal holds, each entitlement once: the direct ones by number, then the others, the
    /// nearest first.
    pub fn what(&self, query: &WhatQuery) -> Bounded<AccessItem> {
        self.what_behind(0, query)
    }

    /// The same without the first ones, which were told before.
    pub fn what_behind(&self, first: usize, query: &WhatQuery) -> Bounded<AccessItem> {
        let principal = query.principal;
        // One of them may be the entitlement of the principal's own that brings told grants.
        let limit = query.limit.saturating_add(first).saturating_add(1);
        let found = self.graph.access(&AccessQuery { principal, limit });
        let brought = self.graph.brought(principal);
        let through = |entitlement: EntitlementNumber| {
            let from = brought.partition_point(|(brought, _)| *brought < entitlement);
            let same = brought.get(from..).unwrap_or_default().iter();
            let same = same.take_while(|(brought, _)| *brought == entitlement);
            same.map(|(_, through)| *through).filter(|through| self.is_real(*through)).collect()
        };
        let mut items: Vec<AccessItem> = found
            .items
            .iter()
            .filter(|access| self.is_real(access.entitlement))
            .skip(first)
            .map(|access| AccessItem {
                grant: GrantItem { entitlement: access.entitlement, principal, held: access.held },
                through: through(access.entitlement),
                told: self.told_ids(access.entitlement, principal),
            })
            .collect();
        let more = found.more || items.len() > query.limit;
        items.truncate(query.limit);
        Bounded { items, more }
    }
}
