use model::PrivacyRequestId;
use store::{
    NewRequestLog, PlanDigest, PrivacyRequest, PrivacyRequestChange, PrivacyRequestStatus, RequestStep,
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
