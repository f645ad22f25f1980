//! Entitlements that exist on a resource because a resource of another kind does: a role on a source.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use spec::connector_file::governance::{EntitlementSource, Entitlements, Governance, Slug};
use spec::expression::Scope;

use crate::mapping::{Mapper, MappingError, required};

/// A resource that entitlements are derived from.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) id: String,
    /// As expressions see it.
    pub(super) value: Value,
}

/// What every kind of derived entitlements is derived from.
#[derive(Debug, Default)]
pub(super) struct Derived {
    /// By the place of the kind, in the order of its list.
    origins: HashMap<usize, Vec<Origin>>,
    /// Slugs by place of the kind, place of its entitlements, and id of the origin.
    slugs: HashMap<(usize, usize), HashMap<String, String>>,
}

impl Derived {
    /// For a file; nothing is known yet.
    pub(super) fn new(governance: &Governance) -> Self {
        let place = |id: &str| governance.resource_types.iter().position(|kind| kind.id == id);
        let all = governance.resource_types.iter().flat_map(|kind| &kind.entitlements);
        let of = all.filter_map(|entitlements| match &entitlements.source {
            EntitlementSource::Derived { of, .. } => place(of),
            EntitlementSource::Static | EntitlementSource::Listed { .. } => None,
        });
        Self { origins: of.map(|place| (place, Vec::new())).collect(), slugs: HashMap::new() }
    }

    /// Notes a resource, if something is derived from its kind.
    pub(super) fn note(&mut self, kind: usize, origin: impl FnOnce() -> Origin) {
        if let Some(origins) = self.origins.get_mut(&kind) {
            origins.push(origin());
        }
    }

    /// Computes all slugs, now that all resources are known. Two origins with one slug would be one
    /// entitlement: the later one keeps its id in its slug.
    pub(super) fn settle(&mut self, governance: &Governance, mapper: &Mapper) -> Result<(), MappingError> {
        for (of_kind, kind) in governance.resource_types.iter().enumerate() {
            for (place, entitlements) in kind.entitlements.iter().enumerate() {
                let Some(origins) = self.origins_of(governance, entitlements) else { continue };
                let (mut slugs, mut taken) = (HashMap::new(), HashSet::new());
                for origin in origins {
                    let slug = match &entitlements.slug {
                        Slug::Text(slug) => slug.clone(),
                        Slug::Computed(slug) => {
                            let scope = Scope::of(mapper.params()).with("each", &origin.value);
                            required(slug, &scope, (&kind.id, "entitlements.slug"))?
                        }
                    };
                    let slug =
                        if taken.insert(slug.clone()) { slug } else { format!("{slug}[id={}]", origin.id) };
                    slugs.insert(origin.id.clone(), slug);
                }
                self.slugs.insert((of_kind, place), slugs);
            }
        }
        Ok(())
    }

    /// What `entitlements` are derived from; `None` if they are not derived.
    pub(super) fn origins_of(
        &self,
        governance: &Governance,
        entitlements: &Entitlements,
    ) -> Option<&[Origin]> {
        match &entitlements.source {
            EntitlementSource::Derived { of, .. } => {
                let place = governance.resource_types.iter().position(|kind| kind.id == *of)?;
                self.origins.get(&place).map(Vec::as_slice)
            }
            EntitlementSource::Static | EntitlementSource::Listed { .. } => None,
        }
    }

    /// The slug of what the entitlements at a place derive from the origin with an id.
    pub(super) fn slug(&self, kind: usize, entitlements: usize, origin: &str) -> Option<&str> {
        self.slugs.get(&(kind, entitlements))?.get(origin).map(String::as_str)
    }
}
