//! Carrying out a change: alone with what it is about, from the reading to the reading back.

use std::time::Duration;

use crypto::Secret;
use engine::{HoldError, HoldRequest, HoldState, TaskHold};
use futures::FutureExt;
use model::{Outcome, RunId};
use serde_json::json;
use store::{ACCESS_CHANGE_TASK, Actor, AuditEvent, NewPlan, NewRun, NewTask, RunKind, StoreError, TaskId};

use super::plan::AccessPlan;
use super::ready::Ready;
use super::timed::Ending;
use super::{AccessChange, AccessChanges, Approval, ChangeError, ChangeReport, ChangeResult};

/// How long somebody who changes the same is waited for.
const WAIT: Duration = Duration::from_mins(1);

impl AccessChanges {
    /// Carries out a change and reads it back. A change that is so already is done without a write.
    ///
    /// Changes of one principal wait for one another, in this process and in others, and what a change is made
    /// of is read again once it is alone: nobody's change is lost to somebody else's.
    ///
    /// # Errors
    /// [`ChangeError`] if nothing was sent, or if nothing can be said now about what was; what the application
    /// refused is part of the report.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: the same change again finds out first what became of this one.
    pub async fn apply(
        &self,
        change: &AccessChange,
        approval: Approval<'_>,
        actor: &Actor,
    ) -> Result<ChangeReport, ChangeError> {
        // Boxed: callers would hold all of it.
        let Some(change) = Box::pin(self.named(change)).await? else {
            return self.nothing(&self.run_of(approval), None).await;
        };
        Box::pin(self.carry((&change, None), approval, actor)).await
    }

    pub(super) fn run_of(&self, approval: Approval<'_>) -> RunId {
        match approval {
            Approval::Plan(plan) => plan.contents().run.clone(),
            Approval::Given => RunId::new(&*self.place.ids),
        }
    }

    /// The same for a change that names entitlement and principal, and no end of access but `ending`.
    pub(super) async fn carry(
        &self,
        (change, ending): (&AccessChange, Option<Ending<'_>>),
        approval: Approval<'_>,
        actor: &Actor,
    ) -> Result<ChangeReport, ChangeError> {
        let run = self.run_of(approval);
        let subject = self.subject(change);
        let turn = Turn { run: &run, subject: &subject, change, ending, approval, actor };
        self.begin_run(&turn).await?;
        // Of one type for whoever awaits it: what it is made of is deeper than the compiler looks from outside.
        let done = self.apply_in(&turn).boxed().await;
        if let Err(error) = &done {
            // What was sent without a known end keeps its run open, for whoever comes next.
            let is_open =
                matches!(error, ChangeError::Write(_) | ChangeError::Store(_) | ChangeError::Hold(_));
            if !is_open {
                self.place.store.run_finish(&run, Some(Outcome::Failed)).await?;
            }
        }
        done
    }

    async fn apply_in(&self, turn: &Turn<'_>) -> Result<ChangeReport, ChangeError> {
        let Turn { run, subject, change, .. } = *turn;
        let mut locks = vec![self.lock("subject", subject)];
        loop {
            let hold = self.hold(run, &locks).await?;
            let ready = match self.find_out_left_behind(run, subject).await {
                Ok(()) => self.ready(change, run).await,
                Err(error) => Err(error),
            };
            let ready = match ready {
                Ok(ready) => ready,
                Err(error) => {
                    give_back(hold).await?;
                    return Err(error);
                }
            };
            // Two changes that a guard allows one by one must not be looked at together.
            let guards = ready.iter().flat_map(|ready| &ready.plan().contents().guards);
            let mut wanted: Vec<String> = guards.map(|guard| self.lock("guard", guard)).collect();
            wanted.insert(0, self.lock("subject", subject));
            if wanted.iter().any(|name| !locks.contains(name)) {
                give_back(hold).await?;
                locks = wanted;
                continue;
            }
            let report = match (&ready, turn.ending) {
                (None, None) => self.nothing(run, Some(change)).await,
                (None, Some(ending)) => self.nothing_ending(turn, ending).await,
                (Some(ready), None) => self.carry_out((ready, &hold), turn).await,
                (Some(ready), Some(ending)) => self.carry_out_ending((ready, &hold), (turn, ending)).await,
            };
            // An end that somebody notes once this is given back is of what is given then, and stays.
            let report = match (report, turn.ending) {
                (Ok(report), None | Some(Ending::Of(_))) => {
                    self.close_end(change, report.result, turn.actor).await.map(|()| report)
                }
                (report, _) => report,
            };
            match &report {
                // Whoever comes next finds out what became of it, and takes the task for that.
                Ok(report) if report.result == ChangeResult::Unknown => give_back(hold).await?,
                Ok(_) => hold.finish(None).await.or_else(ignore_lost)?,
                Err(_) => give_back(hold).await?,
            }
            return report;
        }
    }

    pub(super) async fn carry_out(
        &self,
        (ready, hold): (&Ready<'_>, &TaskHold),
        &Turn { approval, actor, .. }: &Turn<'_>,
    ) -> Result<ChangeReport, ChangeError> {
        let plan = ready.plan();
        if let Approval::Plan(approved) = approval
            && approved.digest() != plan.digest()
        {
            return Err(ChangeError::Drift);
        }
        let (store, run) = (&self.place.store, &plan.contents().run);
        let body = plan.body();
        let new = NewPlan {
            digest: plan.digest().clone(),
            run: run.clone(),
            body: &body,
            operations: 1,
            actor: actor.clone(),
        };
        store.plan_put(&new).await?;
        store.plan_approve(plan.digest(), actor.clone()).await?;
        let mut settled = self.settle(ready, hold).await?;
        let through = plan.contents().still_through.clone();
        if settled.result == ChangeResult::Confirmed && !through.is_empty() {
            settled.result = ChangeResult::StillReachable;
        }
        let report = ChangeReport {
            connection: plan.contents().connection.clone(),
            result: settled.result,
            run: run.clone(),
            plan: Some(plan.digest().clone()),
            through,
            note: note(settled.result, plan),
            attempts: settled.attempts,
            detail: settled.detail,
        };
        self.note_end(&report, plan.contents().change.action.as_str(), actor).await?;
        Ok(report)
    }

    /// Notes how a change ended, and ends its run unless somebody has to find out more.
    async fn note_end(
        &self,
        report: &ChangeReport,
        action: &'static str,
        actor: &Actor,
    ) -> Result<(), ChangeError> {
        let details = json!({
            "connection": report.connection,
            "change": action,
            "result": report.result.as_str(),
            "plan": report.plan.as_ref().map(store::PlanDigest::as_str),
            "attempts": report.attempts,
            "detail": report.detail,
        });
        let event = AuditEvent::new(actor.clone(), "access.changed", report.run.as_str()).with(details);
        self.place.store.audit_enter(&[event]).await?;
        let outcome = match report.result {
            ChangeResult::Already | ChangeResult::Confirmed | ChangeResult::StillReachable => None,
            ChangeResult::DoneButNotVisible => Some(Outcome::Accepted),
            ChangeResult::Failed => Some(Outcome::Failed),
            ChangeResult::Unknown => return Ok(()),
        };
        self.place.store.run_finish(&report.run, outcome).await?;
        Ok(())
    }

    /// The end of a change that was so before.
    pub(super) async fn nothing(
        &self,
        run: &RunId,
        change: Option<&AccessChange>,
    ) -> Result<ChangeReport, ChangeError> {
        if change.is_some() {
            self.place.store.run_finish(run, None).await?;
        }
        Ok(ChangeReport {
            connection: self.connection.to_string(),
            result: ChangeResult::Already,
            run: run.clone(),
            plan: None,
            through: Vec::new(),
            attempts: 0,
            detail: None,
            note: None,
        })
    }

    async fn begin_run(&self, &Turn { run, subject, actor, .. }: &Turn<'_>) -> Result<(), ChangeError> {
        let new = NewRun {
            id: run.clone(),
            kind: RunKind::AccessChange,
            policy: None,
            subject: Secret::new(subject.as_bytes().to_vec()),
            deadline_at: None,
            actor: actor.clone(),
        };
        let (kind, name) = ACCESS_CHANGE_TASK;
        let task = NewTask {
            id: TaskId::new(&*self.place.ids),
            kind: kind.to_owned(),
            name: name.to_owned(),
            after: Vec::new(),
            due_at: None,
        };
        self.place.store.run_begin(new, &[task]).await?;
        Ok(())
    }

    pub(super) async fn hold(&self, run: &RunId, locks: &[String]) -> Result<TaskHold, ChangeError> {
        let (kind, name) = ACCESS_CHANGE_TASK;
        let request = HoldRequest {
            run: run.clone(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            worker: self.place.worker.clone(),
            wait: Some(WAIT),
        };
        TaskHold::claim_alone(&self.place.store, &request, locks).await.map_err(|error| match error {
            HoldError::HeldByAnother { run, .. } => ChangeError::Busy { run },
            HoldError::Store(error) => ChangeError::Store(error),
            other @ (HoldError::NotReady { .. } | HoldError::Over { .. } | HoldError::Missing { .. }) => {
                ChangeError::Hold(other)
            }
        })
    }

    /// Whom or what a change is about. The connection stands in it: others have people with the same ids.
    pub(super) fn subject(&self, change: &AccessChange) -> String {
        let connection = &self.connection;
        let about = match change {
            AccessChange::Grant { principal, .. } | AccessChange::Revoke { principal, .. } => {
                principal.to_string()
            }
            AccessChange::RevokeGrant { grant } => grant.clone(),
            AccessChange::Delete { resource } => resource.to_string(),
            AccessChange::Create { kind, params } => {
                let values = params.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>();
                format!("{kind}:{}", values.join("\n"))
            }
        };
        format!("{connection}/{about}")
    }

    /// The name of a lock. What it is about stands in it as a keyed hash: it may be somebody's address.
    fn lock(&self, of: &str, about: &str) -> String {
        let connection = &self.connection;
        let text = crypto::canonical_json(&json!(["access", connection.as_str(), of, about]));
        format!("access/{connection}/{of}/{}", crypto::hex(&self.place.store.keyed_hash(&text)))
    }
}

/// One change on its way.
pub(super) struct Turn<'a> {
    pub(super) run: &'a RunId,
    pub(super) change: &'a AccessChange,
    /// The end that goes with it.
    ending: Option<Ending<'a>>,
    /// What of two changes one waits for the other for.
    subject: &'a str,
    approval: Approval<'a>,
    pub(super) actor: &'a Actor,
}

/// What a person should know besides.
fn note(result: ChangeResult, plan: &AccessPlan) -> Option<String> {
    let text = match result {
        ChangeResult::Failed if plan.contents().leaves_nothing => {
            "the change would have left an empty list, which the application may refuse; give something else first, \
             or remove the whole in the application"
        }
        ChangeResult::Failed => {
            "the application refused the change or could not be reached; nothing was changed"
        }
        ChangeResult::Unknown => {
            "the answer was lost and reading does not tell; the same command again finds out before it sends anything"
        }
        ChangeResult::DoneButNotVisible => "the application took the change and does not show it yet",
        ChangeResult::Already | ChangeResult::Confirmed | ChangeResult::StillReachable => return None,
    };
    Some(text.to_owned())
}

pub(super) async fn give_back(hold: TaskHold) -> Result<(), ChangeError> {
    match hold.state() {
        HoldState::Held => hold.release().await.or_else(ignore_lost)?,
        HoldState::Lost => {}
        HoldState::Cancelled => hold.cancel().await.or_else(ignore_lost)?,
    }
    Ok(())
}

/// Giving back what somebody else has by now is no failure.
pub(super) fn ignore_lost(error: StoreError) -> Result<(), StoreError> {
    match error {
        StoreError::Fenced { .. } => Ok(()),
        other => Err(other),
    }
}
