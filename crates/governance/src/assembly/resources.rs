//! The resources of a sync.

use std::collections::HashSet;

use protos::c1::connector::v2::{Resource, ResourceId};
use serde_json::{Value, json};
use spec::connector_file::governance::ResourceSource;

use super::derived::Origin;
use super::grants::Principal;
use super::{Assembly, rows};
use crate::item::{HeldItem, Holding, HoldingLine, Item, ResourceItem};
use crate::listing::{Listed, Listing, UnitNumber};
use crate::number::ResourceNumber;
use crate::outlet::SyncRow;
use crate::sync::SyncError;

impl Assembly<'_> {
    /// The row of the kind at `place`.
    pub(super) fn kind(&mut self, place: usize) -> Result<(), SyncError> {
        let Some(kind) = self.governance.resource_types.get(place) else { return Ok(()) };
        Ok(self.outlet.put(SyncRow::ResourceType(rows::resource_type(kind)))?)
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
            if !this.is_shown((place, &item.id), parent.as_ref()) {
                return Ok(());
            }
            this.resource(place, rows::resource(kind, item, (parent, &children)))
        })
    }

    pub(super) fn resource(&mut self, place: usize, row: Resource) -> Result<(), SyncError> {
        self.outlet.put(SyncRow::Resource(Box::new(row)))?;
        if let Some(kind) = self.kinds.get_mut(place) {
            kind.resources += 1;
        }
        Ok(())
    }

    /// Hands over every resource of a kind once, with what it is listed below.
    pub(super) fn each_resource(
        &mut self,
        place: usize,
        mut take: impl FnMut(&mut Self, &ResourceItem, Option<ResourceId>) -> Result<(), SyncError>,
    ) -> Result<(), SyncError> {
        let mut seen = HashSet::with_capacity(self.names.count(place));
        self.each(place, |this, item, parent| match this.names.find(place, &item.id) {
            Some(number) if seen.insert(number) => take(this, item, parent),
            Some(_) | None => Ok(()),
        })
    }

    /// Hands over every resource of a kind once, with what it says it holds. Nothing else of it is looked at.
    pub(super) fn each_holding(
        &mut self,
        place: usize,
        mut take: impl FnMut(&mut Self, Principal<'_>, &[HeldItem]) -> Result<(), SyncError>,
    ) -> Result<(), SyncError> {
        let Some(listing) = self.list_of(place) else { return Ok(()) };
        let mut seen = HashSet::with_capacity(self.names.count(place));
        let pages = self.pages;
        pages.each(listing, |_, lines: Vec<HoldingLine>| {
            for Holding { id, holds } in lines.into_iter().filter_map(|line| line.resource) {
                let Some(number) = self.names.find(place, &id) else { continue };
                if seen.insert(number) {
                    take(self, Principal { kind: place, id: &id, number }, &holds)?;
                }
            }
            Ok(())
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
        self.resource(place, rows::stub(kind, id))?;
        self.shown.note(number);
        if let Some(kind) = self.kinds.get_mut(place) {
            kind.stubs += 1;
        }
        if !self.plan.has_access(place, id) {
            return Ok(number);
        }
        let item = ResourceItem { id: id.to_owned(), ..ResourceItem::default() };
        self.entitlements_of(place, &item, None)?;
        Ok(number)
    }

    /// A resource as expressions see it.
    pub(super) fn value_of(&self, place: usize, item: &ResourceItem) -> Value {
        value_of(self.kind_id(place), item)
    }

    fn derived_from(&mut self, place: usize, item: &ResourceItem) {
        let kind = self.kind_id(place);
        self.derived.note(place, || Origin { id: item.id.clone(), value: value_of(kind, item) });
    }

    /// Hands over every item of a kind's resources, in canonical order.
    pub(super) fn each(
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
        let Some(listing) = self.list_of(place) else { return Ok(()) };
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

    /// The list of a kind's resources, if an application has one.
    fn list_of(&self, place: usize) -> Option<Listing> {
        let is_it = |listing: &Listing| listing.of == place && listing.what == Listed::Resources;
        self.listings.iter().find(is_it)
    }

    /// What the resources of a unit are listed below.
    fn parent_of(&self, listing: Listing, unit: UnitNumber) -> Option<ResourceId> {
        let listed = listing.resources(self.governance)?;
        let kind = self.kinds.find(listed.per.as_deref()?)?;
        let place = unit.place() / listed.values.len().max(1);
        self.names.at(kind, place).map(|id| self.id_of(kind, id))
    }
}

/// A resource of a kind as expressions see it.
fn value_of(kind: &str, item: &ResourceItem) -> Value {
    json!({
        "type": kind,
        "id": item.id,
        "display_name": item.display_name.as_deref().unwrap_or(&item.id),
        "description": item.description.as_deref().unwrap_or_default(),
    })
}
