//! What is read for all resources of some kinds.

use c1z::Expansion;

use super::flows::is;
use super::{Draft, Extent, Named, Plan, depths};
use crate::listing::Listed;
use crate::sync_part::SyncDepth;

impl Draft<'_> {
    /// The plan for all resources of the kinds of the part.
    pub(super) fn of_kinds(self) -> Plan {
        let wanted = self.wanted();
        let access = match (self.part.depth, self.part.expansion) {
            (SyncDepth::ResourcesOnly, _) => vec![false; self.count()],
            (SyncDepth::Everything, Expansion::Done) => self.flows.with_bringers(&wanted),
            (SyncDepth::WithoutGrants, _) | (SyncDepth::Everything, Expansion::Left) => wanted.clone(),
        };
        let mut read: Vec<bool> =
            wanted.iter().zip(&access).map(|(wanted, access)| *wanted || *access).collect();
        let origins =
            access.iter().enumerate().filter(|(_, has)| **has).flat_map(|(kind, _)| self.origins(kind));
        for origin in origins.collect::<Vec<_>>() {
            read.iter_mut().skip(origin).take(1).for_each(|is_read| *is_read = true);
        }
        self.add_parents(&mut read);
        let extent = |is_read: bool| if is_read { Extent::Everything } else { Extent::Nothing };
        let lists = self.listings.iter().map(|listing| {
            extent(match listing.what {
                Listed::Resources => is(&read, listing.of),
                Listed::Entitlements(_) => is(&wanted, listing.of) && is(&access, listing.of),
                Listed::Holders(_) => {
                    let mut holders = self.holders(listing).into_iter();
                    self.reads_grants()
                        && is(&access, listing.of)
                        && holders.any(|holder| is(&wanted, holder) || is(&access, holder))
                }
            })
        });
        Plan {
            lists: lists.collect(),
            kinds: depths(&read, &access),
            named: Named::default(),
            reads_grants: self.reads_grants(),
            expansion: self.part.expansion(),
        }
    }

    /// Adds the kinds that the lists of these are run for.
    fn add_parents(&self, read: &mut [bool]) {
        for kind in 0..read.len() {
            let mut of = kind;
            while is(read, of)
                && let Some(parent) = self.parent(of)
                && let Some(parent_is_read) = read.get_mut(parent)
            {
                *parent_is_read = true;
                of = parent;
            }
        }
    }
}
