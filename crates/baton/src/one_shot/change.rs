//! One change of access: what it is about is looked up in the file, what is so now in the application.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use c1z::{Limits, Reader, RunChoice};
use governance::change::{
    AccessChange, AccessChanges, Approval, ChangeParts, ChangeReport, ChangeResult, ResourceName,
};
use jiff::Timestamp;
use model::RandomIds;
use protos::annotations;
use protos::c1::connector::v2::{BatonId, Entitlement, Grant, GrantImmutable, Resource, ResourceId};
use store::{Actor, RunState, Store};

use super::folder::JobFolder;
use super::{OneShot, OneShotError, calls_at_once, new_account};
use crate::command_line::{AccountRequest, ResourceRef};

/// How long another change through the same file is waited for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// As many open changes as are looked at.
const MOST_OPEN: u32 = 100;

impl OneShot {
    /// Grants what the file has (baton C-9).
    pub(super) async fn grant(&self, entitlement: &str, principal: &ResourceRef) -> Result<(), OneShotError> {
        self.known().grant(entitlement, principal)?;
        let principal = ResourceName::new(&principal.resource_type, &principal.id);
        self.change(AccessChange::Grant { entitlement: entitlement.to_owned(), principal }).await
    }

    /// Takes back a grant that the file has (baton C-10).
    pub(super) async fn revoke(&self, grant: &str) -> Result<(), OneShotError> {
        let (entitlement, principal) = self.known().revoke(grant)?;
        self.change(AccessChange::Revoke { entitlement, principal }).await
    }

    /// Removes a resource. The file need not know it: it may have been made since.
    pub(super) async fn delete(&self, resource: &ResourceRef) -> Result<(), OneShotError> {
        let resource = ResourceName::new(&resource.resource_type, &resource.id);
        self.change(AccessChange::Delete { resource }).await
    }

    /// Makes an account (baton C-11).
    pub(super) async fn create(&self, account: &AccountRequest) -> Result<(), OneShotError> {
        let change = new_account(&self.connector.connection().file, account)?;
        self.change(change).await
    }

    fn known(&self) -> Known<'_> {
        Known {
            file: &self.settings.file,
            folder: self.settings.sync.temp_folder.as_deref(),
            now: self.clock.now(),
        }
    }

    async fn change(&self, change: AccessChange) -> Result<(), OneShotError> {
        let folder = JobFolder::take(&self.settings.file, ("change", LONGEST_WAIT), &*self.clock).await?;
        let store = folder.open(Arc::clone(&self.clock)).await?;
        let changes = AccessChanges::new(ChangeParts {
            connector: self.connector.clone(),
            store: store.clone(),
            limits: calls_at_once(self.settings.sync.workers),
            clock: Arc::clone(&self.clock),
            ids: Arc::new(RandomIds),
            worker: self.worker.clone(),
        });
        let applied = match changes {
            Ok(changes) => Box::pin(changes.apply(&change, Approval::Given, &Actor::system())).await,
            Err(error) => Err(error),
        };
        let is_all_known = all_is_known(&store, Timestamp::MIN).await;
        store.close().await;
        let done = match applied {
            Ok(report) => settled(&report),
            Err(error) => Err(error.into()),
        };
        // What was sent without a known end is found out by the same command again: this one, or an earlier one
        // about something else.
        match &done {
            Err(error) if error.leaves_open() => {}
            _ if is_all_known => folder.remove(),
            _ => tracing::warn!(
                "what became of an earlier change through this file is not known; its command again finds out"
            ),
        }
        done
    }
}

/// Whether no change is left that somebody planned, not before `since`, and of which nobody knows whether it was
/// made. A state that does not say is one that may have such a change.
pub(crate) async fn all_is_known(store: &Store, since: Timestamp) -> bool {
    let Ok(open) = store.run_list(RunState::Active, MOST_OPEN).await else { return false };
    for run in &open {
        // What was not planned was not sent.
        if run.created_at >= since && !matches!(store.plan_of_run(&run.id).await, Ok(None)) {
            return false;
        }
    }
    open.len() < MOST_OPEN as usize
}

fn settled(report: &ChangeReport) -> Result<(), OneShotError> {
    let (run, attempts) = (&report.run, report.attempts);
    match report.result {
        ChangeResult::Already => tracing::info!(%run, "it is so already; nothing was sent"),
        ChangeResult::Confirmed => tracing::info!(%run, attempts, "done, and confirmed by reading"),
        ChangeResult::StillReachable => {
            let ways = report.through.len();
            tracing::warn!(%run, attempts, ways, "done, and the same access is still reached in other ways");
        }
        ChangeResult::DoneButNotVisible | ChangeResult::Failed | ChangeResult::Unknown => {
            return Err(OneShotError::Unsettled {
                result: report.result,
                detail: report.detail.clone().unwrap_or_default(),
                note: report.note.clone().unwrap_or_default(),
            });
        }
    }
    Ok(())
}

/// What the file knows: ids are taken from its newest run.
struct Known<'a> {
    file: &'a Path,
    folder: Option<&'a Path>,
    now: Timestamp,
}

impl Known<'_> {
    fn open(&self) -> Result<Reader, OneShotError> {
        Ok(Reader::open(self.file, self.folder, &Limits::default())?)
    }

    fn grant(&self, entitlement: &str, principal: &ResourceRef) -> Result<(), OneShotError> {
        let reader = self.open()?;
        let run = reader.run(&RunChoice::Newest { now: self.now })?;
        let found = reader
            .find::<Entitlement>(run, entitlement)?
            .ok_or_else(|| not_found("entitlement", entitlement))?;
        let on = found.resource.and_then(|on| on.id).ok_or_else(|| not_found("entitlement", entitlement))?;
        let on = reader.find_resource(run, &on)?.ok_or_else(|| not_found("resource", &on.resource))?;
        if is_of_another(&on) {
            return Err(OneShotError::OfAnother);
        }
        let id = ResourceId {
            resource_type: principal.resource_type.clone(),
            resource: principal.id.clone(),
            ..ResourceId::default()
        };
        reader.find_resource(run, &id)?.map(drop).ok_or_else(|| not_found("principal", &principal.id))
    }

    /// Entitlement and principal of a grant.
    fn revoke(&self, grant: &str) -> Result<(String, ResourceName), OneShotError> {
        let reader = self.open()?;
        let run = reader.run(&RunChoice::Newest { now: self.now })?;
        let missing = || not_found("grant", grant);
        let found = reader.find::<Grant>(run, grant)?.ok_or_else(missing)?;
        if follows_from_others(&found) {
            return Err(OneShotError::Inherited { grant: grant.to_owned() });
        }
        let entitlement = found.entitlement.ok_or_else(missing)?.id;
        let principal = found.principal.and_then(|principal| principal.id).ok_or_else(missing)?;
        let known = reader.find::<Entitlement>(run, &entitlement)?;
        let known = known.ok_or_else(|| not_found("entitlement", &entitlement))?;
        let on = known.resource.and_then(|on| on.id).ok_or_else(missing)?;
        reader.find_resource(run, &on)?.ok_or_else(|| not_found("resource", &on.resource))?;
        reader.find_resource(run, &principal)?.ok_or_else(|| not_found("principal", &principal.resource))?;
        Ok((entitlement, ResourceName::new(principal.resource_type, principal.resource)))
    }
}

/// Whether a grant cannot be taken back by itself: nobody gave it.
pub(crate) fn follows_from_others(grant: &Grant) -> bool {
    annotations::contains::<GrantImmutable>(&grant.annotations)
}

/// A resource that another system brought in cannot be granted here (baton C-9).
pub(crate) fn is_of_another(resource: &Resource) -> bool {
    annotations::contains::<BatonId>(&resource.annotations)
}

fn not_found(what: &'static str, id: &str) -> OneShotError {
    OneShotError::NotInFile { what, id: id.to_owned() }
}

#[cfg(test)]
mod tests {
    use crypto::Secret;
    use model::{RunId, SystemClock};
    use store::{NewPlan, NewRun, PlanDigest, RunKind};

    use super::*;

    // rule: architecture law 3
    #[tokio::test]
    async fn a_change_that_was_planned_and_did_not_end_is_not_forgotten_with_another() {
        let folder = tempfile::tempdir().unwrap();
        let (file, clock) = (folder.path().join("sync.c1z"), Arc::new(SystemClock));
        let folder = JobFolder::take(&file, ("change", LONGEST_WAIT), &SystemClock).await.unwrap();
        let store = folder.open(clock).await.unwrap();
        let run = RunId::new(&RandomIds);
        let new = NewRun {
            id: run.clone(),
            kind: RunKind::AccessChange,
            policy: None,
            subject: Secret::new(b"subject".to_vec()),
            deadline_at: None,
            actor: Actor::system(),
        };

        let empty = all_is_known(&store, Timestamp::MIN).await;
        store.run_begin(new, &[]).await.unwrap();
        let waiting = all_is_known(&store, Timestamp::MIN).await;
        let digest = PlanDigest::of(b"plan");
        let plan = NewPlan { digest, run: run.clone(), body: b"plan", operations: 1, actor: Actor::system() };
        store.plan_put(&plan).await.unwrap();
        let planned = all_is_known(&store, Timestamp::MIN).await;
        store.run_finish(&run, None).await.unwrap();
        let ended = all_is_known(&store, Timestamp::MIN).await;

        store.close().await;
        assert_eq!([empty, waiting, planned, ended], [true, true, false, true]);
    }
}
