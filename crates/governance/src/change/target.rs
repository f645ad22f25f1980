//! What a change comes down to: one write of the file, and the read that proves it.

use std::ops::ControlFlow;

use serde_json::Value;
use spec::connector_file::governance::{GovernanceWrite, GrantTarget, HeldGrants, ResourceType};
use spec::expression::Scope;

use super::candidate::{Candidate, unseen};
use super::derived::Holding;
use super::live::{Live, Seen};
use super::{AccessChange, Action, ChangeError, ResourceName};
use crate::mapping::entitlement_text;

/// What has to be written.
#[derive(Debug, Clone)]
pub(super) struct Target<'a> {
    pub(super) action: Action,
    pub(super) write: &'a GovernanceWrite,
    /// The kind in whose part of the file the write stands.
    pub(super) of: &'a ResourceType,
    /// What is held, taken away or made, by name.
    pub(super) on: ResourceName,
    /// The same as expressions see it.
    pub(super) on_value: Value,
    /// The same as the application shows it, where it is what the change is about.
    pub(super) on_seen: Option<Seen>,
    pub(super) entitlement: Option<Entitlement>,
    pub(super) principal: Option<Seen>,
    /// The rule by which the principal says that it holds it.
    pub(super) rule: Option<usize>,
    pub(super) params: Vec<(String, String)>,
    pub(super) proof: Proof,
}

/// The entitlement that is given or taken.
#[derive(Debug, Clone)]
pub(super) struct Entitlement {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) display_name: Option<String>,
    pub(super) origin: Option<Seen>,
}

/// What is read to know whether it is so.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    /// The principal says that it holds the entitlement.
    Held { principal: ResourceName, entitlement: String },
    /// The entitlement's own list has the principal.
    Listed { kind: String, place: usize, on: Value, principal: ResourceName },
    /// The resource is there.
    There(ResourceName),
    /// A resource is there that has one of these as its id, name or address.
    Made { kind: String, values: Vec<String> },
}

/// What a change needs.
#[derive(Debug)]
pub(super) enum Need<'a> {
    /// Nothing: it is so.
    Nothing,
    /// One write.
    Write(Box<Target<'a>>),
}

impl<'a> Live<'a> {
    /// What has to be written for a change; nothing if it is so already.
    pub(super) async fn need(&self, change: &AccessChange) -> Result<Need<'a>, ChangeError> {
        match change {
            AccessChange::Grant { entitlement, principal } => self.grant(entitlement, principal).await,
            AccessChange::Revoke { entitlement, principal } => self.revoke(entitlement, principal).await,
            AccessChange::RevokeGrant { grant } => Err(ChangeError::UnknownEntitlement { id: grant.clone() }),
            AccessChange::Delete { resource } => self.delete(resource).await,
            AccessChange::Create { kind, params } => self.create(kind, params).await,
        }
    }

    async fn grant(&self, id: &str, name: &ResourceName) -> Result<Need<'a>, ChangeError> {
        let holder_kind = self.kind(&name.kind)?;
        let Some(principal) = self.find(name).await? else {
            let requires = self.governance().requires.clone();
            return Err(ChangeError::NoPrincipal { kind: name.kind.clone(), requires });
        };
        if self.holdings(&principal).await?.iter().any(|held| held.id == id) {
            return Ok(Need::Nothing);
        }
        let (candidate, on) = self.entitlement(id).await?;
        if self.is_listed(&candidate, &on.value(), name).await? {
            return Ok(Need::Nothing);
        }
        let Some(entitlements) = candidate.kind.entitlements.get(candidate.place) else {
            return Err(ChangeError::UnknownEntitlement { id: id.to_owned() });
        };
        let allowed = &entitlements.text.grantable_to;
        if !allowed.is_empty() && !allowed.contains(&name.kind) {
            let (id, given, allowed) = (id.to_owned(), name.kind.clone(), allowed.join(", "));
            return Err(ChangeError::WrongHolder { id, given, allowed });
        }
        let by_rule = || {
            let rule = holder_kind.grants.iter().find(|rule| self.may_give(rule, &candidate))?;
            Some((holder_kind, rule.grant.as_ref()?))
        };
        let own = entitlements.grant.as_ref().map(|write| (candidate.kind, write));
        let is_listed = own.is_some() && !entitlements.grants.is_empty();
        let Some((of, write)) = own.or_else(by_rule) else {
            return Err(ChangeError::NoWay { action: Action::Grant.as_str(), what: id.to_owned() });
        };
        let on_value = on.value();
        let proof = if is_listed {
            let (kind, on) = (candidate.kind.id.clone(), on_value.clone());
            Proof::Listed { kind, place: candidate.place, on, principal: name.clone() }
        } else {
            Proof::Held { principal: name.clone(), entitlement: id.to_owned() }
        };
        Ok(Need::Write(Box::new(Target {
            action: Action::Grant,
            write,
            of,
            on: on.name.clone(),
            entitlement: Some(self.described(id, &candidate, &on_value)),
            on_value,
            on_seen: Some(on),
            principal: Some(principal),
            rule: None,
            params: Vec::new(),
            proof,
        })))
    }

    /// Whether a rule says how somebody gets this entitlement.
    fn may_give(&self, rule: &HeldGrants, candidate: &Candidate<'_>) -> bool {
        if rule.grant.is_none() || !rule.resource.types.contains(&candidate.kind.id) {
            return false;
        }
        match &rule.target {
            GrantTarget::From(_) => candidate.origin.is_some(),
            // One that cannot be told without an entry may give whatever the entry says.
            GrantTarget::Slug(slug) => {
                let slug = slug.evaluate_text(&Scope::of(self.mapper.params()));
                candidate.origin.is_none()
                    && slug.map_or(true, |slug| slug.as_deref() == Some(&candidate.slug))
            }
        }
    }

    async fn revoke(&self, id: &str, name: &ResourceName) -> Result<Need<'a>, ChangeError> {
        let (kind, holder_kind) = (self.kind_of(id)?, self.kind(&name.kind)?);
        let Some(principal) = self.find(name).await? else { return Ok(Need::Nothing) };
        let held = self.holdings(&principal).await?.into_iter().find(|held| held.id == id);
        if let Some(held) = held {
            return self.revoke_held(held, holder_kind, principal).await;
        }
        let with_lists = |candidate: &Candidate<'_>| {
            let entitlements = candidate.kind.entitlements.get(candidate.place);
            entitlements.is_some_and(|entitlements| !entitlements.grants.is_empty())
        };
        let lists_holders = kind.entitlements.iter().any(|entitlements| !entitlements.grants.is_empty());
        let candidates = if lists_holders { self.candidates(id).await? } else { Vec::new() };
        for candidate in candidates.into_iter().filter(with_lists) {
            let value = unseen(&candidate.on);
            if !self.is_listed(&candidate, &value, name).await? {
                continue;
            }
            let entitlements = candidate.kind.entitlements.get(candidate.place);
            let Some(write) = entitlements.and_then(|entitlements| entitlements.revoke.as_ref()) else {
                return Err(ChangeError::NoWay { action: Action::Revoke.as_str(), what: id.to_owned() });
            };
            let on = self.find(&candidate.on).await?;
            let on_value = on.as_ref().map_or(value, Seen::value);
            let (kind, place) = (candidate.kind.id.clone(), candidate.place);
            return Ok(Need::Write(Box::new(Target {
                action: Action::Revoke,
                write,
                of: candidate.kind,
                on: candidate.on.clone(),
                entitlement: Some(self.described(id, &candidate, &on_value)),
                proof: Proof::Listed { kind, place, on: on_value.clone(), principal: name.clone() },
                on_value,
                on_seen: on,
                principal: Some(principal),
                rule: None,
                params: Vec::new(),
            })));
        }
        Ok(Need::Nothing)
    }

    async fn revoke_held(
        &self,
        held: Holding,
        holder_kind: &'a ResourceType,
        principal: Seen,
    ) -> Result<Need<'a>, ChangeError> {
        let rule = holder_kind.grants.get(held.rule);
        let Some(write) = rule.and_then(|rule| rule.revoke.as_ref()) else {
            return Err(ChangeError::NoWay { action: Action::Revoke.as_str(), what: held.id });
        };
        let known = if self.governance().find_type(&held.on.kind).is_some() {
            self.find(&held.on).await.or_else(|error| {
                // What somebody holds can be taken also where it cannot be looked at.
                if super::live::is_unavailable(&error) { Ok(None) } else { Err(error) }
            })?
        } else {
            None
        };
        let on_value = known.as_ref().map_or_else(|| unseen(&held.on), Seen::value);
        let display_name = self.title(&held.on.kind, &held.slug, (&on_value, held.origin.as_ref()));
        let Holding { id, on, slug, origin, rule } = held;
        let proof = Proof::Held { principal: principal.name.clone(), entitlement: id.clone() };
        Ok(Need::Write(Box::new(Target {
            action: Action::Revoke,
            write,
            of: holder_kind,
            on,
            on_value,
            on_seen: known,
            entitlement: Some(Entitlement { id, slug, display_name, origin }),
            principal: Some(principal),
            rule: Some(rule),
            params: Vec::new(),
            proof,
        })))
    }

    async fn delete(&self, name: &ResourceName) -> Result<Need<'a>, ChangeError> {
        let kind = self.kind(&name.kind)?;
        let Some(write) = &kind.delete else {
            return Err(ChangeError::NoWay { action: Action::Delete.as_str(), what: kind.id.clone() });
        };
        let Some(seen) = self.find(name).await? else { return Ok(Need::Nothing) };
        Ok(Need::Write(Box::new(Target {
            action: Action::Delete,
            write,
            of: kind,
            on: name.clone(),
            on_value: seen.value(),
            on_seen: Some(seen),
            entitlement: None,
            principal: None,
            rule: None,
            params: Vec::new(),
            proof: Proof::There(name.clone()),
        })))
    }

    async fn create(&self, kind: &str, params: &[(String, String)]) -> Result<Need<'a>, ChangeError> {
        let kind = self.kind(kind)?;
        let Some(create) = &kind.create else {
            return Err(ChangeError::NoWay { action: Action::Create.as_str(), what: kind.id.clone() });
        };
        let wrong = |problem: String| ChangeError::Params { kind: kind.id.clone(), problem };
        for (name, _) in params {
            if !create.params.iter().any(|param| param.name == *name) {
                let known = create.params.iter().map(|param| format!("`{}`", param.name)).collect::<Vec<_>>();
                return Err(wrong(format!("has no param `{name}`; it has {}", known.join(", "))));
            }
        }
        let given = |name: &str| params.iter().any(|(known, value)| known == name && !value.is_empty());
        if let Some(missing) = create.params.iter().find(|param| param.required && !given(&param.name)) {
            return Err(wrong(format!("needs the param `{}`: {}", missing.name, missing.label)));
        }
        // An address says who is meant; people share names and roles.
        let said = params.iter().map(|(_, value)| value).filter(|value| !value.is_empty());
        let (addresses, others): (Vec<_>, Vec<_>) = said.cloned().partition(|value| value.contains('@'));
        let values = if addresses.is_empty() { others } else { addresses };
        let proof = Proof::Made { kind: kind.id.clone(), values };
        if self.is_so(&proof).await? {
            return Ok(Need::Nothing);
        }
        Ok(Need::Write(Box::new(Target {
            action: Action::Create,
            write: &create.write,
            of: kind,
            on: ResourceName::new(&kind.id, ""),
            on_value: Value::Null,
            on_seen: None,
            entitlement: None,
            principal: None,
            rule: None,
            params: params.to_vec(),
            proof,
        })))
    }

    /// Whether it is so now.
    pub(super) async fn is_so(&self, proof: &Proof) -> Result<bool, ChangeError> {
        match proof {
            Proof::Held { principal, entitlement } => {
                let Some(seen) = self.find(principal).await? else { return Ok(false) };
                Ok(self.holdings(&seen).await?.iter().any(|held| held.id == *entitlement))
            }
            Proof::Listed { kind, place, on, principal } => {
                self.has_holder((self.kind(kind)?, *place), on, principal).await
            }
            Proof::There(name) => Ok(self.find(name).await?.is_some()),
            Proof::Made { kind, values } => {
                let mut found = false;
                self.each(self.kind(kind)?, |seen| {
                    let emails = seen.resource.user.iter().flat_map(|user| &user.emails);
                    let mut known =
                        emails.map(String::as_str).chain([seen.name.id.as_str(), seen.display_name()]);
                    found = known.any(|known| values.iter().any(|value| value.eq_ignore_ascii_case(known)));
                    if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })
                .await?;
                Ok(found)
            }
        }
    }

    async fn is_listed(
        &self,
        candidate: &Candidate<'_>,
        on: &Value,
        principal: &ResourceName,
    ) -> Result<bool, ChangeError> {
        self.has_holder((candidate.kind, candidate.place), on, principal).await
    }

    async fn has_holder(
        &self,
        entitlement: (&ResourceType, usize),
        on: &Value,
        principal: &ResourceName,
    ) -> Result<bool, ChangeError> {
        let mut found = false;
        self.holders(entitlement, on, |holder, _| {
            found = holder == *principal;
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .await?;
        Ok(found)
    }

    fn described(&self, id: &str, candidate: &Candidate<'_>, on: &Value) -> Entitlement {
        let title = self.title(&candidate.kind.id, &candidate.slug, (on, candidate.origin.as_ref()));
        let (slug, origin) = (candidate.slug.clone(), candidate.origin.clone());
        Entitlement { id: id.to_owned(), slug, display_name: title, origin }
    }

    /// The name of an entitlement for people, where the file says one.
    fn title(&self, kind: &str, slug: &str, (on, origin): (&Value, Option<&Seen>)) -> Option<String> {
        use spec::connector_file::governance::Slug;
        let kind = self.governance().find_type(kind)?;
        let is_it = |text: &Slug| match text {
            Slug::Text(text) => origin.is_none() && text == slug,
            Slug::Computed(_) => origin.is_some(),
        };
        let entitlements = kind.entitlements.iter().find(|entitlements| is_it(&entitlements.slug))?;
        let each = origin.map(Seen::value);
        let mut scope = Scope::of(self.mapper.params()).with("resource", on);
        if let Some(each) = &each {
            scope.bind("each", each);
        }
        entitlement_text(&entitlements.text, &scope).display_name
    }
}
