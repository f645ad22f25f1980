//! One call: where it goes, how, and what its answer means.

use std::collections::BTreeMap;

use bytes::Bytes;
use crypto::Secret;
use egress::{DoorError, HttpReply, OwnService, OwnServiceCall, SendError};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::{ConnectionKey, Identities};
use serde::Deserialize;
use serde_json::Value;
use store::{StoreError, Webhook, WebhookDirection, WebhookStage};
use thiserror::Error;
use url::Url;

use super::token::Wanted;
use super::{Reply, Webhooks};

/// Why a webhook could not be called, or its answer is none. Says nothing that the webhook said.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// Its connection is gone or switched off.
    #[error(
        "webhook `{webhook}` calls connection `{connection}`, which is {state}; give the webhook another one"
    )]
    Connection {
        /// The webhook.
        webhook: String,
        /// The connection.
        connection: String,
        /// What is wrong with it.
        state: &'static str,
    },
    /// A secret of its connection cannot be used.
    #[error("the secret `{secret}` of connection `{connection}` cannot be used; put it again")]
    Secret {
        /// The connection.
        connection: String,
        /// The secret's name.
        secret: &'static str,
    },
    /// No access token was got for its calls.
    #[error("no access token for connection `{connection}`: {reason}; see `/connection/{connection}/oauth`")]
    Token {
        /// The connection.
        connection: String,
        /// Why.
        reason: String,
    },
    /// Where access tokens are got does not answer.
    #[error("no access token for connection `{connection}`: its token URL does not answer")]
    TokenCall {
        /// The connection.
        connection: String,
        /// Why.
        #[source]
        source: SendError,
    },
    /// The way out cannot be used.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// No whole answer came.
    #[error("webhook `{webhook}` does not answer")]
    Call {
        /// The webhook.
        webhook: String,
        /// Why.
        #[source]
        source: SendError,
    },
    /// It answered with another status than one of success, and its answer counts.
    #[error("webhook `{webhook}` answered with status {status}")]
    Status {
        /// The webhook.
        webhook: String,
        /// The status.
        status: u16,
    },
    /// Its answer counts and is none.
    #[error(
        "webhook `{webhook}` gave no usable answer; it is to be `{{\"derived_identity\": {{…}}, \"halt\": false}}`"
    )]
    Answer {
        /// The webhook.
        webhook: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The answer of a webhook that is asked.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    derived_identity: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    halt: bool,
}

impl Webhooks {
    /// Makes the call.
    pub(super) async fn post(
        &self,
        webhook: &Webhook,
        reply_to: Vec<(&'static str, String)>,
        body: &Value,
    ) -> Result<HttpReply, WebhookError> {
        let broken = |state| WebhookError::Connection {
            webhook: webhook.key.clone(),
            connection: webhook.connection.clone(),
            state,
        };
        let key: ConnectionKey = webhook.connection.parse().map_err(|_| broken("not there"))?;
        let connection = self.store.connection_find(&key).await?.ok_or_else(|| broken("not there"))?;
        if connection.disabled {
            return Err(broken("switched off"));
        }
        if connection.connection_type != "https" {
            return Err(broken("of another type than `https`"));
        }
        let secret = |secret| WebhookError::Secret { connection: webhook.connection.clone(), secret };
        let url: Url = match self.secret(&key, "url").await? {
            Some(Value::String(url)) => url.parse().map_err(|_| secret("url"))?,
            Some(_) | None => return Err(secret("url")),
        };
        let way = OwnService::new(self.egress.clone(), key.clone(), &url)?;
        let body = Bytes::from(body.to_string());
        let mut wanted = Wanted::Kept;
        loop {
            let token = self.authorization(&key, wanted).await?;
            let headers = self.headers((&key, token.as_ref()), &reply_to).await?;
            let is_refusable = wanted == Wanted::Kept && token.is_some();
            let call = OwnServiceCall { method: Method::POST, url: url.clone(), headers, body: body.clone() };
            let called = way.send(call).await;
            let reply =
                called.map_err(|source| WebhookError::Call { webhook: webhook.key.clone(), source })?;
            // The token was taken back before its time: nothing was done, and a new one may do it.
            if reply.status == 401 && is_refusable {
                wanted = Wanted::New;
                continue;
            }
            return Ok(reply);
        }
    }

    /// What a call carries. Headers of the connection win over everything but where answers go.
    async fn headers(
        &self,
        (key, token): (&ConnectionKey, Option<&Secret<String>>),
        reply_to: &[(&'static str, String)],
    ) -> Result<HeaderMap, WebhookError> {
        let secret = |secret| WebhookError::Secret { connection: key.to_string(), secret };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut set = |name: HeaderName, text: &str| -> Option<()> {
            let mut value = HeaderValue::from_str(text).ok()?;
            value.set_sensitive(true);
            headers.insert(name, value);
            Some(())
        };
        match (token, self.secret(key, "authorization").await?) {
            (Some(token), _) => set(AUTHORIZATION, token.expose()).ok_or_else(|| WebhookError::Token {
                connection: key.to_string(),
                reason: "it cannot stand in a header".to_owned(),
            })?,
            (None, Some(Value::String(authorization))) => {
                set(AUTHORIZATION, &authorization).ok_or_else(|| secret("authorization"))?;
            }
            (None, Some(_) | None) => {}
        }
        if let Some(Value::Object(own)) = self.secret(key, "headers").await? {
            for (name, value) in &own {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| secret("headers"))?;
                value.as_str().and_then(|text| set(name, text)).ok_or_else(|| secret("headers"))?;
            }
        }
        for (name, text) in reply_to {
            set(HeaderName::from_static(name), text);
        }
        Ok(headers)
    }

    /// A secret of a connection, kept as JSON.
    async fn secret(&self, key: &ConnectionKey, name: &str) -> Result<Option<Value>, StoreError> {
        let found = self.store.vault_find(key, name).await?;
        Ok(found.map(|text| {
            serde_json::from_str(text.expose()).unwrap_or_else(|_| Value::String(text.expose().clone()))
        }))
    }
}

/// What an answer means (privacy-requests W-3, W-5, W-6).
pub(super) fn judge(
    webhook: &Webhook,
    stage: WebhookStage,
    answer: &HttpReply,
) -> Result<Reply, WebhookError> {
    if webhook.direction == WebhookDirection::OneWay || stage == WebhookStage::PreApproval {
        return Ok(Reply::default());
    }
    if !(200..300).contains(&answer.status) {
        return Err(WebhookError::Status { webhook: webhook.key.clone(), status: answer.status });
    }
    let none = || WebhookError::Answer { webhook: webhook.key.clone() };
    let Answer { derived_identity, halt } = serde_json::from_slice(&answer.body).map_err(|_| none())?;
    let mut derived = Identities::default();
    for (kind, value) in derived_identity.into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        derived.insert(kind, value).map_err(|_| none())?;
    }
    match stage {
        WebhookStage::PreExecution => Ok(Reply { derived, halt }),
        // Nothing can be stopped or found any more.
        WebhookStage::PostExecution | WebhookStage::PreApproval => Ok(Reply::default()),
    }
}
