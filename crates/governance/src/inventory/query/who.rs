//! Who holds something, and through which groups.

use std::borrow::Cow;

use serde::Serialize;

use super::grants::held;
use super::{GrantItem, QueryError};
use crate::inventory::view::{EntitlementRef, Inventory, ResourceRef};
use crate::number::{EntitlementNumber, ResourceNumber};
use crate::reach::{Bounded, Bringers, Held, HolderQuery, Target};

/// Who holds a target?
#[derive(Debug, Clone, Copy)]
pub struct WhoQuery<'a> {
    /// An entitlement, or anything on a resource.
    pub target: Target,
    /// Only principals of this kind.
    pub principal_kind: Option<&'a str>,
    /// How many holders to tell of.
    pub limit: usize,
}

/// A grant, and all through which it is inherited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessItem {
    /// The grant.
    pub grant: GrantItem,
    /// What the principal holds directly and what brings the entitlement, by number: usually memberships. A grant
    /// that is held directly may be inherited as well.
    pub through: Vec<EntitlementNumber>,
    /// Ids of entitlements that it is told to follow from, where no way shows it.
    pub told: Vec<String>,
}

/// The same by its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessView<'a> {
    /// The grant's id.
    pub id: Cow<'a, str>,
    /// What is held.
    pub entitlement: EntitlementRef<'a>,
    /// By whom.
    pub principal: ResourceRef<'a>,
    /// `direct` or `inherited`.
    #[serde(serialize_with = "held")]
    pub held: Held,
    /// What the principal holds directly and what brings it.
    pub through: Vec<EntitlementRef<'a>>,
    /// Ids of entitlements that it is told to follow from, where no way shows it.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub told: &'a [String],
}

impl Inventory {
    /// Everyone who holds the target, each once for each entitlement: by entitlement, the direct holders first.
    ///
    /// # Errors
    /// [`QueryError`] if there is no such kind of principals.
    pub fn who(&self, query: &WhoQuery<'_>) -> Result<Bounded<AccessItem>, QueryError> {
        self.who_behind(0, query)
    }

    /// The same without the first ones, which were told before.
    ///
    /// # Errors
    /// As [`Inventory::who`].
    pub fn who_behind(&self, first: usize, query: &WhoQuery<'_>) -> Result<Bounded<AccessItem>, QueryError> {
        let kind = self.wanted_kind(query.principal_kind)?;
        let principal_types: Vec<_> = kind.into_iter().collect();
        let found = self.graph.holders(&HolderQuery {
            target: query.target,
            principal_types: &principal_types,
            limit: query.limit.saturating_add(first),
        });
        // Holders come by entitlement: what brings one takes memory until the next one comes, and no longer.
        let mut bringers: Option<(EntitlementNumber, Bringers<'_>)> = None;
        let items = found.items.iter().skip(first).map(|holder| {
            let (entitlement, principal) = (holder.entitlement, holder.principal);
            let known = bringers.take().filter(|(of, _)| *of == entitlement);
            let known = known.unwrap_or_else(|| (entitlement, self.graph.bringers(entitlement)));
            let (_, of) = bringers.insert(known);
            let through = of.held_by(principal).into_iter().filter(|held| self.is_real(*held)).collect();
            let grant = GrantItem { entitlement, principal, held: holder.held };
            AccessItem { grant, through, told: self.told_ids(entitlement, principal) }
        });
        Ok(Bounded { items: items.collect(), more: found.more })
    }

    /// A grant with what brings it, by their names.
    pub fn access_view<'a>(&'a self, item: &'a AccessItem) -> AccessView<'a> {
        let view = self.grant(&item.grant);
        AccessView {
            id: view.id,
            entitlement: view.entitlement,
            principal: view.principal,
            held: view.held,
            through: item.through.iter().map(|through| self.entitlement_ref(*through)).collect(),
            told: &item.told,
        }
    }

    pub(super) fn told_ids(&self, entitlement: EntitlementNumber, principal: ResourceNumber) -> Vec<String> {
        let row = self.find_told(entitlement, principal);
        row.map(|row| self.told_sources(row).map(str::to_owned).collect()).unwrap_or_default()
    }
}
