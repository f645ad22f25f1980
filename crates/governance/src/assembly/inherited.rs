//! Grants that follow from grants.

use std::collections::HashMap;

use prost_types::Any;
use protos::annotations;
use protos::c1::connector::v2::{GrantExpandable, GrantImmutable, GrantSources, grant_sources::GrantSource};

use super::grants::{Principal, holder_list};
use super::{Assembly, rows};
use crate::expansion::{Depth, EdgeCollector, ExpandableGrant, Finding, Standing};
use crate::item::Item;
use crate::listing::Listed;
use crate::number::EntitlementNumber;
use crate::outlet::SyncRow;
use crate::sync::SyncError;

/// The entitlements that have a part in expansion, numbered in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct EntitlementNames {
    by_id: HashMap<String, u32>,
    /// Id, and place of the kind that it is on.
    all: Vec<(String, usize, String)>,
}

impl EntitlementNames {
    fn number(&mut self, id: &str, (kind, resource): (usize, &str)) -> EntitlementNumber {
        if let Some(number) = self.by_id.get(id) {
            return EntitlementNumber(*number);
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.by_id.insert(id.to_owned(), number);
        self.all.push((id.to_owned(), kind, resource.to_owned()));
        EntitlementNumber(number)
    }

    pub(super) fn find(&self, id: &str) -> Option<EntitlementNumber> {
        self.by_id.get(id).copied().map(EntitlementNumber)
    }

    fn get(&self, number: EntitlementNumber) -> Option<(&str, usize, &str)> {
        self.all.get(number.0 as usize).map(|(id, kind, resource)| (id.as_str(), *kind, resource.as_str()))
    }
}

impl Assembly<'_> {
    /// Finds the grants that bring others, before any grant is written.
    pub(super) fn edges(&mut self) -> Result<(), SyncError> {
        let mut edges = EdgeCollector::new();
        let governance = self.governance;
        for (place, kind) in governance.resource_types.iter().enumerate() {
            let brings = kind.grants.iter().any(|rule| !rule.expand.is_empty());
            if !brings || !self.kinds.is_shown(place) {
                continue;
            }
            self.each_holding(place, |this, principal, holds| {
                for held in holds {
                    let Some(rule) = kind.grants.get(held.rule) else { continue };
                    if let Some(target) = this.target((held, rule)) {
                        let on = (target.kind, target.id.as_str());
                        this.edge(&mut edges, (on, &target.slug), (principal, &rule.expand))?;
                    }
                }
                Ok(())
            })?;
        }
        let pages = self.pages;
        for listing in self.listings.iter() {
            let Some(kind) = governance.resource_types.get(listing.of) else { continue };
            let brings =
                kind.entitlements.iter().flat_map(|of| &of.grants).any(|list| !list.expand.is_empty());
            if !matches!(listing.what, Listed::Holders(_)) || !brings {
                continue;
            }
            if !self.kinds.is_shown(listing.of) {
                continue;
            }
            pages.each(listing, |unit, items| {
                let Some(id) = self.names.at(listing.of, unit.place()).map(str::to_owned) else {
                    return Ok(());
                };
                for item in items {
                    let Item::Holder(holder) = item else { continue };
                    let Some((slug, list)) = holder_list(kind, &holder) else { continue };
                    let is_named = list.principal.types.contains(&holder.principal_type);
                    let found = self.kinds.find(&holder.principal_type).filter(|_| is_named);
                    let Some(holder_kind) = found else { continue };
                    // One that no list has brings nobody.
                    let Some(number) = self.names.find(holder_kind, &holder.principal_id) else { continue };
                    let principal = Principal { kind: holder_kind, id: &holder.principal_id, number };
                    self.edge(&mut edges, ((listing.of, &id), slug), (principal, &list.expand))?;
                }
                Ok(())
            })?;
        }
        let collector = edges.finish();
        for finding in collector.findings() {
            self.note(finding);
        }
        self.collector = Some(collector);
        Ok(())
    }

    /// Counts a circle with the kind of its first entitlement. Each source here is an entitlement of the
    /// grant's own principal that its kind describes, so no other finding comes up.
    fn note(&mut self, finding: &Finding) {
        match finding {
            Finding::Circle { entitlements } => {
                let Some(first) = entitlements.first() else { return };
                let Some((_, place, _)) = self.entitlements.get(*first) else { return };
                if let Some(kind) = self.kinds.get_mut(place) {
                    kind.circles += 1;
                }
            }
            Finding::ForeignSource { .. } | Finding::MissingSource { .. } => {}
        }
    }

    fn edge(
        &mut self,
        edges: &mut EdgeCollector,
        ((kind, id), slug): ((usize, &str), &str),
        (principal, expand): (Principal<'_>, &[String]),
    ) -> Result<(), SyncError> {
        let own = self.own_entitlements(principal, expand)?;
        if own.is_empty() {
            return Ok(());
        }
        let entitlement = protos::entitlement_id(&self.id_of(kind, id), slug)?;
        let entitlement = self.entitlements.number(&entitlement, (kind, id));
        for source in &own {
            edges.add(&ExpandableGrant {
                entitlement,
                principal: principal.number,
                source: self.entitlements.number(source, (principal.kind, principal.id)),
                source_resource: Some(principal.number),
                depth: Depth::Deep,
                principal_types: &[],
            });
        }
        self.expandables.insert((entitlement, principal.number), own);
        Ok(())
    }

    /// Writes the grants that follow from others, and those that waited for their sources: each has one row.
    pub(super) fn inherited(&mut self) -> Result<(), SyncError> {
        let Some(collector) = self.collector.take() else { return Ok(()) };
        let mut expansion = collector.expand();
        while let Some(change) = expansion.next_grant() {
            let Some((entitlement, kind, on)) = self.entitlements.get(change.entitlement) else { continue };
            let Some((principal_kind, principal)) = self.names.get(change.principal) else { continue };
            let holder = self.id_of(principal_kind, principal);
            let id = protos::grant_id(entitlement, &holder)?;
            let mut row = rows::grant(id, (entitlement, self.id_of(kind, on)), holder);
            if change.standing != Standing::Unchanged {
                let source = |source: &crate::expansion::GrantSource| {
                    let (id, ..) = self.entitlements.get(source.entitlement)?;
                    Some((id.to_owned(), GrantSource { is_direct: source.direct }))
                };
                let sources = change.sources.iter().filter_map(source).collect();
                row.sources = Some(GrantSources { sources });
            }
            let mut expandable = None;
            match change.standing {
                Standing::New => row.annotations = vec![immutable()],
                Standing::Reported | Standing::Unchanged => {
                    let own = self.expandables.get(&(change.entitlement, change.principal));
                    let of = |own: &Vec<String>| GrantExpandable {
                        entitlement_ids: own.clone(),
                        ..GrantExpandable::default()
                    };
                    expandable = own.map(of);
                }
            }
            if let Some(kind) = self.kinds.get_mut(kind) {
                kind.grants += 1;
            }
            self.outlet.put(SyncRow::Grant(Box::new(row), expandable))?;
        }
        Ok(())
    }
}

fn immutable() -> Any {
    annotations::pack(&GrantImmutable::default())
}
