//! Webhooks of a policy.

#![expect(clippy::similar_names, reason = "`state` is what handlers share, `stage` stands in the path")]

use axum::Json;
use axum::extract::{Path, State};
use model::FidesKey;
use privacy::policy_book::PolicyBook;
use serde::{Deserialize, Serialize};
use store::{Listed, Webhook, WebhookDirection, WebhookList};
use utoipa::ToSchema;

use super::list::{change, connection_if_there, position};
use super::{Order, Sent, checked, connection_of};
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

/// A webhook of a policy.
#[derive(Serialize, ToSchema)]
struct WebhookReply {
    /// Its key.
    key: String,
    /// Its name.
    name: String,
    /// Whether its answer counts.
    direction: &'static str,
    /// Its place among those of its kind, from 0.
    order: u64,
    /// The connection that is called; null if it is gone.
    connection_config: Option<ConnectionReply>,
}

/// A webhook to be made.
#[derive(Deserialize, ToSchema)]
struct WebhookInput {
    /// Key of the connection that is called.
    connection_config_key: String,
    /// Whether its answer counts.
    direction: DirectionInput,
    /// Its key; made of the name, or the connection's key.
    #[schema(value_type = Option<String>)]
    key: Option<FidesKey>,
    /// Its name.
    #[schema(value_type = Option<String>)]
    name: Option<Text>,
}

/// What changes in a webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookUpdate {
    /// Whether its answer counts.
    direction: Option<DirectionInput>,
    /// Its name.
    #[schema(value_type = Option<String>)]
    name: Option<Text>,
    /// Key of the connection that is called.
    connection_config_key: Option<String>,
    /// Its place among those of its kind, from 0.
    order: Option<u64>,
}

/// Whether a webhook's answer counts.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DirectionInput {
    OneWay,
    TwoWay,
}

/// A webhook that was changed.
#[derive(Serialize, ToSchema)]
struct UpdateReply {
    /// The webhook.
    resource: WebhookReply,
    /// All of its kind, in the order in which they are called.
    new_order: Vec<Order>,
}

/// What is left after one was removed.
#[derive(Serialize, ToSchema)]
struct DeleteReply {
    /// All of its kind, in the order in which they are called.
    new_order: Vec<Order>,
}

/// List the webhooks of a policy that are called before or after it is carried out, in order.
#[utoipa::path(
    get,
    path = "/dsr/policy/{policy_key}/webhook/{stage}",
    tag = "Webhooks",
    params(("policy_key" = String, Path), ("stage" = String, Path, description = "`pre_execution` or `post_execution`"), Paging),
    security(("oauth2" = ["webhook:read"])),
    responses((status = 200, body = PageOf<WebhookReply>))
)]
async fn list(
    State(state): State<ApiState>,
    Path((policy, stage)): Path<(String, String)>,
    paging: Paging,
) -> Result<Json<PageOf<WebhookReply>>, ApiError> {
    let stage = Stage::find(&state, &policy, &stage).await?;
    let webhooks = state.store().webhook_list(stage.list()).await?;
    let Listed { items, total } = paging.part((0..).zip(webhooks).collect());
    let mut replies = Vec::with_capacity(items.len());
    for (order, webhook) in items {
        replies.push(reply(&state, order, webhook).await?);
    }
    Ok(Json(paging.of(Listed { items: replies, total }, |reply| reply)))
}

/// Replace the webhooks of a policy that are called before or after it is carried out, all or none; they
/// are called in the order in which they are sent.
#[utoipa::path(
    put,
    path = "/dsr/policy/{policy_key}/webhook/{stage}",
    tag = "Webhooks",
    params(("policy_key" = String, Path), ("stage" = String, Path, description = "`pre_execution` or `post_execution`")),
    security(("oauth2" = ["webhook:create_or_update"])),
    request_body = Vec<WebhookInput>,
    responses((status = 200, body = Vec<WebhookReply>))
)]
async fn replace(
    State(state): State<ApiState>,
    caller: Caller,
    Path((policy, stage)): Path<(String, String)>,
    Body(sent): Body<Vec<WebhookInput>>,
) -> Result<Json<Vec<WebhookReply>>, ApiError> {
    let stage = Stage::find(&state, &policy, &stage).await?;
    let webhooks = checked(&state, sent.into_iter().map(WebhookInput::sent).collect()).await?;
    state.store().webhook_replace(stage.list(), (None, &webhooks), caller.actor).await?;
    let mut replies = Vec::with_capacity(webhooks.len());
    for (order, webhook) in (0..).zip(webhooks) {
        replies.push(reply(&state, order, webhook).await?);
    }
    Ok(Json(replies))
}

/// Read a webhook of a policy.
#[utoipa::path(
    get,
    path = "/dsr/policy/{policy_key}/webhook/{stage}/{webhook_key}",
    tag = "Webhooks",
    params(("policy_key" = String, Path), ("stage" = String, Path), ("webhook_key" = String, Path)),
    security(("oauth2" = ["webhook:read"])),
    responses((status = 200, body = WebhookReply))
)]
async fn read(
    State(state): State<ApiState>,
    Path((policy, stage, key)): Path<(String, String, String)>,
) -> Result<Json<WebhookReply>, ApiError> {
    let stage = Stage::find(&state, &policy, &stage).await?;
    let webhooks = state.store().webhook_list(stage.list()).await?;
    let found = (0..).zip(webhooks).find(|(_, webhook)| webhook.key == key);
    let (order, webhook) = found.ok_or_else(|| stage.missing(&key))?;
    reply(&state, order, webhook).await.map(Json)
}

/// Change a webhook of a policy, or move it to another place; what is not sent stays.
#[utoipa::path(
    patch,
    path = "/dsr/policy/{policy_key}/webhook/{stage}/{webhook_key}",
    tag = "Webhooks",
    params(("policy_key" = String, Path), ("stage" = String, Path), ("webhook_key" = String, Path)),
    security(("oauth2" = ["webhook:create_or_update"])),
    request_body = WebhookUpdate,
    responses((status = 200, body = UpdateReply))
)]
async fn update(
    State(state): State<ApiState>,
    caller: Caller,
    Path((policy, stage, key)): Path<(String, String, String)>,
    Body(sent): Body<WebhookUpdate>,
) -> Result<Json<UpdateReply>, ApiError> {
    let stage = Stage::find(&state, &policy, &stage).await?;
    if let Some(connection) = &sent.connection_config_key {
        connection_of(&state, connection).await?;
    }
    let apply = |webhooks: &mut Vec<Webhook>| {
        let at = position(webhooks, &key, || stage.missing(&key))?;
        sent.apply(webhooks, at)
    };
    let ((order, webhook), webhooks) = change(&state, &caller, stage.list(), apply).await?;
    let resource = reply(&state, order, webhook).await?;
    Ok(Json(UpdateReply { resource, new_order: Order::of(webhooks) }))
}

/// Remove a webhook of a policy; those behind it move up.
#[utoipa::path(
    delete,
    path = "/dsr/policy/{policy_key}/webhook/{stage}/{webhook_key}",
    tag = "Webhooks",
    params(("policy_key" = String, Path), ("stage" = String, Path), ("webhook_key" = String, Path)),
    security(("oauth2" = ["webhook:delete"])),
    responses((status = 200, body = DeleteReply))
)]
async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path((policy, stage, key)): Path<(String, String, String)>,
) -> Result<Json<DeleteReply>, ApiError> {
    let stage = Stage::find(&state, &policy, &stage).await?;
    let remove = |webhooks: &mut Vec<Webhook>| {
        let at = position(webhooks, &key, || stage.missing(&key))?;
        webhooks.remove(at);
        Ok(())
    };
    let ((), webhooks) = change(&state, &caller, stage.list(), remove).await?;
    Ok(Json(DeleteReply { new_order: Order::of(webhooks) }))
}

/// A policy, and whether its webhooks before or after it are meant.
struct Stage {
    policy: String,
    before: bool,
}

impl Stage {
    async fn find(state: &ApiState, policy: &str, stage: &str) -> Result<Self, ApiError> {
        let policy = PolicyBook::new(state.store().clone()).get(policy).await?.key;
        match stage {
            "pre_execution" => Ok(Self { policy, before: true }),
            "post_execution" => Ok(Self { policy, before: false }),
            _ => Err(ApiError::NotFound("webhooks are pre_execution or post_execution".to_owned())),
        }
    }

    fn list(&self) -> WebhookList<'_> {
        if self.before {
            WebhookList::PreExecution(&self.policy)
        } else {
            WebhookList::PostExecution(&self.policy)
        }
    }

    fn missing(&self, key: &str) -> ApiError {
        let stage = if self.before { "Pre" } else { "Post" };
        let policy = &self.policy;
        ApiError::NotFound(format!(
            "No {stage}-Execution Webhook found for key '{key}' on Policy '{policy}'."
        ))
    }
}

impl WebhookInput {
    fn sent(self) -> Sent {
        Sent {
            key: self.key,
            name: self.name.map(|name| name.0),
            connection: self.connection_config_key,
            direction: self.direction.kept(),
        }
    }
}

impl WebhookUpdate {
    /// Changes the webhook at `at`; gives it with the place where it stands then.
    fn apply(&self, webhooks: &mut Vec<Webhook>, at: usize) -> Result<(u64, Webhook), ApiError> {
        let last = webhooks.len() - 1;
        let to = self.order.map_or(Some(at), |order| usize::try_from(order).ok()).filter(|to| *to <= last);
        let to = to.ok_or_else(|| ApiError::BadRequest(format!("`order` is from 0 to {last} here")))?;
        let mut webhook = webhooks.remove(at);
        if let Some(direction) = self.direction {
            webhook.direction = direction.kept();
        }
        if let Some(name) = &self.name {
            webhook.name.clone_from(&name.0);
        }
        if let Some(connection) = &self.connection_config_key {
            webhook.connection.clone_from(connection);
        }
        webhooks.insert(to, webhook.clone());
        Ok((u64::try_from(to).unwrap_or(u64::MAX), webhook))
    }
}

impl DirectionInput {
    fn kept(self) -> WebhookDirection {
        match self {
            Self::OneWay => WebhookDirection::OneWay,
            Self::TwoWay => WebhookDirection::TwoWay,
        }
    }
}

async fn reply(state: &ApiState, order: u64, webhook: Webhook) -> Result<WebhookReply, ApiError> {
    let connection_config = match connection_if_there(state, &webhook).await? {
        Some(connection) => Some(ConnectionReply::of(state, connection).await?),
        None => None,
    };
    let Webhook { key, name, direction, .. } = webhook;
    Ok(WebhookReply { key, name, direction: direction.as_str(), order, connection_config })
}
