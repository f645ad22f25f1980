//! The grants of a sync: which entitlement each is of, and who holds it.

use std::collections::HashMap;

use protos::c1::connector::v2::{GrantExpandable, ResourceId};
use serde_json::Value;
use spec::connector_file::governance::{
    EntitlementGrants, EntitlementSource, EntitlementText, HeldGrants, ResourceType, Slug,
};
use spec::expression::Scope;

use super::{Assembly, rows};
use crate::expansion::{Origin, ReportedGrant};
use crate::item::{HeldItem, HeldTarget, HolderItem, Item, ResourceItem, TextItem};
use crate::listing::Listing;
use crate::mapping::entitlement_text;
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};
use crate::outlet::SyncRow;
use crate::sync::SyncError;

/// So many things that are held are remembered with what their grants have in common.
const MOST_KNOWN: usize = 1 << 14;

/// What a grant is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Place of the kind.
    pub(super) kind: usize,
    pub(super) id: String,
    pub(super) slug: String,
    /// Whether the kind describes such an entitlement, so that it has its row.
    pub(super) is_described: bool,
}

/// What all grants of an entitlement have in common.
#[derive(Debug)]
struct Granted {
    /// Place of the kind.
    kind: usize,
    on: ResourceId,
    entitlement: String,
    /// If it has a part in expansion: its grants are written when their sources are known.
    collected: Option<EntitlementNumber>,
}

/// What is held by the resources of a kind, with what grants of it have in common: thousands hold the same few things.
/// None of those that an entry of the application names: each has its own.
#[derive(Debug, Default)]
pub(super) struct KnownTargets(HashMap<HeldItem, Granted>);

impl KnownTargets {
    fn find(&self, held: &HeldItem) -> Option<&Granted> {
        if held.entry.is_some() { None } else { self.0.get(held) }
    }

    fn remember(&mut self, held: &HeldItem, granted: Granted) {
        if held.entry.is_some() {
            return;
        }
        if self.0.len() == MOST_KNOWN {
            self.0.clear();
        }
        self.0.insert(held.clone(), granted);
    }
}

/// Who holds something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Principal<'a> {
    /// Place of the kind.
    pub(super) kind: usize,
    pub(super) id: &'a str,
    pub(super) number: ResourceNumber,
}

impl Assembly<'_> {
    /// The grants that the resources of the kind at `place` say they hold.
    pub(super) fn held(&mut self, place: usize) -> Result<(), SyncError> {
        let Some(kind) = self.governance.resource_types.get(place) else { return Ok(()) };
        if kind.grants.is_empty() {
            return Ok(());
        }
        let mut known = KnownTargets::default();
        self.each_holding(place, |this, principal, holds| this.held_by(kind, (principal, holds), &mut known))
    }

    /// The grants that a resource of a kind says it holds.
    pub(super) fn held_by(
        &mut self,
        kind: &ResourceType,
        (principal, holds): (Principal<'_>, &[HeldItem]),
        known: &mut KnownTargets,
    ) -> Result<(), SyncError> {
        for held in holds {
            let Some(rule) = kind.grants.get(held.rule) else { continue };
            if let Some(granted) = known.find(held) {
                self.grant(granted, principal, &rule.expand)?;
                continue;
            }
            let Some(target) = self.target((held, rule)) else {
                self.note_unplaced((held, rule));
                continue;
            };
            self.prepare(&target, (held, rule))?;
            let granted = self.granted(&target)?;
            self.grant(&granted, principal, &rule.expand)?;
            known.remember(held, granted);
        }
        Ok(())
    }

    /// The grants in a list of holders.
    pub(super) fn holders(&mut self, listing: Listing) -> Result<(), SyncError> {
        let governance = self.governance;
        let Some(kind) = governance.resource_types.get(listing.of) else { return Ok(()) };
        let pages = self.pages;
        let mut seen = (usize::MAX, std::collections::HashSet::new());
        pages.each(listing, |unit, items| {
            let Some(id) = self.names.at(listing.of, unit.place()).map(str::to_owned) else { return Ok(()) };
            if seen.0 != unit.place() {
                seen = (unit.place(), std::collections::HashSet::new());
            }
            for item in items {
                let Item::Holder(holder) = item else { continue };
                let Some((slug, grants)) = holder_list(kind, &holder) else { continue };
                let Some(principal_kind) = self.holder_kind((&holder, grants), listing.of) else { continue };
                let number = self.known(principal_kind, &holder.principal_id)?;
                if seen.1.insert((holder.entitlement, number)) {
                    let (kind, id, slug) = (listing.of, id.clone(), slug.to_owned());
                    let target = Target { kind, id, slug, is_described: true };
                    let principal = Principal { kind: principal_kind, id: &holder.principal_id, number };
                    let granted = self.granted(&target)?;
                    self.grant(&granted, principal, &grants.expand)?;
                }
            }
            Ok(())
        })
    }

    /// Place of a holder's kind, if it is shown.
    fn holder_kind(&mut self, (holder, list): (&HolderItem, &EntitlementGrants), of: usize) -> Option<usize> {
        let is_named = list.principal.types.contains(&holder.principal_type);
        let Some(kind) = self.kinds.find(&holder.principal_type).filter(|_| is_named) else {
            self.kinds.note_unplaced(&holder.principal_type);
            return None;
        };
        if self.kinds.is_shown(kind) {
            return Some(kind);
        }
        if self.kinds.is_read(kind)
            && let Some(of) = self.kinds.get_mut(of)
        {
            of.left_out += 1;
        }
        None
    }

    /// What a resource says it holds; `None` if there is no such thing to be shown.
    pub(super) fn target(&self, (held, rule): (&HeldItem, &HeldGrants)) -> Option<Target> {
        if !rule.resource.types.contains(&held.resource_type) {
            return None;
        }
        let place = self.kinds.find(&held.resource_type)?;
        if !self.kinds.is_shown(place) || !self.plan.has_access(place, &held.resource_id) {
            return None;
        }
        let kind = self.governance.resource_types.get(place)?;
        let (slug, is_described) = match &held.target {
            HeldTarget::Slug(slug) => {
                let id = (place, held.resource_id.as_str());
                let is_static = kind.entitlements.iter().any(|entitlements| match &entitlements.slug {
                    Slug::Text(text) => text == slug,
                    Slug::Computed(_) => false,
                });
                (slug.clone(), is_static || self.is_listed(id, slug))
            }
            HeldTarget::From(origin) => self.derived_target(place, &held.resource_id, origin),
        };
        Some(Target { kind: place, id: held.resource_id.clone(), slug, is_described })
    }

    /// The slug of what is derived from an origin, and whether the file derives it for this resource.
    fn derived_target(&self, place: usize, id: &str, origin: &str) -> (String, bool) {
        let kind = self.governance.resource_types.get(place);
        let entitlements = kind.map(|kind| kind.entitlements.as_slice()).unwrap_or_default();
        for (number, derived) in entitlements.iter().enumerate() {
            if let Some(slug) = self.derived.slug(place, number, origin) {
                return (slug.to_owned(), self.derives((place, derived), id, origin));
            }
        }
        // An origin that its list does not have: nothing is known but its id.
        (origin.to_owned(), false)
    }

    /// Counts a grant that has no place.
    fn note_unplaced(&mut self, (held, rule): (&HeldItem, &HeldGrants)) {
        let is_named = rule.resource.types.contains(&held.resource_type);
        if !is_named || self.kinds.find(&held.resource_type).is_none() {
            self.kinds.note_unplaced(&held.resource_type);
        }
    }

    /// Sees to it that resource and entitlement of a grant have their rows.
    fn prepare(&mut self, target: &Target, (held, rule): (&HeldItem, &HeldGrants)) -> Result<(), SyncError> {
        self.known(target.kind, &target.id)?;
        if target.is_described {
            return Ok(());
        }
        let described = self.described_by(target, held);
        let own = match (&rule.entitlement, &held.entry) {
            (Some(text), Some(entry)) => Some(self.text_of_entry(target, text, entry)),
            (Some(_) | None, _) => None,
        };
        let text = own.or_else(|| described.as_ref().map(|(text, _)| text.clone()));
        let of = rule.entitlement.as_ref().or(described.as_ref().map(|(_, of)| *of)).cloned();
        self.make_entitlement(target, &text.unwrap_or_default(), of.as_ref())
    }

    /// How an entitlement reads that only a grant names.
    fn text_of_entry(
        &self,
        target: &Target,
        text: &EntitlementText,
        (each, inner): &(Value, Value),
    ) -> TextItem {
        let resource = match self.titles.get(&(target.kind, target.id.clone())) {
            Some(resource) => resource.clone(),
            None => {
                self.value_of(target.kind, &ResourceItem { id: target.id.clone(), ..ResourceItem::default() })
            }
        };
        let scope = Scope::of(self.mapper.params()).with("resource", &resource);
        entitlement_text(text, &scope.with("each", each).with("inner", inner))
    }

    /// How a derived entitlement reads that the file does not derive for this resource, and that is held.
    fn described_by(&self, target: &Target, held: &HeldItem) -> Option<(TextItem, &EntitlementText)> {
        let HeldTarget::From(origin) = &held.target else { return None };
        let kind = self.governance.resource_types.get(target.kind)?;
        let derived = kind.entitlements.iter().enumerate().find(|(number, entitlements)| {
            matches!(entitlements.source, EntitlementSource::Derived { .. })
                && self.derived.slug(target.kind, *number, origin).is_some()
        });
        let (_, entitlements) = derived?;
        let origins = self.derived.origins_of(self.governance, entitlements)?;
        let origin = origins.iter().find(|found| found.id == *origin)?;
        let resource = crate::mapping::resource_value(&kind.id, &target.id, None);
        Some((self.text_of(&entitlements.text, &resource, Some(&origin.value)), &entitlements.text))
    }

    /// What the grants of a target have in common. Once it is known what brings others.
    fn granted(&self, target: &Target) -> Result<Granted, SyncError> {
        let on = self.id_of(target.kind, &target.id);
        let entitlement = protos::entitlement_id(&on, &target.slug)?;
        let is_collected =
            |number: &EntitlementNumber| self.collector.as_ref().is_some_and(|of| of.wants(*number));
        let collected = self.entitlements.find(&entitlement).filter(is_collected);
        Ok(Granted { kind: target.kind, on, entitlement, collected })
    }

    /// The row of a grant, now or when its sources are known. Resource, entitlement and principal have theirs.
    fn grant(
        &mut self,
        granted: &Granted,
        principal: Principal<'_>,
        expand: &[String],
    ) -> Result<(), SyncError> {
        let expandable = self.expandable(principal, expand)?;
        if self.plan.is_of_resources() {
            self.shown.want(principal.number);
        }
        if let (Some(number), Some(collector)) = (granted.collected, self.collector.as_mut()) {
            collector.add(ReportedGrant {
                entitlement: number,
                principal: principal.number,
                principal_type: ResourceTypeNumber(principal.kind as u32),
                origin: Origin::Direct,
            });
            if let Some(expandable) = expandable {
                self.expandables.insert((number, principal.number), expandable.entitlement_ids);
            }
            return Ok(());
        }
        let holder = self.id_of(principal.kind, principal.id);
        let id = protos::grant_id(&granted.entitlement, &holder)?;
        let row = rows::grant(id, (&granted.entitlement, granted.on.clone()), holder);
        self.outlet.put(SyncRow::Grant(Box::new(row), expandable))?;
        if let Some(kind) = self.kinds.get_mut(granted.kind) {
            kind.grants += 1;
        }
        Ok(())
    }

    /// The entitlements of the principal whose holders hold this too.
    fn expandable(
        &self,
        principal: Principal<'_>,
        expand: &[String],
    ) -> Result<Option<GrantExpandable>, SyncError> {
        let own = self.own_entitlements(principal, expand)?;
        let expandable = || GrantExpandable { entitlement_ids: own.clone(), ..GrantExpandable::default() };
        Ok((!own.is_empty()).then(expandable))
    }

    /// Ids of the principal's own entitlements with these slugs, as far as its kind has them.
    pub(super) fn own_entitlements(
        &self,
        principal: Principal<'_>,
        slugs: &[String],
    ) -> Result<Vec<String>, SyncError> {
        if slugs.is_empty() {
            return Ok(Vec::new());
        }
        let kind = self.governance.resource_types.get(principal.kind);
        let entitlements = kind.map(|kind| kind.entitlements.as_slice()).unwrap_or_default();
        let has = |slug: &String| {
            entitlements
                .iter()
                .any(|entitlements| matches!(&entitlements.slug, Slug::Text(text) if text == slug))
        };
        let id = self.id_of(principal.kind, principal.id);
        let own = slugs.iter().filter(|slug| has(slug));
        own.map(|slug| protos::entitlement_id(&id, slug).map_err(SyncError::from)).collect()
    }
}

/// Slug and list of what a holder holds.
pub(super) fn holder_list<'a>(
    kind: &'a ResourceType,
    holder: &HolderItem,
) -> Option<(&'a str, &'a EntitlementGrants)> {
    let entitlements = kind.entitlements.get(holder.entitlement)?;
    match &entitlements.slug {
        Slug::Text(slug) => Some((slug, entitlements.grants.get(holder.list)?)),
        Slug::Computed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn held(number: usize) -> HeldItem {
        let (resource_type, target) = ("role".to_owned(), HeldTarget::Slug("member".to_owned()));
        HeldItem { rule: 0, resource_type, resource_id: number.to_string(), target, entry: None }
    }

    fn granted(number: usize) -> Granted {
        let on = rows::resource_id("role", &number.to_string());
        Granted { kind: 0, on, entitlement: format!("role:{number}:member"), collected: None }
    }

    // However much is held: memory stays what it is, and what is forgotten is made anew.
    #[test]
    fn so_many_things_are_remembered_and_no_more() {
        let mut known = KnownTargets::default();
        for number in 0..=MOST_KNOWN {
            known.remember(&held(number), granted(number));
            assert_eq!(known.find(&held(number)).unwrap().entitlement, format!("role:{number}:member"));
        }

        assert_eq!(known.0.len(), 1);
        assert!(known.find(&held(0)).is_none());
        known.remember(&held(0), granted(0));
        assert!(known.find(&held(0)).is_some() && known.find(&held(MOST_KNOWN)).is_some());
    }

    // Such an entry has whatever the application says in it.
    #[test]
    fn what_an_entry_names_is_not_remembered() {
        let mut known = KnownTargets::default();
        let narrowed = HeldItem { entry: Some(Box::new((json!({"x": 1}), Value::Null))), ..held(1) };

        known.remember(&narrowed, granted(1));

        assert!(known.find(&narrowed).is_none() && known.0.is_empty());
    }
}
