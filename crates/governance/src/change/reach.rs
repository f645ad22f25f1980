//! Who passes on what they hold, and to whom: groups with their members.

use std::collections::HashSet;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use spec::connector_file::governance::{ResourceType, Slug};

use super::ChangeError;
use super::ResourceName;
use super::candidate::unseen;
use super::live::{Live, is_unavailable};

/// Something through which access reaches somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Through {
    /// Kind and id.
    #[serde(flatten)]
    pub name: ResourceName,
    /// Its name for people.
    pub display_name: String,
}

/// Somebody who holds an entitlement, and by which of its own entitlements others hold it too.
#[derive(Debug, Clone)]
pub(super) struct Carrier {
    pub(super) through: Through,
    pub(super) slugs: Vec<String>,
}

/// One hop of access: who holds which slug on what.
pub(super) type Hop<'h> = (&'h ResourceName, (&'h ResourceName, &'h str));

impl Live<'_> {
    /// All that hold an entitlement and pass it on. A kind that plan or credentials do not allow has nobody.
    pub(super) async fn carriers(
        &self,
        (on, slug): (&ResourceName, &str),
        on_value: &Value,
        id: &str,
    ) -> Result<Vec<Carrier>, ChangeError> {
        let mut found = Vec::new();
        for kind in &self.governance().resource_types {
            let passes = |rule: &usize| kind.grants.get(*rule).is_some_and(|rule| !rule.expand.is_empty());
            let may = kind
                .grants
                .iter()
                .any(|rule| !rule.expand.is_empty() && rule.resource.types.contains(&on.kind));
            if !may {
                continue;
            }
            let mut holding = Vec::new();
            let read = self
                .each(kind, |seen| {
                    let holds = &seen.resource.holds;
                    if holds.iter().any(|held| {
                        passes(&held.rule) && (&held.resource_type, &held.resource_id) == (&on.kind, &on.id)
                    }) {
                        holding.push(seen);
                    }
                    ControlFlow::Continue(())
                })
                .await;
            match read {
                Err(error) if is_unavailable(&error) => continue,
                other => other?,
            }
            for seen in holding {
                let held =
                    self.holdings(&seen).await?.into_iter().find(|held| held.id == id && passes(&held.rule));
                let Some(rule) = held.and_then(|held| kind.grants.get(held.rule)) else { continue };
                let display_name = seen.display_name().to_owned();
                let through = Through { name: seen.name, display_name };
                found.push(Carrier { through, slugs: rule.expand.clone() });
            }
        }
        if let Some((kind, place)) = self.static_place(on, slug) {
            let listed = &mut found;
            self.holders((kind, place), on_value, |holder, slugs| {
                if !slugs.is_empty() {
                    let through = Through { display_name: holder.id.clone(), name: holder };
                    listed.push(Carrier { through, slugs: slugs.to_vec() });
                }
                ControlFlow::Continue(())
            })
            .await?;
        }
        Ok(found)
    }

    /// The place of the entitlement with a plain slug.
    pub(super) fn static_place(&self, on: &ResourceName, slug: &str) -> Option<(&ResourceType, usize)> {
        let kind = self.governance().find_type(&on.kind)?;
        let is_it = |text: &Slug| matches!(text, Slug::Text(text) if text == slug);
        let place = kind.entitlements.iter().position(|entitlements| is_it(&entitlements.slug))?;
        Some((kind, place))
    }

    /// Everybody whom a carrier passes access on to, however far, but not over hops that `is_gone` names; until
    /// `take` has seen enough.
    pub(super) async fn passed_on(
        &self,
        carrier: &Carrier,
        is_gone: &(dyn Fn(Hop<'_>) -> bool + Sync),
        take: &mut (dyn FnMut(&ResourceName) -> ControlFlow<()> + Send),
    ) -> Result<(), ChangeError> {
        let mut seen = HashSet::new();
        let mut waiting = vec![(carrier.through.name.clone(), carrier.slugs.clone())];
        while let Some((on, slugs)) = waiting.pop() {
            for slug in slugs {
                if !seen.insert((on.clone(), slug.clone())) {
                    continue;
                }
                let Some((kind, place)) = self.static_place(&on, &slug) else { continue };
                let mut is_enough = false;
                self.holders((kind, place), &unseen(&on), |holder, passes| {
                    if is_gone((&holder, (&on, &slug))) {
                        return ControlFlow::Continue(());
                    }
                    if take(&holder).is_break() {
                        is_enough = true;
                        return ControlFlow::Break(());
                    }
                    if !passes.is_empty() {
                        waiting.push((holder, passes.to_vec()));
                    }
                    ControlFlow::Continue(())
                })
                .await?;
                if is_enough {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
