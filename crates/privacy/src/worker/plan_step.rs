//! Planning what is written, and who may let it be written.

use engine::{RowsError, RunError};
use model::{ConnectionKey, RunId};
use store::{
    Actor, Approval, Intake, NewRequestLog, PrivacyRequestStatus, RequestStep, RunState, StoreError,
};

use super::ending::{Ending, NO_WRITE_ACCESS, ending};
use super::halt::{Halt, PROCESSING};
use super::journey::Journey;
use super::log;
use super::means::Means;
use crate::PlanRequest;
use crate::hold;
use crate::plan::Plan;
use crate::planning::PlanningError;
use crate::request::{Waits, raised_limits};

/// What planning came to.
pub(super) enum Planned {
    /// Writes that may be sent now.
    Writes(Box<Approved>),
    /// There is nothing to write.
    Nothing,
}

/// A plan that may be carried out.
pub(super) struct Approved {
    pub(super) plan: Plan,
    /// By whose word.
    pub(super) actor: Actor,
}

const STEP: RequestStep = RequestStep::Plan;
/// How many requests are looked at that each completed what was held of the one before.
const MOST_ORIGINS: usize = 100;
const MORE_THAN_FOUND: &str =
    "something could not be read to its end, so there may be more to do than was found";

impl Journey<'_> {
    /// Makes the plan, or takes the one that is there, and looks whether it may be carried out.
    pub(super) async fn plan(&mut self, means: &Means) -> Result<Planned, Halt> {
        if self.is_proven().await? {
            return Ok(Planned::Nothing);
        }
        let Some(plan) = self.planned(means).await? else { return Ok(Planned::Nothing) };
        if !self.request.corrects {
            // What completes a rest erases.
            let kept = hold::keep_rest(self.store(), &self.request, &plan).await;
            kept.map_err(|error| Halt::of_store(&error, STEP))?;
        }
        let contents = plan.contents();
        if contents.not_covered.iter().any(|one| one.reason == NO_WRITE_ACCESS) {
            let logs = log::of_change(&means.service, &means.policy.policy, contents, None);
            for log in logs {
                self.hold.tell(log);
            }
            self.leave_change_run(means).await?;
            let text = "a connection that the policy targets may only be read: give it write access, or switch it off";
            return Err(Halt::failed(STEP, NO_WRITE_ACCESS, text));
        }
        let head =
            self.store().plan_head(plan.digest()).await.map_err(|error| Halt::of_store(&error, STEP))?;
        let is_approved = head.is_some_and(|head| head.approval.is_some());
        // Writing to a vendor that erases by hand is a write, too, and goes by the same word.
        let vendors = if self.request.corrects { Vec::new() } else { self.vendors().await?.told };
        let goes_by_itself = !is_approved && self.goes_by_itself(means).await?;
        let needs_nobody = is_approved || goes_by_itself || vendors.is_empty();
        let is_seen =
            matches!(ending([], &contents.not_covered), Ending::Good | Ending::Open | Ending::ByHand);
        if contents.operations.is_empty() && (needs_nobody || !is_seen) {
            return self.without_operations(means, &plan).await;
        }
        if is_approved {
            // The first approval stands, whoever carries it out.
            return Ok(Planned::Writes(Box::new(Approved { plan, actor: Actor::system() })));
        }
        let is_complete = contents.reads.iter().all(|read| read.complete);
        if goes_by_itself {
            if !is_complete {
                self.leave_change_run(means).await?;
                return Err(Halt::failed(STEP, "incomplete", MORE_THAN_FOUND));
            }
            let actor = Actor::policy(&means.policy.policy.key);
            return Ok(Planned::Writes(Box::new(Approved { plan, actor })));
        }
        let mut text = format!("the plan waits for approval: {}", plan.digest());
        if !vendors.is_empty() {
            let names: Vec<&str> = vendors.iter().map(ConnectionKey::as_str).collect();
            text = format!("{text}; with it these vendors are written to: {}", names.join(", "));
        }
        self.hold.tell(NewRequestLog::of_work(PROCESSING, "awaiting_processing", &text));
        Err(Halt::waits(Waits {
            status: PrivacyRequestStatus::RequiresInput,
            step: RequestStep::ApprovePlan,
            attention: Some(if is_complete { "plan_approval" } else { "plan_approval_incomplete" }),
            until: None,
        }))
    }

    /// Whether nobody needs to approve the plan.
    async fn goes_by_itself(&self, means: &Means) -> Result<bool, Halt> {
        Ok(self.may_approve_itself(means)
            && !self.is_dual_control().await?
            && !self.completes_what_needed_a_person().await?)
    }

    /// What a plan that writes nothing means: nothing is there, or it was not seen, or it stays.
    async fn without_operations(&mut self, means: &Means, plan: &Plan) -> Result<Planned, Halt> {
        let contents = plan.contents();
        let ended = ending([], &contents.not_covered);
        if ended != Ending::Good {
            for log in log::of_change(&means.service, &means.policy.policy, contents, None) {
                self.hold.tell(log);
            }
        }
        match ended {
            // What stays is found again in the store when the request is to end.
            Ending::Good | Ending::Open | Ending::ByHand => Ok(Planned::Nothing),
            Ending::Unknown | Ending::Failed => {
                self.leave_change_run(means).await?;
                Err(Halt::failed(STEP, "incomplete", MORE_THAN_FOUND))
            }
        }
    }

    /// Whether everything was done and proven before work on the request broke off.
    pub(super) async fn is_proven(&self) -> Result<bool, Halt> {
        let Some(run) = &self.request.change_run else { return Ok(false) };
        let kept = self.store().certificate_find(run).await;
        let kept = kept.map_err(|error| Halt::of_store(&error, STEP))?;
        Ok(kept.is_some_and(|certificate| certificate.is_proven))
    }

    /// Whether every plan needs somebody else than the one who asked for it, whatever policies say.
    async fn is_dual_control(&self) -> Result<bool, Halt> {
        let settings = self.parts().requests.settings().await;
        Ok(settings.map_err(|error| Halt::of_store(&error, STEP))?.dual_control)
    }

    /// Whether the plan needs nobody: the policy says so, and a caller that was let in made the request.
    fn may_approve_itself(&self, means: &Means) -> bool {
        let by_policy = match means.policy.approval {
            Approval::Automatic => true,
            Approval::Person => false,
        };
        let by_caller = match self.request.intake {
            Intake::Authenticated => true,
            Intake::Public => false,
        };
        // Raised limits are approved with the plan that needs them.
        let by_limits = self.request.raised_limits.is_none();
        by_policy && by_caller && by_limits && self.request.planned_by.is_none()
    }

    /// Whether this completes what was held of a request whose own plan needed a person; one whose origin
    /// is gone needs one, too.
    async fn completes_what_needed_a_person(&self) -> Result<bool, Halt> {
        let mut below = self.request.clone();
        for _ in 0..MOST_ORIGINS {
            if below.source.as_deref() != Some(hold::SOURCE) {
                return Ok(false);
            }
            let origin = below.external_id.and_then(|id| id.parse().ok());
            let Some(origin) = origin else { return Ok(true) };
            let found = self.store().privacy_request_find(&origin).await;
            let Some(above) = found.map_err(|error| Halt::of_store(&error, STEP))? else { return Ok(true) };
            if above.intake == Intake::Public || above.planned_by.is_some() {
                return Ok(true);
            }
            below = above;
        }
        Ok(true)
    }

    /// The plan; `None` if all of it was done and proven meanwhile. A run that cannot be gone on with is left
    /// and another begun, once.
    async fn planned(&mut self, means: &Means) -> Result<Option<Plan>, Halt> {
        if let Some(plan) = self.planned_under(means).await? {
            return Ok(Some(plan));
        }
        // Whoever had the request before may have come to the end of what was under way: the run is over,
        // and left for another one it would take its certificate with it.
        if self.is_proven().await? {
            return Ok(None);
        }
        if let Some(digest) = self.request.plan.clone()
            && self.has_begun(&digest).await?
        {
            let text = "writes were sent by a plan whose run is over and proven by nothing, and another plan would send them again; look at the applications, then finish the request by hand or cancel it";
            return Err(Halt::failed(STEP, "run_over", text));
        }
        self.leave_change_run(means).await?;
        let text = "what was read before does not fit connections or policy any more; try again";
        self.planned_under(means).await?.map(Some).ok_or_else(|| Halt::failed(STEP, "changed", text))
    }

    /// The plan of the request's run; `None` if that run cannot be gone on with.
    async fn planned_under(&mut self, means: &Means) -> Result<Option<Plan>, Halt> {
        let run = if let Some(run) = &self.request.change_run {
            run.clone()
        } else {
            let run = RunId::new(&*self.parts().ids);
            let kept = run.clone();
            let begun = self.stand_at(STEP, |request| {
                request.change_run = Some(kept);
                request.plan = None;
            });
            begun.await?;
            run
        };
        let subject = self.subject().await?;
        let rectify = self.parts().requests.corrections(&self.request).await;
        let rectify = rectify.map_err(|error| Halt::of_request(&error, STEP))?;
        let raised = raised_limits(&self.request).map_err(|error| Halt::of_store(&error, STEP))?;
        let request = PlanRequest {
            policy: means.policy.policy.key.clone(),
            identities: subject.identities,
            rectify,
            raised,
            actor: Actor::system(),
        };
        let planned = {
            let journey = &*self;
            let on_progress = |progress| journey.note(&progress);
            let cancellation = self.cancellation();
            means.service.plan_run(&run, request, subject.request, cancellation, &on_progress).await
        };
        let plan = match planned {
            Ok(plan) => plan,
            Err(error) => return self.unplanned(means, &error).await,
        };
        if self.request.plan.as_ref() != Some(plan.digest()) {
            let digest = plan.digest().clone();
            self.stand_at(STEP, |request| request.plan = Some(digest)).await?;
        }
        Ok(Some(plan))
    }

    /// What an error of the planning means: `None` if the run cannot be gone on with.
    async fn unplanned(&mut self, means: &Means, error: &PlanningError) -> Result<Option<Plan>, Halt> {
        match error {
            PlanningError::Cancelled => return Err(Halt::Stopped),
            PlanningError::Run(RunError::NotActive { state: RunState::Active, .. }) => {
                return Err(Halt::in_the_way());
            }
            PlanningError::Run(
                RunError::Changed { .. } | RunError::Unread { .. } | RunError::NotActive { .. },
            )
            | PlanningError::Store(StoreError::Forgotten { .. }) => return Ok(None),
            PlanningError::Run(RunError::Waits { until, by, .. }) => {
                return Err(Halt::of_application((*until, *by), STEP));
            }
            PlanningError::Run(RunError::Store(error)) | PlanningError::Store(error) => {
                return Err(Halt::of_store(error, STEP));
            }
            PlanningError::Run(RunError::Rows(RowsError::Store { source, .. }))
            | PlanningError::Rows(RowsError::Store { source, .. }) => {
                return Err(Halt::of_store(source, STEP));
            }
            PlanningError::UnknownPolicy { .. }
            | PlanningError::NoRule { .. }
            | PlanningError::Strategy { .. }
            | PlanningError::UnknownField { .. }
            | PlanningError::FieldNotTargeted { .. }
            | PlanningError::Traversal(_)
            | PlanningError::Condition(_)
            | PlanningError::Masker(_)
            | PlanningError::Run(RunError::ConnectionMissing { .. } | RunError::Rows(_))
            | PlanningError::Rows(_)
            | PlanningError::Database(_)
            | PlanningError::Expansion { .. }
            | PlanningError::NothingRead { .. }
            | PlanningError::Refused { .. } => {}
        }
        let (attention, name) = match error {
            PlanningError::Refused { .. } => ("limits", PROCESSING),
            error if error.is_bad_input() => ("policy", "Dataset traversal"),
            _ => ("reading", PROCESSING),
        };
        self.leave_change_run(means).await?;
        Err(Halt::failed_with(STEP, attention, NewRequestLog::of_work(name, "error", &error.to_string())))
    }

    /// Leaves the run that was to write; nothing of it was sent.
    pub(super) async fn leave_change_run(&mut self, means: &Means) -> Result<(), Halt> {
        let Some(run) = self.request.change_run.clone() else { return Ok(()) };
        let left = self.stand_at(STEP, |request| {
            request.change_run = None;
            request.plan = None;
        });
        left.await?;
        means.service.drop_run(&run).await;
        Ok(())
    }
}
