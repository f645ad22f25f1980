//! Which part of an application's access a sync is about.

use std::collections::BTreeSet;

use c1z::{Expansion, SyncType};
use protos::c1::connector::v2::{Resource, ResourceId};

use crate::change::ResourceName;
use crate::outlet::SyncRow;

/// A part of an application's access: what a sync reads, and which rows it gives; everything, if nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncPart {
    /// Only resources of these kinds; empty for all.
    pub kinds: BTreeSet<String>,
    /// Only these resources, what is listed below them, and who holds something on them; empty for all (baton S-22).
    pub resources: Vec<NamedResource>,
    /// How much of each.
    pub depth: SyncDepth,
    /// Whether grants that follow from others are added. Never for single resources: what brings those grants is not
    /// among them.
    pub expansion: Expansion,
}

/// A resource that is asked for by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedResource {
    /// Its kind and id.
    pub name: ResourceName,
    /// What it is below, if that is known: where there are several, it is looked for there alone.
    pub parent: Option<ResourceName>,
}

/// How much of each resource is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SyncDepth {
    /// Also what can be held on it, and who holds it.
    #[default]
    Everything,
    /// Also what can be held on it, as far as that does not depend on who holds it.
    WithoutGrants,
    /// Itself only (baton S-23).
    ResourcesOnly,
}

impl SyncPart {
    /// What a file with this part calls its run. What is not whole and has no name of its own is partial: read as the
    /// whole, it would say that access was lost. Everything of some kinds is called full, as everywhere (baton S-8).
    pub(crate) fn sync_type(&self) -> SyncType {
        match self.depth {
            _ if self.is_of_resources() => SyncType::Partial,
            SyncDepth::Everything => SyncType::Full,
            SyncDepth::WithoutGrants => SyncType::Partial,
            SyncDepth::ResourcesOnly => SyncType::ResourcesOnly,
        }
    }

    /// Whether it is about single resources.
    pub(crate) fn is_of_resources(&self) -> bool {
        !self.resources.is_empty()
    }

    /// Whether grants that follow from others are part of it.
    pub(crate) fn expansion(&self) -> Expansion {
        if self.is_of_resources() { Expansion::Left } else { self.expansion }
    }

    /// Stands for it, for whoever keeps what was read; nothing for everything.
    pub(crate) fn basis(&self) -> Option<serde_json::Value> {
        let resources = self.resources.iter().map(|of| (&of.name, &of.parent)).collect::<Vec<_>>();
        let depth = match self.depth {
            SyncDepth::Everything => "everything",
            SyncDepth::WithoutGrants => "without_grants",
            SyncDepth::ResourcesOnly => "resources_only",
        };
        let is_left = self.expansion() == Expansion::Left;
        (*self != Self::default()).then(|| serde_json::json!([self.kinds, resources, depth, is_left]))
    }

    /// Whether a row belongs to it. A grant with an end that is not there could be neither shown nor revoked.
    pub(crate) fn wants(&self, row: &SyncRow) -> bool {
        let of = |resource: Option<&Resource>| self.has(resource.and_then(|resource| resource.id.as_ref()));
        match row {
            SyncRow::ResourceType(row) => self.has_kind(&row.id),
            SyncRow::Resource(row) => of(Some(row)),
            SyncRow::Entitlement(row) => self.depth != SyncDepth::ResourcesOnly && of(row.resource.as_ref()),
            SyncRow::Grant(row, _) => {
                let on = row.entitlement.as_ref().and_then(|entitlement| entitlement.resource.as_ref());
                self.depth == SyncDepth::Everything && of(on) && of(row.principal.as_ref())
            }
        }
    }

    /// Whether resources of a kind are part of it.
    pub(crate) fn has_kind(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.contains(kind)
    }

    fn has(&self, id: Option<&ResourceId>) -> bool {
        self.kinds.is_empty() || id.is_some_and(|id| self.kinds.contains(&id.resource_type))
    }
}

#[cfg(test)]
mod tests {
    use protos::c1::connector::v2::{Entitlement, Grant, ResourceType};

    use super::*;

    fn resource(kind: &str) -> Resource {
        let id =
            ResourceId { resource_type: kind.to_owned(), resource: "1".to_owned(), ..ResourceId::default() };
        Resource { id: Some(id), ..Resource::default() }
    }

    /// What a part wants of a user and a group that holds a role, and of their types.
    fn count(part: &SyncPart) -> [usize; 4] {
        let member = |kind| Entitlement { resource: Some(resource(kind)), ..Entitlement::default() };
        let of_kind = |kind: &str| ResourceType { id: kind.to_owned(), ..ResourceType::default() };
        let grant = |on, holder| Grant {
            entitlement: Some(member(on)),
            principal: Some(resource(holder)),
            ..Grant::default()
        };
        let kinds = ["user", "group", "role"];
        let wanted = |rows: Vec<SyncRow>| rows.iter().filter(|row| part.wants(row)).count();
        [
            wanted(kinds.map(|kind| SyncRow::ResourceType(of_kind(kind))).into()),
            wanted(kinds.map(|kind| SyncRow::Resource(Box::new(resource(kind)))).into()),
            wanted(["group", "role"].map(|kind| SyncRow::Entitlement(Box::new(member(kind)))).into()),
            wanted(
                [("group", "user"), ("role", "group")]
                    .map(|(on, by)| SyncRow::Grant(Box::new(grant(on, by)), None))
                    .into(),
            ),
        ]
    }

    // rule: baton S-23, 12.2 sync-resource-types
    #[test]
    fn a_part_has_no_grant_without_both_of_its_ends() {
        let kinds = |kinds: &[&str]| kinds.iter().map(|&kind| kind.to_owned()).collect::<BTreeSet<String>>();
        let some = SyncPart { kinds: kinds(&["user", "group"]), ..SyncPart::default() };
        let depth = |depth| SyncPart { depth, ..SyncPart::default() };
        let (without, bare) = (depth(SyncDepth::WithoutGrants), depth(SyncDepth::ResourcesOnly));

        assert_eq!(count(&SyncPart::default()), [3, 3, 2, 2]);
        assert_eq!(count(&some), [2, 2, 1, 1]);
        assert_eq!(count(&without), [3, 3, 2, 0]);
        assert_eq!(count(&bare), [3, 3, 0, 0]);
    }

    // rule: baton R-2: what is not the whole is not called so
    #[test]
    fn a_part_is_called_what_it_is_and_pages_of_another_are_not_its_own() {
        let name = ResourceName::new("user", "u1");
        let single =
            SyncPart { resources: vec![NamedResource { name, parent: None }], ..SyncPart::default() };
        let depth = |depth| SyncPart { depth, ..SyncPart::default() };
        let left = SyncPart { expansion: Expansion::Left, ..SyncPart::default() };
        let bare = SyncPart { depth: SyncDepth::ResourcesOnly, ..single.clone() };
        let (without, resources) = (depth(SyncDepth::WithoutGrants), depth(SyncDepth::ResourcesOnly));
        let some = SyncPart { kinds: BTreeSet::from(["user".to_owned()]), ..SyncPart::default() };
        let all = [&SyncPart::default(), &left, &some, &resources, &without, &single, &bare];

        let types = all.map(SyncPart::sync_type);
        let basis: Vec<_> = all.iter().map(|part| part.basis().map(|basis| basis.to_string())).collect();

        let (full, partial) = (SyncType::Full, SyncType::Partial);
        assert_eq!(types, [full, full, full, SyncType::ResourcesOnly, partial, partial, partial]);
        assert_eq!(single.expansion(), Expansion::Left);
        assert_eq!(basis[0], None);
        assert_eq!(basis.iter().collect::<BTreeSet<_>>().len(), 7, "{basis:?}");
    }
}
