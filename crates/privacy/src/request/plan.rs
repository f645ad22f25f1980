use model::PrivacyRequestId;
use store::{
    NewRequestLog, PlanDigest, PrivacyRequest, PrivacyRequestChange, PrivacyRequestStatus, RequestStep,
    RuleAction, StoreError,
};

use super::review::audit;
use super::status::{Event, next};
use super::{ATTEMPTS, By, PrivacyRequests, RequestError};

impl PrivacyRequests {
    /// Approves exactly the plan with this digest, if the request waits for that; it is then carried
    /// out.
    ///
    /// # Errors
    /// [`RequestError::NoPlan`], [`RequestError::OtherPlan`]; [`RequestError::SamePerson`] if the
    /// settings want somebody else than the one who asked for the plan.
    pub async fn approve_plan(
        &self,
        id: &PrivacyRequestId,
        digest: &PlanDigest,
        by: &By,
    ) -> Result<PrivacyRequest, RequestError> {
        let settings = self.settings().await?;
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let waits = request.status == PrivacyRequestStatus::RequiresInput
                && request.step == Some(RequestStep::ApprovePlan);
            let plan = request.plan.as_ref().filter(|_| waits);
            let plan = plan.ok_or_else(|| RequestError::NoPlan { id: id.clone() })?;
            if plan != digest {
                return Err(RequestError::OtherPlan { id: id.clone() });
            }
            if settings.dual_control && asked_for_it(&request, by) {
                return Err(RequestError::SamePerson);
            }
            let mut change = PrivacyRequestChange::of(&request);
            change.request.status = next(request.status, Event::Resume)?;
            change.request.step = Some(RequestStep::Erasure);
            change.request.attention = None;
            change.request.work_at = Some(self.now());
            change.logs.push(NewRequestLog {
                dataset_name: Some("Request plan".to_owned()),
                ..audit("plan_approved", by, digest.as_str())
            });
            // First the plan: cut off after it, the request still waits, and approving again goes on.
            self.store().plan_approve(digest, by.actor.clone()).await?;
            if let Some(written) = self.write(change, by, "privacy_request.plan_approved").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    /// Asks for a plan by name: it then waits for approval, whatever its policy says. One that waits
    /// already is made anew.
    ///
    /// # Errors
    /// [`RequestError::NotPlannable`] if its policy erases nothing, it is over, or its plan is being
    /// carried out.
    pub async fn ask_for_plan(&self, id: &PrivacyRequestId, by: &By) -> Result<PrivacyRequest, RequestError> {
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let policy = self.parts.policies.get(&request.policy).await.map_err(RequestError::Policy)?;
            let refused = |reason| RequestError::NotPlannable { id: id.clone(), reason };
            let erases = policy.rules.iter().any(|rule| rule.action == RuleAction::Erasure);
            if !erases && !request.corrects {
                return Err(refused("its policy has no erasure rules"));
            }
            let mut change = PrivacyRequestChange::of(&request);
            change.request.planned_by = Some(by.name());
            change.logs.push(NewRequestLog {
                dataset_name: Some("Request plan".to_owned()),
                ..audit("plan_requested", by, "")
            });
            let left = match stage(&request) {
                Stage::Before => None,
                Stage::Waits => {
                    change.request.status = next(request.status, Event::Resume)?;
                    change.request.step = Some(RequestStep::Plan);
                    change.request.attention = None;
                    change.request.work_at = Some(self.now());
                    change.request.plan = None;
                    change.request.change_run.take()
                }
                Stage::Making => return Err(refused("its plan is being made; look for it in a moment")),
                Stage::After => return Err(refused("its plan is being carried out, or it is over")),
            };
            if let Some(written) = self.write(change, by, "privacy_request.plan_requested").await? {
                if let Some(run) = left {
                    match self.store().run_cancel(&run, by.actor.clone()).await {
                        // Over by itself meanwhile.
                        Ok(()) | Err(StoreError::Conflict { .. } | StoreError::NotFound { .. }) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }
}

/// How far a request is, as its plan sees it.
enum Stage {
    /// Nothing is planned yet.
    Before,
    /// A worker reads and decides.
    Making,
    /// The plan waits for approval.
    Waits,
    /// The plan is approved, or there will never be one.
    After,
}

fn stage(request: &PrivacyRequest) -> Stage {
    use PrivacyRequestStatus as Status;
    let under_way = || match request.step {
        None | Some(RequestStep::PreWebhooks | RequestStep::Access | RequestStep::UploadAccess) => {
            Stage::Before
        }
        Some(RequestStep::Plan) => Stage::Making,
        Some(
            RequestStep::ApprovePlan
            | RequestStep::Erasure
            | RequestStep::FinalizeErasure
            | RequestStep::EmailPostSend
            | RequestStep::PostWebhooks
            | RequestStep::Finalization,
        ) => Stage::After,
    };
    match request.status {
        Status::IdentityUnverified
        | Status::Pending
        | Status::AwaitingPreApproval
        | Status::PreApprovalNotEligible
        | Status::Duplicate => Stage::Before,
        Status::RequiresInput if request.step == Some(RequestStep::ApprovePlan) => Stage::Waits,
        Status::Approved
        | Status::InProcessing
        | Status::RequiresInput
        | Status::PendingExternal
        | Status::Paused => under_way(),
        Status::Denied
        | Status::AwaitingEmailSend
        | Status::RequiresManualFinalization
        | Status::Complete
        | Status::Error
        | Status::Canceled => Stage::After,
    }
}

/// Whether the plan goes back to this person: they asked for it, or, if nobody did by name, they
/// approved or made the request that it was made for.
fn asked_for_it(request: &PrivacyRequest, by: &By) -> bool {
    let asked: Vec<&String> = match &request.planned_by {
        Some(planned_by) => vec![planned_by],
        None => request.reviewed_by.iter().chain(&request.submitted_by).collect(),
    };
    asked.contains(&&by.name())
}
