//! The entitlements of a sync.

use serde_json::Value;
use spec::connector_file::governance::{EntitlementSource, EntitlementText, Entitlements, Slug};
use spec::expression::Scope;

use super::grants::Target;
use super::{Assembly, rows};
use crate::item::{Item, ResourceItem, TextItem};
use crate::listing::{Listed, Listing};
use crate::mapping::entitlement_text;
use crate::outlet::SyncRow;
use crate::plan::KindDepth;
use crate::sync::SyncError;

impl Assembly<'_> {
    /// The entitlements on all resources of the kind at `place`, except those that the application lists.
    pub(super) fn entitlements(&mut self, place: usize) -> Result<(), SyncError> {
        let Some(kind) = self.governance.resource_types.get(place) else { return Ok(()) };
        if kind.entitlements.is_empty() || self.plan.depth(place) != KindDepth::Access {
            return Ok(());
        }
        self.each_resource(place, |this, item, parent| {
            if !this.plan.has_access(place, &item.id) {
                return Ok(());
            }
            this.entitlements_of(place, item, parent)
        })
    }

    /// The entitlements on one resource, except those that the application lists.
    pub(super) fn entitlements_of(
        &mut self,
        place: usize,
        item: &ResourceItem,
        parent: Option<protos::c1::connector::v2::ResourceId>,
    ) -> Result<(), SyncError> {
        let governance = self.governance;
        let Some(kind) = governance.resource_types.get(place) else { return Ok(()) };
        let row = rows::resource(kind, item, (parent, &[]));
        let resource = self.value_of(place, item);
        for (number, entitlements) in kind.entitlements.iter().enumerate() {
            match (&entitlements.source, &entitlements.slug) {
                (EntitlementSource::Static, Slug::Text(slug)) => {
                    let text = self.text_of(&entitlements.text, &resource, None);
                    self.entitlement(&row, (place, slug), (&text, Some(&entitlements.text)))?;
                }
                (EntitlementSource::Derived { .. }, _) => {
                    let count = self.derived.origins_of(governance, entitlements).map_or(0, <[_]>::len);
                    for origin in 0..count {
                        let origins = self.derived.origins_of(governance, entitlements).unwrap_or_default();
                        let Some(origin) = origins.get(origin) else { continue };
                        if !self.derives_value(entitlements, &resource, &origin.value)? {
                            continue;
                        }
                        let Some(slug) = self.derived.slug(place, number, &origin.id) else { continue };
                        let (slug, text) = (
                            slug.to_owned(),
                            self.text_of(&entitlements.text, &resource, Some(&origin.value)),
                        );
                        self.entitlement(&row, (place, &slug), (&text, Some(&entitlements.text)))?;
                    }
                }
                (EntitlementSource::Static, Slug::Computed(_)) | (EntitlementSource::Listed { .. }, _) => {}
            }
        }
        Ok(())
    }

    /// The entitlements that the application lists.
    pub(super) fn listed_entitlements(&mut self, listing: Listing) -> Result<(), SyncError> {
        let governance = self.governance;
        let Listed::Entitlements(number) = listing.what else { return Ok(()) };
        let Some(kind) = governance.resource_types.get(listing.of) else { return Ok(()) };
        let Some(entitlements) = kind.entitlements.get(number) else { return Ok(()) };
        let pages = self.pages;
        pages.each(listing, |unit, items| {
            let Some(id) = self.names.at(listing.of, unit.place()).map(str::to_owned) else { return Ok(()) };
            let row = rows::stub(kind, &id);
            for item in items {
                let Item::Entitlement(item) = item else { continue };
                if self.listed.insert((listing.of, id.clone(), item.slug.clone())) {
                    self.entitlement(&row, (listing.of, &item.slug), (&item.text, Some(&entitlements.text)))?;
                }
            }
            Ok(())
        })
    }

    /// Whether the application lists an entitlement with this slug on a resource.
    pub(super) fn is_listed(&self, (kind, id): (usize, &str), slug: &str) -> bool {
        !self.listed.is_empty() && self.listed.contains(&(kind, id.to_owned(), slug.to_owned()))
    }

    /// Makes the row of an entitlement that no list has and somebody holds, once.
    pub(super) fn make_entitlement(
        &mut self,
        target: &Target,
        text: &TextItem,
        of: Option<&EntitlementText>,
    ) -> Result<(), SyncError> {
        let key = (target.kind, target.id.clone(), target.slug.clone());
        if !self.listed.insert(key) {
            return Ok(());
        }
        let Some(kind) = self.governance.resource_types.get(target.kind) else { return Ok(()) };
        let row = rows::stub(kind, &target.id);
        let of = of.cloned();
        self.entitlement(&row, (target.kind, &target.slug), (text, of.as_ref()))
    }

    /// Whether the file derives entitlements for a resource from an origin with this id.
    pub(super) fn derives(
        &self,
        (place, entitlements): (usize, &Entitlements),
        id: &str,
        origin: &str,
    ) -> bool {
        let Some(origins) = self.derived.origins_of(self.governance, entitlements) else { return false };
        let Some(origin) = origins.iter().find(|found| found.id == origin) else { return false };
        let Some(kind) = self.governance.resource_types.get(place) else { return false };
        let resource = crate::mapping::resource_value(&kind.id, id, None);
        self.derives_value(entitlements, &resource, &origin.value).unwrap_or(false)
    }

    fn derives_value(
        &self,
        entitlements: &Entitlements,
        resource: &Value,
        each: &Value,
    ) -> Result<bool, SyncError> {
        let EntitlementSource::Derived { when: Some(when), .. } = &entitlements.source else {
            return Ok(true);
        };
        let scope = Scope::of(self.mapper.params()).with("resource", resource).with("each", each);
        Ok(when.holds(&scope)?)
    }

    /// How an entitlement reads.
    pub(super) fn text_of(&self, text: &EntitlementText, resource: &Value, each: Option<&Value>) -> TextItem {
        let mut scope = Scope::of(self.mapper.params()).with("resource", resource);
        if let Some(each) = each {
            scope.bind("each", each);
        }
        entitlement_text(text, &scope)
    }

    fn entitlement(
        &mut self,
        resource: &protos::c1::connector::v2::Resource,
        (place, slug): (usize, &str),
        (text, of): (&TextItem, Option<&EntitlementText>),
    ) -> Result<(), SyncError> {
        let Some(on) = &resource.id else { return Ok(()) };
        let grantable: Vec<_> = of.into_iter().flat_map(|of| &of.grantable_to).collect();
        let grantable_to: Vec<_> = grantable
            .into_iter()
            .filter_map(|id| self.governance.find_type(id))
            .map(rows::grantable)
            .collect();
        let parts = rows::EntitlementParts {
            id: protos::entitlement_id(on, slug)?,
            slug,
            text,
            purpose: of.map(|of| of.purpose).unwrap_or_default(),
            grantable_to: &grantable_to,
        };
        self.outlet.put(SyncRow::Entitlement(Box::new(rows::entitlement(resource, parts))))?;
        if let Some(kind) = self.kinds.get_mut(place) {
            kind.entitlements += 1;
        }
        Ok(())
    }
}
