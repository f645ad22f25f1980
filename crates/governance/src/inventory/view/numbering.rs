//! New numbers for all that is shown, in the order of kinds, then ids.

use super::builder::InventoryBuilder;
use super::rows::{Listed, NONE};

impl InventoryBuilder {
    /// Numbers what a list has, or a grant that is shown names. Says where the resources of each kind begin.
    ///
    /// To be called when the grants are taken. What only grants name that are left out gets no number: it is gone,
    /// and no list may bring it back.
    pub(super) fn number(&mut self) -> Vec<u32> {
        let (resources, entitlements) = self.shown();
        self.number_kinds();
        let kind_starts = self.number_resources(resources);
        self.number_entitlements(entitlements);
        kind_starts
    }

    /// The resources and the entitlements that are shown, by the numbers that they have until now.
    fn shown(&self) -> (Vec<u32>, Vec<u32>) {
        let mut resources: Vec<bool> =
            self.resources.iter().map(|row| row.listed != Listed::Nowhere).collect();
        let mut entitlements: Vec<bool> =
            self.entitlements.iter().map(|row| row.listed != Listed::Nowhere).collect();
        // Only what a list has names a parent.
        for row in &self.resources {
            mark(&mut resources, row.parent);
        }
        for grant in &self.grants {
            mark(&mut resources, grant.principal);
            mark(&mut entitlements, grant.entitlement);
        }
        for (row, _) in self.entitlements.iter().zip(&entitlements).filter(|(_, is_shown)| **is_shown) {
            mark(&mut resources, row.resource);
        }
        (marked(&resources), marked(&entitlements))
    }

    /// Kinds that have a row in their order, then those that only others name, by id.
    fn number_kinds(&mut self) {
        let mut order: Vec<u32> = (0..self.kinds.len() as u32).collect();
        order.sort_by_key(|number| {
            let kind = self.kinds.get(*number as usize);
            kind.map(|kind| (kind.place, self.texts.get(kind.id)))
        });
        let new = turned(&order, self.kinds.len());
        self.kinds = order.iter().filter_map(|old| self.kinds.get(*old as usize).copied()).collect();
        self.renumber_kinds(&new);
        for row in &mut self.resources {
            row.kind = at(&new, row.kind);
        }
    }

    /// By kind, then by id. Gives where each kind begins.
    fn number_resources(&mut self, mut order: Vec<u32>) -> Vec<u32> {
        let key = |number: &u32| {
            let row = self.resources.get(*number as usize);
            row.map(|row| (row.kind, self.texts.get(row.id)))
        };
        order.sort_unstable_by(|one, two| key(one).cmp(&key(two)));
        let new = turned(&order, self.resources.len());
        self.resources = order.iter().filter_map(|old| self.resources.get(*old as usize).copied()).collect();
        for row in &mut self.resources {
            row.parent = at(&new, row.parent);
        }
        for account in &mut self.accounts {
            account.resource = at(&new, account.resource);
        }
        for row in &mut self.entitlements {
            row.resource = at(&new, row.resource);
        }
        for grant in &mut self.grants {
            grant.principal = at(&new, grant.principal);
        }
        let kinds = self.kinds.len() as u32;
        (0..=kinds).map(|kind| self.resources.partition_point(|row| row.kind < kind) as u32).collect()
    }

    /// By resource, then by id.
    fn number_entitlements(&mut self, mut order: Vec<u32>) {
        let key = |number: &u32| {
            let row = self.entitlements.get(*number as usize);
            row.map(|row| (row.resource, self.texts.get(row.id)))
        };
        order.sort_unstable_by(|one, two| key(one).cmp(&key(two)));
        let new = turned(&order, self.entitlements.len());
        self.entitlements =
            order.iter().filter_map(|old| self.entitlements.get(*old as usize).copied()).collect();
        self.entitlement_numbers.retain(|_, number| {
            *number = at(&new, *number);
            *number != NONE
        });
        for grant in &mut self.grants {
            grant.entitlement = at(&new, grant.entitlement);
        }
    }
}

fn mark(marks: &mut [bool], number: u32) {
    if let Some(slot) = marks.get_mut(number as usize) {
        *slot = true;
    }
}

/// The places that are marked.
fn marked(marks: &[bool]) -> Vec<u32> {
    (0..).zip(marks).filter(|(_, is_marked)| **is_marked).map(|(number, _)| number).collect()
}

/// For each of `count` old numbers the new one; none for what is not in the order.
fn turned(order: &[u32], count: usize) -> Vec<u32> {
    let mut new = vec![NONE; count];
    for (number, old) in (0..).zip(order) {
        if let Some(slot) = new.get_mut(*old as usize) {
            *slot = number;
        }
    }
    new
}

fn at(new: &[u32], old: u32) -> u32 {
    new.get(old as usize).copied().unwrap_or(NONE)
}
