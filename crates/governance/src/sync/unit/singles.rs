//! Single resources of a unit, each with a page of its own.

use std::pin::pin;
use std::sync::Arc;

use connector::{Bound, ItemText, ListAnswers, ReadError};
use futures::StreamExt as _;
use model::CallStats;
use serde_json::Value;
use spec::connector_file::governance::{ListedResources, ResourceGet, ResourceSource, ResourceType};
use store::StoreError;
use tokio::sync::OnceCell;

use super::ends::{ended_by, malformed};
use super::keeper::{Fetched, FetchedItems, ItemSource, Keeper, Unkept};
use super::page::SINGLES_AT_ONCE;
use crate::listing::Listed;
use crate::sync::unit_state::{UnitEnd, UnitState};
use crate::sync::{Sync, SyncError};

/// Asks for single resources of a kind.
pub(super) struct Asker<'a> {
    pub(super) sync: &'a Sync,
    pub(super) place: String,
    pub(super) get: &'a ResourceGet,
}

impl Asker<'_> {
    /// What the application says of one, none if it says that it is not there; and how many calls that took.
    pub(super) async fn ask(&self, bound: &Bound) -> (Result<Option<Value>, ReadError>, u64) {
        let connector = &self.sync.parts.connector;
        let _slot = self.sync.parts.limits.slot(&connector.connection().key).await;
        let mut stats = CallStats::default();
        let got = connector.get_one((&self.get.request, &self.place), bound, &mut stats).await;
        (got, stats.requests)
    }
}

/// The first page of a list, asked for once. Some applications say "not there" to whoever may not look, or of what the
/// plan does not have: the list tells the two apart.
struct FirstPage<'a> {
    sync: &'a Sync,
    place: String,
    listed: &'a ListedResources,
    bound: Bound,
    answers: ListAnswers,
    seen: OnceCell<Seen>,
}

/// What came of asking for a page.
struct Seen {
    /// Why it cannot be read, if it cannot.
    refused: Option<UnitEnd>,
    requests: u64,
}

impl FirstPage<'_> {
    /// Asks for it, if nobody has. Goes on together with the other calls of its unit: they hold slots, which it would
    /// wait for without an end if it were waited for alone.
    async fn look(&self) -> &Seen {
        self.seen.get_or_init(|| self.ask()).await
    }

    async fn ask(&self) -> Seen {
        let connector = &self.sync.parts.connector;
        let list = connector.list((&self.listed.request, &self.place), &self.bound, self.answers.clone());
        let mut reader = match list {
            Ok(list) => list.open(),
            Err(error) => return Seen { refused: Some(ended_by(&error)), requests: 0 },
        };
        let _slot = self.sync.parts.limits.slot(&connector.connection().key).await;
        let page = reader.next_text().await.map(drop);
        let refused = page.err().map(|error| ended_by(&error));
        Seen { refused, requests: reader.stats().requests }
    }
}

impl Keeper<'_> {
    /// Asks for the resources that are left and keeps a page for each, in their order; one that is not there is a page
    /// without items.
    pub(super) async fn singles(
        &mut self,
        ids: &[String],
        mut state: UnitState,
    ) -> Result<(UnitEnd, UnitState), SyncError> {
        self.source = ItemSource::Singles;
        let (sync, view) = (self.sync, Arc::clone(&self.view));
        let kind = sync.governance().resource_types.get(self.listing.of);
        let (Some(get), Some(listed)) = (kind.and_then(|kind| kind.get.as_ref()), kind.and_then(listed))
        else {
            return Err(StoreError::Damaged { what: "the list of a unit" }.into());
        };
        let one = Asker { sync, place: format!("{}.get", self.place()), get };
        let left = ids.iter().skip(usize::try_from(state.pages).unwrap_or(usize::MAX));
        let left: Vec<Bound> = left.map(|id| view.bind_single(id)).collect();
        let first_page = FirstPage {
            sync,
            place: self.place(),
            listed,
            bound: view.bind("parent"),
            answers: self.answers(&listed.unavailable),
            seen: OnceCell::new(),
        };
        let asked = left.into_iter().map(|bound| {
            let (one, first_page) = (&one, &first_page);
            async move {
                let (got, requests) = one.ask(&bound).await;
                if matches!(got, Ok(None)) {
                    first_page.look().await;
                }
                (got, requests)
            }
        });
        let mut answers = pin!(futures::stream::iter(asked).buffered(SINGLES_AT_ONCE));
        let mut has_looked = false;
        loop {
            let answer = tokio::select! {
                biased;
                error = sync.stopped() => return Err(error),
                answer = answers.next() => answer,
            };
            let Some((got, requests)) = answer else { return Ok((UnitEnd::Complete, state)) };
            state.requests += requests;
            let item = match got {
                Ok(item) => item,
                Err(error) => return Ok((refused(listed, &error), state)),
            };
            if item.is_none()
                && !has_looked
                && let Some(seen) = first_page.seen.get()
            {
                has_looked = true;
                state.requests += seen.requests;
                if let Some(end) = &seen.refused {
                    return Ok((end.clone(), state));
                }
            }
            let pages = state.pages + 1;
            let end = (pages == ids.len() as u64).then_some(UnitEnd::Complete);
            let next = UnitState { pages, end, ..state.clone() };
            let items = ItemText::Values(item.into_iter().collect());
            match self
                .keep(Fetched { items: FetchedItems::Text(items), mark: None, state: next.clone() })
                .await
            {
                Ok(()) => state = next,
                Err(Unkept::Sync(error)) => return Err(error),
                Err(Unkept::Item(error)) => return Ok((malformed(&error), state)),
                Err(Unkept::Read(error)) => return Ok((ended_by(&error), state)),
            }
        }
    }

    /// How a single resource is asked for, if these are resources and the file says it.
    pub(super) fn gettable(&self) -> Option<(&ResourceType, &ListedResources, &ResourceGet)> {
        let kind = self.kind()?;
        let is_of_resources = self.listing.what == Listed::Resources;
        Some((kind, listed(kind)?, kind.get.as_ref().filter(|_| is_of_resources)?))
    }
}

fn listed(kind: &ResourceType) -> Option<&ListedResources> {
    match &kind.source {
        ResourceSource::Listed(listed) => Some(listed),
        ResourceSource::Static(_) => None,
    }
}

/// What the plan or the token does not allow for the list, it does not allow for one of its resources.
fn refused(listed: &ListedResources, error: &ReadError) -> UnitEnd {
    match error.status() {
        Some(status) if listed.unavailable.contains(&status) => {
            UnitEnd::Unavailable { detail: error.to_string() }
        }
        Some(_) | None => ended_by(error),
    }
}
