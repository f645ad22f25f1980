//! What is read for single resources (baton S-22).

use super::flows::is;
use super::{Draft, Extent, Named, Plan, depths};
use crate::listing::Listed;
use crate::sync_part::SyncDepth;

/// How the resources of a kind are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// Not at all.
    Nothing,
    /// Those below resources that were named.
    Below,
    /// Each by itself.
    Singly,
    /// All of them.
    Whole,
}

impl Draft<'_> {
    /// The plan for the resources that the part names.
    pub(super) fn of_resources(self) -> Plan {
        let mut named = Named::default();
        for resource in &self.part.resources {
            let place = self.place(&resource.name.kind).filter(|_| self.part.has_kind(&resource.name.kind));
            let Some(kind) = place else { continue };
            if named.ids.insert((kind, resource.name.id.clone())) {
                named.all.push((kind, resource.clone()));
            }
        }
        let wanted = self.wanted();
        let is_named = |kind: usize| named.all.iter().any(|(of, _)| *of == kind);
        let kinds_named: Vec<bool> = (0..self.count()).map(is_named).collect();
        let access = if self.part.depth == SyncDepth::ResourcesOnly {
            vec![false; self.count()]
        } else {
            kinds_named.clone()
        };

        let (mut lists, named_by) = self.lists_of_access(&access, &wanted);
        let mut ways = vec![Way::Nothing; self.count()];
        for (kind, way) in ways.iter_mut().enumerate() {
            let is_origin =
                access.iter().enumerate().any(|(of, has)| *has && self.origins(of).contains(&kind));
            let says_held = self.reads_grants() && is(&wanted, kind) && self.flows.says_held(kind, &access);
            let is_in_lists = named_by.get(kind).is_some_and(|lists| !lists.is_empty());
            // Who holds something on it is asked once it is known; it cannot wait for that itself.
            let waits_for_itself = is_in_lists && self.has_lists(kind, &lists);
            if is_origin || says_held || waits_for_itself {
                *way = Way::Whole;
            } else if is(&kinds_named, kind) || is_in_lists {
                *way = self.singly(kind);
            }
        }
        named.below = self.add_below(&kinds_named, &wanted, &mut ways);
        self.add_parents_of(&mut ways);

        for listing in self.listings.iter().filter(|listing| listing.what == Listed::Resources) {
            let below_below = self.parent(listing.of).is_some_and(|parent| is(&named.below, parent));
            let extent = match ways.get(listing.of) {
                None | Some(Way::Nothing) => Extent::Nothing,
                Some(Way::Below) if !below_below => Extent::OfNamed,
                Some(Way::Below | Way::Whole) => Extent::Everything,
                Some(Way::Singly) => {
                    Extent::Singles { after: named_by.get(listing.of).cloned().unwrap_or_default() }
                }
            };
            if let Some(list) = lists.get_mut(listing.number as usize) {
                *list = extent;
            }
        }
        let read: Vec<bool> = ways.iter().map(|way| *way != Way::Nothing).collect();
        Plan {
            lists,
            kinds: depths(&read, &access),
            named,
            reads_grants: self.reads_grants(),
            expansion: self.part.expansion(),
        }
    }

    /// The lists of what can be held on the resources that were named, and of who holds it; and for each kind the numbers
    /// of those lists that name its resources.
    fn lists_of_access(&self, access: &[bool], wanted: &[bool]) -> (Vec<Extent>, Vec<Vec<u32>>) {
        let (mut lists, mut named_by) = (Vec::new(), vec![Vec::new(); self.count()]);
        for listing in self.listings.iter() {
            let holders: Vec<usize> =
                self.holders(listing).into_iter().filter(|holder| is(wanted, *holder)).collect();
            let is_read = match listing.what {
                Listed::Resources => false,
                Listed::Entitlements(_) => is(access, listing.of),
                Listed::Holders(_) => self.reads_grants() && is(access, listing.of) && !holders.is_empty(),
            };
            lists.push(if is_read { Extent::OfNamed } else { Extent::Nothing });
            for holder in holders.into_iter().filter(|_| is_read) {
                if let Some(by) = named_by.get_mut(holder).filter(|by| !by.contains(&listing.number)) {
                    by.push(listing.number);
                }
            }
        }
        (lists, named_by)
    }

    /// Whether lists of holders are read for resources of a kind.
    fn has_lists(&self, kind: usize, lists: &[Extent]) -> bool {
        self.listings.iter().zip(lists).any(|(listing, extent)| {
            listing.of == kind && matches!(listing.what, Listed::Holders(_)) && *extent != Extent::Nothing
        })
    }

    /// Each by itself, where the file says how that is asked.
    fn singly(&self, kind: usize) -> Way {
        let kind = self.governance.resource_types.get(kind);
        if kind.is_some_and(|kind| kind.get.is_some()) { Way::Singly } else { Way::Whole }
    }

    /// Adds the kinds whose resources are listed below those that were named, however deep.
    fn add_below(&self, named: &[bool], wanted: &[bool], ways: &mut [Way]) -> Vec<bool> {
        let mut below = vec![false; self.count()];
        let is_below = |kind: usize, below: &[bool]| {
            let parent = self.parent(kind);
            is(wanted, kind) && parent.is_some_and(|parent| is(named, parent) || is(below, parent))
        };
        while let Some(kind) = (0..self.count()).find(|kind| !is(&below, *kind) && is_below(*kind, &below)) {
            for (is_below, way) in below.iter_mut().zip(ways.iter_mut()).skip(kind).take(1) {
                *is_below = true;
                // Some below it, and some by themselves: all of them are both.
                *way = if *way == Way::Nothing { Way::Below } else { Way::Whole };
            }
        }
        below
    }

    /// Sees to it that what a list is run for is read before it. What is read only below something has that already.
    fn add_parents_of(&self, ways: &mut [Way]) {
        let lacks = |kind: usize, ways: &[Way]| {
            let parent = self.parent(kind)?;
            let needs_all = matches!(ways.get(kind)?, Way::Singly | Way::Whole);
            (needs_all && *ways.get(parent)? != Way::Whole).then_some(parent)
        };
        while let Some(parent) = (0..ways.len()).find_map(|kind| lacks(kind, ways)) {
            ways.iter_mut().skip(parent).take(1).for_each(|way| *way = Way::Whole);
        }
    }
}
