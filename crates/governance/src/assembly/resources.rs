//! The resources of a sync.

use protos::c1::connector::v2::ResourceId;
use serde_json::{Value, json};
use spec::connector_file::governance::ResourceSource;

use super::derived::Origin;
use super::{Assembly, rows};
use crate::item::{Item, ResourceItem};
use crate::listing::{Listed, Listing, UnitNumber};
use crate::number::ResourceNumber;
use crate::sync::SyncError;

impl Assembly<'_> {
    /// The row of the kind at `place`.
    pub(super) fn kind(&mut self, place: usize) -> Result<(), SyncError> {
        let Some(kind) = self.governance.resource_types.get(place) else { return Ok(()) };
        Ok(self.sink.resource_type(&rows::resource_type(kind))?)
    }

    /// The rows of all its resources.
    pub(super) fn resources(&mut self, place: usize) -> Result<(), SyncError> {
        let Some(kind) = self.governance.resource_types.get(place) else { return Ok(()) };
        let children = rows::children(self.governance, kind);
        self.each(place, |this, item, parent| {
            if this.names.add(place, &item.id).is_none() {
                // It came before: lists shift while they are read (segment-api A22).
                return Ok(());
            }
            this.derived_from(place, item);
            if this.titled.contains(&place) {
                this.titles.insert((place, item.id.clone()), this.value_of(place, item));
            }
            this.sink.resource(&rows::resource(kind, item, (parent, &children)))?;
            if let Some(kind) = this.kinds.get_mut(place) {
                kind.resources += 1;
            }
            Ok(())
        })
    }

    /// Hands over every resource of a kind once, with what it is listed below.
    pub(super) fn each_resource(
        &mut self,
        place: usize,
        mut take: impl FnMut(&mut Self, &ResourceItem, Option<ResourceId>) -> Result<(), SyncError>,
    ) -> Result<(), SyncError> {
        let mut seen = std::collections::HashSet::with_capacity(self.names.count(place));
        self.each(place, |this, item, parent| match this.names.find(place, &item.id) {
            Some(number) if seen.insert(number) => take(this, item, parent),
            Some(_) | None => Ok(()),
        })
    }

    /// The number of a resource that a grant names. One that its list does not have was made meanwhile: it
    /// gets a row of its own, so that the grant is shown.
    pub(super) fn known(&mut self, place: usize, id: &str) -> Result<ResourceNumber, SyncError> {
        if let Some(number) = self.names.find(place, id) {
            return Ok(number);
        }
        let number = self.names.add(place, id).unwrap_or(ResourceNumber(u32::MAX));
        let Some(kind) = self.governance.resource_types.get(place) else { return Ok(number) };
        self.sink.resource(&rows::stub(kind, id))?;
        if let Some(kind) = self.kinds.get_mut(place) {
            kind.resources += 1;
        }
        let item = ResourceItem { id: id.to_owned(), ..ResourceItem::default() };
        self.entitlements_of(place, &item, None)?;
        Ok(number)
    }

    /// A resource as expressions see it.
    pub(super) fn value_of(&self, place: usize, item: &ResourceItem) -> Value {
        let kind = self.governance.resource_types.get(place).map(|kind| kind.id.as_str()).unwrap_or_default();
        json!({
            "type": kind,
            "id": item.id,
            "display_name": item.display_name.as_deref().unwrap_or(&item.id),
            "description": item.description.as_deref().unwrap_or_default(),
        })
    }

    fn derived_from(&mut self, place: usize, item: &ResourceItem) {
        let value = self.value_of(place, item);
        self.derived.note(place, || Origin { id: item.id.clone(), value });
    }

    /// Hands over every item of a kind's resources, in canonical order.
    fn each(
        &mut self,
        place: usize,
        mut take: impl FnMut(&mut Self, &ResourceItem, Option<ResourceId>) -> Result<(), SyncError>,
    ) -> Result<(), SyncError> {
        let Some(kind) = self.governance.resource_types.get(place) else { return Ok(()) };
        if let ResourceSource::Static(resources) = &kind.source {
            for resource in resources {
                let item = ResourceItem {
                    id: resource.id.clone(),
                    display_name: Some(resource.display_name.clone()),
                    description: resource.description.clone(),
                    ..ResourceItem::default()
                };
                take(self, &item, None)?;
            }
            return Ok(());
        }
        let is_it = |listing: &Listing| listing.of == place && listing.what == Listed::Resources;
        let Some(listing) = self.listings.iter().find(is_it) else { return Ok(()) };
        let pages = self.pages;
        pages.each(listing, |unit, items| {
            let parent = self.parent_of(listing, unit);
            for item in items {
                if let Item::Resource(item) = item {
                    take(self, &item, parent.clone())?;
                }
            }
            Ok(())
        })
    }

    /// What the resources of a unit are listed below.
    fn parent_of(&self, listing: Listing, unit: UnitNumber) -> Option<ResourceId> {
        let listed = listing.resources(self.governance)?;
        let kind = self.kinds.find(listed.per.as_deref()?)?;
        let place = unit.place() / listed.values.len().max(1);
        self.names.at(kind, place).map(|id| self.id_of(kind, id))
    }
}
