//! Which unit is read when.

use std::collections::{HashMap, HashSet, VecDeque};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use model::IncompleteReason;
use spec::connector_file::governance::ResourceSource;

use super::known::{self, Known};
use super::news::Left;
use super::unit::{ReadUnit, UnitWork};
use super::{Announcer, Sync, SyncError, SyncProgress, UnitEnd};
use crate::listing::{Listed, Listing, UnitNumber};
use crate::mapping::UnitView;
use crate::plan::Extent;

/// How every list ended, by its number; none for one that nobody asked for.
pub(crate) type ListEnds = Vec<Option<UnitEnd>>;

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
    /// Whether some unit was read to its end.
    has_complete: bool,
    end: Option<UnitEnd>,
    /// What its units gave, for lists that are run for its resources.
    known: Vec<(UnitNumber, Vec<Known>)>,
}

pub(super) struct Schedule<'a> {
    pub(super) sync: &'a Sync,
    progress: &'a (dyn Fn(SyncProgress) + Send + std::marker::Sync),
    news: &'a Announcer,
    /// Whether it was told what is left.
    has_told: bool,
    /// Numbers of the lists whose items lead to other calls.
    needed: HashSet<u32>,
    /// What somebody read before.
    before: HashMap<UnitNumber, Vec<Known>>,
    under_way: HashMap<u32, UnderWay>,
    pub(super) ends: HashMap<u32, UnitEnd>,
    waiting: VecDeque<(UnitNumber, UnitView, UnitWork)>,
    open: HashSet<UnitNumber>,
    /// What lists are run for that wait until others have said which single resources they are to ask for.
    pub(super) pending: HashMap<u32, Vec<RunFor>>,
    /// Single resources that lists name, by the place of their kind.
    pub(super) named: HashMap<usize, Vec<String>>,
    requests: u64,
}

/// What a list is run for: a resource, as expressions see it, with its place among those of its kind; or nothing.
pub(super) type RunFor = (usize, Option<serde_json::Value>);

impl Sync {
    /// Reads what is left of all lists. What the application refuses is part of the result.
    ///
    /// # Errors
    /// [`SyncError`] if this process cannot go on.
    pub(crate) async fn read_lists(
        &self,
        progress: &(dyn Fn(SyncProgress) + Send + std::marker::Sync),
        news: &Announcer,
    ) -> Result<Lists, SyncError> {
        let progress = |said: SyncProgress| {
            if let SyncProgress::Page { kind, .. } = &said {
                news.page(kind);
            }
            progress(said);
        };
        let needed = self.needed();
        let lease = self.hold.lease();
        let before = if self.is_resumed() {
            let pages = self.parts.store.page_list(&lease.run, &lease.task);
            known::read_before(pages, &needed).await?
        } else {
            HashMap::new()
        };
        let mut schedule = Schedule {
            sync: self,
            progress: &progress,
            news,
            has_told: false,
            needed,
            before,
            under_way: HashMap::new(),
            ends: HashMap::new(),
            waiting: VecDeque::new(),
            open: HashSet::new(),
            pending: HashMap::new(),
            named: HashMap::new(),
            requests: 0,
        };
        schedule.run().await
    }

    /// Numbers of the lists whose items others are run for, or that name single resources.
    fn needed(&self) -> HashSet<u32> {
        let governance = self.governance();
        let place = |id: &str| governance.resource_types.iter().position(|kind| kind.id == id);
        let mut needed = HashSet::new();
        for listing in self.listings.iter() {
            let extent = self.plan.extent(listing.number);
            if let Extent::Singles { after } = extent {
                needed.extend(after);
            }
            let per = listing.per(governance).filter(|_| *extent != Extent::Nothing).and_then(place);
            let lists = self.listings.iter().filter(|of| Some(of.of) == per && of.what == Listed::Resources);
            needed.extend(lists.map(|of| of.number));
        }
        needed
    }
}

impl<'a> Schedule<'a> {
    async fn run(&mut self) -> Result<Lists, SyncError> {
        for listing in
            self.sync.listings.iter().filter(|listing| listing.per(self.sync.governance()).is_none())
        {
            self.begin(listing, vec![(0, None)]);
        }
        for (of, kind) in self.sync.governance().resource_types.iter().enumerate() {
            if let ResourceSource::Static(resources) = &kind.source {
                let known = |resource: &spec::connector_file::governance::StaticResource| Known {
                    kind: None,
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
                && let Some((unit, view, work)) = self.waiting.pop_front()
            {
                active.push(self.open(unit, view, work));
            }
            self.tell_left();
            let Some(read) = active.next().await else { break };
            self.ended(read?);
        }
        Ok(Lists { ends: self.list_ends(), requests: self.requests })
    }

    /// Says so when one unit of resources is left, and besides it only lists of what can be held on resources that are
    /// known, and of who holds it: rows can be made of what is there. Or one unit of such a list. Not of a sync that
    /// somebody has worked on before: a unit that cannot be gone on with begins anew, and pages that were given already
    /// would be others.
    fn tell_left(&mut self) {
        if self.has_told || self.sync.is_resumed() || !self.pending.is_empty() {
            return;
        }
        let is_plain = |(number, list): (&u32, &UnderWay)| {
            let is_whole = list.end.as_ref().is_none_or(|end| *end == UnitEnd::Complete);
            is_whole && !self.needed.contains(number)
        };
        if !self.under_way.iter().all(is_plain) {
            return;
        }
        let is_of_resources = |unit: &&UnitNumber| {
            let listing = self.sync.listings.get(unit.listing());
            listing.is_some_and(|listing| listing.what == Listed::Resources)
        };
        let units = || self.open.iter().chain(self.waiting.iter().map(|(unit, ..)| unit));
        let of_resources: Vec<&UnitNumber> = units().filter(is_of_resources).take(2).collect();
        let left: Vec<&UnitNumber> =
            if of_resources.is_empty() { units().take(2).collect() } else { of_resources };
        let [unit] = *left else { return };
        let Some(listing) = self.sync.listings.get(unit.listing()) else { return };
        let others = self.under_way.keys().copied().filter(|list| *list != unit.listing()).collect();
        let mut ends = self.list_ends();
        for (end, listing) in ends.iter_mut().zip(self.sync.listings.iter()) {
            if self.under_way.contains_key(&listing.number) {
                *end = Some(UnitEnd::Complete);
            }
        }
        self.news.left(Left { unit: *unit, kind: self.kind(listing), others, ends });
        self.has_told = true;
    }

    /// How each list ended.
    fn list_ends(&self) -> ListEnds {
        // A list that nothing led to: what it is run for is missing.
        let missing = || UnitEnd::Incomplete {
            reason: IncompleteReason::Upstream,
            status: None,
            detail: "the list that it is run for was not read".to_owned(),
        };
        let end = |listing: Listing| {
            if *self.sync.plan.extent(listing.number) == Extent::Nothing {
                return None;
            }
            Some(self.ends.get(&listing.number).cloned().unwrap_or_else(missing))
        };
        self.sync.listings.iter().map(end).collect()
    }

    /// The reading of a unit.
    fn open(
        &mut self,
        unit: UnitNumber,
        view: UnitView,
        work: UnitWork,
    ) -> BoxFuture<'a, Result<ReadUnit, SyncError>> {
        self.open.insert(unit);
        let collects = self.needed.contains(&unit.listing());
        let before = self.before.remove(&unit).unwrap_or_default();
        let (sync, progress) = (self.sync, self.progress);
        Box::pin(
            async move { sync.read_unit((unit, view, work), collects.then_some(before), progress).await },
        )
    }

    /// Begins a list, if it is read: at once, or when it is known which resources it is to ask for.
    fn begin(&mut self, listing: Listing, of: Vec<RunFor>) {
        match self.sync.plan.extent(listing.number) {
            Extent::Nothing => {}
            Extent::Everything | Extent::OfNamed => self.start(listing, &of),
            Extent::Singles { .. } => {
                self.pending.insert(listing.number, of);
                self.begin_singles();
            }
        }
    }

    /// Puts the units of a list in line: one for each resource that it is run for and each of its values.
    pub(super) fn start(&mut self, listing: Listing, of: &[RunFor]) {
        let units = self.views(listing, of).into_iter();
        self.line_up(listing, units.map(|(place, view)| (place, view, UnitWork::List)).collect());
    }

    /// What the units of a list are read with, and their places.
    pub(super) fn views(&self, listing: Listing, of: &[RunFor]) -> Vec<(usize, UnitView)> {
        let governance = self.sync.governance();
        let values = listing.resources(governance).map(|listed| listed.values.as_slice()).unwrap_or_default();
        let mut views = Vec::new();
        for (place, resource) in of {
            let view = |value: Option<&String>| UnitView {
                of: resource.clone(),
                value: value.map(|value| value.as_str().into()),
            };
            if values.is_empty() {
                views.push((*place, view(None)));
            } else {
                let of_values = values.iter().enumerate();
                views.extend(of_values.map(|(at, value)| (place * values.len() + at, view(Some(value)))));
            }
        }
        views
    }

    /// Puts units in line.
    pub(super) fn line_up(&mut self, listing: Listing, units: Vec<(usize, UnitView, UnitWork)>) {
        (self.progress)(SyncProgress::Started { kind: self.kind(listing), units: units.len() });
        if units.is_empty() {
            self.over(listing, &UnitEnd::Complete, Vec::new());
            return;
        }
        self.under_way.insert(listing.number, UnderWay { left: units.len(), ..UnderWay::default() });
        let numbered = units.into_iter();
        let numbered =
            numbered.map(|(place, view, work)| (UnitNumber::new(listing.number, place), view, work));
        match listing.what {
            // Long lists first: how long the whole takes depends on them.
            Listed::Resources => numbered.rev().for_each(|unit| self.waiting.push_front(unit)),
            Listed::Entitlements(_) | Listed::Holders(_) => self.waiting.extend(numbered),
        }
    }

    fn ended(&mut self, read: ReadUnit) {
        self.requests += read.requests;
        self.open.remove(&read.unit);
        let number = read.unit.listing();
        let Some(listing) = self.sync.listings.get(number) else { return };
        let Some(under_way) = self.under_way.get_mut(&number) else { return };
        under_way.left -= 1;
        under_way.has_complete |= read.end == UnitEnd::Complete;
        let end = under_way.end.take().unwrap_or(UnitEnd::Complete).and(read.end);
        under_way.end = Some(end);
        if let Some(known) = read.known {
            let known = known.into_iter().map(|known| known.below(&read.view)).collect();
            under_way.known.push((read.unit, known));
        }
        if under_way.left == 0 {
            let UnderWay { end, has_complete, mut known, .. } =
                self.under_way.remove(&number).unwrap_or_default();
            let end = end.map(|end| if has_complete { end.of_part() } else { end });
            known.sort_unstable_by_key(|(unit, _)| *unit);
            let known = known.into_iter().flat_map(|(_, known)| known).collect();
            self.over(listing, &end.unwrap_or(UnitEnd::Complete), known);
        }
    }

    pub(super) fn over(&mut self, listing: Listing, end: &UnitEnd, known: Vec<Known>) {
        (self.progress)(SyncProgress::Ended { kind: self.kind(listing) });
        self.ends.insert(listing.number, end.clone());
        self.news.list_over(listing.number, *end == UnitEnd::Complete);
        match listing.what {
            Listed::Resources => {
                let mut seen = HashSet::new();
                let known: Vec<Known> =
                    known.into_iter().filter(|known| seen.insert(known.id.clone())).collect();
                self.follow(listing.of, end, &known);
            }
            Listed::Holders(_) if *end == UnitEnd::Complete => self.name(known),
            Listed::Holders(_) | Listed::Entitlements(_) => {}
        }
        self.begin_singles();
    }

    /// Begins the lists that are run for the resources of the kind at `of`, if all of those are known.
    fn follow(&mut self, of: usize, end: &UnitEnd, known: &[Known]) {
        let governance = self.sync.governance();
        let Some(kind) = governance.resource_types.get(of) else { return };
        let plan = &self.sync.plan;
        let is_next = |listing: &Listing| {
            listing.per(governance) == Some(&kind.id) && *plan.extent(listing.number) != Extent::Nothing
        };
        let following: Vec<Listing> = self.sync.listings.iter().filter(is_next).collect();
        for listing in following {
            match end {
                UnitEnd::Complete => {
                    let is_of_named = *plan.extent(listing.number) == Extent::OfNamed;
                    let placed = known.iter().enumerate();
                    let wanted = placed.filter(|(_, known)| !is_of_named || plan.is_named(of, &known.id));
                    let of = wanted.map(|(place, known)| (place, Some(known.value(&kind.id))));
                    self.begin(listing, of.collect());
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

    pub(super) fn kind(&self, listing: Listing) -> String {
        let kind = self.sync.governance().resource_types.get(listing.of);
        kind.map(|kind| kind.id.clone()).unwrap_or_default()
    }
}
