use crypto::Secret;
use model::PrivacyRequestId;
use store::{
    ClaimEnd, CodeChange, NewRequestLog, PrivacyRequest, PrivacyRequestChange, RequestLogKind, RequestStep,
    RunsEnd,
};

use super::status::{Event, next};
use super::{ATTEMPTS, By, PrivacyRequests, RequestError};

impl PrivacyRequests {
    /// Says that what a person had to do by hand is done (privacy-requests L-29).
    ///
    /// # Errors
    /// [`RequestError::NotFinalizable`].
    pub async fn finalize(&self, id: &PrivacyRequestId, by: &By) -> Result<PrivacyRequest, RequestError> {
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let mut change = PrivacyRequestChange::of(&request);
            let status = next(request.status, Event::Finalize);
            change.request.status = status
                .map_err(|_| RequestError::NotFinalizable { id: id.clone(), status: request.status })?;
            change.request.step = Some(RequestStep::Finalization);
            change.request.attention = None;
            change.request.finalized_at = Some(self.now());
            change.request.finalized_by = Some(by.name());
            change.request.work_at = Some(self.now());
            let log = NewRequestLog::of_work("Request finalized", "complete", "Request manually finalized");
            change.logs.push(NewRequestLog { user_id: by.user.clone(), ..log });
            if let Some(written) = self.write(change, by, "privacy_request.finalized").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    /// Hides a request; nobody works on it any more, and its status stays as it is (privacy-requests
    /// L-28).
    ///
    /// # Errors
    /// [`RequestError::Deleted`] if it is hidden already.
    pub async fn soft_delete(&self, id: &PrivacyRequestId, by: &By) -> Result<PrivacyRequest, RequestError> {
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let mut change = PrivacyRequestChange::of(&request);
            change.request.deleted_at = Some(self.now());
            change.request.deleted_by = Some(by.name());
            change.request.work_at = None;
            change.claim = ClaimEnd::End;
            change.runs = RunsEnd::Cancel;
            change.codes = CodeChange::Clear;
            if let Some(written) = self.write(change, by, "privacy_request.deleted").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    /// Takes down that somebody puts data of a request into a storage destination by hand, or that it is
    /// done.
    ///
    /// # Errors
    /// [`RequestError::NotFound`], [`RequestError::Deleted`].
    pub async fn uploaded(
        &self,
        id: &PrivacyRequestId,
        by: &By,
        (storage, is_done): (&str, bool),
    ) -> Result<PrivacyRequest, RequestError> {
        let (status, text) = if is_done {
            ("complete", format!("data put into `{storage}` by hand"))
        } else {
            ("in_processing", format!("data are being put into `{storage}` by hand"))
        };
        for _ in 0..ATTEMPTS {
            let mut change = PrivacyRequestChange::of(&self.get_live(id).await?);
            let log = NewRequestLog::of_work("Access package upload", status, &text);
            change.logs.push(NewRequestLog { user_id: Some(by.name()), ..log });
            if let Some(written) = self.write(change, by, "privacy_request.data_uploaded").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    /// Keeps a note of a person about a request.
    ///
    /// # Errors
    /// [`RequestError::NotFound`], [`RequestError::Deleted`].
    pub async fn note(
        &self,
        id: &PrivacyRequestId,
        by: &By,
        text: Secret<String>,
    ) -> Result<PrivacyRequest, RequestError> {
        for _ in 0..ATTEMPTS {
            let mut change = PrivacyRequestChange::of(&self.get_live(id).await?);
            change.logs.push(NewRequestLog {
                words: Some(Secret::new(text.expose().clone())),
                user_id: Some(by.name()),
                ..NewRequestLog::new(RequestLogKind::Note, "noted")
            });
            if let Some(written) = self.write(change, by, "privacy_request.noted").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }
}
