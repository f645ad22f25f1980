//! From a change to its plan.

use std::ops::ControlFlow;

use connector::writes::WriteRequest;
use model::RunId;

use super::live::Live;
use super::plan::{AccessPlan, AccessPlanContents, Besides, FORMAT, PlannedChange};
use super::reach::Through;
use super::target::{Need, Target};
use super::{AccessChange, Action, ChangeError};

/// A change that has to be written, and its plan.
pub(super) struct Prepared<'a> {
    pub(super) target: Box<Target<'a>>,
    pub(super) plan: AccessPlan,
    /// The one call.
    pub(super) request: WriteRequest,
}

impl<'a> Live<'a> {
    /// Plans a change; `None` if it is so already.
    ///
    /// # Errors
    /// [`ChangeError`] if it cannot be, must not be, or if what is held now is not known.
    pub(super) async fn prepare(
        &self,
        change: &AccessChange,
        run: &RunId,
    ) -> Result<Option<Prepared<'a>>, ChangeError> {
        let target = match self.need(change).await? {
            Need::Nothing => return Ok(None),
            Need::Write(target) => target,
        };
        let guards = self.check_guards(&target).await?;
        let written = self.write(&target)?;
        let entitlement = target.entitlement.as_ref();
        let change = PlannedChange {
            action: target.action,
            entitlement: entitlement.map(|one| one.id.clone()),
            entitlement_name: entitlement.and_then(|one| one.display_name.clone()),
            resource: target.on.clone(),
            resource_name: target.on_seen.as_ref().map(|seen| seen.display_name().to_owned()),
            principal: target.principal.as_ref().map(|seen| seen.name.clone()),
            principal_name: target.principal.as_ref().map(|seen| seen.display_name().to_owned()),
            params: target.params.clone(),
        };
        let plan = AccessPlan::new(AccessPlanContents {
            format: FORMAT.to_owned(),
            run: run.clone(),
            connection: self.parts.connector.connection().key.to_string(),
            change,
            request: Some(written.request.clone()),
            job: None,
            repeatable: target.write.request.repeatable,
            leaves_nothing: written.leaves_nothing,
            besides: self.besides(&target).await?,
            still_through: self.still_through(&target).await?,
            guards,
        });
        Ok(Some(Prepared { target, plan, request: written.request }))
    }

    /// What goes with what is taken away.
    async fn besides(&self, target: &Target<'_>) -> Result<Vec<Besides>, ChangeError> {
        let mut found = Vec::new();
        let passed = |kind: &str, rule: usize| {
            let kind = self.governance().find_type(kind);
            kind.and_then(|kind| kind.grants.get(rule)).map(|rule| rule.expand.as_slice()).unwrap_or_default()
        };
        match (target.action, &target.on_seen, &target.principal, &target.entitlement) {
            (Action::Delete, Some(seen), _, _) => {
                for held in self.holdings(seen).await? {
                    let principal = Some(seen.name.clone());
                    found.push(Besides { entitlement: held.id, principal, holders_of: None });
                }
            }
            (Action::Revoke, on, Some(principal), Some(entitlement)) => {
                // A member loses what the group passes on.
                if let Some(on) = on {
                    for held in self.holdings(on).await? {
                        if passed(&on.name.kind, held.rule).contains(&entitlement.slug) {
                            let principal = Some(principal.name.clone());
                            found.push(Besides { entitlement: held.id, principal, holders_of: None });
                        }
                    }
                }
                // What a group loses, its members lose.
                let slugs = target.rule.map(|rule| passed(&principal.name.kind, rule)).unwrap_or_default();
                for slug in slugs {
                    let of = protos::entitlement_id(&principal.name.wire(), slug)?;
                    let entitlement = entitlement.id.clone();
                    found.push(Besides { entitlement, principal: None, holders_of: Some(of) });
                }
            }
            (Action::Grant | Action::Create | Action::Delete | Action::Revoke, _, _, _) => {}
        }
        Ok(found)
    }

    /// Who passes the same entitlement on to the one who loses it.
    async fn still_through(&self, target: &Target<'_>) -> Result<Vec<Through>, ChangeError> {
        let (Action::Revoke, Some(principal), Some(entitlement)) =
            (target.action, &target.principal, &target.entitlement)
        else {
            return Ok(Vec::new());
        };
        let on = (&target.on, entitlement.slug.as_str());
        let mut found = Vec::new();
        for carrier in self.carriers(on, &target.on_value, &entitlement.id).await? {
            if carrier.through.name == principal.name {
                continue;
            }
            let mut is_reached = false;
            let mut look = |holder: &super::ResourceName| {
                is_reached = *holder == principal.name;
                if is_reached { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            self.passed_on(&carrier, &|_| false, &mut look).await?;
            if is_reached {
                found.push(carrier.through);
            }
        }
        Ok(found)
    }
}
