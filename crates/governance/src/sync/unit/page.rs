//! One page: what it lacks is asked for, it is mapped, and it is kept.

use std::sync::Arc;

use connector::{Bound, BoundKind, PageMark};
use futures::{StreamExt as _, TryStreamExt as _};
use model::{CallStats, kill_point};
use serde_json::Value;
use spec::connector_file::governance::{ListedResources, ResourceGet, ResourceSource, ResourceType};
use store::{NewPage, PackedRows, StoreError};

use super::keeper::{Fetched, Keeper, Unkept};
use crate::item::Item;
use crate::kept;
use crate::listing::{Listed, Listing};
use crate::mapping::{Mapper, MappingError, UnitView};
use crate::sync::SyncProgress;
use crate::sync::known::Known;

/// Resources asked for by themselves at the same time.
const SINGLES_AT_ONCE: usize = 4;

impl Keeper<'_> {
    /// Maps and keeps one page.
    pub(super) async fn keep(&mut self, page: Fetched) -> Result<(), Unkept> {
        let Fetched { items, mark, mut state } = page;
        let (mapping, listing, view) = (self.sync.mapper.clone(), self.listing, Arc::clone(&self.view));
        // Values are made beside the call for the next page, not before it.
        let mapped = if self.single().is_some() {
            let mut values = aside(move || items.into_values()).await;
            self.fill_in(&mut values).await?;
            aside(move || map(&mapping, listing, &view, &values)).await
        } else {
            aside(move || map(&mapping, listing, &view, &items.into_values())).await
        };
        let (items, packed) = mapped.map_err(Unkept::Item)?;
        let packed = packed?;
        state.requests += self.extra_requests;
        let text = serde_json::to_vec(&state).expect("a state has text keys and plain values");
        let mark = mark.map(PageMark::to_bytes);
        let new = NewPage {
            unit: self.unit.0,
            page: state.pages.saturating_sub(1),
            rows: &packed,
            mark: mark.as_deref(),
            state: Some(&text),
        };
        kill_point!("sync.before_page");
        self.sync.parts.store.page_append(self.sync.hold.lease(), &[new]).await?;
        kill_point!("sync.page");
        if let Some(known) = &mut self.known {
            known.extend(items.iter().filter_map(Known::of));
        }
        let kind = self.kind().map(|kind| kind.id.clone()).unwrap_or_default();
        (self.progress)(SyncProgress::Page { kind, items: items.len() as u64 });
        Ok(())
    }

    /// Asks for the resources whose items lack something, each by itself.
    async fn fill_in(&mut self, items: &mut [Value]) -> Result<(), Unkept> {
        let Some((kind, listed, get)) = self.single() else { return Ok(()) };
        let mut lacking = Vec::new();
        for (place, item) in items.iter().enumerate() {
            if self.sync.mapper.lacks(kind, item, &self.view).map_err(Unkept::Item)? {
                let id = self.sync.mapper.id((kind, listed), item, &self.view).map_err(Unkept::Item)?;
                lacking.push((place, id));
            }
        }
        if lacking.is_empty() {
            return Ok(());
        }
        let (sync, place) = (self.sync, format!("{}.get", self.place()));
        let asked = lacking.into_iter().map(|(at, id)| {
            let (place, bound) = (&place, Bound::new().with("resource.id", id, BoundKind::Personal));
            async move {
                let connector = &sync.parts.connector;
                let _slot = sync.parts.limits.slot(&connector.connection().key).await;
                let mut stats = CallStats::default();
                let got = connector.get_one((&get.request, place), &bound, &mut stats).await;
                got.map(|got| (at, got, stats.requests))
            }
        });
        let got: Vec<_> = futures::stream::iter(asked)
            .buffer_unordered(SINGLES_AT_ONCE)
            .try_collect()
            .await
            .map_err(Unkept::Read)?;
        for (at, single, requests) in got {
            self.extra_requests += requests;
            // One that is gone by now stays as the list has it, and is found to lack something.
            if let (Some(single), Some(item)) = (single, items.get_mut(at)) {
                *item = single;
            }
        }
        Ok(())
    }

    /// How a single resource is asked for, if lists of the kind may lack something.
    fn single(&self) -> Option<(&ResourceType, &ListedResources, &ResourceGet)> {
        let kind = self.kind()?;
        let get = kind.get.as_ref().filter(|get| get.when.is_some())?;
        match (&kind.source, self.listing.what) {
            (ResourceSource::Listed(listed), Listed::Resources) => Some((kind, listed, get)),
            (ResourceSource::Listed(_) | ResourceSource::Static(_), _) => None,
        }
    }
}

/// Does work that takes a processor for a while, beside the tasks that wait for the network.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down and takes this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// The items of a page as they are kept, and packed.
fn map(
    mapper: &Mapper,
    listing: Listing,
    view: &UnitView,
    items: &[Value],
) -> Result<(Vec<Item>, Result<PackedRows, StoreError>), MappingError> {
    let kind = mapper.governance().and_then(|governance| governance.resource_types.get(listing.of));
    let Some(kind) = kind else { return Ok((Vec::new(), PackedRows::pack(&[]))) };
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        match (&kind.source, listing.what) {
            (ResourceSource::Listed(listed), Listed::Resources) => {
                kept.extend(mapper.resource((kind, listed), item, view)?);
            }
            (ResourceSource::Static(_), Listed::Resources) => {}
            (_, Listed::Entitlements(place)) => {
                if let Some(entitlements) = kind.entitlements.get(place) {
                    kept.extend(mapper.entitlement((kind, entitlements), item, view)?);
                }
            }
            (_, Listed::Holders(place)) => kept.extend(mapper.holders((kind, place), item, view)?),
        }
    }
    let packed = PackedRows::pack_lines(&kept::lines(&kept));
    Ok((kept, packed))
}
