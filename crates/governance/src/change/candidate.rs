//! Which entitlements an id may be the id of.
//!
//! An id is never taken apart: ids of resources and slugs hold colons too. Every kind and slug of the file
//! makes a frame; where the id fits into one, what is left over can only be the id of the resource, and the
//! application is asked whether there is one.

use serde_json::Value;
use spec::connector_file::governance::{EntitlementSource, ResourceType, Slug};

use super::live::{Live, Seen};
use super::{ChangeError, ResourceName};

/// An entitlement that may be meant.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'a> {
    pub(super) kind: &'a ResourceType,
    /// Place in the kind's `entitlements`.
    pub(super) place: usize,
    pub(super) on: ResourceName,
    pub(super) slug: String,
    /// What it is derived from.
    pub(super) origin: Option<Seen>,
}

impl<'a> Live<'a> {
    /// The kind whose entitlements have ids that begin like this one. Kinds have no colon, so there is at most
    /// one.
    pub(super) fn kind_of(&self, entitlement: &str) -> Result<&'a ResourceType, ChangeError> {
        let begins = |kind: &&ResourceType| inside(entitlement, &kind.id, "").is_some();
        let found = self.governance().resource_types.iter().find(begins);
        found.ok_or_else(|| ChangeError::UnknownEntitlement { id: entitlement.to_owned() })
    }

    /// Every entitlement of the file that the id fits, whether its resource is there or not. Those that the
    /// application lists by resource are not among them.
    pub(super) async fn candidates(&self, id: &str) -> Result<Vec<Candidate<'a>>, ChangeError> {
        let kind = self.kind_of(id)?;
        let mut found = Vec::new();
        for (place, entitlements) in kind.entitlements.iter().enumerate() {
            let mut fits = |slug: &str, origin: Option<&Seen>| {
                if let Some(resource) = inside(id, &kind.id, slug) {
                    let on = ResourceName::new(&kind.id, resource);
                    found.push(Candidate { kind, place, on, slug: slug.to_owned(), origin: origin.cloned() });
                }
            };
            match (&entitlements.source, &entitlements.slug) {
                (EntitlementSource::Static, Slug::Text(slug)) => fits(slug, None),
                (EntitlementSource::Derived { .. }, _) => {
                    for one in self.derivations(kind, place).await?.iter() {
                        fits(&one.slug, Some(&one.origin));
                    }
                }
                (EntitlementSource::Static, Slug::Computed(_)) | (EntitlementSource::Listed { .. }, _) => {}
            }
        }
        Ok(found)
    }

    /// The entitlement that has this id and its resource.
    pub(super) async fn entitlement(&self, id: &str) -> Result<(Candidate<'a>, Seen), ChangeError> {
        let mut found: Option<(Candidate<'a>, Seen)> = None;
        for candidate in self.candidates(id).await? {
            let Some(on) = self.find(&candidate.on).await? else { continue };
            if let Some(origin) = &candidate.origin
                && !self.derives((candidate.kind, candidate.place), (&on.value(), &origin.value()))?
            {
                continue;
            }
            if found.is_some() {
                return Err(ChangeError::Ambiguous { id: id.to_owned() });
            }
            found = Some((candidate, on));
        }
        match found {
            Some(found) => Ok(found),
            None => Err(self.not_there(id).await?),
        }
    }

    /// Why no entitlement has the id: some are there only where they are held.
    async fn not_there(&self, id: &str) -> Result<ChangeError, ChangeError> {
        let kind = self.kind_of(id)?;
        let rules = self.governance().resource_types.iter().flat_map(|kind| &kind.grants);
        let mut made =
            rules.filter(|rule| rule.entitlement.is_some() && rule.resource.types.contains(&kind.id));
        let id = id.to_owned();
        if made.next().is_none() {
            return Ok(ChangeError::UnknownEntitlement { id });
        }
        let starts = |seen: &Seen| id.starts_with(&format!("{}:{}:", kind.id, seen.name.id));
        let exists = self.all(kind).await?.iter().any(starts);
        Ok(if exists { ChangeError::OnlyHeld { id } } else { ChangeError::UnknownEntitlement { id } })
    }
}

/// What stands in `id` between a kind in front and a slug behind; nothing is not enough.
fn inside<'t>(id: &'t str, kind: &str, slug: &str) -> Option<&'t str> {
    let rest = id.strip_prefix(kind)?.strip_prefix(':')?;
    let rest = if slug.is_empty() { rest } else { rest.strip_suffix(slug)?.strip_suffix(':')? };
    (!rest.is_empty()).then_some(rest)
}

/// Who may hold which entitlement if a grant has this id: entitlement and principal, one pair for each place
/// where a kind's name stands in it.
pub(super) fn grants(live: &Live<'_>, id: &str) -> Vec<(String, ResourceName)> {
    let mut found = Vec::new();
    for kind in &live.governance().resource_types {
        let name = format!(":{}:", kind.id);
        for (at, _) in id.match_indices(&name) {
            let (entitlement, principal) = (id.get(..at), id.get(at + name.len()..));
            if let (Some(entitlement), Some(principal)) = (entitlement, principal)
                && !principal.is_empty()
                && live.kind_of(entitlement).is_ok()
            {
                found.push((entitlement.to_owned(), ResourceName::new(&kind.id, principal)));
            }
        }
    }
    found
}

/// A resource of which only kind and id are known, as expressions see it.
pub(super) fn unseen(name: &ResourceName) -> Value {
    crate::mapping::resource_value(&name.kind, &name.id, None)
}
