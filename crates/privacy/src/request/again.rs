use model::PrivacyRequestId;
use store::{
    ClaimEnd, Intake, NewRequestLog, PrivacyRequest, PrivacyRequestChange, PrivacyRequestStatus as Status,
    RequestStep, RunsEnd,
};

use super::evaluate::{Evaluated, approve_by_system};
use super::status::{Event, next};
use super::{ATTEMPTS, By, PrivacyRequests, RequestError};

/// What is entered when a request is in line again (privacy-requests L-26).
pub(super) const QUEUED: &str = "Privacy request successfully queued for processing";

impl PrivacyRequests {
    /// Tries a request that went wrong again, from the step that failed (privacy-requests L-22).
    ///
    /// # Errors
    /// [`RequestError::NotFailed`]; [`RequestError::Forgotten`] once nobody knows any more whom it is
    /// about.
    pub async fn retry(&self, id: &PrivacyRequestId, by: &By) -> Result<PrivacyRequest, RequestError> {
        self.queue(id, (by, "privacy_request.retried"), |request| {
            let status = next(request.status, Event::Retry);
            status.map_err(|_| RequestError::NotFailed { id: request.id.clone(), status: request.status })
        })
        .await
    }

    /// Puts a request in line again that nobody seems to work on (privacy-requests L-23). Whoever does
    /// work on it goes on.
    ///
    /// # Errors
    /// [`RequestError::NotQueueable`] in any other status than `approved` and `in_processing`.
    pub async fn requeue(&self, id: &PrivacyRequestId, by: &By) -> Result<PrivacyRequest, RequestError> {
        self.queue(id, (by, "privacy_request.requeued"), |request| {
            let status = next(request.status, Event::Requeue);
            status.map_err(|_| RequestError::NotQueueable { id: request.id.clone(), status: request.status })
        })
        .await
    }

    /// Goes on with a request whose missing input is there (privacy-requests L-23). A worker looks
    /// whether it really is.
    ///
    /// # Errors
    /// [`RequestError::NotWaiting`]; [`RequestError::StillWaits`] if its plan waits for approval.
    pub async fn resume_from_input(
        &self,
        id: &PrivacyRequestId,
        by: &By,
    ) -> Result<PrivacyRequest, RequestError> {
        self.queue(id, (by, "privacy_request.resumed"), |request| {
            if request.status != Status::RequiresInput {
                return Err(RequestError::NotWaiting { id: request.id.clone(), status: request.status });
            }
            if request.step == Some(RequestStep::ApprovePlan) {
                let reason = "Its plan waits for approval: approve the digest of the plan.";
                return Err(RequestError::StillWaits { reason });
            }
            Ok(next(request.status, Event::Resume)?)
        })
        .await
    }

    /// Goes on with a request that a webhook held, or that waited for somebody outside.
    ///
    /// # Errors
    /// [`RequestError::NotPaused`].
    pub async fn resume(&self, id: &PrivacyRequestId, by: &By) -> Result<PrivacyRequest, RequestError> {
        self.queue(id, (by, "privacy_request.resumed"), |request| {
            if !matches!(request.status, Status::Paused | Status::PendingExternal) {
                return Err(RequestError::NotPaused { id: request.id.clone(), status: request.status });
            }
            Ok(next(request.status, Event::Resume)?)
        })
        .await
    }

    /// Begins a request again as if it had just been made (privacy-requests L-24). What was approved
    /// stays approved; an identity that nobody has shown stays so.
    ///
    /// # Errors
    /// [`RequestError::Complete`]; [`RequestError::Forgotten`] once nobody knows any more whom it is
    /// about; [`RequestError::StillWaits`] while nobody knows whether one of its writes took effect: it
    /// would be sent twice.
    pub async fn resubmit(&self, id: &PrivacyRequestId, by: &By) -> Result<PrivacyRequest, RequestError> {
        Box::pin(self.begin_anew(id, by)).await
    }

    async fn begin_anew(&self, id: &PrivacyRequestId, by: &By) -> Result<PrivacyRequest, RequestError> {
        let settings = self.settings().await?;
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let shown = request.intake == Intake::Authenticated || request.identity_verified_at.is_some();
            let event = if shown { Event::Resubmit } else { Event::ResubmitUnshown };
            let status = next(request.status, event).map_err(|_| RequestError::Complete)?;
            let identities = self.identities(id).await?;
            let mut change = PrivacyRequestChange::of(&request);
            begin_again(&mut change, status);
            // Who begins it again asks for what is planned for it.
            change.request.planned_by = settings.dual_control.then(|| by.name());
            let was_approved = request.reviewed_at.is_some() && request.status != Status::Denied;
            let mut evaluated = Evaluated::default();
            if shown && was_approved {
                approve_by_system(&mut change.request, self.now(), &mut evaluated.logs);
            } else if shown {
                (change.request.reviewed_at, change.request.reviewed_by) = (None, None);
                evaluated = self.evaluate(&mut change.request, &identities, &settings).await?;
            }
            change.logs = evaluated.logs;
            change.messages = evaluated.messages;
            if let Some(written) = self.write(change, by, "privacy_request.resubmitted").await? {
                self.demote(&evaluated.losers).await?;
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    /// Puts a request in line in the status that `to` says.
    pub(super) async fn queue(
        &self,
        id: &PrivacyRequestId,
        (by, action): (&By, &'static str),
        to: impl Fn(&PrivacyRequest) -> Result<Status, RequestError>,
    ) -> Result<PrivacyRequest, RequestError> {
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let mut change = PrivacyRequestChange::of(&request);
            change.request.status = to(&request)?;
            if request.forgotten_at.is_some() {
                return Err(RequestError::Forgotten { id: id.clone() });
            }
            change.request.attention = None;
            change.request.paused_at = None;
            change.request.work_at = Some(self.now());
            change.logs.push(NewRequestLog::of_work("Privacy request scheduling", "complete", QUEUED));
            if let Some(written) = self.write(change, by, action).await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }
}

/// Nothing of what was done counts any more.
fn begin_again(change: &mut PrivacyRequestChange, status: Status) {
    let request = &mut change.request;
    request.status = status;
    request.step = None;
    request.attention = None;
    request.work_at = None;
    (request.access_run, request.change_run, request.plan, request.planned_by) = (None, None, None, None);
    (request.started_at, request.finished_at, request.paused_at) = (None, None, None);
    (request.canceled_at, request.finalized_at, request.finalized_by) = (None, None, None);
    change.claim = ClaimEnd::End;
    change.runs = RunsEnd::CancelSettled;
    change.clears_log = true;
}
