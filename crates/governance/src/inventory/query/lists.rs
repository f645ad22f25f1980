//! Lists of resources and entitlements.

use super::page::page;
use super::search::Search;
use super::{Cursor, ListPage, PageRequest, QueryError};
use crate::inventory::view::Inventory;
use crate::inventory::view::rows::Range;
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};

/// Which resources are wanted; all of those that are named have to fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResourceQuery<'a> {
    /// Of this kind.
    pub kind: Option<&'a str>,
    /// Below this one.
    pub parent: Option<ResourceNumber>,
    /// With this in their name, id, address or name to sign in with.
    pub search: Option<&'a str>,
    /// In which order.
    pub sort: Sort,
}

/// Which entitlements are wanted; all of those that are named have to fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct EntitlementQuery<'a> {
    /// On resources of this kind.
    pub kind: Option<&'a str>,
    /// On this resource.
    pub resource: Option<ResourceNumber>,
    /// With this in their names or the name of their resource.
    pub search: Option<&'a str>,
    /// In which order.
    pub sort: Sort,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By name, without regard to case, then by kind and id.
    #[default]
    Name,
    /// By kind, then by id.
    Id,
}

impl Inventory {
    /// Resources, accounts among them.
    ///
    /// # Errors
    /// [`QueryError`] if there is no such kind, or the cursor is none of this list.
    pub fn list_resources(
        &self,
        query: &ResourceQuery<'_>,
        request: &PageRequest,
    ) -> Result<ListPage<ResourceNumber>, QueryError> {
        let kind = self.wanted_kind(query.kind)?;
        let search = Search::of(query.search);
        let is_wanted = |number: ResourceNumber| {
            let Some(row) = self.resource_row(number) else { return false };
            kind.is_none_or(|kind| row.kind == kind.0)
                && query.parent.is_none_or(|parent| row.parent == parent.0)
                && search.as_ref().is_none_or(|search| search.fits_resource(self, number))
        };
        self.resource_page(self.resource_order(query.sort), is_wanted, request)
    }

    /// Entitlements.
    ///
    /// # Errors
    /// [`QueryError`] if there is no such kind, or the cursor is none of this list.
    pub fn list_entitlements(
        &self,
        query: &EntitlementQuery<'_>,
        request: &PageRequest,
    ) -> Result<ListPage<EntitlementNumber>, QueryError> {
        let kind = self.wanted_kind(query.kind)?;
        let search = Search::of(query.search);
        let is_wanted = |number: EntitlementNumber| {
            let Some(row) = self.entitlement_row(number) else { return false };
            let on = self.resource_row(ResourceNumber(row.resource)).map(|row| row.kind);
            kind.is_none_or(|kind| on == Some(kind.0))
                && query.resource.is_none_or(|resource| row.resource == resource.0)
                && search.as_ref().is_none_or(|search| search.fits_entitlement(self, number))
        };
        let after = match &request.after {
            None => None,
            Some(cursor) => {
                let [id] = cursor.ids()?;
                Some(self.find_entitlement(id).ok_or(QueryError::Gone)?)
            }
        };
        let cursor = |number: EntitlementNumber| Cursor::of([self.entitlement_ref(number).id]);
        let order: Box<dyn Iterator<Item = EntitlementNumber>> = match query.sort {
            Sort::Name => Box::new(self.entitlements_by_name.iter().copied().map(EntitlementNumber)),
            Sort::Id => Box::new(self.entitlement_numbers()),
        };
        page(order, is_wanted, (after, request), cursor)
    }

    pub(super) fn resource_order(&self, sort: Sort) -> Box<dyn Iterator<Item = ResourceNumber> + '_> {
        match sort {
            Sort::Name => Box::new(self.resources_by_name.iter().copied().map(ResourceNumber)),
            Sort::Id => Box::new((0..self.resources.len() as u32).map(ResourceNumber)),
        }
    }

    /// The entitlements on a resource: their numbers follow each other.
    pub(in crate::inventory) fn entitlements_of(&self, resource: ResourceNumber) -> Range {
        self.entitlements_between(resource.0, resource.0.saturating_add(1))
    }

    /// The entitlements on resources of a kind: their numbers follow each other.
    pub(in crate::inventory) fn entitlements_of_kind(&self, kind: ResourceTypeNumber) -> Range {
        let resources = self.kind_range(kind);
        self.entitlements_between(resources.start, resources.end)
    }

    fn entitlements_between(&self, start: u32, end: u32) -> Range {
        let at = |resource: u32| self.entitlements.partition_point(|row| row.resource < resource) as u32;
        Range { start: at(start), end: at(end) }
    }
}
