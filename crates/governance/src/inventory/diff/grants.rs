//! Grants that came, went, or are held in another way.

use super::merge::{Pair, merge};
use super::{Change, ComparedKinds, Difference, DifferenceRow, FieldChange, RowKind, compared_entitlements};
use crate::inventory::view::Inventory;
use crate::number::{EntitlementNumber, ResourceNumber};
use crate::reach::{Held, HolderSearch};

/// Who holds an entitlement, by kind and id.
type Holders<'a> = Vec<(&'a str, &'a str, ResourceNumber, Held)>;

impl Difference {
    pub(super) fn grants(
        &mut self,
        old: &Inventory,
        new: &Inventory,
        (kinds, limit): (&ComparedKinds<'_>, usize),
    ) {
        let (before, after) = (compared_entitlements(old, kinds), compared_entitlements(new, kinds));
        let (mut in_old, mut in_new) = (old.graph.holder_search(), new.graph.holder_search());
        let order = |one: &EntitlementNumber, other: &EntitlementNumber| {
            old.entitlement_ref(*one).id.cmp(new.entitlement_ref(*other).id)
        };
        merge(&before, &after, order, |pair| {
            let (one, other) = match pair {
                Pair::Old(one) => (Some(one), None),
                Pair::New(other) => (None, Some(other)),
                Pair::Both(one, other) => (Some(one), Some(other)),
            };
            let one_holders = one.map(|one| holders(old, &mut in_old, (one, kinds))).unwrap_or_default();
            let other_holders =
                other.map(|other| holders(new, &mut in_new, (other, kinds))).unwrap_or_default();
            let order = |one: &(&str, &str, ResourceNumber, Held),
                         other: &(&str, &str, ResourceNumber, Held)| {
                (one.0, one.1).cmp(&(other.0, other.1))
            };
            merge(&one_holders, &other_holders, order, |holder| {
                let (change, fields) = match holder {
                    Pair::Old(holder) => (Change::Removed, field(Some(holder.3), None)),
                    Pair::New(holder) => (Change::Added, field(None, Some(holder.3))),
                    Pair::Both(one, other) if one.3 != other.3 => {
                        (Change::Changed, field(Some(one.3), Some(other.3)))
                    }
                    Pair::Both(..) => return,
                };
                self.grants.count(change);
                let (inventory, (.., principal, _)) = holder.newest(old, new);
                let entitlement = if std::ptr::eq(inventory, old) { one } else { other };
                let Some(entitlement) = entitlement else { return };
                self.row(limit, || DifferenceRow {
                    what: RowKind::Grant,
                    change,
                    id: inventory.grant_id(entitlement, principal).into_owned(),
                    display_name: format!("{}: {}", inventory.name(principal), inventory.phrase(entitlement)),
                    fields,
                });
            });
        });
    }
}

fn holders<'a>(
    inventory: &'a Inventory,
    search: &mut HolderSearch<'_>,
    (entitlement, kinds): (EntitlementNumber, &ComparedKinds<'_>),
) -> Holders<'a> {
    let found = search.of(entitlement).iter();
    let mut holders: Holders<'_> = found
        .filter(|holder| kinds.inherited || holder.held == Held::Directly)
        .map(|holder| {
            let names = inventory.resource_ref(holder.principal);
            (names.kind, names.id, holder.principal, holder.held)
        })
        .filter(|(kind, ..)| kinds.has(kind))
        .collect();
    holders.sort_unstable();
    holders
}

fn field(before: Option<Held>, after: Option<Held>) -> Vec<FieldChange> {
    let word = |held: Held| match held {
        Held::Directly => "direct".to_owned(),
        Held::Inherited => "inherited".to_owned(),
    };
    vec![FieldChange { field: "held", before: before.map(word), after: after.map(word) }]
}
