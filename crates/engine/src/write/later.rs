//! Writes that the application answers later, by a call of its own (saas-config 23.5 to 23.7).

use std::time::Duration;

use crypto::Secret;
use jiff::SignedDuration;
use model::{Outcome, kill_point};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::Error;
use spec::connector_file::{AsyncConfig, Request};
use store::{Callback, CallbackAction, CallbackState, NewCallback};

use super::judge::{Judged, StartedJob, judge_no_server, judge_no_state};
use super::send::Sender;
use super::target::Target;
use super::{Inner, WriteError, WriteOrder};
use crate::units::PATIENCE;

/// Whether the end of this write comes by a call of the application.
pub(crate) fn is_called_back(request: &Request) -> bool {
    matches!(request.async_config, Some(AsyncConfig::Callback))
}

/// What an application that called back did, or that it did not yet.
pub(crate) fn told(callback: &Callback) -> Option<Outcome> {
    match (callback.state, callback.rows_masked) {
        (CallbackState::Asked, _) => None,
        (CallbackState::Answered | CallbackState::Taken, Some(0)) => Some(Outcome::AlreadyAbsent),
        (CallbackState::Answered | CallbackState::Taken, _) => Some(expected(callback)),
    }
}

/// What it was asked to do.
fn expected(callback: &Callback) -> Outcome {
    let basis: serde::de::value::StrDeserializer<'_, Error> = callback.basis.as_str().into_deserializer();
    Outcome::deserialize(basis).unwrap_or(Outcome::Unknown)
}

impl Sender<'_> {
    /// For a write that is answered later: the token that it takes along, and the job that it is until
    /// then. What is waited for is durable before the write leaves.
    pub(super) async fn asked(
        &self,
        order: &WriteOrder,
        target: &Target<'_>,
    ) -> Result<Option<(Secret<String>, StartedJob)>, Box<Judged>> {
        let Target::Http(http) = target else { return Ok(None) };
        if !is_called_back(http.request) {
            return Ok(None);
        }
        let parts = &self.inner.parts;
        let patience = SignedDuration::try_from(PATIENCE).unwrap_or(SignedDuration::MAX);
        let basis = serde_json::to_value(order.expected).ok();
        let new = NewCallback {
            request: &parts.person.privacy_request_id,
            owner: order.plan.as_str(),
            number: u64::from(order.operation),
            action: CallbackAction::Erasure,
            name: &http.request.place,
            basis: basis.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default(),
            expires_at: parts.clock.now().saturating_add(patience).unwrap_or(jiff::Timestamp::MAX),
        };
        let callback = match parts.store.callback_open(self.lease(), new).await {
            Ok(Some(callback)) => callback,
            Ok(None) => return Err(Box::new(judge_no_server())),
            Err(error) => {
                tracing::warn!(%error, "a write is held back: its answer could not be waited for");
                return Err(Box::new(judge_no_state()));
            }
        };
        kill_point!("callback.opened");
        let left = callback.expires_at.duration_since(parts.clock.now());
        let job = StartedJob {
            external_id: callback.id.to_string(),
            place: http.request.place.clone(),
            // It may have come before the job is kept.
            interval: Duration::ZERO,
            deadline: Duration::try_from(left).unwrap_or_default(),
        };
        Ok(Some((parts.store.callback_token(&callback), job)))
    }
}

impl Inner {
    /// What the application told of a write whose own answer nobody saw.
    pub(super) async fn told(&self, order: &WriteOrder) -> Result<Option<Outcome>, WriteError> {
        let found = self.parts.store.callback_find(order.plan.as_str(), u64::from(order.operation)).await?;
        Ok(found.as_ref().and_then(told))
    }
}
