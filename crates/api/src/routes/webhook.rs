//! Calls around the life of a request: before and after a policy is carried out, and before a request
//! is approved.

mod execution;
mod list;
mod pre_approval;

use std::collections::HashSet;

use model::{ConnectionKey, FidesKey};
use serde::Serialize;
use store::{StoredConnection, Webhook, WebhookDirection};
use utoipa::ToSchema;

use crate::ApiError;
use crate::documented::OpenApiRouter;
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().merge(execution::routes()).merge(pre_approval::routes())
}

/// Where a webhook stands among those of its list.
#[derive(Debug, Serialize, ToSchema)]
struct Order {
    /// Its key.
    key: String,
    /// Its place, from 0.
    order: u64,
}

impl Order {
    fn of(webhooks: Vec<Webhook>) -> Vec<Self> {
        (0..).zip(webhooks).map(|(order, webhook)| Self { key: webhook.key, order }).collect()
    }
}

/// A webhook as it was sent.
struct Sent {
    key: Option<FidesKey>,
    name: Option<String>,
    connection: String,
    direction: WebhookDirection,
}

/// The list that was sent: every connection is there, keys and names stand once.
async fn checked(state: &ApiState, sent: Vec<Sent>) -> Result<Vec<Webhook>, ApiError> {
    let mut webhooks = Vec::with_capacity(sent.len());
    let (mut keys, mut names) = (HashSet::new(), HashSet::new());
    for Sent { key, name, connection, direction } in sent {
        let connection = connection_of(state, &connection).await?.key.as_str().to_owned();
        let key = key.or_else(|| FidesKey::from_name(name.as_deref().unwrap_or(&connection)));
        let Some(key) = key.map(FidesKey::into_string) else {
            let text = "no key can be made of a webhook's name; give it a `key`";
            return Err(ApiError::BadRequest(text.to_owned()));
        };
        let name = name.unwrap_or_else(|| key.clone());
        if !keys.insert(key.clone()) || !names.insert(name.clone()) {
            let text = "Check request body: there are multiple webhooks whose keys or names resolve to the same value.";
            return Err(ApiError::BadRequest(text.to_owned()));
        }
        webhooks.push(Webhook { key, name, connection, direction });
    }
    Ok(webhooks)
}

/// The connection that a webhook is to call.
async fn connection_of(state: &ApiState, key: &str) -> Result<StoredConnection, ApiError> {
    let missing = || ApiError::NotFound(format!("No connection configuration found with key '{key}'."));
    let parsed: ConnectionKey = key.parse().map_err(|_| missing())?;
    state.store().connection_find(&parsed).await?.ok_or_else(missing)
}
