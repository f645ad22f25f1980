//! Webhooks that are asked before a request is approved, whichever its policy.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use model::FidesKey;
use serde::{Deserialize, Serialize};
use store::{Listed, Webhook, WebhookDirection, WebhookList};
use utoipa::ToSchema;

use super::list::{change, connection_if_there, position};
use super::{Sent, checked, connection_of};
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::routes::connection::ConnectionReply;
use crate::state::ApiState;
use crate::text::Text;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, replace)).routes(routes!(read, update, delete))
}

/// A webhook that is asked before a request is approved.
#[derive(Serialize, ToSchema)]
struct PreApprovalReply {
    /// Its key.
    key: String,
    /// Its name.
    name: String,
    /// The connection that is called; null if it is gone.
    connection_config: Option<ConnectionReply>,
}

/// A webhook to be made.
#[derive(Deserialize, ToSchema)]
struct PreApprovalInput {
    /// Its name.
    #[schema(value_type = String)]
    name: Text,
    /// Its key; made of the name if there is none.
    #[schema(value_type = Option<String>)]
    key: Option<FidesKey>,
    /// Key of the connection that is called.
    connection_config_key: String,
}

/// What changes in a webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreApprovalUpdate {
    /// Its name.
    #[schema(value_type = Option<String>)]
    name: Option<Text>,
    /// Key of the connection that is called.
    connection_config_key: Option<String>,
}

/// List the webhooks that are asked before a request is approved.
#[utoipa::path(
    get,
    path = "/dsr/webhook/pre_approval",
    tag = "Webhooks",
    params(Paging),
    security(("oauth2" = ["webhook:read"])),
    responses((status = 200, body = PageOf<PreApprovalReply>))
)]
async fn list(
    State(state): State<ApiState>,
    paging: Paging,
) -> Result<Json<PageOf<PreApprovalReply>>, ApiError> {
    let Listed { items, total } = paging.part(state.store().webhook_list(WebhookList::PreApproval).await?);
    let items = replies(&state, items).await?;
    Ok(Json(paging.of(Listed { items, total }, |reply| reply)))
}

/// Replace the webhooks that are asked before a request is approved, all or none.
#[utoipa::path(
    put,
    path = "/dsr/webhook/pre_approval",
    tag = "Webhooks",
    security(("oauth2" = ["webhook:create_or_update"])),
    request_body = Vec<PreApprovalInput>,
    responses((status = 200, body = Vec<PreApprovalReply>))
)]
async fn replace(
    State(state): State<ApiState>,
    caller: Caller,
    Body(sent): Body<Vec<PreApprovalInput>>,
) -> Result<Json<Vec<PreApprovalReply>>, ApiError> {
    let webhooks = checked(&state, sent.into_iter().map(PreApprovalInput::sent).collect()).await?;
    state.store().webhook_replace(WebhookList::PreApproval, (None, &webhooks), caller.actor).await?;
    replies(&state, webhooks).await.map(Json)
}

/// Read a webhook that is asked before a request is approved.
#[utoipa::path(
    get,
    path = "/dsr/webhook/pre_approval/{webhook_key}",
    tag = "Webhooks",
    params(("webhook_key" = String, Path)),
    security(("oauth2" = ["webhook:read"])),
    responses((status = 200, body = PreApprovalReply))
)]
async fn read(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<PreApprovalReply>, ApiError> {
    let webhooks = state.store().webhook_list(WebhookList::PreApproval).await?;
    let found = webhooks.into_iter().find(|webhook| webhook.key == key);
    reply(&state, found.ok_or_else(|| missing(&key))?).await.map(Json)
}

/// Change a webhook that is asked before a request is approved; what is not sent stays.
#[utoipa::path(
    patch,
    path = "/dsr/webhook/pre_approval/{webhook_key}",
    tag = "Webhooks",
    params(("webhook_key" = String, Path)),
    security(("oauth2" = ["webhook:create_or_update"])),
    request_body = PreApprovalUpdate,
    responses((status = 200, body = PreApprovalReply))
)]
async fn update(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<PreApprovalUpdate>,
) -> Result<Json<PreApprovalReply>, ApiError> {
    if let Some(connection) = &sent.connection_config_key {
        connection_of(&state, connection).await?;
    }
    let apply = |webhooks: &mut Vec<Webhook>| {
        let found = webhooks.iter_mut().find(|webhook| webhook.key == key);
        let webhook = found.ok_or_else(|| missing(&key))?;
        if let Some(name) = &sent.name {
            webhook.name.clone_from(&name.0);
        }
        if let Some(connection) = &sent.connection_config_key {
            webhook.connection.clone_from(connection);
        }
        Ok(webhook.clone())
    };
    let (webhook, _) = change(&state, &caller, WebhookList::PreApproval, apply).await?;
    reply(&state, webhook).await.map(Json)
}

/// Remove a webhook that is asked before a request is approved.
#[utoipa::path(
    delete,
    path = "/dsr/webhook/pre_approval/{webhook_key}",
    tag = "Webhooks",
    params(("webhook_key" = String, Path)),
    security(("oauth2" = ["webhook:delete"])),
    responses((status = 204))
)]
async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    let remove = |webhooks: &mut Vec<Webhook>| {
        let at = position(webhooks, &key, || missing(&key))?;
        webhooks.remove(at);
        Ok(())
    };
    change(&state, &caller, WebhookList::PreApproval, remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl PreApprovalInput {
    /// They are told, and answer later by a call of their own.
    fn sent(self) -> Sent {
        Sent {
            key: self.key,
            name: Some(self.name.0),
            connection: self.connection_config_key,
            direction: WebhookDirection::OneWay,
        }
    }
}

fn missing(key: &str) -> ApiError {
    ApiError::NotFound(format!("No PreApprovalWebhook found for key {key}."))
}

async fn replies(state: &ApiState, webhooks: Vec<Webhook>) -> Result<Vec<PreApprovalReply>, ApiError> {
    let mut replies = Vec::with_capacity(webhooks.len());
    for webhook in webhooks {
        replies.push(reply(state, webhook).await?);
    }
    Ok(replies)
}

async fn reply(state: &ApiState, webhook: Webhook) -> Result<PreApprovalReply, ApiError> {
    let connection_config = match connection_if_there(state, &webhook).await? {
        Some(connection) => Some(ConnectionReply::of(state, connection).await?),
        None => None,
    };
    Ok(PreApprovalReply { key: webhook.key, name: webhook.name, connection_config })
}
