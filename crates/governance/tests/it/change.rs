//! Changes of access to the simulated Segment: what is sent, what changes, and what is said about it.

mod faults;
mod grants;
mod guards;
mod planted;
mod together;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Connector;
use engine::{Concurrency, Limits};
use governance::change::{
    AccessChange, AccessChanges, Approval, ChangeError, ChangeParts, ChangeReport, ResourceName,
};
use model::RandomIds;
use sandbox::governance::Origin;
use sandbox::segment::{SegmentOptions, WorkspaceOptions};
use store::Actor;
use testkit::TestClock;

use crate::workspace::Workspace;

/// A small workspace with every shape of access.
pub(crate) fn options() -> SegmentOptions {
    SegmentOptions {
        users: 24,
        workspace: WorkspaceOptions {
            groups: Some(8),
            group_members: Some(3),
            ..WorkspaceOptions::default()
        },
        ..SegmentOptions::default()
    }
}

impl Workspace {
    pub(crate) fn changes(&self) -> AccessChanges {
        self.changes_by("test")
    }

    pub(crate) fn changes_by(&self, worker: &str) -> AccessChanges {
        self.changes_of(self.connector.clone(), worker)
    }

    /// Changes of another connection with the same state.
    pub(crate) fn changes_of(&self, connector: Connector, worker: &str) -> AccessChanges {
        let parts = ChangeParts {
            connector,
            store: self.store.clone(),
            limits: Concurrency::new(Limits::default()),
            clock: Arc::new(TestClock::new()),
            ids: Arc::new(RandomIds),
            worker: worker.to_owned(),
        };
        AccessChanges::new(parts).unwrap()
    }

    pub(crate) async fn apply(&self, change: &AccessChange) -> Result<ChangeReport, ChangeError> {
        Box::pin(self.changes().apply(change, Approval::Given, &Actor::system())).await
    }

    /// Calls that changed something.
    pub(crate) fn writes(&self) -> u64 {
        self.sandbox.state()["writes"].as_u64().unwrap()
    }

    /// All grants of the truth, with whether the application says so itself.
    pub(crate) fn held(&self) -> BTreeMap<String, bool> {
        let truth = self.sandbox.governance_truth();
        // A grant that is direct and follows from membership as well is direct.
        let direct = |grant: &sandbox::governance::TruthGrant| {
            grant.origin == Origin::Direct
                || grant.sources.iter().any(|source| source.entitlement == grant.entitlement)
        };
        truth.grants.iter().map(|grant| (grant.id.clone(), direct(grant))).collect()
    }

    pub(crate) fn direct(&self) -> Vec<String> {
        self.held().into_iter().filter(|(_, direct)| *direct).map(|(id, _)| id).collect()
    }

    /// Id of the role with a name.
    pub(crate) fn role(&self, name: &str) -> String {
        let truth = self.sandbox.governance_truth();
        let role =
            truth.resources.iter().find(|found| found.key.kind == "role" && found.display_name == name);
        role.unwrap_or_else(|| panic!("no role `{name}`")).key.id.to_string()
    }

    /// The resource of a kind at a place, in the order of the truth.
    pub(crate) fn nth(&self, kind: &str, place: usize) -> ResourceName {
        let truth = self.sandbox.governance_truth();
        let mut all = truth.resources.iter().filter(|found| found.key.kind == kind);
        ResourceName::new(kind, all.nth(place).unwrap().key.id.to_string())
    }

    /// A direct grant that fits: entitlement and principal.
    pub(crate) fn a_grant(
        &self,
        fits: impl Fn(&sandbox::governance::TruthGrant) -> bool,
    ) -> (String, ResourceName) {
        let truth = self.sandbox.governance_truth();
        let found = truth.grants.iter().find(|grant| grant.origin == Origin::Direct && fits(grant));
        let found = found.expect("the workspace has such a grant");
        (
            found.entitlement.to_string(),
            ResourceName::new(found.principal.kind, found.principal.id.to_string()),
        )
    }
}

pub(crate) fn grant(entitlement: &str, principal: &ResourceName) -> AccessChange {
    AccessChange::Grant { entitlement: entitlement.to_owned(), principal: principal.clone() }
}

pub(crate) fn revoke(entitlement: &str, principal: &ResourceName) -> AccessChange {
    AccessChange::Revoke { entitlement: entitlement.to_owned(), principal: principal.clone() }
}

/// What was added and what was taken away, among what the application says itself.
pub(crate) fn changed(before: &[String], after: &[String]) -> (Vec<String>, Vec<String>) {
    let without = |one: &[String], other: &[String]| {
        one.iter().filter(|id| !other.contains(id)).cloned().collect::<Vec<_>>()
    };
    (without(after, before), without(before, after))
}
