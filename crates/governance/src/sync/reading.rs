//! Which unit is read when.

use std::collections::{HashMap, HashSet, VecDeque};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use model::IncompleteReason;
use spec::connector_file::governance::ResourceSource;

use super::known::{self, Known};
use super::unit::ReadUnit;
use super::{Sync, SyncError, SyncProgress, UnitEnd};
use crate::listing::{Listed, Listing, UnitNumber};
use crate::mapping::UnitView;

/// How every list ended, by its number.
pub(crate) type ListEnds = Vec<UnitEnd>;

/// How all lists ended, and what they cost.
#[derive(Debug)]
pub(crate) struct Lists {
    pub(crate) ends: ListEnds,
    pub(crate) requests: u64,
}

/// A list while it is read.
#[derive(Debug, Default)]
struct UnderWay {
    left: usize,
    end: Option<UnitEnd>,
    /// What its units gave, for lists that are run for its resources.
    known: Vec<(UnitNumber, Vec<Known>)>,
}

struct Schedule<'a> {
    sync: &'a Sync,
    progress: &'a (dyn Fn(SyncProgress) + Send + std::marker::Sync),
    /// Places of the kinds whose resources other lists are run for.
    needed: HashSet<usize>,
    /// What somebody read before.
    before: HashMap<UnitNumber, Vec<Known>>,
    under_way: HashMap<u32, UnderWay>,
    ends: HashMap<u32, UnitEnd>,
    waiting: VecDeque<(UnitNumber, UnitView)>,
    requests: u64,
}

impl Sync {
    /// Reads what is left of all lists. What the application refuses is part of the result.
    ///
    /// # Errors
    /// [`SyncError`] if this process cannot go on.
    pub(crate) async fn read_lists(
        &self,
        progress: &(dyn Fn(SyncProgress) + Send + std::marker::Sync),
    ) -> Result<Lists, SyncError> {
        let governance = self.governance();
        let place = |id: &str| governance.resource_types.iter().position(|kind| kind.id == id);
        let needed: HashSet<usize> =
            self.listings.iter().filter_map(|listing| place(listing.per(governance)?)).collect();
        let lease = self.hold.lease();
        let before = if self.is_resumed() {
            let pages = self.parts.store.page_list(&lease.run, &lease.task);
            known::read_before(pages, &self.listings, &needed).await?
        } else {
            HashMap::new()
        };
        let mut schedule = Schedule {
            sync: self,
            progress,
            needed,
            before,
            under_way: HashMap::new(),
            ends: HashMap::new(),
            waiting: VecDeque::new(),
            requests: 0,
        };
        schedule.run().await
    }
}

impl<'a> Schedule<'a> {
    async fn run(&mut self) -> Result<Lists, SyncError> {
        for listing in
            self.sync.listings.iter().filter(|listing| listing.per(self.sync.governance()).is_none())
        {
            self.start(listing, &[None]);
        }
        for (of, kind) in self.sync.governance().resource_types.iter().enumerate() {
            if let ResourceSource::Static(resources) = &kind.source {
                let known = |resource: &spec::connector_file::governance::StaticResource| Known {
                    id: resource.id.clone(),
                    display_name: Some(resource.display_name.clone()),
                    parent: None,
                };
                self.follow(of, &UnitEnd::Complete, &resources.iter().map(known).collect::<Vec<_>>());
            }
        }
        // Each unit has at most one call in flight: more of them would only wait, and hold up the longest.
        let at_once = self.sync.parts.limits.limits().per_connection.max(1);
        let mut active: FuturesUnordered<BoxFuture<'a, Result<ReadUnit, SyncError>>> =
            FuturesUnordered::new();
        loop {
            while active.len() < at_once
                && let Some((unit, view)) = self.waiting.pop_front()
            {
                active.push(self.open(unit, view));
            }
            let Some(read) = active.next().await else { break };
            self.ended(read?);
        }
        let ends = self.sync.listings.iter().map(|listing| self.ends.remove(&listing.number));
        // A list that nothing led to: what it is run for is missing.
        let missing = || UnitEnd::Incomplete {
            reason: IncompleteReason::Upstream,
            status: None,
            detail: "the list that it is run for was not read".to_owned(),
        };
        let ends = ends.map(|end| end.unwrap_or_else(missing)).collect();
        Ok(Lists { ends, requests: self.requests })
    }

    /// The reading of a unit.
    fn open(&mut self, unit: UnitNumber, view: UnitView) -> BoxFuture<'a, Result<ReadUnit, SyncError>> {
        let of = self.sync.listings.get(unit.listing()).map(|listing| (listing.of, listing.what));
        let collects = of.is_some_and(|(of, what)| what == Listed::Resources && self.needed.contains(&of));
        let before = self.before.remove(&unit).unwrap_or_default();
        let (sync, progress) = (self.sync, self.progress);
        Box::pin(async move { sync.read_unit((unit, view), collects.then_some(before), progress).await })
    }

    /// Puts the units of a list in line: one for each resource that it is run for and each of its values.
    fn start(&mut self, listing: Listing, of: &[Option<&serde_json::Value>]) {
        let governance = self.sync.governance();
        let values = listing.resources(governance).map(|listed| listed.values.as_slice()).unwrap_or_default();
        let mut units = Vec::new();
        for resource in of {
            let view = |value: Option<&String>| UnitView {
                of: resource.cloned(),
                value: value.map(|value| value.as_str().into()),
            };
            if values.is_empty() {
                units.push(view(None));
            } else {
                units.extend(values.iter().map(|value| view(Some(value))));
            }
        }
        (self.progress)(SyncProgress::Started { kind: self.kind(listing), units: units.len() });
        if units.is_empty() {
            self.over(listing, &UnitEnd::Complete, Vec::new());
            return;
        }
        self.under_way.insert(listing.number, UnderWay { left: units.len(), ..UnderWay::default() });
        let numbered = units.into_iter().enumerate();
        let numbered = numbered.map(|(place, view)| (UnitNumber::new(listing.number, place), view));
        match listing.what {
            // Long lists first: how long the whole takes depends on them.
            Listed::Resources => numbered.rev().for_each(|unit| self.waiting.push_front(unit)),
            Listed::Entitlements(_) | Listed::Holders(_) => self.waiting.extend(numbered),
        }
    }

    fn ended(&mut self, read: ReadUnit) {
        self.requests += read.requests;
        let number = read.unit.listing();
        let Some(listing) = self.sync.listings.get(number) else { return };
        let Some(under_way) = self.under_way.get_mut(&number) else { return };
        under_way.left -= 1;
        let end = under_way.end.take().unwrap_or(UnitEnd::Complete).and(read.end);
        under_way.end = Some(end);
        if let Some(known) = read.known {
            let known = known.into_iter().map(|known| known.below(&read.view)).collect();
            under_way.known.push((read.unit, known));
        }
        if under_way.left == 0 {
            let UnderWay { end, mut known, .. } = self.under_way.remove(&number).unwrap_or_default();
            known.sort_unstable_by_key(|(unit, _)| *unit);
            let known = known.into_iter().flat_map(|(_, known)| known).collect();
            self.over(listing, &end.unwrap_or(UnitEnd::Complete), known);
        }
    }

    fn over(&mut self, listing: Listing, end: &UnitEnd, known: Vec<Known>) {
        (self.progress)(SyncProgress::Ended { kind: self.kind(listing) });
        self.ends.insert(listing.number, end.clone());
        if listing.what == Listed::Resources {
            let mut seen = HashSet::new();
            let known: Vec<Known> = known.into_iter().filter(|known| seen.insert(known.id.clone())).collect();
            self.follow(listing.of, end, &known);
        }
    }

    /// Starts the lists that are run for the resources of the kind at `of`, if all of those are known.
    fn follow(&mut self, of: usize, end: &UnitEnd, known: &[Known]) {
        let governance = self.sync.governance();
        let Some(kind) = governance.resource_types.get(of) else { return };
        let following: Vec<Listing> =
            self.sync.listings.iter().filter(|listing| listing.per(governance) == Some(&kind.id)).collect();
        for listing in following {
            match end {
                UnitEnd::Complete => {
                    let resources: Vec<serde_json::Value> =
                        known.iter().map(|known| known.value(&kind.id)).collect();
                    self.start(listing, &resources.iter().map(Some).collect::<Vec<_>>());
                }
                UnitEnd::Incomplete { .. } => {
                    let detail = format!("`{}`, which it is run for, was not read completely", kind.id);
                    let end =
                        UnitEnd::Incomplete { reason: IncompleteReason::Upstream, status: None, detail };
                    self.over(listing, &end, Vec::new());
                }
                UnitEnd::Unavailable { .. } => {
                    self.over(listing, end, Vec::new());
                }
            }
        }
    }

    fn kind(&self, listing: Listing) -> String {
        let kind = self.sync.governance().resource_types.get(listing.of);
        kind.map(|kind| kind.id.clone()).unwrap_or_default()
    }
}
