//! Calling the webhooks of a policy, and those that are asked before approval.

use jiff::SignedDuration;
use spec::ActionType;
use store::{
    ClaimEnd, NewRequestLog, NewWebhookCall, PrivacyRequestStatus, RequestLogKind, RequestStep, Webhook,
    WebhookList, WebhookStage,
};

use super::halt::Halt;
use super::journey::Journey;
use super::means::Means;
use crate::request::Waits;
use crate::webhooks::{PAUSE, Reply, Told, WebhookError, Webhooks};

impl Journey<'_> {
    /// Asks webhooks whether the request may be approved; they answer by calls of their own. One that
    /// cannot be reached leaves the decision to a person.
    pub(super) async fn ask_before_approval(&mut self) -> Result<(), Halt> {
        const STEP: RequestStep = RequestStep::PreWebhooks;
        let list = self.store().webhook_list(WebhookList::PreApproval).await;
        let list = list.map_err(|error| Halt::of_store(&error, STEP))?;
        let held = self.parts().requests.identities(&self.request.id).await;
        self.identities = held.map_err(|error| Halt::of_request(&error, STEP))?.verified();
        // All of them, before any can answer: the first one's word must not count for everybody's.
        for webhook in &list {
            if !self.is_answered(webhook, WebhookStage::PreApproval).await? {
                let (request, stage) = (&self.request.id, WebhookStage::PreApproval);
                let new = NewWebhookCall { request, stage, webhook: &webhook.key, token: None };
                let begun = self.store().webhook_call_begin(new).await;
                begun.map_err(|error| Halt::of_store(&error, STEP))?;
            }
        }
        let mut logs = Vec::new();
        for webhook in &list {
            self.may_go_on()?;
            if self.is_answered(webhook, WebhookStage::PreApproval).await? {
                continue;
            }
            match self.call(webhook, WebhookStage::PreApproval, None).await {
                Ok(_) => logs.push(NewRequestLog {
                    user_id: Some("system".to_owned()),
                    webhook_id: Some(webhook.key.clone()),
                    ..NewRequestLog::new(RequestLogKind::Audit, "pre_approval_webhook_triggered")
                }),
                Err(WebhookError::Store(error)) => return Err(Halt::of_store(&error, STEP)),
                Err(error) => logs.push(log(webhook, Err(&error))),
            }
        }
        let released = self.change("privacy_request.left", |change| {
            // Whoever approved it in the meantime wants it to go on.
            if change.request.status == PrivacyRequestStatus::AwaitingPreApproval {
                change.request.work_at = None;
            }
            change.claim = ClaimEnd::End;
            change.logs.extend(logs);
        });
        released.await.map_err(|error| Halt::of_store(&error, STEP))
    }

    /// Calls the webhooks that come before everything, in their order. One may add identities, and halt
    /// the request until it resumes it.
    pub(super) async fn pre_webhooks(&mut self, means: &Means) -> Result<(), Halt> {
        const STEP: RequestStep = RequestStep::PreWebhooks;
        let policy = self.request.policy.clone();
        let list = means.configuration.webhooks(WebhookList::PreExecution(&policy)).await;
        for webhook in &*list.map_err(|error| Halt::of_store(&error, STEP))? {
            self.may_go_on()?;
            if self.is_answered(webhook, WebhookStage::PreExecution).await? {
                continue;
            }
            let called = self.call(webhook, WebhookStage::PreExecution, Some(means)).await;
            let reply = called.map_err(|error| halted(&error, webhook, STEP))?;
            self.take_over(webhook, &reply).await?;
            if reply.halt {
                let pause = SignedDuration::try_from(PAUSE).unwrap_or(SignedDuration::MAX);
                return Err(Halt::waits(Waits {
                    status: PrivacyRequestStatus::Paused,
                    step: STEP,
                    attention: Some("webhook"),
                    until: self.clock().now().saturating_add(pause).ok(),
                }));
            }
        }
        Ok(())
    }

    /// Whether webhooks come after everything.
    pub(super) async fn has_post_webhooks(&self, means: &Means) -> Result<bool, Halt> {
        let list = means.configuration.webhooks(WebhookList::PostExecution(&self.request.policy)).await;
        Ok(!list.map_err(|error| Halt::of_store(&error, self.step()))?.is_empty())
    }

    /// Calls the webhooks that come after everything.
    pub(super) async fn post_webhooks(&mut self, means: &Means) -> Result<(), Halt> {
        const STEP: RequestStep = RequestStep::PostWebhooks;
        let policy = self.request.policy.clone();
        let list = means.configuration.webhooks(WebhookList::PostExecution(&policy)).await;
        let list = list.map_err(|error| Halt::of_store(&error, STEP))?;
        if !list.is_empty() {
            self.stand_at(STEP, |_| {}).await?;
        }
        for webhook in &*list {
            self.may_go_on()?;
            if self.is_answered(webhook, WebhookStage::PostExecution).await? {
                continue;
            }
            let called = self.call(webhook, WebhookStage::PostExecution, Some(means)).await;
            called.map_err(|error| halted(&error, webhook, STEP))?;
            let logged = self.change("privacy_request.webhook_called", |change| {
                change.logs.push(log(webhook, Ok(())));
            });
            logged.await.map_err(|error| Halt::of_store(&error, STEP))?;
        }
        Ok(())
    }

    /// Keeps what a webhook said.
    async fn take_over(&mut self, webhook: &Webhook, reply: &Reply) -> Result<(), Halt> {
        const STEP: RequestStep = RequestStep::PreWebhooks;
        let mut found = None;
        if !reply.derived.is_empty() {
            let held = self.parts().requests.identities(&self.request.id).await;
            let mut held = held.map_err(|error| Halt::of_request(&error, STEP))?;
            held.derive(&reply.derived);
            self.identities = held.verified();
            found = Some(held);
        }
        let kept = self.change("privacy_request.webhook_called", |change| {
            if let Some(held) = &found {
                change.identities = Some(held.to_bytes());
                change.lookups = held.lookups();
            }
            change.logs.push(log(webhook, Ok(())));
        });
        kept.await.map_err(|error| Halt::of_store(&error, STEP))
    }

    async fn is_answered(&self, webhook: &Webhook, stage: WebhookStage) -> Result<bool, Halt> {
        let answered = self.webhooks().is_answered(&self.request.id, (stage, &webhook.key)).await;
        answered.map_err(|error| Halt::of_store(&error, self.step()))
    }

    async fn call(
        &self,
        webhook: &Webhook,
        stage: WebhookStage,
        means: Option<&Means>,
    ) -> Result<Reply, WebhookError> {
        let action =
            means.and_then(|means| means.policy.policy.rules.first()).map(|rule| match rule.action {
                ActionType::Access => "access",
                ActionType::Erasure => "erasure",
                ActionType::Rectification => "update",
            });
        let told = Told { request: &self.request, identities: &self.identities, action };
        self.webhooks().call(webhook, stage, &told).await
    }

    fn webhooks(&self) -> Webhooks {
        let parts = self.parts();
        let (store, egress) = (parts.store.clone(), parts.packages.egress.clone());
        Webhooks::new(store, parts.requests.clone(), egress, parts.clock.clone())
    }
}

/// A webhook went wrong whose answer counts, or that cannot be reached (privacy-requests W-5).
fn halted(error: &WebhookError, webhook: &Webhook, step: RequestStep) -> Halt {
    match error {
        WebhookError::Store(error) => Halt::of_store(error, step),
        error => Halt::failed_with(step, "webhook", log(webhook, Err(error))),
    }
}

/// What became of a call, for the request's log.
fn log(webhook: &Webhook, outcome: Result<(), &WebhookError>) -> NewRequestLog {
    let (status, message) = match outcome {
        Ok(()) => ("complete", "called".to_owned()),
        Err(error) => ("error", error.to_string()),
    };
    let mut log = NewRequestLog::of_work(&format!("Webhook: {}", webhook.key), status, &message);
    log.connection_key = Some(webhook.connection.clone());
    log
}
