//! Kinds whose resources hold things and do nothing else, as accounts do: they are gone through once.
//!
//! Nothing is held on them, derived from them or listed for them, and nothing comes through them to others. So their rows
//! wait until all is known that they may hold, and then each page says at once what its resources are and what they hold. They
//! are the longest lists as a rule, and often what is still being read while rows are made.

use spec::connector_file::governance::{EntitlementSource, Governance, ResourceSource, ResourceType};

use super::grants::{KnownTargets, Principal};
use super::{Assembly, rows};
use crate::sync::SyncError;

impl Assembly<'_> {
    /// Whether the kind at a place is gone through once.
    pub(super) fn only_holds(&self, place: usize) -> bool {
        let is_whole = self.plan.reads_grants() && !self.plan.is_of_resources();
        let kind = self.governance.resource_types.get(place).filter(|_| is_whole);
        kind.is_some_and(|kind| only_holds(self.governance, kind))
    }

    /// The rows of all resources of such a kind, and of what they say they hold.
    pub(super) fn resources_and_held(&mut self, place: usize) -> Result<(), SyncError> {
        let Some(kind) = self.governance.resource_types.get(place) else { return Ok(()) };
        let children = rows::children(self.governance, kind);
        let mut known = KnownTargets::default();
        self.each(place, |this, item, parent| {
            // One that came before is left out: lists shift while they are read (segment-api A22).
            let Some(number) = this.names.add(place, &item.id) else { return Ok(()) };
            this.resource(place, rows::resource(kind, item, (parent, &children)))?;
            let principal = Principal { kind: place, id: &item.id, number };
            this.held_by(kind, (principal, &item.holds), &mut known)
        })
    }
}

fn only_holds(governance: &Governance, kind: &ResourceType) -> bool {
    let brings_others = kind.grants.iter().any(|rule| !rule.expand.is_empty());
    let mut all = governance.resource_types.iter();
    let is_named = all.any(|other| {
        let is_listed_for = match &other.source {
            ResourceSource::Listed(listed) => listed.per.as_ref() == Some(&kind.id),
            ResourceSource::Static(_) => false,
        };
        let is_held = other.grants.iter().any(|rule| rule.resource.types.contains(&kind.id));
        let is_part = other.entitlements.iter().any(|entitlements| {
            let is_origin = match &entitlements.source {
                EntitlementSource::Derived { of, .. } => *of == kind.id,
                EntitlementSource::Static | EntitlementSource::Listed { .. } => false,
            };
            let brings = |list: &spec::connector_file::governance::EntitlementGrants| {
                !list.expand.is_empty() && list.principal.types.contains(&kind.id)
            };
            is_origin || entitlements.grants.iter().any(brings)
        });
        is_listed_for || is_held || is_part
    });
    !kind.grants.is_empty() && kind.entitlements.is_empty() && !brings_others && !is_named
}
