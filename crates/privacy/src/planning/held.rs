use std::collections::{BTreeMap, BTreeSet};

use model::{CollectionAddress, Outcome, PrivacyRequestId, RunId};
use store::{Hold, Store, StoreError};

use crate::plan::{HELD, NotCovered, PlanContents};
use crate::subject::RequestFacts;

/// What must not be erased now, by which law.
#[derive(Debug, Default)]
pub(crate) struct Held {
    holds: Vec<Hold>,
    /// What a plan left out for a hold, also if that has ended since.
    left_out: BTreeSet<CollectionAddress>,
}

impl Held {
    /// The holds that are in force for the person of a run; those of certain people count for requests
    /// only, by the identities that the request is kept under.
    pub(crate) async fn of(
        store: &Store,
        (run, request): (&RunId, Option<&RequestFacts>),
    ) -> Result<Self, StoreError> {
        let id = request.map_or_else(|| PrivacyRequestId::of_run(run), |request| request.id.clone());
        Ok(Self { holds: store.hold_list_of(&id).await?, left_out: BTreeSet::new() })
    }

    /// The same, with what `plan` left out: a hold that has ended since does not make the plan another
    /// one.
    pub(crate) fn and_left_out_by(mut self, plan: &PlanContents) -> Self {
        let left_out = plan.not_covered.iter().filter(|one| one.reason == HELD);
        self.left_out.extend(left_out.map(|one| one.collection.clone()));
        self
    }

    /// Whether a collection stays.
    pub(crate) fn covers(&self, address: &CollectionAddress) -> bool {
        self.left_out.contains(address) || self.is_held_now(address)
    }

    /// Whether a hold that is in force now is about it.
    pub(crate) fn is_held_now(&self, address: &CollectionAddress) -> bool {
        self.find(address).is_some()
    }

    /// The hold that keeps a collection longest.
    fn find(&self, address: &CollectionAddress) -> Option<&Hold> {
        let about = |hold: &&Hold| match &hold.place {
            None => true,
            Some(place) => *place == address.dataset() || *place == address.to_string(),
        };
        // Without an end it is longer than any with one.
        self.holds.iter().filter(about).max_by_key(|hold| (hold.until.is_none(), hold.until))
    }

    /// The entry of a collection that stays; `along` is the one because of which it does, if it is not
    /// held itself.
    pub(super) fn entry(
        &self,
        (address, rows): (&CollectionAddress, u64),
        along: &BTreeMap<CollectionAddress, CollectionAddress>,
    ) -> NotCovered {
        let hold = self.find(along.get(address).unwrap_or(address));
        let kept = hold.map_or_else(|| "kept".to_owned(), explanation);
        let explanation = match along.get(address).filter(|other| *other != address) {
            Some(other) => format!("cannot be erased apart from `{other}`, which is {kept}"),
            None => kept,
        };
        NotCovered {
            collection: address.clone(),
            fields: Vec::new(),
            rows,
            outcome: Outcome::Exempt,
            reason: HELD.to_owned(),
            explanation,
        }
    }
}

fn explanation(hold: &Hold) -> String {
    let Hold { ground, id, .. } = hold;
    match hold.until {
        Some(until) => format!("kept under {ground} until {until}, and erased then ({id})"),
        None => format!("kept under {ground} until that is lifted, and erased then ({id})"),
    }
}
