//! What an item says that it holds.

use std::collections::HashSet;

use serde_json::Value;
use spec::connector_file::governance::{GrantTarget, HeldGrants, ResourceType, Slug};
use spec::expression::Scope;

use super::text::{holds, list, required};
use super::{Mapper, MappingError};
use crate::item::{HeldItem, HeldTarget};

/// A grant that an item holds, and which of its lists' entries say so.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FoundGrant {
    pub(crate) item: HeldItem,
    /// Places in `each` and, if the rule has one, in its `inner`.
    pub(crate) at: (usize, usize),
}

/// The entry that a rule looks at.
struct Entry<'a> {
    each: Option<&'a Value>,
    inner: Option<&'a Value>,
    at: (usize, usize),
}

impl Mapper {
    /// Everything that an item of `kind` says that it holds, each once, in the order of rules and entries.
    pub(super) fn held(
        &self,
        kind: &ResourceType,
        scope: &Scope<'_>,
    ) -> Result<Vec<FoundGrant>, MappingError> {
        let mut found = Vec::new();
        for (rule, grants) in kind.grants.iter().enumerate() {
            found.extend(self.held_by_rule(kind, (rule, grants), scope)?);
        }
        // The same role may stand in several entries (segment-api A57).
        let mut seen = HashSet::with_capacity(found.len());
        let first = found.iter().map(|FoundGrant { item, .. }| {
            seen.insert((&item.resource_type, &item.resource_id, &item.target))
        });
        let first: Vec<bool> = first.collect();
        let mut first = first.into_iter();
        found.retain(|_| first.next().unwrap_or_default());
        Ok(found)
    }

    /// What one rule finds, entries that say the same included.
    pub(crate) fn held_by_rule(
        &self,
        kind: &ResourceType,
        (rule, grants): (usize, &HeldGrants),
        scope: &Scope<'_>,
    ) -> Result<Vec<FoundGrant>, MappingError> {
        let mut found = Vec::new();
        let Some(each) = &grants.each else {
            let entry = Entry { each: None, inner: None, at: (0, 0) };
            found.extend(self.entry(kind, (rule, grants), (scope, &entry))?);
            return Ok(found);
        };
        for (outer, each) in list(each, scope, (&kind.id, "grants.each"))?.iter().enumerate() {
            let Some(inner) = &grants.inner else {
                let entry = Entry { each: Some(each), inner: None, at: (outer, 0) };
                found.extend(self.entry(kind, (rule, grants), (scope, &entry))?);
                continue;
            };
            let inners = list(inner, &scope.inner().with("each", each), (&kind.id, "grants.inner"))?;
            for (place, inner) in inners.iter().enumerate() {
                let entry = Entry { each: Some(each), inner: Some(inner), at: (outer, place) };
                found.extend(self.entry(kind, (rule, grants), (scope, &entry))?);
            }
        }
        Ok(found)
    }

    fn entry(
        &self,
        kind: &ResourceType,
        (rule, grants): (usize, &HeldGrants),
        (scope, entry): (&Scope<'_>, &Entry<'_>),
    ) -> Result<Option<FoundGrant>, MappingError> {
        let mut scope = scope.inner();
        for (name, value) in [("each", entry.each), ("inner", entry.inner)] {
            if let Some(value) = value {
                scope.bind(name, value);
            }
        }
        if let Some(when) = &grants.when
            && !holds(when, &scope, (&kind.id, "grants.when"))?
        {
            return Ok(None);
        }
        let resource_type =
            required(&grants.resource.resource_type, &scope, (&kind.id, "grants.resource.type"))?;
        let resource_id = required(&grants.resource.id, &scope, (&kind.id, "grants.resource.id"))?;
        let target = match &grants.target {
            GrantTarget::Slug(slug) => HeldTarget::Slug(required(slug, &scope, (&kind.id, "grants.slug"))?),
            GrantTarget::From(from) => HeldTarget::From(required(from, &scope, (&kind.id, "grants.from"))?),
        };
        let described = match &target {
            HeldTarget::Slug(slug) => self.describes(&resource_type, slug),
            HeldTarget::From(_) => true,
        };
        let entry_of = |value: Option<&Value>| value.cloned().unwrap_or(Value::Null);
        let kept = (grants.entitlement.is_some() && !described)
            .then(|| Box::new((entry_of(entry.each), entry_of(entry.inner))));
        let item = HeldItem { rule, resource_type, resource_id, target, entry: kept };
        Ok(Some(FoundGrant { item, at: entry.at }))
    }

    /// Whether every resource of a kind has an entitlement with this slug, by the file.
    fn describes(&self, kind: &str, slug: &str) -> bool {
        let kind = self.governance().and_then(|governance| governance.find_type(kind));
        let entitlements = kind.map(|kind| kind.entitlements.as_slice()).unwrap_or_default();
        entitlements.iter().any(|entitlements| match &entitlements.slug {
            Slug::Text(text) => text == slug,
            Slug::Computed(_) => false,
        })
    }
}
