//! One page: what it lacks is asked for, it is mapped, and it is kept.

use std::sync::Arc;

use connector::{ItemText, PageMark};
use futures::{StreamExt as _, TryStreamExt as _};
use model::kill_point;
use serde_json::Value;
use spec::connector_file::governance::{ListedResources, ResourceGet, ResourceSource, ResourceType};
use store::{NewPage, PackedRows, StoreError};

use super::keeper::{Fetched, FetchedItems, ItemSource, Keeper, Unkept};
use super::singles::Asker;
use crate::aside::{aside, begun_aside, in_own_task};
use crate::item::Item;
use crate::kept;
use crate::listing::{Listed, Listing};
use crate::mapping::{Mapper, MappingError, UnitView};
use crate::sync::SyncProgress;
use crate::sync::known::Known;

/// Resources asked for by themselves at the same time.
pub(super) const SINGLES_AT_ONCE: usize = 4;

impl Keeper<'_> {
    /// Maps and keeps one page.
    pub(super) async fn keep(&mut self, page: Fetched) -> Result<(), Unkept> {
        let Fetched { items, mark, mut state } = page;
        let mapped = match items {
            FetchedItems::Mapped(mapped) => mapped.await,
            FetchedItems::Text(items) => {
                let (mapping, listing, view) =
                    (self.sync.mapper.clone(), self.listing, Arc::clone(&self.view));
                let mut values = aside(move || items.into_values()).await;
                self.fill_in(&mut values).await?;
                aside(move || map(&mapping, listing, &view, &values)).await
            }
        };
        let (items, packed) = mapped.map_err(Unkept::Item)?;
        let packed = packed?;
        state.requests += self.extra_requests;
        let text = serde_json::to_vec(&state).expect("a state has text keys and plain values");
        let mark = mark.map(PageMark::to_bytes);
        let (store, lease) = (self.sync.parts.store.clone(), self.sync.hold.lease().clone());
        let (unit, page) = (self.unit.0, state.pages.saturating_sub(1));
        kill_point!("sync.before_page");
        let append = async move {
            let new = NewPage { unit, page, rows: &packed, mark: mark.as_deref(), state: Some(&text) };
            store.page_append(&lease, &[new]).await
        };
        // Kept after all, if nobody waits any more: whoever goes on finds one page more, or is refused by the lease.
        in_own_task(append).await?;
        kill_point!("sync.page");
        if let Some(known) = &mut self.known {
            known.extend(items.iter().filter_map(Known::of));
        }
        let kind = self.kind().map(|kind| kind.id.clone()).unwrap_or_default();
        (self.progress)(SyncProgress::Page { kind, items: items.len() as u64 });
        Ok(())
    }

    /// What begins the mapping of a page: beside the call for the next one, and beside that of pages before, where no
    /// item has to be asked for by itself first.
    pub(super) fn mapping(&self) -> impl Fn(ItemText) -> FetchedItems + Send + use<> {
        let (mapper, listing, view) = (self.sync.mapper.clone(), self.listing, Arc::clone(&self.view));
        let may_lack = self.single().is_some();
        move |items| {
            if may_lack {
                return FetchedItems::Text(items);
            }
            let (mapper, view) = (mapper.clone(), Arc::clone(&view));
            let page = begun_aside(move || map(&mapper, listing, &view, &items.into_values()));
            FetchedItems::Mapped(Box::pin(page))
        }
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
        let one = Asker { sync: self.sync, place: format!("{}.get", self.place()), get };
        let asked = lacking.into_iter().map(|(at, id)| {
            let (one, bound) = (&one, self.view.bind_single(&id));
            async move {
                let (got, requests) = one.ask(&bound).await;
                got.map(|got| (at, got, requests))
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
        let found = self.gettable().filter(|(_, _, get)| get.when.is_some());
        found.filter(|_| self.source == ItemSource::List)
    }
}

/// The items of a page as they are kept, and packed.
pub(super) type Mapped = Result<(Vec<Item>, Result<PackedRows, StoreError>), MappingError>;

fn map(mapper: &Mapper, listing: Listing, view: &UnitView, items: &[Value]) -> Mapped {
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
