//! Entitlements that are there because a resource of another kind is, and the ids of whatever is held.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use serde_json::Value;
use spec::connector_file::governance::{EntitlementSource, ResourceType, Slug};
use spec::expression::Scope;

use super::live::{Live, Seen};
use super::{ChangeError, ResourceName};
use crate::item::{HeldItem, HeldTarget};
use crate::mapping::required;

/// One origin, and the slug of what follows from it.
#[derive(Debug, Clone)]
pub(super) struct Derivation {
    pub(super) origin: Seen,
    pub(super) slug: String,
}

impl Live<'_> {
    /// What the entitlements at `place` of a kind are derived from, in the order of its list; nothing if they
    /// are not derived. The slugs are those of a sync: of two that are the same, the later one keeps the id
    /// of its origin.
    pub(super) async fn derivations(
        &self,
        kind: &ResourceType,
        place: usize,
    ) -> Result<Arc<Vec<Derivation>>, ChangeError> {
        let key = (kind.id.clone(), place);
        let known = self.derived.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut found = Vec::new();
        if let Some(entitlements) = kind.entitlements.get(place)
            && let EntitlementSource::Derived { of, .. } = &entitlements.source
        {
            let mut taken = HashSet::new();
            for origin in self.all(self.kind(of)?).await?.iter() {
                let slug = match &entitlements.slug {
                    Slug::Text(slug) => slug.clone(),
                    Slug::Computed(slug) => {
                        let value = origin.value();
                        let scope = Scope::of(self.mapper.params()).with("each", &value);
                        required(slug, &scope, (&kind.id, "entitlements.slug"))?
                    }
                };
                let id = &origin.name.id;
                let slug = if taken.insert(slug.clone()) { slug } else { format!("{slug}[id={id}]") };
                found.push(Derivation { origin: origin.clone(), slug });
            }
        }
        let found = Arc::new(found);
        self.derived.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&found));
        Ok(found)
    }

    /// Whether the file derives an entitlement on `on` from this origin.
    pub(super) fn derives(
        &self,
        (kind, place): (&ResourceType, usize),
        (on, origin): (&Value, &Value),
    ) -> Result<bool, ChangeError> {
        let Some(entitlements) = kind.entitlements.get(place) else { return Ok(false) };
        let EntitlementSource::Derived { when: Some(when), .. } = &entitlements.source else {
            return Ok(true);
        };
        let scope = Scope::of(self.mapper.params()).with("resource", on).with("each", origin);
        let failed = |source| ChangeError::Expression {
            kind: kind.id.clone(),
            key: "entitlements.when".to_owned(),
            source,
        };
        when.holds(&scope).map_err(failed)
    }

    /// The entitlement that somebody holds, by its id and by the origin that it is derived from.
    pub(super) async fn held(&self, held: &HeldItem) -> Result<Holding, ChangeError> {
        let on = ResourceName::new(&held.resource_type, &held.resource_id);
        let (slug, origin) = match &held.target {
            HeldTarget::Slug(slug) => (slug.clone(), None),
            HeldTarget::From(origin) => self.derived_slug(&held.resource_type, origin).await?,
        };
        let id = protos::entitlement_id(&on.wire(), &slug)?;
        Ok(Holding { id, on, slug, origin, rule: held.rule })
    }

    async fn derived_slug(&self, kind: &str, origin: &str) -> Result<(String, Option<Seen>), ChangeError> {
        let Some(kind) = self.governance().find_type(kind) else { return Ok((origin.to_owned(), None)) };
        for place in 0..kind.entitlements.len() {
            let derivations = self.derivations(kind, place).await?;
            if let Some(found) = derivations.iter().find(|found| found.origin.name.id == origin) {
                return Ok((found.slug.clone(), Some(found.origin.clone())));
            }
        }
        Ok((origin.to_owned(), None))
    }

    /// Everything that a resource says it holds.
    pub(super) async fn holdings(&self, seen: &Seen) -> Result<Vec<Holding>, ChangeError> {
        let mut all = Vec::with_capacity(seen.resource.holds.len());
        for held in &seen.resource.holds {
            all.push(self.held(held).await?);
        }
        Ok(all)
    }
}

/// Something that a resource says it holds.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    /// The entitlement's id.
    pub(super) id: String,
    pub(super) on: ResourceName,
    pub(super) slug: String,
    pub(super) origin: Option<Seen>,
    /// Which of the kind's rules says so.
    pub(super) rule: usize,
}
