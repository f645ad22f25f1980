//! What webhooks answer later, by calls of their own.

use model::{Identities, PrivacyRequestId};
use store::{
    Actor, NewRequestLog, PrivacyRequest, PrivacyRequestChange, PrivacyRequestStatus, RequestLogKind,
    StoreError, WebhookCall, WebhookCallState, WebhookList, WebhookStage,
};
use thiserror::Error;

use super::Webhooks;
use crate::request::{By, RequestError};

/// What a webhook finds that was asked before approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eligibility {
    /// The request may be approved.
    Eligible,
    /// A person has to look.
    NotEligible,
}

/// Why an answer is not taken.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// The token is none of a webhook that was called for this request.
    #[error("Not Authorized for this action")]
    Token,
    /// It was given too late.
    #[error("Webhook token expired")]
    Expired,
    /// The request is not held.
    #[error("Invalid resume request: privacy request '{id}' status = {}.", .status.as_str())]
    NotPaused {
        /// Which.
        id: PrivacyRequestId,
        /// How far it is.
        status: PrivacyRequestStatus,
    },
    /// Nobody asks any more.
    #[error("Privacy request with id '{id}' is not in pending or awaiting pre-approval status.")]
    NotAsked {
        /// Which.
        id: PrivacyRequestId,
    },
    /// The webhook has answered.
    #[error("Webhook '{webhook}' has already answered for privacy request '{id}'.")]
    Answered {
        /// Which request.
        id: PrivacyRequestId,
        /// Which webhook.
        webhook: String,
    },
    /// The request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Webhooks {
    /// Goes on with a request that a webhook halted, behind that webhook (privacy-requests W-3).
    ///
    /// # Errors
    /// [`AnswerError`].
    pub async fn resume(
        &self,
        token: &str,
        id: &PrivacyRequestId,
        derived: &Identities,
    ) -> Result<PrivacyRequest, AnswerError> {
        let call = self.called(token, id, WebhookStage::PreExecution).await?;
        let request = self.requests.get_live(id).await?;
        if request.status != PrivacyRequestStatus::Paused {
            return Err(AnswerError::NotPaused { id: id.clone(), status: request.status });
        }
        if !derived.is_empty() {
            let mut identities = self.requests.identities(id).await?;
            identities.derive(derived);
            let change = PrivacyRequestChange {
                identities: Some(identities.to_bytes()),
                lookups: identities.lookups(),
                ..PrivacyRequestChange::of(&request)
            };
            let by = Actor::system();
            self.store.privacy_request_change(change, by, "privacy_request.identities_derived").await?;
        }
        // Before the request: a worker that takes it must not call this webhook again.
        let from = [WebhookCallState::Called, WebhookCallState::Halted];
        let place = (id, WebhookStage::PreExecution, call.webhook.as_str());
        self.store.webhook_call_end(place, (&from, WebhookCallState::Resumed)).await?;
        match self.requests.resume(id, &By::system()).await {
            Err(RequestError::NotPaused { id, status }) => Err(AnswerError::NotPaused { id, status }),
            resumed => Ok(resumed?),
        }
    }

    /// Takes what a webhook finds that was asked before approval (privacy-requests W-9): once for each
    /// request. When all that were called and are still there find it eligible, it is approved.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub async fn pre_approve(
        &self,
        token: &str,
        id: &PrivacyRequestId,
        finding: Eligibility,
    ) -> Result<(), AnswerError> {
        let call = self.called(token, id, WebhookStage::PreApproval).await?;
        let status = self.requests.get_live(id).await?.status;
        if !matches!(status, PrivacyRequestStatus::Pending | PrivacyRequestStatus::AwaitingPreApproval) {
            return Err(AnswerError::NotAsked { id: id.clone() });
        }
        let to = match finding {
            Eligibility::Eligible => WebhookCallState::Eligible,
            Eligibility::NotEligible => WebhookCallState::NotEligible,
        };
        let place = (id, WebhookStage::PreApproval, call.webhook.as_str());
        if !self.store.webhook_call_end(place, (&[WebhookCallState::Called], to)).await? {
            return Err(AnswerError::Answered { id: id.clone(), webhook: call.webhook });
        }
        let decided = match finding {
            Eligibility::NotEligible => self.requests.find_ineligible(id, &call.webhook).await.map(drop),
            Eligibility::Eligible => {
                let log = NewRequestLog {
                    user_id: Some("system".to_owned()),
                    webhook_id: Some(call.webhook.clone()),
                    ..NewRequestLog::new(RequestLogKind::Audit, "pre_approval_eligible")
                };
                self.store.privacy_request_log_add(id, &[log]).await?;
                if !self.all_find_eligible(id).await? {
                    return Ok(());
                }
                let text = "Request auto-approved by pre-approval webhooks";
                self.requests.approve_saying(id, &By::system(), text).await.map(drop)
            }
        };
        match decided {
            // Somebody else decided at the same moment.
            Err(RequestError::Refused(_)) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Whether everybody who was asked and is still there has said yes. Webhooks that came later were not
    /// asked and do not count.
    async fn all_find_eligible(&self, id: &PrivacyRequestId) -> Result<bool, StoreError> {
        let there = self.store.webhook_list(WebhookList::PreApproval).await?;
        let calls = self.store.webhook_call_list(id, WebhookStage::PreApproval).await?;
        let mut counted = calls.iter().filter(|call| there.iter().any(|webhook| webhook.key == call.webhook));
        Ok(counted.all(|call| call.state == WebhookCallState::Eligible))
    }

    /// The call that a token was made for, if it was for this request and is not too old.
    async fn called(
        &self,
        token: &str,
        id: &PrivacyRequestId,
        stage: WebhookStage,
    ) -> Result<WebhookCall, AnswerError> {
        let call = self.store.webhook_call_find(token).await?;
        let call = call.filter(|call| call.request == id.as_str() && call.stage == stage);
        let call = call.ok_or(AnswerError::Token)?;
        if call.token_until.is_none_or(|until| until <= self.clock.now()) {
            return Err(AnswerError::Expired);
        }
        Ok(call)
    }
}
