//! What a change comes down to: nothing, or one job.

use protos::annotations;
use protos::c1::connector::v2::{Entitlement, EntitlementImmutable, Grant, GrantImmutable};

use super::told::{Told, expandable, is_direct, named, title};
use crate::change::plan::{Besides, PlannedChange};
use crate::change::reach::Through;
use crate::change::{AccessChange, Action, ChangeError, ResourceName};
use crate::source::Job;

/// What a change needs.
pub(super) enum Found {
    /// Nothing: it is so.
    Nothing,
    /// One job.
    Job(Box<Wanted>),
}

/// A job, and what is to be said about it.
pub(super) struct Wanted {
    pub(super) job: Job,
    pub(super) change: PlannedChange,
    pub(super) besides: Vec<Besides>,
    pub(super) still_through: Vec<Through>,
}

impl Told<'_> {
    pub(super) fn look(&self, change: &AccessChange) -> Result<Found, ChangeError> {
        match change {
            AccessChange::Grant { entitlement, principal } => self.grant(entitlement, principal),
            AccessChange::Revoke { entitlement, principal } => self.revoke(entitlement, principal),
            AccessChange::Delete { resource } => self.delete(resource),
            AccessChange::RevokeGrant { grant: id } | AccessChange::Create { kind: id, .. } => {
                Err(ChangeError::UnknownEntitlement { id: id.clone() })
            }
        }
    }

    fn grant(&self, id: &str, who: &ResourceName) -> Result<Found, ChangeError> {
        let Some(entitlement) = self.entitlement(id)? else {
            let unknown = ChangeError::UnknownEntitlement { id: id.to_owned() };
            return Err(self.incomplete(None).unwrap_or(unknown));
        };
        let principal_name = self
            .principal(who)?
            .ok_or_else(|| ChangeError::NoPrincipal { kind: who.kind.clone(), requires: None })?;
        if self.grants(id, who)?.iter().any(|grant| is_direct(grant, id)) {
            return Ok(Found::Nothing);
        }
        if annotations::contains::<EntitlementImmutable>(&entitlement.annotations) {
            return Err(ChangeError::Fixed { action: Action::Grant.as_str(), what: id.to_owned() });
        }
        let allowed: Vec<&str> = entitlement.grantable_to.iter().map(|kind| kind.id.as_str()).collect();
        if !allowed.is_empty() && !allowed.contains(&who.kind.as_str()) {
            let (id, given, allowed) = (id.to_owned(), who.kind.clone(), allowed.join(", "));
            return Err(ChangeError::WrongHolder { id, given, allowed });
        }
        Ok(Found::Job(Box::new(Wanted {
            job: Job::Grant { entitlement: id.to_owned(), principal: who.clone() },
            change: self.planned(Action::Grant, &entitlement, (who, principal_name))?,
            besides: Vec::new(),
            still_through: Vec::new(),
        })))
    }

    fn revoke(&self, id: &str, who: &ResourceName) -> Result<Found, ChangeError> {
        // Who is gone has nothing any more.
        let Some(principal_name) = self.principal(who)? else { return Ok(Found::Nothing) };
        let Some(entitlement) = self.entitlement(id)? else {
            if let Some(error) = self.incomplete(None) {
                return Err(error);
            }
            // What it was on is gone.
            let is_gone = self.is_of_a_kind(id);
            let unknown = || ChangeError::UnknownEntitlement { id: id.to_owned() };
            return if is_gone { Ok(Found::Nothing) } else { Err(unknown()) };
        };
        let held = self.grants(id, who)?;
        let Some(grant) = held.iter().find(|grant| is_direct(grant, id)) else { return Ok(Found::Nothing) };
        let is_fixed = annotations::contains::<EntitlementImmutable>(&entitlement.annotations)
            || annotations::contains::<GrantImmutable>(&grant.annotations);
        if is_fixed {
            return Err(ChangeError::Fixed { action: Action::Revoke.as_str(), what: id.to_owned() });
        }
        let mut still_through = Vec::new();
        for grant in &held {
            for through in self.through(grant, id)? {
                if !still_through.contains(&through) {
                    still_through.push(through);
                }
            }
        }
        Ok(Found::Job(Box::new(Wanted {
            job: Job::Revoke { grant: grant.id.clone() },
            change: self.planned(Action::Revoke, &entitlement, (who, principal_name))?,
            besides: self.goes_with(&entitlement, (grant, who))?,
            still_through,
        })))
    }

    /// What goes with a grant that is taken.
    fn goes_with(
        &self,
        entitlement: &Entitlement,
        (grant, who): (&Grant, &ResourceName),
    ) -> Result<Vec<Besides>, ChangeError> {
        let mut found = Vec::new();
        // A member loses what the group passes on.
        if let Some(on) = entitlement.resource.as_ref().and_then(named) {
            for held in self.held_by(&on)? {
                let passes = expandable(&held).is_some_and(|to| to.entitlement_ids.contains(&entitlement.id));
                if let Some(of) = held.entitlement.filter(|_| passes) {
                    let principal = Some(who.clone());
                    found.push(Besides { entitlement: of.id, principal, holders_of: None });
                }
            }
        }
        // What a group loses, its members lose.
        for of in expandable(grant).map(|to| to.entitlement_ids).unwrap_or_default() {
            let entitlement = entitlement.id.clone();
            found.push(Besides { entitlement, principal: None, holders_of: Some(of) });
        }
        Ok(found)
    }

    fn delete(&self, name: &ResourceName) -> Result<Found, ChangeError> {
        let Some(title) = self.principal(name)? else { return Ok(Found::Nothing) };
        let mut besides = Vec::new();
        for held in self.held_by(name)? {
            if let Some(of) = held.entitlement {
                let principal = Some(name.clone());
                besides.push(Besides { entitlement: of.id, principal, holders_of: None });
            }
        }
        Ok(Found::Job(Box::new(Wanted {
            job: Job::Delete { resource: name.clone() },
            change: PlannedChange {
                action: Action::Delete,
                entitlement: None,
                entitlement_name: None,
                resource: name.clone(),
                resource_name: Some(title),
                principal: None,
                principal_name: None,
                params: Vec::new(),
            },
            besides,
            still_through: Vec::new(),
        })))
    }

    /// The name of somebody; nothing if the source says that they are not there.
    fn principal(&self, name: &ResourceName) -> Result<Option<String>, ChangeError> {
        if let Some(found) = self.resource(name)? {
            return Ok(Some(title(Some(&found), name)));
        }
        if self.kind(&name.kind).is_none() {
            return Err(ChangeError::UnknownKind { kind: name.kind.clone(), known: self.known_kinds() });
        }
        self.incomplete(Some(&name.kind)).map_or(Ok(None), Err)
    }

    fn planned(
        &self,
        action: Action,
        entitlement: &Entitlement,
        (who, principal_name): (&ResourceName, String),
    ) -> Result<PlannedChange, ChangeError> {
        let on = entitlement.resource.as_ref().and_then(named);
        let on = on.ok_or_else(|| ChangeError::UnknownEntitlement { id: entitlement.id.clone() })?;
        let resource = self.resource(&on)?;
        Ok(PlannedChange {
            action,
            entitlement: Some(entitlement.id.clone()),
            entitlement_name: Some(entitlement.display_name.clone()).filter(|name| !name.is_empty()),
            resource_name: Some(title(resource.as_ref(), &on)),
            resource: on,
            principal: Some(who.clone()),
            principal_name: Some(principal_name),
            params: Vec::new(),
        })
    }
}
