//! Access that is held and was not used.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::accounts::{Judged, judge, was_read};
use super::last::AccountUsage;
use super::{ActivityStanding, UnusedQuery, Usage};
use crate::inventory::query::{GrantItem, GrantView};
use crate::inventory::view::Inventory;
use crate::inventory::view::rows::NONE;
use crate::item::AccountStatus;
use crate::number::{EntitlementNumber, ResourceNumber};
use crate::reach::Held;

/// What was found: grants that accounts which work hold directly, each in one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnusedGrants {
    /// Those that were not used, by account.
    pub unused: Vec<UnusedGrant>,
    /// How many were used.
    pub used: u64,
    /// How many came after the time began.
    pub new: u64,
    /// Of how many nobody can tell: no events name such things, those of the time were not read, or what it gives or
    /// what was done is in no list.
    pub unknown: u64,
}

/// One grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusedGrant {
    /// Which.
    pub grant: GrantItem,
    /// How it is known.
    pub reason: UnusedReason,
    /// When it was used last; of an account that was not used, when that was.
    pub last_used: Option<Timestamp>,
    /// Whether it was held when the time began; none if nobody knows.
    pub held_then: Option<bool>,
}

/// How it is known that access was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnusedReason {
    /// Nothing that the account holds was used.
    Account,
    /// The account was used, and not for anything that this gives access to.
    Resource,
}

/// A grant as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusedGrantView<'a> {
    /// The grant.
    pub grant: GrantView<'a>,
    /// How it is known.
    pub reason: UnusedReason,
    /// When it was used last, if that is known.
    pub last_used: Option<Timestamp>,
    /// Whether it was held when the time began; `null` if nobody knows.
    pub held_then: Option<bool>,
}

impl UnusedGrants {
    /// Finds them. What is inherited is used with what brings it.
    pub fn find(inventory: &Inventory, usage: &Usage, query: &UnusedQuery<'_>) -> Self {
        let looking = Looking {
            inventory,
            usage,
            query,
            with_below: inventory.resources.iter().map(|row| row.parent).filter(|at| *at != NONE).collect(),
            are_things_known: usage.standing(&query.window) == ActivityStanding::Complete,
        };
        let mut found = Self::default();
        for row in inventory.accounts.iter().filter(|row| row.status == AccountStatus::Enabled) {
            let account = ResourceNumber(row.resource);
            let judged = judge(inventory, usage, (query, row));
            looking.grants_of((account, judged), &mut found);
        }
        found
    }

    /// The one of a grant, if it is unused.
    pub fn get(&self, item: &GrantItem) -> Option<&UnusedGrant> {
        let key = |one: &GrantItem| (one.principal, one.entitlement);
        let at = self.unused.binary_search_by_key(&key(item), |one| key(&one.grant)).ok()?;
        self.unused.get(at)
    }
}

impl UnusedGrant {
    /// As it is told.
    pub fn view<'a>(&self, inventory: &'a Inventory) -> UnusedGrantView<'a> {
        UnusedGrantView {
            grant: inventory.grant(&self.grant),
            reason: self.reason,
            last_used: self.last_used,
            held_then: self.held_then,
        }
    }
}

/// What is looked at for every grant.
struct Looking<'a> {
    inventory: &'a Inventory,
    usage: &'a Usage,
    query: &'a UnusedQuery<'a>,
    /// Resources with others below them.
    with_below: BTreeSet<u32>,
    /// Whether it is known of all of the time on what something was done.
    are_things_known: bool,
}

impl Looking<'_> {
    fn grants_of(&self, (account, judged): (ResourceNumber, Judged), found: &mut UnusedGrants) {
        let graph = &self.inventory.graph;
        let held: Vec<EntitlementNumber> =
            graph.held_directly(account).filter(|held| self.inventory.is_real(*held)).collect();
        let unused = match judged {
            Judged::New => return found.new += held.len() as u64,
            Judged::Unknown => return found.unknown += held.len() as u64,
            Judged::Unused(unused) => Some(unused),
            Judged::Used => None,
        };
        if unused.is_none() && !self.are_things_known {
            return found.unknown += held.len() as u64;
        }
        let mut gives = if unused.is_some() { BTreeMap::new() } else { self.what_gives(account, &held) };
        for entitlement in held {
            let (reason, last_used) = match &unused {
                Some(unused) => (UnusedReason::Account, unused.last_used),
                None => match self.of_thing(account, &gives.remove(&entitlement).unwrap_or_default()) {
                    Thing::Used => {
                        found.used += 1;
                        continue;
                    }
                    Thing::Unknown => {
                        found.unknown += 1;
                        continue;
                    }
                    Thing::Unused(last_used) => (UnusedReason::Resource, last_used),
                },
            };
            let held_then = self.query.then.and_then(|then| self.was_held(then, (account, entitlement)));
            if held_then == Some(false) {
                found.new += 1;
                continue;
            }
            let grant = GrantItem { entitlement, principal: account, held: Held::Directly };
            found.unused.push(UnusedGrant { grant, reason, last_used, held_then });
        }
    }

    /// The resources that each of what an account holds gives access to, through groups as well.
    fn what_gives(
        &self,
        account: ResourceNumber,
        held: &[EntitlementNumber],
    ) -> BTreeMap<EntitlementNumber, Vec<u32>> {
        let graph = &self.inventory.graph;
        let on = |entitlement| graph.resource_of(entitlement).map(|resource| resource.0);
        let mut gives: BTreeMap<EntitlementNumber, Vec<u32>> =
            held.iter().map(|held| (*held, on(*held).into_iter().collect())).collect();
        if held.iter().any(|held| graph.touches(*held)) {
            for (brought, by) in graph.brought(account) {
                if let Some(gives) = gives.get_mut(&by) {
                    gives.extend(on(brought));
                }
            }
        }
        gives
    }

    fn of_thing(&self, account: ResourceNumber, resources: &[u32]) -> Thing {
        let used = self.usage.of_account(account);
        let last = |used: &AccountUsage| used.last_of(resources, |number| self.with_below.contains(&number));
        let (last, of_other_kind) = (used.and_then(last), used.and_then(AccountUsage::last_of_other_kind));
        let is_in_time =
            |at: Option<i64>| at.is_some_and(|at| at >= self.query.window.since.as_microsecond());
        if is_in_time(last) {
            return Thing::Used;
        }
        // What could not be read may be given too, or have been used.
        if self.inventory.is_incomplete()
            || is_in_time(of_other_kind)
            || resources.iter().any(|number| self.gives_more(*number))
        {
            return Thing::Unknown;
        }
        let row = |number: &u32| self.inventory.resource_row(ResourceNumber(*number));
        // Events on groups, roles and accounts tell that somebody changed them; to use them is to use what they bring.
        let is_thing = |kind: &u32| {
            let row = self.inventory.kinds.get(*kind as usize);
            row.is_some_and(|row| !row.is_group && !row.is_role && !row.is_user)
        };
        // And what events do not name may have been used.
        let mut kinds = resources.iter().filter_map(row).map(|row| row.kind).filter(is_thing);
        let mut some = false;
        let all = kinds.all(|kind| {
            some = true;
            self.usage.names_resources(kind)
        });
        if some && all {
            Thing::Unused(last.and_then(|last| Timestamp::from_microsecond(last).ok()))
        } else {
            Thing::Unknown
        }
    }

    /// Whether it is a role that holds nothing here: what it gives access to is in no list.
    fn gives_more(&self, number: u32) -> bool {
        let resource = ResourceNumber(number);
        let kind = self.inventory.resource_row(resource).and_then(|row| self.inventory.kind_row(row.kind));
        kind.is_some_and(|kind| kind.is_role) && self.inventory.graph.held_directly(resource).next().is_none()
    }

    /// Whether it was held; none if that was not read then.
    fn was_held(
        &self,
        then: &Inventory,
        (account, entitlement): (ResourceNumber, EntitlementNumber),
    ) -> Option<bool> {
        let holder = self.inventory.resource_ref(account);
        let held = self.inventory.entitlement_ref(entitlement);
        let ends = then.find_resource(holder.kind, holder.id).zip(then.find_entitlement(held.id));
        let was_held = ends.is_some_and(|(account, entitlement)| {
            then.graph.held_directly(account).any(|held| held == entitlement)
        });
        let is_known = was_read(then, holder.kind) && was_read(then, held.resource.kind);
        (was_held || is_known).then_some(was_held)
    }
}

/// How it stands with one grant of an account that was used.
enum Thing {
    Used,
    Unused(Option<Timestamp>),
    Unknown,
}
