//! Webhooks that were called for a request, and what they answered.

use crypto::AccessToken;
use jiff::Timestamp;
use model::PrivacyRequestId;

use crate::sql::{Row, query};
use crate::store::{Tx, time, time_or_none};
use crate::words::text_enum;
use crate::{Store, StoreError};

text_enum! {
    /// Where in the life of a request a webhook is called.
    WebhookStage "the stage of a webhook" {
        /// Before the policy is carried out.
        PreExecution = "pre_execution",
        /// After it.
        PostExecution = "post_execution",
        /// Before the request is approved.
        PreApproval = "pre_approval",
    }
}

text_enum! {
    /// What became of a call.
    WebhookCallState "the state of a webhook's call" {
        /// It is about to be made, or was made and nothing is known of its answer.
        Called = "called",
        /// It was answered, and the request went on.
        Done = "done",
        /// Its answer stopped the request until somebody resumes it.
        Halted = "halted",
        /// It was resumed.
        Resumed = "resumed",
        /// It was answered with an error, or not at all.
        Failed = "failed",
        /// The webhook finds that the request may be approved.
        Eligible = "eligible",
        /// The webhook finds that a person must look.
        NotEligible = "not_eligible",
    }
}

/// The call of a webhook for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookCall {
    /// The request's id.
    pub request: String,
    /// Where in its life.
    pub stage: WebhookStage,
    /// The webhook's key.
    pub webhook: String,
    /// What became of it.
    pub state: WebhookCallState,
    /// Until when it may be answered with its token.
    pub token_until: Option<Timestamp>,
    /// When it was called last.
    pub called_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
}

/// A call that is about to be made.
#[derive(Debug)]
pub struct NewWebhookCall<'a> {
    /// For which request.
    pub request: &'a PrivacyRequestId,
    /// Where in its life.
    pub stage: WebhookStage,
    /// The webhook's key.
    pub webhook: &'a str,
    /// The token that the answer is to bring, and until when.
    pub token: Option<(&'a AccessToken, Timestamp)>,
}

macro_rules! select {
    ($rest:expr) => {
        concat!(
            "SELECT request, stage, webhook, state, token_until, called_at, answered_at FROM webhook_call ",
            $rest
        )
    };
}

impl Store {
    /// Keeps that a webhook is about to be called. A call that was cut off is made again, with another
    /// token; `false` if it was answered already, and must not be made.
    pub async fn webhook_call_begin(&self, new: NewWebhookCall<'_>) -> Result<bool, StoreError> {
        const BEGIN: &str = "INSERT INTO webhook_call (request, stage, webhook, state, token_hash, token_until, called_at) VALUES ($1, $2, $3, 'called', $4, $5, $6) ON CONFLICT (request, stage, webhook) DO UPDATE SET state = 'called', token_hash = excluded.token_hash, token_until = excluded.token_until, called_at = excluded.called_at WHERE webhook_call.state IN ('called', 'failed')";
        let (hash, until) = match new.token {
            Some((token, until)) => (Some(token.hash().to_vec()), Some(until.as_microsecond())),
            None => (None, None),
        };
        let mut tx = self.begin().await?;
        let begun = query(BEGIN)
            .bind(new.request.as_str())
            .bind(new.stage.as_str())
            .bind(new.webhook)
            .bind(hash)
            .bind(until)
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(begun.rows_affected() > 0)
    }

    /// Keeps what became of a call, if it is still as `from` says; says whether it was.
    pub async fn webhook_call_end(
        &self,
        (request, stage, webhook): (&PrivacyRequestId, WebhookStage, &str),
        (from, to): (&[WebhookCallState], WebhookCallState),
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let ended = self.webhook_call_end_in(&mut tx, (request.as_str(), stage, webhook), (from, to)).await?;
        tx.commit().await?;
        Ok(ended)
    }

    pub(crate) async fn webhook_call_end_in(
        &self,
        tx: &mut Tx,
        (request, stage, webhook): (&str, WebhookStage, &str),
        (from, to): (&[WebhookCallState], WebhookCallState),
    ) -> Result<bool, StoreError> {
        const END: &str = "UPDATE webhook_call SET state = $4, answered_at = $5 WHERE request = $1 AND stage = $2 AND webhook = $3 AND state = $6";
        for state in from {
            let ended = query(END)
                .bind(request)
                .bind(stage.as_str())
                .bind(webhook)
                .bind(to.as_str())
                .bind(self.now())
                .bind(state.as_str())
                .execute(tx.connection())
                .await?;
            if ended.rows_affected() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The calls for a request, in the order in which they were made.
    pub async fn webhook_call_list(
        &self,
        request: &PrivacyRequestId,
        stage: WebhookStage,
    ) -> Result<Vec<WebhookCall>, StoreError> {
        const LIST: &str = select!("WHERE request = $1 AND stage = $2 ORDER BY called_at, webhook");
        let query = query(LIST).bind(request.as_str()).bind(stage.as_str());
        query.fetch_all(&self.inner.reader).await?.iter().map(call).collect()
    }

    /// The call that a token was made for, ended or not.
    pub async fn webhook_call_find(&self, token: &str) -> Result<Option<WebhookCall>, StoreError> {
        const FIND: &str = select!("WHERE token_hash = $1");
        let query = query(FIND).bind(AccessToken::hash_of(token).to_vec());
        query.fetch_optional(&self.inner.reader).await?.as_ref().map(call).transpose()
    }

    /// Forgets the calls for a request: it begins anew.
    pub async fn webhook_call_forget(&self, request: &PrivacyRequestId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.webhook_call_forget_in(&mut tx, request).await?;
        tx.commit().await
    }

    /// The same, as part of the change that begins it anew.
    pub(crate) async fn webhook_call_forget_in(
        &self,
        tx: &mut Tx,
        request: &PrivacyRequestId,
    ) -> Result<(), StoreError> {
        const FORGET: &str = "DELETE FROM webhook_call WHERE request = $1";
        query(FORGET).bind(request.as_str()).execute(tx.connection()).await?;
        Ok(())
    }
}

fn call(row: &Row) -> Result<WebhookCall, StoreError> {
    let (stage, found): (String, String) = (row.try_get(1)?, row.try_get(3)?);
    Ok(WebhookCall {
        request: row.try_get(0)?,
        stage: WebhookStage::parse(&stage)?,
        webhook: row.try_get(2)?,
        state: WebhookCallState::parse(&found)?,
        token_until: time_or_none(row.try_get(4)?)?,
        called_at: time(row.try_get(5)?)?,
        answered_at: time_or_none(row.try_get(6)?)?,
    })
}
