//! What changed between two inventories.

mod fields;
mod grants;
mod merge;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::inventory::view::rows::{Listed, NONE};
use crate::inventory::view::{Inventory, KindStanding};
use crate::number::{EntitlementNumber, ResourceNumber};
use fields::Side;
use merge::merge;

/// What changed. Kinds that only one of the two shows are not compared: what is not known is not gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Resources, accounts among them.
    pub resources: ChangeCounts,
    /// Entitlements.
    pub entitlements: ChangeCounts,
    /// Grants, inherited ones among them.
    pub grants: ChangeCounts,
    /// One for each change: resources, entitlements, grants, each by id.
    pub rows: Vec<DifferenceRow>,
    /// Whether there are more than were asked for; the counts are whole.
    pub more: bool,
    /// Kinds that only one of the two shows.
    pub not_compared: Vec<String>,
    /// Whether inherited grants were compared. They are not if one of those kinds passes grants on.
    pub inherited: bool,
    /// How many rows were told before and are left out yet.
    #[serde(skip)]
    left_out: usize,
}

/// How many there are of each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ChangeCounts {
    /// That are only in the later one.
    pub added: u64,
    /// That are only in the earlier one.
    pub removed: u64,
    /// That say something else.
    pub changed: u64,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferenceRow {
    /// Of what.
    pub what: RowKind,
    /// Which.
    pub change: Change,
    /// Its id: `kind:id` of a resource.
    pub id: String,
    /// What it is called; of a grant who holds what.
    pub display_name: String,
    /// What it said and says. Of a grant always how it is held.
    pub fields: Vec<FieldChange>,
}

/// Kinds of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// A resource or an account.
    Resource,
    /// An entitlement.
    Entitlement,
    /// A grant.
    Grant,
}

/// Kinds of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only the later one has it.
    Added,
    /// Only the earlier one has it.
    Removed,
    /// Both have it, and say something else.
    Changed,
}

/// What one field said and says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Its name.
    pub field: &'static str,
    /// Before; none if there was nothing.
    pub before: Option<String>,
    /// After; none if there is nothing.
    pub after: Option<String>,
}

impl Difference {
    /// What changed from `old` to `new`, with at most `limit` rows. When an account was used last is no change: it
    /// would make one of every account every day.
    pub fn between(old: &Inventory, new: &Inventory, limit: usize) -> Self {
        Self::behind(0, (old, new), limit)
    }

    /// The same without the first rows, which were told before.
    pub fn behind(first: usize, (old, new): (&Inventory, &Inventory), limit: usize) -> Self {
        let kinds = ComparedKinds::of(old, new);
        let mut found = Self {
            resources: ChangeCounts::default(),
            entitlements: ChangeCounts::default(),
            grants: ChangeCounts::default(),
            rows: Vec::new(),
            more: false,
            inherited: kinds.inherited,
            not_compared: kinds.not_compared.iter().map(|&kind| kind.to_owned()).collect(),
            left_out: first,
        };
        found.resources(old, new, (&kinds, limit));
        found.entitlements(old, new, (&kinds, limit));
        found.grants(old, new, (&kinds, limit));
        found
    }

    fn resources(&mut self, old: &Inventory, new: &Inventory, (kinds, limit): (&ComparedKinds<'_>, usize)) {
        let rows = |inventory: &Inventory| {
            let numbers = (0..inventory.resources.len() as u32).map(ResourceNumber);
            let has_row = |number: &ResourceNumber| {
                inventory.resource_row(*number).is_some_and(|row| row.listed != Listed::Nowhere)
            };
            let mut rows: Vec<ResourceNumber> = numbers.filter(has_row).collect();
            rows.retain(|number| kinds.has(inventory.resource_ref(*number).kind));
            rows.sort_by_cached_key(|number| key(inventory, *number));
            rows
        };
        let (before, after) = (rows(old), rows(new));
        let order = |one: &ResourceNumber, other: &ResourceNumber| key(old, *one).cmp(&key(new, *other));
        merge(&before, &after, order, |pair| {
            let sides = Side::of(
                &pair,
                |number| fields::of_resource(old, number),
                |number| fields::of_resource(new, number),
            );
            let Some((change, fields)) = sides else { return };
            self.resources.count(change);
            let (inventory, number) = pair.newest(old, new);
            self.row(limit, || DifferenceRow {
                what: RowKind::Resource,
                change,
                id: inventory.resource_id(number),
                display_name: inventory.name(number).to_owned(),
                fields,
            });
        });
    }

    fn entitlements(
        &mut self,
        old: &Inventory,
        new: &Inventory,
        (kinds, limit): (&ComparedKinds<'_>, usize),
    ) {
        let (before, after) = (compared_entitlements(old, kinds), compared_entitlements(new, kinds));
        let order = |one: &EntitlementNumber, other: &EntitlementNumber| {
            old.entitlement_ref(*one).id.cmp(new.entitlement_ref(*other).id)
        };
        merge(&before, &after, order, |pair| {
            let sides = Side::of(
                &pair,
                |number| fields::of_entitlement(old, number),
                |number| fields::of_entitlement(new, number),
            );
            let Some((change, fields)) = sides else { return };
            self.entitlements.count(change);
            let (inventory, number) = pair.newest(old, new);
            self.row(limit, || DifferenceRow {
                what: RowKind::Entitlement,
                change,
                id: inventory.entitlement_ref(number).id.to_owned(),
                display_name: inventory.phrase(number),
                fields,
            });
        });
    }

    fn row(&mut self, limit: usize, row: impl FnOnce() -> DifferenceRow) {
        if self.left_out > 0 {
            self.left_out -= 1;
        } else if self.rows.len() < limit {
            self.rows.push(row());
        } else {
            self.more = true;
        }
    }
}

impl ChangeCounts {
    fn count(&mut self, change: Change) {
        *match change {
            Change::Added => &mut self.added,
            Change::Removed => &mut self.removed,
            Change::Changed => &mut self.changed,
        } += 1;
    }
}

/// Which kinds both show, or neither.
struct ComparedKinds<'a> {
    not_compared: BTreeSet<&'a str>,
    inherited: bool,
}

impl<'a> ComparedKinds<'a> {
    fn of(old: &'a Inventory, new: &'a Inventory) -> Self {
        let (before, after) = (shown(old), shown(new));
        let not_compared: BTreeSet<&str> = before.symmetric_difference(&after).copied().collect();
        let passes_on = |inventory: &Inventory| {
            inventory.entitlement_numbers().any(|number| {
                inventory.graph.touches(number)
                    && not_compared.contains(inventory.entitlement_ref(number).resource.kind)
            })
        };
        let inherited = not_compared.is_empty() || !(passes_on(old) || passes_on(new));
        Self { not_compared, inherited }
    }

    fn has(&self, kind: &str) -> bool {
        !self.not_compared.contains(kind)
    }
}

/// The kinds that an inventory shows.
fn shown(inventory: &Inventory) -> BTreeSet<&str> {
    let numbers = 0..inventory.kinds.len() as u32;
    let listed = numbers.filter(|kind| inventory.kind_row(*kind).is_some_and(|row| row.place != NONE));
    let mut kinds: BTreeSet<&str> = listed.map(|kind| inventory.kind_id(kind)).collect();
    for state in inventory.kind_states() {
        let is_shown = match state.status {
            KindStanding::Complete => true,
            KindStanding::Incomplete => state.as_of.is_some(),
            KindStanding::Unavailable | KindStanding::Removed => false,
        };
        if !is_shown {
            kinds.remove(state.kind.as_str());
        }
    }
    kinds
}

/// What sorts resources of two inventories alike.
fn key(inventory: &Inventory, number: ResourceNumber) -> (&str, &str) {
    let names = inventory.resource_ref(number);
    (names.kind, names.id)
}

/// The entitlements on kinds that are compared, by id.
fn compared_entitlements(inventory: &Inventory, kinds: &ComparedKinds<'_>) -> Vec<EntitlementNumber> {
    let mut numbers: Vec<EntitlementNumber> = inventory
        .entitlement_numbers()
        .filter(|number| kinds.has(inventory.entitlement_ref(*number).resource.kind))
        .collect();
    numbers.sort_unstable_by(|one, other| {
        inventory.entitlement_ref(*one).id.cmp(inventory.entitlement_ref(*other).id)
    });
    numbers
}

#[cfg(test)]
mod tests;
