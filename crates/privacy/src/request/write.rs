//! Writes of which nobody knows whether they took effect, and what a person found out about them.

use model::PrivacyRequestId;
use store::{PrivacyRequest, PrivacyRequestChange, PrivacyRequestStatus, RequestStep};

use super::again::QUEUED;
use super::review::audit;
use super::status::{Event, next};
use super::{ATTEMPTS, By, PrivacyRequests, RequestError};
use crate::outline::{self, Known};
use crate::resolve::{self, ResolveDecision, ResolveError};
use crate::status::OperationStatus;

impl PrivacyRequests {
    /// The writes for a request of which nobody knows whether they took effect, in the order of its plan.
    ///
    /// # Errors
    /// [`RequestError::NotFound`], [`RequestError::Deleted`].
    pub async fn unknown_writes(&self, id: &PrivacyRequestId) -> Result<Vec<OperationStatus>, RequestError> {
        let request = self.get_live(id).await?;
        match self.outlined(&request).await? {
            Some(known) => Ok(resolve::unknown_writes(self.store(), &known).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Takes down what a person found out about a write, as `tutela privacy resolve` does. Once nothing
    /// is unknown any more, a request that waited for that goes on.
    ///
    /// # Errors
    /// [`RequestError::Resolve`].
    pub async fn resolve_write(
        &self,
        id: &PrivacyRequestId,
        (order, decision): (u64, ResolveDecision),
        by: &By,
    ) -> Result<PrivacyRequest, RequestError> {
        let request = self.get_live(id).await?;
        let known = self.outlined(&request).await?;
        let known = known.ok_or_else(|| RequestError::NothingSent { id: id.clone() })?;
        resolve::settle(self.store(), &known, order, (decision, by.actor.clone())).await?;
        // Cut off here, the word stands, and resuming the request goes on.
        let found = match decision {
            ResolveDecision::TookEffect => format!("operation {order} took effect"),
            ResolveDecision::DidNotTakeEffect => format!("operation {order} did not take effect"),
        };
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let is_last = resolve::unknown_writes(self.store(), &known).await?.is_empty();
            let mut change = PrivacyRequestChange::of(&request);
            change.logs.push(audit("write_resolved", by, &found));
            if is_last && waits_for_word(&request) {
                change.request.status = next(request.status, Event::Resume)?;
                change.request.attention = None;
                change.request.work_at = Some(self.now());
                change.logs.push(store::NewRequestLog::of_work(
                    "Privacy request scheduling",
                    "complete",
                    QUEUED,
                ));
            }
            if let Some(written) = self.write(change, by, "privacy_request.write_resolved").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    async fn outlined(&self, request: &PrivacyRequest) -> Result<Option<Known>, RequestError> {
        let Some(run) = &request.change_run else { return Ok(None) };
        Ok(outline::find_outlined(self.store(), run).await?)
    }
}

/// Whether nothing but a person's word about a write holds the request.
fn waits_for_word(request: &PrivacyRequest) -> bool {
    request.status == PrivacyRequestStatus::RequiresInput && request.step == Some(RequestStep::Erasure)
}

impl From<ResolveError> for RequestError {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Store(error) => Self::Store(error),
            error @ (ResolveError::NotKnownHere { .. }
            | ResolveError::NoOperation { .. }
            | ResolveError::NotUnknown { .. }) => Self::Resolve(Box::new(error)),
        }
    }
}
