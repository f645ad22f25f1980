//! When accounts were used last, and what they did something to.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use jiff::Timestamp;
use model::ConnectionKey;
use store::{ActivitySpan, ActivityState, ActivityUse, Store, StoreError};

use super::{ActivityEvidence, ActivityStanding, UseWindow};
use crate::activity::{KeptActor, KeptUse};
use crate::inventory::view::Inventory;
use crate::inventory::view::rows::NONE;
use crate::number::ResourceNumber;

/// What kept events tell of the accounts of an inventory.
#[derive(Default)]
pub struct Usage {
    state: Option<ActivityState>,
    accounts: HashMap<u32, AccountUsage>,
    /// Kinds of the accounts that events name as who did something: by their ids, and by their addresses.
    actors_by_id: BTreeSet<u32>,
    actors_by_address: BTreeSet<u32>,
    /// Kinds of what events name, and of all above it.
    told_kinds: BTreeSet<u32>,
}

/// The last uses of one account, in microseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct AccountUsage {
    last: Option<i64>,
    /// What it did something to, and all above it.
    resources: HashMap<u32, i64>,
    /// When it did something to what the inventory does not have.
    elsewhere: Option<i64>,
    /// When it did something to what is of a kind that the inventory does not have.
    of_other_kind: Option<i64>,
}

impl Usage {
    /// Nothing is known.
    pub fn none() -> Self {
        Self::default()
    }

    /// What is kept beside the inventory of a connection.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn load(
        store: &Store,
        connection: &ConnectionKey,
        inventory: &Inventory,
    ) -> Result<Self, StoreError> {
        let Some(state) = store.activity_find(connection).await? else { return Ok(Self::none()) };
        let Some(key) = store.inventory_key_find(connection).await? else { return Ok(Self::none()) };
        let mut usage = Self::none();
        let mut damaged = None;
        let mut note = |one: ActivityUse| {
            if let Err(error) = usage.note(inventory, &one) {
                damaged = Some(error);
            }
        };
        store.activity_use_each(&key, &mut note).await?;
        if let Some(error) = damaged {
            return Err(error);
        }
        // Others may have added to it or forgotten of it meanwhile: known is what both know.
        let after = store.activity_find(connection).await?.and_then(|state| state.span);
        let span = state.span.zip(after).and_then(|(before, after)| shared(before, after));
        usage.state = Some(ActivityState { span, ..state });
        Ok(usage)
    }

    /// What is known of events in a time.
    pub fn evidence(&self, window: &UseWindow) -> ActivityEvidence {
        ActivityEvidence::of(self.state.as_ref(), window)
    }

    /// Whether events are known in a time.
    pub fn standing(&self, window: &UseWindow) -> ActivityStanding {
        ActivityStanding::of(self.state.as_ref(), window)
    }

    /// When events last tell of an account.
    pub fn last_event(&self, account: ResourceNumber) -> Option<Timestamp> {
        let last = self.accounts.get(&account.0)?.last?;
        Timestamp::from_microsecond(last).ok()
    }

    pub(super) fn of_account(&self, account: ResourceNumber) -> Option<&AccountUsage> {
        self.accounts.get(&account.0)
    }

    /// Whether events would name an account of this kind, which has an address or none.
    pub(super) fn would_name(&self, kind: u32, has_address: bool) -> bool {
        self.actors_by_id.contains(&kind) || (has_address && self.actors_by_address.contains(&kind))
    }

    /// Whether events name resources of this kind, or what is below them.
    pub(super) fn names_resources(&self, kind: u32) -> bool {
        self.told_kinds.contains(&kind)
    }

    /// Takes a use into account.
    pub(super) fn note(&mut self, inventory: &Inventory, used: &ActivityUse) -> Result<(), StoreError> {
        let kept: KeptUse = serde_json::from_slice(&used.subject)
            .map_err(|_| StoreError::Damaged { what: "a use that events tell of" })?;
        let at = used.last_at.as_microsecond();
        let found = |name: &crate::change::ResourceName| inventory.find_resource(&name.kind, &name.id);
        let accounts = match &kept.actor {
            KeptActor::Account(name) => found(name).into_iter().collect(),
            KeptActor::Address(address) => inventory.accounts_by_email(address),
        };
        let resource = kept.resource.as_ref().map(found);
        let is_other_kind = kept.resource.is_some_and(|name| inventory.find_kind(&name.kind).is_none());
        let ways = resource.flatten().map(|resource| above(inventory, resource)).unwrap_or_default();
        let kind = |number: &u32| inventory.resource_row(ResourceNumber(*number)).map(|row| row.kind);
        self.told_kinds.extend(ways.iter().filter_map(kind));
        for account in accounts {
            let kinds = match &kept.actor {
                KeptActor::Account(_) => &mut self.actors_by_id,
                KeptActor::Address(_) => &mut self.actors_by_address,
            };
            kinds.extend(kind(&account.0));
            let usage = self.accounts.entry(account.0).or_default();
            usage.last = usage.last.max(Some(at));
            if resource == Some(None) {
                usage.elsewhere = usage.elsewhere.max(Some(at));
            }
            if is_other_kind {
                usage.of_other_kind = usage.of_other_kind.max(Some(at));
            }
            for number in &ways {
                let last = usage.resources.entry(*number).or_insert(at);
                *last = at.max(*last);
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn know(&mut self, state: ActivityState) {
        self.state = Some(state);
    }
}

impl AccountUsage {
    /// When it last did something to any of these, or to what is below them. What it did to something that the
    /// inventory does not have may have been below any that has something below it.
    pub(super) fn last_of(&self, resources: &[u32], has_below: impl Fn(u32) -> bool) -> Option<i64> {
        let last = resources.iter().filter_map(|number| {
            let elsewhere = self.elsewhere.filter(|_| has_below(*number));
            self.resources.get(number).copied().max(elsewhere)
        });
        last.max()
    }

    /// When it last did something to what is of no kind that is listed: that may be part of anything.
    pub(super) fn last_of_other_kind(&self) -> Option<i64> {
        self.of_other_kind
    }
}

impl fmt::Debug for Usage {
    /// Counts alone: what people did is about them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").field("accounts", &self.accounts.len()).finish_non_exhaustive()
    }
}

/// A resource and all above it.
fn above(inventory: &Inventory, resource: ResourceNumber) -> Vec<u32> {
    let mut all = vec![resource.0];
    let mut next = inventory.resource_row(resource).map(|row| row.parent);
    // What an application says of parents may be a circle.
    while let Some(parent) = next.filter(|parent| *parent != NONE && !all.contains(parent)) {
        all.push(parent);
        next = inventory.resource_row(ResourceNumber(parent)).map(|row| row.parent);
    }
    all
}

fn shared(one: ActivitySpan, other: ActivitySpan) -> Option<ActivitySpan> {
    let from = one.from.max(other.from);
    let until = one.until.min(other.until);
    let resources_from = one.resources_from.max(other.resources_from);
    (from <= until).then_some(ActivitySpan { from, until, resources_from })
}
