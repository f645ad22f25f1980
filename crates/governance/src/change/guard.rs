//! What must stay true whatever is taken away (governance SEG-5): computed from what the application says
//! now, not from an old sync.

use std::collections::HashSet;
use std::ops::ControlFlow;

use spec::connector_file::Method;
use spec::connector_file::governance::Guard;
use spec::expression::Scope;

use super::live::{Live, Seen};
use super::reach::Hop;
use super::target::Target;
use super::{Action, ChangeError, ResourceName};

/// What a change takes away.
struct Removal<'a> {
    gone: Option<&'a ResourceName>,
    hop: Option<Hop<'a>>,
}

impl<'a> Removal<'a> {
    const NOTHING: Removal<'static> = Removal { gone: None, hop: None };

    /// What a change takes away of what a guard keeps on a resource; `None` if it only gives.
    fn of(target: &'a Target<'_>, (guard, on): (&'a Guard, &'a ResourceName)) -> Option<Self> {
        match (target.action, &target.principal, &target.entitlement) {
            (Action::Delete, _, _) => Some(Self { gone: Some(&target.on), hop: None }),
            (Action::Revoke, Some(principal), Some(entitlement)) => {
                let hop = (&principal.name, (&target.on, entitlement.slug.as_str()));
                Some(Self { gone: None, hop: Some(hop) })
            }
            // What is put in place of another takes the other away.
            (Action::Grant, Some(principal), Some(entitlement)) if gives_instead(target) => {
                let is_the_same = target.on == *on && entitlement.slug == guard.slug;
                // One that stands with the holders is in place of whatever else they hold of that kind.
                let is_with_holder = target.of.id == principal.name.kind && target.on.kind == on.kind;
                let takes = !is_the_same && (target.on == *on || is_with_holder);
                let hop = (&principal.name, (on, guard.slug.as_str()));
                takes.then_some(Self { gone: None, hop: Some(hop) })
            }
            (Action::Grant | Action::Create | Action::Revoke, _, _) => None,
        }
    }

    fn takes(&self, (holder, (on, slug)): Hop<'_>) -> bool {
        self.gone == Some(holder) || self.gone == Some(on) || self.hop == Some((holder, (on, slug)))
    }
}

impl Live<'_> {
    /// The guards that a change touches, none of which it breaks.
    ///
    /// # Errors
    /// [`ChangeError::Guarded`] if it leaves fewer holders than a guard keeps, and fewer than there are.
    pub(super) async fn check_guards(&self, target: &Target<'_>) -> Result<Vec<String>, ChangeError> {
        match target.action {
            Action::Create => return Ok(Vec::new()),
            // What only adds takes nothing away, and need not be counted.
            Action::Grant if !gives_instead(target) => return Ok(Vec::new()),
            Action::Grant | Action::Revoke | Action::Delete => {}
        }
        let mut touched = Vec::new();
        for guard in &self.governance().guards {
            if target.action == Action::Grant && target.on.kind != guard.resource_type {
                continue;
            }
            for on in self.guarded(guard).await? {
                let Some(removal) = Removal::of(target, (guard, &on.name)) else { continue };
                if !self.touches(guard, &on, target).await? {
                    continue;
                }
                if !touched.contains(&guard.id) {
                    touched.push(guard.id.clone());
                }
                let left = self.count((guard, &on), &removal).await?;
                if left < guard.keep && left < self.count((guard, &on), &Removal::NOTHING).await? {
                    let (guard, message) = (guard.id.clone(), guard.message.clone());
                    return Err(ChangeError::Guarded { guard, message });
                }
            }
        }
        Ok(touched)
    }

    /// The resources that a guard is about.
    async fn guarded(&self, guard: &Guard) -> Result<Vec<Seen>, ChangeError> {
        let mut found = Vec::new();
        for seen in self.all(self.kind(&guard.resource_type)?).await?.iter() {
            let value = seen.value();
            let scope = Scope::of(self.mapper.params()).with("resource", &value);
            let failed = |source| ChangeError::Expression {
                kind: guard.resource_type.clone(),
                key: "guards.when".to_owned(),
                source,
            };
            if guard.when.as_ref().map_or(Ok(true), |when| when.holds(&scope)).map_err(failed)? {
                found.push(seen.clone());
            }
        }
        Ok(found)
    }

    /// Whether it may take somebody away whom the guard counts.
    async fn touches(&self, guard: &Guard, on: &Seen, target: &Target<'_>) -> Result<bool, ChangeError> {
        if target.action == Action::Grant {
            return Ok(true);
        }
        let slug = target.entitlement.as_ref().map(|entitlement| entitlement.slug.as_str());
        if target.on == on.name && slug.is_none_or(|slug| slug == guard.slug) {
            return Ok(true);
        }
        // What cannot be looked at may pass it on: then it is counted.
        let Some(seen) = &target.on_seen else { return Ok(self.passes_on(&target.on.kind)) };
        let Some(slug) = slug else {
            // Who is removed holds it, or may be a member of what does.
            return Ok(seen.name.kind == guard.holders || self.passes_on(&seen.name.kind));
        };
        // Who is reached through a list is known only by counting.
        if self.lists_pass_on() {
            return Ok(true);
        }
        let id = protos::entitlement_id(&on.name.wire(), &guard.slug)?;
        let Some(kind) = self.governance().find_type(&seen.name.kind) else { return Ok(false) };
        let passes = |rule: usize| {
            let rule = kind.grants.get(rule);
            rule.is_some_and(|rule| rule.expand.iter().any(|passed| passed == slug))
        };
        Ok(self.holdings(seen).await?.iter().any(|held| held.id == id && passes(held.rule)))
    }

    /// Whether resources of a kind may pass on to their holders what they hold.
    fn passes_on(&self, kind: &str) -> bool {
        let kind = self.governance().find_type(kind);
        self.lists_pass_on()
            || kind.is_some_and(|kind| kind.grants.iter().any(|rule| !rule.expand.is_empty()))
    }

    /// Whether a list of holders says that some of them pass on what they hold; of which kind, only its entries
    /// say.
    fn lists_pass_on(&self) -> bool {
        let entitlements = self.governance().resource_types.iter().flat_map(|kind| &kind.entitlements);
        entitlements.flat_map(|entitlements| &entitlements.grants).any(|list| !list.expand.is_empty())
    }

    /// How many hold it when the removal is done, counted up to what is kept.
    async fn count(&self, (guard, on): (&Guard, &Seen), removal: &Removal<'_>) -> Result<u64, ChangeError> {
        if removal.gone == Some(&on.name) {
            return Ok(0);
        }
        let id = protos::entitlement_id(&on.name.wire(), &guard.slug)?;
        let value = on.value();
        let mut holders: HashSet<ResourceName> = HashSet::new();
        let mut count = |holder: &ResourceName| {
            if holder.kind == guard.holders {
                holders.insert(holder.clone());
            }
            if holders.len() as u64 >= guard.keep {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let is_gone = |hop: Hop<'_>| removal.takes(hop);
        for carrier in self.carriers((&on.name, &guard.slug), &value, &id).await? {
            if !is_gone((&carrier.through.name, (&on.name, &guard.slug))) {
                self.passed_on(&carrier, &is_gone, &mut count).await?;
            }
        }
        if let Some(listed) = self.static_place(&on.name, &guard.slug) {
            self.holders(listed, &value, |holder, _| {
                let left = !is_gone((&holder, (&on.name, &guard.slug)));
                if left { count(&holder) } else { ControlFlow::Continue(()) }
            })
            .await?;
        }
        // The long list last, and only as far as it has to be read.
        let nobody = ResourceName::new("", "");
        if count(&nobody).is_continue() {
            self.each(self.kind(&guard.holders)?, |seen| {
                let held = seen.resource.holds.iter().any(|held| {
                    (&held.resource_type, &held.resource_id) == (&on.name.kind, &on.name.id)
                        && held.target == crate::item::HeldTarget::Slug(guard.slug.clone())
                });
                let left = held && !is_gone((&seen.name, (&on.name, &guard.slug)));
                if left { count(&seen.name) } else { ControlFlow::Continue(()) }
            })
            .await?;
        }
        Ok(holders.len() as u64)
    }
}

/// Whether a grant may replace what is held: a `PUT` says how it is from now on, other methods add.
fn gives_instead(target: &Target<'_>) -> bool {
    target.write.request.target.as_ref().is_some_and(|called| called.method == Method::Put)
}
