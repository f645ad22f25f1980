//! Which lists of a file a sync reads, and of which resources: as few as give the rows that are wanted.
//!
//! A kind that is wanted needs its own list and those of what it is below. Its entitlements need the kinds that they are
//! derived from; its grants need the lists of who holds them, and the kinds whose items say what they hold. What follows
//! from others needs the groups that it comes through.

mod flows;
mod kinds;
mod resources;

use std::collections::HashSet;

use c1z::Expansion;
use spec::connector_file::governance::{EntitlementSource, Governance, ResourceSource};

use crate::listing::{Listed, Listings};
use crate::sync_part::{NamedResource, SyncDepth, SyncPart};
use flows::Flows;

/// What a sync reads.
#[derive(Debug)]
pub(crate) struct Plan {
    /// By number of the list.
    lists: Vec<Extent>,
    /// By place of the kind.
    kinds: Vec<KindDepth>,
    named: Named,
    reads_grants: bool,
    expansion: Expansion,
}

/// How much of a list is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Nothing.
    Nothing,
    /// All of it, for each resource that it is run for.
    Everything,
    /// All of it, for those resources that were named.
    OfNamed,
    /// Single resources: those that were named, and those that the lists with these numbers name.
    Singles {
        /// They are known when these lists have ended.
        after: Vec<u32>,
    },
}

/// How much of a kind is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KindDepth {
    /// Nothing: it is not part of the result, also not as something that is missing.
    Unread,
    /// Its resources.
    Resources,
    /// Also what can be held on them.
    Access,
}

/// The resources that were named, if it is about single ones.
#[derive(Debug, Default)]
struct Named {
    /// Place of the kind, and the resource, in the order in which they were named.
    all: Vec<(usize, NamedResource)>,
    ids: HashSet<(usize, String)>,
    /// By place of the kind: whether its resources are wanted because of what they are listed below.
    below: Vec<bool>,
}

impl Plan {
    /// What has to be read for a part. Kinds that the file does not have are none.
    pub(crate) fn of(governance: &Governance, listings: &Listings, part: &SyncPart) -> Self {
        let drafted = Draft { governance, listings, part, flows: Flows::of(governance) };
        if part.is_of_resources() { drafted.of_resources() } else { drafted.of_kinds() }
    }

    /// How much of the list with a number is read.
    pub(crate) fn extent(&self, list: u32) -> &Extent {
        self.lists.get(list as usize).unwrap_or(&Extent::Nothing)
    }

    /// How much of the kind at a place is read.
    pub(crate) fn depth(&self, kind: usize) -> KindDepth {
        self.kinds.get(kind).copied().unwrap_or(KindDepth::Unread)
    }

    /// Whether grants are read.
    pub(crate) fn reads_grants(&self) -> bool {
        self.reads_grants
    }

    /// Whether grants that follow from others are added.
    pub(crate) fn expands(&self) -> bool {
        self.reads_grants && self.expansion == Expansion::Done
    }

    /// Whether it is about single resources.
    pub(crate) fn is_of_resources(&self) -> bool {
        !self.named.all.is_empty()
    }

    /// The resources that were named, with the places of their kinds.
    pub(crate) fn named(&self) -> &[(usize, NamedResource)] {
        &self.named.all
    }

    /// Whether a resource was named.
    pub(crate) fn is_named(&self, kind: usize, id: &str) -> bool {
        self.named.ids.contains(&(kind, id.to_owned()))
    }

    /// Whether resources of a kind are wanted because of what they are listed below.
    pub(crate) fn is_below(&self, kind: usize) -> bool {
        self.named.below.get(kind).copied().unwrap_or_default()
    }

    /// Whether it is wanted what can be held on a resource.
    pub(crate) fn has_access(&self, kind: usize, id: &str) -> bool {
        self.depth(kind) == KindDepth::Access && (!self.is_of_resources() || self.is_named(kind, id))
    }
}

/// What a plan is made from.
struct Draft<'a> {
    governance: &'a Governance,
    listings: &'a Listings,
    part: &'a SyncPart,
    flows: Flows,
}

impl Draft<'_> {
    fn count(&self) -> usize {
        self.governance.resource_types.len()
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.governance.resource_types.iter().position(|kind| kind.id == id)
    }

    fn reads_grants(&self) -> bool {
        self.part.depth == SyncDepth::Everything
    }

    /// By place: the kinds that the part has.
    fn wanted(&self) -> Vec<bool> {
        self.governance.resource_types.iter().map(|kind| self.part.has_kind(&kind.id)).collect()
    }

    /// Place of the kind that the list of a kind is run for.
    fn parent(&self, kind: usize) -> Option<usize> {
        match &self.governance.resource_types.get(kind)?.source {
            ResourceSource::Listed(listed) => self.place(listed.per.as_deref()?),
            ResourceSource::Static(_) => None,
        }
    }

    /// Places of the kinds that entitlements of a kind are derived from.
    fn origins(&self, kind: usize) -> Vec<usize> {
        let kind = self.governance.resource_types.get(kind);
        let all = kind.map(|kind| kind.entitlements.as_slice()).unwrap_or_default();
        let of = |source: &EntitlementSource| match source {
            EntitlementSource::Derived { of, .. } => self.place(of),
            EntitlementSource::Static | EntitlementSource::Listed { .. } => None,
        };
        all.iter().filter_map(|entitlements| of(&entitlements.source)).collect()
    }

    /// Places of the kinds that a list of holders names.
    fn holders(&self, listing: crate::listing::Listing) -> Vec<usize> {
        let Listed::Holders(at) = listing.what else { return Vec::new() };
        let Some(kind) = self.governance.resource_types.get(listing.of) else { return Vec::new() };
        let types = flows::lists(kind).filter(|(place, list)| *place == at || list.same_list == Some(at));
        types.flat_map(|(_, list)| &list.principal.types).filter_map(|id| self.place(id)).collect()
    }
}

fn depths(read: &[bool], access: &[bool]) -> Vec<KindDepth> {
    let depth = |(read, access): (&bool, &bool)| match (read, access) {
        (_, true) => KindDepth::Access,
        (true, false) => KindDepth::Resources,
        (false, false) => KindDepth::Unread,
    };
    read.iter().zip(access).map(depth).collect()
}

#[cfg(test)]
mod tests;
