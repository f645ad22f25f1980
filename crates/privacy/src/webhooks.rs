//! Calls to the company's own programs around the life of a request (privacy-requests 15.1, 15.2): what
//! they are told, what their answers mean, and what they may answer later.

mod answer;
mod call;
mod token;

use std::sync::Arc;
use std::time::Duration;

use crypto::AccessToken;
use egress::DoorSettings;
use jiff::{SignedDuration, Timestamp};
use model::{Clock, Identities, PrivacyRequestId};
use serde_json::{Map, Value, json};
use store::{
    NewWebhookCall, PrivacyRequest, Store, StoreError, Webhook, WebhookCallState, WebhookDirection,
    WebhookStage,
};

pub use answer::{AnswerError, Eligibility};
pub use call::WebhookError;

use crate::request::PrivacyRequests;

/// How long an answer may be given with its token (privacy-requests W-7).
const TOKEN_LIFE: Duration = Duration::from_hours(60);
/// How long a request is held that a webhook halted (privacy-requests W-4).
pub(crate) const PAUSE: Duration = Duration::from_hours(7 * 24);

/// Webhooks of policies and of approval. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Webhooks {
    store: Store,
    requests: PrivacyRequests,
    egress: DoorSettings,
    clock: Arc<dyn Clock>,
}

/// What a webhook is told about.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) request: &'a PrivacyRequest,
    /// Identities that were shown to be the person's; no others leave.
    pub(crate) identities: &'a Identities,
    /// What the policy does first.
    pub(crate) action: Option<&'a str>,
}

/// What a webhook answered.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reply {
    /// Identities that it knows besides.
    pub(crate) derived: Identities,
    /// Whether the request is to wait.
    pub(crate) halt: bool,
}

impl Webhooks {
    /// The webhooks of a store, called by the way out of these settings.
    pub fn new(store: Store, requests: PrivacyRequests, egress: DoorSettings, clock: Arc<dyn Clock>) -> Self {
        Self { store, requests, egress, clock }
    }

    /// Whether a webhook was called for the request and answered; then it is not called again.
    pub(crate) async fn is_answered(
        &self,
        request: &PrivacyRequestId,
        (stage, webhook): (WebhookStage, &str),
    ) -> Result<bool, StoreError> {
        let calls = self.store.webhook_call_list(request, stage).await?;
        let found = calls.iter().find(|call| call.webhook == webhook);
        Ok(found.is_some_and(|call| match call.state {
            WebhookCallState::Called | WebhookCallState::Failed => false,
            WebhookCallState::Done
            | WebhookCallState::Halted
            | WebhookCallState::Resumed
            | WebhookCallState::Eligible
            | WebhookCallState::NotEligible => true,
        }))
    }

    /// Calls one webhook. The call is kept before it is made; one that is cut off is made again.
    ///
    /// # Errors
    /// [`WebhookError`] if it cannot be reached, or its answer counts and is none.
    pub(crate) async fn call(
        &self,
        webhook: &Webhook,
        stage: WebhookStage,
        told: &Told<'_>,
    ) -> Result<Reply, WebhookError> {
        let id = &told.request.id;
        let token = answers_later(webhook, stage).then(AccessToken::random);
        let life = SignedDuration::try_from(TOKEN_LIFE).unwrap_or(SignedDuration::MAX);
        let until = self.clock.now().saturating_add(life).unwrap_or(Timestamp::MAX);
        let begun = self.store.webhook_call_begin(NewWebhookCall {
            request: id,
            stage,
            webhook: &webhook.key,
            token: token.as_ref().map(|token| (token, until)),
        });
        if !begun.await? {
            return Ok(Reply::default());
        }
        let headers = token.map(|token| reply_headers(id, stage, &token)).unwrap_or_default();
        let body = body(webhook, stage, told, self.clock.now());
        let called = self.post(webhook, headers, &body).await;
        let reply = called.and_then(|answer| call::judge(webhook, stage, &answer));
        let ended = match &reply {
            // It is over once somebody resumes it, or says what they find.
            Ok(reply) if reply.halt || stage == WebhookStage::PreApproval => None,
            Ok(_) => Some(WebhookCallState::Done),
            Err(_) => Some(WebhookCallState::Failed),
        };
        if let Some(ended) = ended {
            let from = [WebhookCallState::Called];
            self.store.webhook_call_end((id, stage, &webhook.key), (&from, ended)).await?;
        }
        reply
    }
}

/// Whether the webhook may answer by a call of its own.
fn answers_later(webhook: &Webhook, stage: WebhookStage) -> bool {
    match stage {
        WebhookStage::PreApproval => true,
        WebhookStage::PreExecution => webhook.direction == WebhookDirection::TwoWay,
        WebhookStage::PostExecution => false,
    }
}

/// Where answers go, and the token that they bring.
fn reply_headers(
    id: &PrivacyRequestId,
    stage: WebhookStage,
    token: &AccessToken,
) -> Vec<(&'static str, String)> {
    let path = |way: &str| format!("/privacy-request/{id}/{way}");
    let mut headers = match stage {
        WebhookStage::PreApproval => vec![
            ("reply-to-eligible", path("pre-approve/eligible")),
            ("reply-to-not-eligible", path("pre-approve/not-eligible")),
            ("reply-to-approve", path("pre-approve/eligible")),
            ("reply-to-deny", path("pre-approve/not-eligible")),
        ],
        WebhookStage::PreExecution | WebhookStage::PostExecution => vec![("reply-to", path("resume"))],
    };
    headers.push(("reply-to-token", token.text().expose().clone()));
    headers
}

/// What a webhook is told (privacy-requests W-2).
fn body(webhook: &Webhook, stage: WebhookStage, told: &Told<'_>, now: Timestamp) -> Value {
    let request = told.request;
    let callback = match stage {
        WebhookStage::PreExecution => "pre",
        WebhookStage::PostExecution => "post",
        WebhookStage::PreApproval => "pre_approval",
    };
    let identity: Map<String, Value> = told
        .identities
        .kinds()
        .map(|kind| {
            let value = match told.identities.values(kind) {
                [one] => one.clone(),
                several => Value::Array(several.to_vec()),
            };
            (kind.to_owned(), value)
        })
        .collect();
    json!({
        "privacy_request_id": request.id.as_str(),
        "privacy_request_status": request.status.as_str(),
        "direction": webhook.direction.as_str(),
        "callback_type": callback,
        "identity": identity,
        "policy_action": told.action,
        "privacy_request": {
            "id": request.id.as_str(),
            "status": request.status.as_str(),
            "policy": { "key": request.policy },
            "source": request.source,
            "external_id": request.external_id,
            "location": request.location,
            "property_id": request.property_id,
            "requested_at": request.requested_at.to_string(),
            "created_at": request.created_at.to_string(),
        },
        "timestamp": now.to_string(),
    })
}
