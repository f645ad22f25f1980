use std::sync::Arc;

use bytes::Bytes;
use egress::{DoorError, DoorSettings, OwnService, OwnServiceCall, Retry, SendError};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::{Map, Value, json};
use spec::server_file::WebhookSettings;
use store::{ClaimedMessage, MessagePerson};
use thiserror::Error;
use url::Url;

use super::{Signed, WebhookSecret};
use crate::secrets::MessageSecrets;

/// A program that is told by signed calls.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    url: Url,
    secrets: Vec<WebhookSecret>,
    events: Option<Vec<String>>,
    way: Arc<OwnService>,
}

/// Why a call was not taken.
#[derive(Debug, Error)]
pub(crate) enum WebhookFailure {
    /// No whole answer came.
    #[error("the webhook does not answer")]
    Call(#[source] SendError),
    /// It does not want calls any more.
    #[error("the webhook is gone (410)")]
    Gone,
    /// It answered with another status than one of success.
    #[error("the webhook answered with status {0}")]
    Status(u16),
}

impl WebhookFailure {
    /// A fixed word for the store.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Call(_) => "webhook_unreachable",
            Self::Gone => "webhook_gone",
            Self::Status(_) => "webhook_refused",
        }
    }

    pub(crate) fn may_help_again(&self) -> bool {
        match self {
            // Settings may be changed while the message waits.
            Self::Call(error) => match error.retry() {
                Retry::Yes | Retry::No => true,
            },
            Self::Status(_) => true,
            Self::Gone => false,
        }
    }
}

/// The programs that the settings name.
pub(crate) fn endpoints(
    webhooks: &[WebhookSettings],
    secrets: &MessageSecrets,
    egress: &DoorSettings,
) -> Result<Vec<Endpoint>, DoorError> {
    let mut all = Vec::with_capacity(webhooks.len());
    for webhook in webhooks {
        // Names are keys: the settings are checked.
        let Ok(name) = webhook.name.parse::<ConnectionKey>() else { continue };
        let way = Arc::new(OwnService::new(egress.clone(), name, &webhook.url)?);
        all.push(Endpoint {
            name: webhook.name.clone(),
            url: webhook.url.clone(),
            secrets: secrets.of_webhook(&webhook.name).to_vec(),
            events: webhook.events.clone(),
            way,
        });
    }
    Ok(all)
}

impl Endpoint {
    /// Whether it gets messages of this kind that say nothing about a person.
    pub(crate) fn listens(&self, kind: &str) -> bool {
        self.events.is_none() || self.listens_expressly(kind)
    }

    /// Whether it is named as one that gets messages of this kind, those for people included.
    pub(crate) fn listens_expressly(&self, kind: &str) -> bool {
        self.events.iter().flatten().any(|event| event == kind)
    }

    /// Sends a message.
    pub(crate) async fn call(
        &self,
        message: &ClaimedMessage,
        person: Option<&MessagePerson>,
        now: Timestamp,
    ) -> Result<(), WebhookFailure> {
        let body = body(message, person).to_string();
        let signed = Signed { id: message.id.as_str(), timestamp: now.as_second(), body: body.as_bytes() };
        let call = OwnServiceCall {
            method: Method::POST,
            url: self.url.clone(),
            headers: headers(&signed, &self.secrets),
            body: Bytes::from(body.clone()),
        };
        let reply = self.way.send(call).await.map_err(WebhookFailure::Call)?;
        match reply.status {
            200..=299 => Ok(()),
            410 => Err(WebhookFailure::Gone),
            status => Err(WebhookFailure::Status(status)),
        }
    }
}

fn headers(signed: &Signed<'_>, secrets: &[WebhookSecret]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, text) in [
        ("webhook-id", signed.id.to_owned()),
        ("webhook-timestamp", signed.timestamp.to_string()),
        ("webhook-signature", signed.signature(secrets)),
    ] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// What a call says: kind, time, and what it is about; the person only where the message is for one.
fn body(message: &ClaimedMessage, person: Option<&MessagePerson>) -> Value {
    let mut data = Map::new();
    data.insert("about".to_owned(), json!(message.about));
    if let Some(person) = person {
        data.insert("person".to_owned(), json!(person));
    }
    for (name, value) in &message.values {
        data.entry(name.as_str()).or_insert_with(|| value.clone());
    }
    json!({ "type": message.kind.as_str(), "timestamp": message.created_at.to_string(), "data": data })
}
