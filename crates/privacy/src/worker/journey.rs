//! The way of one request through its steps.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::{Cancellation, Progress};
use futures::FutureExt as _;
use jiff::Timestamp;
use model::{Clock, Identities, kill_point};
use serde_json::Value;
use spec::ActionType;
use store::{
    Actor, ClaimedRequest, ManualAction, PrivacyRequest, PrivacyRequestChange, PrivacyRequestStatus,
    RequestStep, Store,
};

use super::halt::{CALLBACK, Failed, Halt};
use super::hold::Hold;
use super::means::Means;
use super::plan_step::Planned;
use super::{Worker, WorkerParts, log};
use crate::configuration::Configuration;
use crate::manual;
use crate::policy_book;
use crate::request::{Begun, RequestError, Waits};
use crate::subject::{RequestFacts, Subject};

/// One request, as a worker that holds it goes through its steps.
pub(super) struct Journey<'a> {
    pub(super) worker: &'a Worker,
    pub(super) hold: &'a Hold,
    /// As it is kept now.
    pub(super) request: PrivacyRequest,
    /// Identities that were shown to be theirs.
    pub(super) identities: Identities,
}

impl<'a> Journey<'a> {
    pub(super) fn new(worker: &'a Worker, hold: &'a Hold, request: PrivacyRequest) -> Self {
        Self { worker, hold, request, identities: Identities::default() }
    }

    /// Takes the request as far as it goes; gives when it is due again, if that is known.
    pub(super) async fn walk(mut self) -> Option<Timestamp> {
        let ended = match Box::pin(self.steps_in_time()).await {
            Ok(()) => Ok(None),
            Err(halt) => self.let_go(halt).await,
        };
        match ended {
            Ok(due) => due,
            Err(error) => {
                // Its lease ends by itself, and whoever takes it then goes on from here.
                tracing::warn!(request = %self.request.id, %error, "a request could not be let go of");
                None
            }
        }
    }

    /// The steps, which are asked to stop where they stand once the turn takes too long
    /// (privacy-requests L-21a).
    async fn steps_in_time(&mut self) -> Result<(), Halt> {
        let Some(limit) = self.parts().limits.time else { return Box::pin(self.steps()).await };
        let (clock, pulse) = (self.clock(), Arc::clone(&self.hold.pulse));
        let mut is_over = false;
        let ended = {
            let mut steps = std::pin::pin!(self.steps());
            tokio::select! {
                ended = &mut steps => ended,
                () = clock.sleep(limit) => {
                    is_over = true;
                    pulse.stop();
                    steps.await
                }
            }
        };
        match ended {
            Err(Halt::Stopped) if is_over => {
                let text = "work on it took longer than `execution.task_soft_time_limit` allows; try again with more";
                Err(Halt::failed(self.step(), "time_limit", text))
            }
            ended => ended,
        }
    }

    async fn steps(&mut self) -> Result<(), Halt> {
        if self.request.attempts > self.parts().limits.attempts {
            let text = "work on it broke off too often: look at the log of the workers, then try again";
            return Err(Halt::failed(self.step(), "breaks_off", text));
        }
        let claimed = ClaimedRequest { request: self.request.clone(), lease: self.hold.lease.clone() };
        // Boxed: what lies below takes closures, which the compiler cannot follow from so far above.
        let configuration = self.configuration().await?;
        let begun = self.worker.parts.requests.begin_at(&configuration, &claimed).boxed().await;
        match begun.map_err(|error| Halt::of_request(&error, self.step()))? {
            Begun::Go { request, subject } => {
                kill_point!("request.begun");
                self.request = *request;
                self.identities = subject;
            }
            Begun::AskBeforeApproval(request) => {
                self.request = *request;
                return self.ask_before_approval().await;
            }
            Begun::Stop => return Err(Halt::Lost),
        }
        let begins_at = self.step();
        let service = self.worker.parts.services.current(configuration.revision()).await;
        let service = service.map_err(|error| self.unserved(&error, begins_at))?;
        let policy = policy_book::configured(&configuration, &self.request.policy).await;
        let policy = policy.and_then(|policy| policy_book::document_of(&policy));
        let policy = policy.map_err(|error| Halt::of_policy(&error, begins_at))?;
        let mut means = Means { service, policy, configuration };
        self.policy_applies(&means).await?;
        self.manual_input(&means, begins_at).await?;
        if begins_at.is_before(RequestStep::Access) {
            self.pre_webhooks(&means).await?;
        }
        let (erases, changes) = (self.erases(&means), self.request.corrects || self.erases(&means));
        let mut run_over = None;
        if begins_at.is_before(RequestStep::Plan) && means.has(ActionType::Access) {
            self.may_go_on()?;
            let read = self.access(&means).await?;
            self.may_go_on()?;
            means.configuration = self.configuration().await?;
            self.ask_people(&means.configuration, ManualAction::Access, Some(&read.outcome)).await?;
            let tasks = self.people_answered(ManualAction::Access, RequestStep::Access).await?;
            let run = self.upload(&means, read, &tasks).await?;
            // Its rows stay for as long as packages do. Where nothing follows, it ends with the request.
            if changes || self.has_post_webhooks(&means).await? {
                let finished = self.store().run_finish(&run, None).await;
                finished.map_err(|error| Halt::of_store(&error, RequestStep::UploadAccess))?;
            } else {
                run_over = Some(run);
            }
        }
        if begins_at.is_before(RequestStep::EmailPostSend) && changes {
            self.may_go_on()?;
            let planned = self.plan(&means).await?;
            self.may_go_on()?;
            // Before anything is erased: what conditions ask of is still there.
            if erases {
                self.ask_people(&means.configuration, ManualAction::Erasure, None).await?;
            }
            if let Planned::Writes(plan) = planned {
                self.erase(&means, plan).await?;
            }
            means.configuration = self.configuration().await?;
        }
        if begins_at.is_before(RequestStep::PostWebhooks) && erases {
            self.may_go_on()?;
            self.tell_vendors().await?;
        }
        if begins_at.is_before(RequestStep::Finalization) {
            self.may_go_on()?;
            if erases {
                self.people_answered(ManualAction::Erasure, RequestStep::PostWebhooks).await?;
            }
            self.post_webhooks(&means).await?;
        }
        // As the store has it: whoever erased may be another worker, before a retry.
        let by_hand = (changes && self.something_stays(&means).await?)
            || (erases && self.people_left_something().await?);
        self.finish(&means, by_hand, run_over).await
    }

    /// Everything that is configured now.
    async fn configuration(&self) -> Result<Arc<Configuration>, Halt> {
        let configuration = self.parts().requests.configuration().await;
        configuration.map_err(|error| Halt::of_store(&error, self.step()))
    }

    /// Whether data are erased: a request that corrects them erases nothing, whatever its policy could.
    fn erases(&self, means: &Means) -> bool {
        !self.request.corrects && means.has(ActionType::Erasure)
    }

    /// Fails once the request is somebody else's, or this worker is to let go of it.
    pub(super) fn may_go_on(&self) -> Result<(), Halt> {
        if self.hold.pulse.is_lost() {
            Err(Halt::Lost)
        } else if self.hold.pulse.is_stopped() {
            Err(Halt::Stopped)
        } else {
            Ok(())
        }
    }

    /// Input that people bring has to be there before anything is done (privacy-requests L-14). None is
    /// waited for that could not be delivered any more.
    async fn manual_input(&self, means: &Means, begins_at: RequestStep) -> Result<(), Halt> {
        let actions =
            [(ActionType::Access, ManualAction::Access), (ActionType::Erasure, ManualAction::Erasure)];
        let is_of_use = |action: &ManualAction| match action {
            ManualAction::Access => begins_at.is_before(RequestStep::Plan),
            ManualAction::Erasure => true,
        };
        let is_done =
            |of: ActionType| if of == ActionType::Erasure { self.erases(means) } else { means.has(of) };
        let actions = actions.into_iter().filter(|(of, _)| is_done(*of)).map(|(_, action)| action);
        let actions: Vec<ManualAction> = actions.filter(is_of_use).collect();
        let failed = |error: store::StoreError| Halt::of_store(&error, self.step());
        let forms = means.configuration.forms().await.map_err(failed)?;
        let missing = manual::missing(self.store(), (&self.request.id, forms), &actions).await;
        let missing = missing.map_err(failed)?;
        if missing.is_empty() {
            return Ok(());
        }
        Err(Halt::waits(Waits {
            status: PrivacyRequestStatus::RequiresInput,
            step: self.step(),
            attention: Some("manual_input"),
            until: None,
        }))
    }

    /// Lets go of the request; gives when it is due again, if that is known.
    async fn let_go(&self, halt: Halt) -> Result<Option<Timestamp>, RequestError> {
        // A stop that came because the hold was lost is no stop.
        let halt = if self.hold.pulse.is_lost() { Halt::Lost } else { halt };
        let lease = &self.hold.lease;
        let now = self.clock().now();
        match halt {
            Halt::Lost => Ok(None),
            Halt::Stopped => {
                self.store().privacy_request_give_back(lease, now).await?;
                Ok(None)
            }
            Halt::Later(wait) => {
                self.tell_of_delay().await;
                let until = now.saturating_add(wait).unwrap_or(now);
                self.store().privacy_request_give_back(lease, until).await?;
                Ok(Some(until))
            }
            Halt::Waits(waits) => {
                let until = waits.until;
                if waits.attention == Some(CALLBACK) {
                    self.tell_of_callbacks().await?;
                }
                self.parts().requests.wait(lease, *waits, self.hold.untold()).await?;
                Ok(until)
            }
            Halt::Failed(failed) => {
                let Failed { step, attention, log } = *failed;
                tracing::info!(request = %self.request.id, step = step.as_str(), attention, "a request went wrong");
                let mut logs = self.hold.untold();
                logs.push(log);
                self.parts().requests.fail(lease, (step, attention), logs).await?;
                Ok(None)
            }
        }
    }

    /// Changes the request under the hold, and tells with it what was not told yet.
    pub(super) async fn change(
        &mut self,
        action: &'static str,
        edit: impl FnOnce(&mut PrivacyRequestChange) + Send,
    ) -> Result<(), store::StoreError> {
        let untold = self.hold.untold();
        let with_logs = |change: &mut PrivacyRequestChange| {
            change.logs.extend(untold);
            edit(change);
        };
        let by = (Actor::system(), action);
        self.request = self.store().privacy_request_change_held(&self.hold.lease, by, with_logs).await?;
        Ok(())
    }

    /// Says where the request stands before a step begins.
    pub(super) async fn stand_at(
        &mut self,
        step: RequestStep,
        edit: impl FnOnce(&mut PrivacyRequest) + Send,
    ) -> Result<(), Halt> {
        let untold = self.hold.untold();
        let by = (Actor::system(), "privacy_request.step");
        let changed = self.store().privacy_request_step_held(&self.hold.lease, by, |change| {
            change.logs.extend(untold);
            change.request.step = Some(step);
            edit(&mut change.request);
        });
        self.request = changed.await.map_err(|error| Halt::of_store(&error, step))?;
        kill_point!("request.step");
        Ok(())
    }

    /// Where it stands.
    pub(super) fn step(&self) -> RequestStep {
        self.request.step.unwrap_or(RequestStep::PreWebhooks)
    }

    pub(super) fn store(&self) -> &'a Store {
        &self.worker.parts.store
    }

    pub(super) fn parts(&self) -> &'a WorkerParts {
        &self.worker.parts
    }

    pub(super) fn clock(&self) -> &'a dyn Clock {
        &*self.worker.parts.clock
    }

    pub(super) fn cancellation(&self) -> Cancellation {
        self.hold.pulse.cancellation()
    }

    /// Notes that the reading gets somewhere.
    pub(super) fn note(&self, progress: &Progress) {
        match progress {
            Progress::Page { .. } => {
                self.hold.pulse.pages.fetch_add(1, Ordering::Relaxed);
            }
            Progress::Waits { collection, started: 1.., until, .. } => {
                self.hold.tell(log::of_jobs_started(collection, *until));
            }
            Progress::Waits { .. } | Progress::Started { .. } | Progress::Ended { .. } => {}
        }
    }

    /// Whom its runs are about, and what applications are told of the request.
    pub(super) async fn subject(&self) -> Result<Subject, Halt> {
        let request = &self.request;
        let custom_fields = if request.custom_fields_approved_at.is_some() {
            let fields = self.parts().requests.custom_fields(&request.id).await;
            fields.map_err(|error| Halt::of_request(&error, self.step()))?
        } else {
            model::Row::new()
        };
        let facts = RequestFacts { id: request.id.clone(), members: members(request), custom_fields };
        Ok(Subject { identities: self.identities.clone(), request: Some(facts) })
    }
}

/// What connector files may ask of a request (saas-config 11.12).
pub(super) fn members(request: &PrivacyRequest) -> model::Row {
    let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::from);
    let moment = |at: Option<Timestamp>| at.map_or(Value::Null, |at| at.to_string().into());
    let members = [
        ("external_id", text(&request.external_id)),
        ("origin", text(&request.source)),
        ("source", text(&request.source)),
        ("location", text(&request.location)),
        ("property_id", text(&request.property_id)),
        ("policy", request.policy.clone().into()),
        ("requested_at", moment(Some(request.requested_at))),
        ("started_processing_at", moment(request.started_at)),
        ("reviewed_at", moment(request.reviewed_at)),
        ("reviewed_by", text(&request.reviewed_by)),
        ("submitted_by", text(&request.submitted_by)),
        ("identity_verified_at", moment(request.identity_verified_at)),
        ("due_date", moment(request.due_at)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
