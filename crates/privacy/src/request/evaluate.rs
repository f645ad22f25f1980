//! Whether a request may be carried out at once (privacy-requests L-11).

use model::PrivacyRequestId;
use store::{
    MessageKind, NewMessage, NewRequestLog, PrivacyRequest, PrivacyRequestStatus, RequestLogKind, WebhookList,
};

use super::duplicate::Standing;
use super::identity::HeldIdentities;
use super::status::{Event, next};
use super::{PrivacyRequests, RequestError, RequestSettings, message};

/// What comes of looking whether a request may be carried out.
#[derive(Debug, Default)]
pub(super) struct Evaluated {
    /// What is entered in its log.
    pub(super) logs: Vec<NewRequestLog>,
    /// Requests that are the same and do not count any more.
    pub(super) losers: Vec<PrivacyRequestId>,
    /// Messages that tell of it.
    pub(super) messages: Vec<NewMessage>,
}

impl PrivacyRequests {
    /// Decides about a request that is `pending`: the same as another, asked webhooks about, left to a
    /// person, or put in line.
    pub(super) async fn evaluate(
        &self,
        request: &mut PrivacyRequest,
        identities: &HeldIdentities,
        settings: &RequestSettings,
    ) -> Result<Evaluated, RequestError> {
        let mut evaluated = Evaluated::default();
        match self.standing(request, identities, settings).await? {
            Standing::Alone => {}
            Standing::Counts { group, losers } => {
                request.duplicate_group = Some(group);
                evaluated.losers = losers;
            }
            Standing::Duplicate { group, of } => {
                request.duplicate_group = Some(group);
                request.status = next(request.status, Event::FoundDuplicate)?;
                request.work_at = None;
                evaluated.logs.push(duplicate_log(of.as_ref()));
                return Ok(evaluated);
            }
        }
        if settings.manual_approval {
            if self.store().webhook_list(WebhookList::PreApproval).await?.is_empty() {
                evaluated.messages.push(message::to_staff(MessageKind::ApprovalNeeded, request));
            } else {
                request.status = next(request.status, Event::AskBeforeApproval)?;
                // A worker asks them.
                request.work_at = Some(self.now());
            }
        } else {
            approve_by_system(request, self.now(), &mut evaluated.logs);
        }
        Ok(evaluated)
    }

    /// Takes those that do not count any more out of the way; whoever is being decided about by somebody
    /// else at the same time is looked at again when work on it begins.
    pub(super) async fn demote(&self, losers: &[PrivacyRequestId]) -> Result<(), RequestError> {
        for id in losers {
            let request = self.get(id).await?;
            let Ok(status) = next(request.status, Event::FoundDuplicate) else { continue };
            if status == request.status || request.deleted_at.is_some() {
                continue;
            }
            let mut change = store::PrivacyRequestChange::of(&request);
            change.request.status = status;
            change.request.work_at = None;
            change.logs.push(duplicate_log(None));
            let by = super::By::system();
            let _ = self.write(change, &by, "privacy_request.found_duplicate").await?;
        }
        Ok(())
    }
}

/// Puts a pending request in line without a person. It stays `pending` until a worker begins, so that
/// equal requests that were made at the same time are still told apart.
pub(super) fn approve_by_system(
    request: &mut PrivacyRequest,
    now: jiff::Timestamp,
    logs: &mut Vec<NewRequestLog>,
) {
    debug_assert_eq!(request.status, PrivacyRequestStatus::Pending);
    request.work_at = Some(now);
    logs.push(NewRequestLog {
        user_id: Some("system".to_owned()),
        message: Some(String::new()),
        ..NewRequestLog::new(RequestLogKind::Audit, "approved")
    });
}

pub(super) fn duplicate_log(of: Option<&PrivacyRequestId>) -> NewRequestLog {
    let message = match of {
        Some(of) => format!("the same as {of}, which counts"),
        None => "the same as another request, which counts".to_owned(),
    };
    NewRequestLog::of_work("Duplicate Request Detection", "skipped", &message)
}
