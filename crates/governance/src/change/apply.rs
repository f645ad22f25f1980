//! Carrying out a change: alone with what it is about, from the reading to the reading back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use connector::Person;
use crypto::Secret;
use engine::{HoldError, HoldRequest, HoldState, Source, TaskHold, Writer, WriterParts};
use model::{Identities, Outcome, PrivacyRequestId, Row, RunId};
use serde_json::json;
use store::{ACCESS_CHANGE_TASK, Actor, AuditEvent, NewPlan, NewRun, NewTask, RunKind, StoreError, TaskId};

use super::live::Live;
use super::plan::AccessPlan;
use super::prepare::Prepared;
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
        let run = match approval {
            Approval::Plan(plan) => plan.contents().run.clone(),
            Approval::Given => RunId::new(&*self.parts.ids),
        };
        // Boxed: callers would hold all of it.
        let Some(change) = Box::pin(self.named(change)).await? else { return self.nothing(&run, None).await };
        let turn = Turn { run: &run, subject: &subject(&change), change: &change, approval, actor };
        self.begin_run(&turn).await?;
        let done = Box::pin(self.apply_in(&turn)).await;
        if let Err(error) = &done {
            // What was sent without a known end keeps its run open, for whoever comes next.
            let is_open =
                matches!(error, ChangeError::Write(_) | ChangeError::Store(_) | ChangeError::Hold(_));
            if !is_open {
                self.parts.store.run_finish(&run, Some(Outcome::Failed)).await?;
            }
        }
        done
    }

    async fn apply_in(&self, turn: &Turn<'_>) -> Result<ChangeReport, ChangeError> {
        let Turn { run, subject, change, .. } = *turn;
        let mut locks = vec![self.lock("subject", subject)];
        loop {
            let hold = self.hold(run, &locks).await?;
            let live = Live::new(&self.parts, &self.mapper);
            self.find_out_left_behind(run, subject).await?;
            let prepared = match live.prepare(change, run).await {
                Ok(prepared) => prepared,
                Err(error) => {
                    give_back(hold).await?;
                    return Err(error);
                }
            };
            // Two changes that a guard allows one by one must not be looked at together.
            let guards = prepared.iter().flat_map(|prepared| &prepared.plan.contents().guards);
            let mut wanted: Vec<String> = guards.map(|guard| self.lock("guard", guard)).collect();
            wanted.insert(0, self.lock("subject", subject));
            if wanted.iter().any(|name| !locks.contains(name)) {
                give_back(hold).await?;
                locks = wanted;
                continue;
            }
            let report = match &prepared {
                None => self.nothing(run, Some(change)).await,
                Some(prepared) => self.carry_out((&live, &hold), prepared, turn).await,
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

    async fn carry_out(
        &self,
        (live, hold): (&Live<'_>, &TaskHold),
        prepared: &Prepared<'_>,
        &Turn { approval, actor, .. }: &Turn<'_>,
    ) -> Result<ChangeReport, ChangeError> {
        let plan = &prepared.plan;
        if let Approval::Plan(approved) = approval
            && approved.digest() != plan.digest()
        {
            return Err(ChangeError::Drift);
        }
        let (store, run) = (&self.parts.store, &plan.contents().run);
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
        let mut settled = live.settle(&self.writer(run), hold, prepared).await?;
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
        self.parts.store.audit_enter(&[event]).await?;
        let outcome = match report.result {
            ChangeResult::Already | ChangeResult::Confirmed | ChangeResult::StillReachable => None,
            ChangeResult::DoneButNotVisible => Some(Outcome::Accepted),
            ChangeResult::Failed => Some(Outcome::Failed),
            ChangeResult::Unknown => return Ok(()),
        };
        self.parts.store.run_finish(&report.run, outcome).await?;
        Ok(())
    }

    /// The end of a change that was so before.
    async fn nothing(&self, run: &RunId, change: Option<&AccessChange>) -> Result<ChangeReport, ChangeError> {
        if change.is_some() {
            self.parts.store.run_finish(run, None).await?;
        }
        Ok(ChangeReport {
            connection: self.parts.connector.connection().key.to_string(),
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
            id: TaskId::new(&*self.parts.ids),
            kind: kind.to_owned(),
            name: name.to_owned(),
            after: Vec::new(),
            due_at: None,
        };
        self.parts.store.run_begin(new, &[task]).await?;
        Ok(())
    }

    pub(super) async fn hold(&self, run: &RunId, locks: &[String]) -> Result<TaskHold, ChangeError> {
        let (kind, name) = ACCESS_CHANGE_TASK;
        let request = HoldRequest {
            run: run.clone(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            worker: self.parts.worker.clone(),
            wait: Some(WAIT),
        };
        TaskHold::claim_alone(&self.parts.store, &request, locks).await.map_err(|error| match error {
            HoldError::HeldByAnother { run, .. } => ChangeError::Busy { run },
            HoldError::Store(error) => ChangeError::Store(error),
            other @ (HoldError::NotReady { .. } | HoldError::Over { .. } | HoldError::Missing { .. }) => {
                ChangeError::Hold(other)
            }
        })
    }

    fn writer(&self, run: &RunId) -> Writer {
        let key = self.parts.connector.connection().key.clone();
        let nobody = Person {
            identities: Identities::default(),
            privacy_request_id: PrivacyRequestId::of_run(run),
            privacy_request: Row::new(),
            custom_fields: Row::new(),
        };
        Writer::new(WriterParts {
            store: self.parts.store.clone(),
            sources: HashMap::from([(key, Source::Connector(self.parts.connector.clone()))]),
            person: Arc::new(nobody),
            limits: self.parts.limits.clone(),
            clock: Arc::clone(&self.parts.clock),
        })
    }

    /// The name of a lock. What it is about stands in it as a keyed hash: it may be somebody's address.
    fn lock(&self, of: &str, about: &str) -> String {
        let connection = &self.parts.connector.connection().key;
        let text = crypto::canonical_json(&json!(["access", connection.as_str(), of, about]));
        format!("access/{connection}/{of}/{}", crypto::hex(&self.parts.store.keyed_hash(&text)))
    }
}

/// One change on its way.
struct Turn<'a> {
    run: &'a RunId,
    change: &'a AccessChange,
    /// What of two changes one waits for the other for.
    subject: &'a str,
    approval: Approval<'a>,
    actor: &'a Actor,
}

/// Whom or what a change is about.
fn subject(change: &AccessChange) -> String {
    match change {
        AccessChange::Grant { principal, .. } | AccessChange::Revoke { principal, .. } => {
            principal.to_string()
        }
        AccessChange::RevokeGrant { grant } => grant.clone(),
        AccessChange::Delete { resource } => resource.to_string(),
        AccessChange::Create { kind, params } => {
            let values = params.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>();
            format!("{kind}:{}", values.join("\n"))
        }
    }
}

/// What a person should know besides.
fn note(result: ChangeResult, plan: &AccessPlan) -> Option<String> {
    let text = match result {
        ChangeResult::Failed if plan.contents().leaves_nothing => {
            "the change would have left an empty list, which the application may refuse; give something else first, \
             or remove the whole in the application"
        }
        ChangeResult::Failed => "the application refused the change; nothing was changed",
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
