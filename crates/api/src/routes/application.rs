//! Applications: what `/system` shows of their documents, and here whose they are and where they were found
//! (governance 2.1).

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ApplicationState, ApplicationStep, ConnectionFilter, Listed, StoredConnection, Window};
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::routes::connection_sync::status::label_of;
use crate::routes::owner::{OwnerReply, absent, known, owners, set_owners};
use crate::state::ApiState;
use crate::text::Text;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(promote))
        .routes(routes!(found, detach))
}

/// An application.
#[derive(Serialize, ToSchema)]
struct ApplicationReply {
    /// Its key, also the key of its system.
    key: String,
    /// Its name.
    name: String,
    /// `managed`: looked after here; `unmanaged`: found inside another one, and only listed until it is promoted.
    kind: &'static str,
    /// The application that it was found in, as a provider of identities.
    parent: Option<String>,
    /// When it was promoted.
    #[schema(value_type = Option<String>, format = DateTime)]
    promoted_at: Option<Timestamp>,
    /// Its connections.
    connections: Vec<ApplicationConnectionReply>,
}

/// A connection of an application, and how it is.
#[derive(Serialize, ToSchema)]
struct ApplicationConnectionReply {
    /// Its key.
    connection: String,
    /// How it is read for who has access: `Not connected`, `Syncing`, `Connected`, `Error` or `Paused`.
    label: &'static str,
    /// The same for programs: `SYNC_STATUS_UNSPECIFIED`, `…_RUNNING`, `…_DONE`, `…_ERROR`, `…_DISABLED`.
    status: &'static str,
}

/// An application with what belongs to it.
#[derive(Serialize, ToSchema)]
struct WholeApplicationReply {
    #[serde(flatten)]
    application: ApplicationReply,
    /// Who looks after it.
    owners: Vec<OwnerReply>,
    /// Keys of the applications that were found in it.
    children: Vec<String>,
}

/// Who looks after it from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PromoteInput {
    /// Ids of its owners, one at least.
    #[schema(value_type = Vec<String>)]
    owners: Vec<Text>,
}

/// Where it was found.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FoundInput {
    /// Key of the application that it was found in.
    #[schema(value_type = String)]
    parent: Text,
}

/// List applications by key, with how their connections are.
#[utoipa::path(
    get,
    path = "/application",
    tag = "Applications",
    operation_id = "application_list",
    security(("oauth2" = ["system:read"])),
    params(Paging),
    responses((status = 200, body = PageOf<ApplicationReply>))
)]
async fn list(
    State(state): State<ApiState>,
    paging: Paging,
) -> Result<Json<PageOf<ApplicationReply>>, ApiError> {
    let all = state.store().application_state_list().await?;
    let Listed { items, total } = paging.part(all);
    let mut shown = Vec::with_capacity(items.len());
    for application in items {
        shown.push(ApplicationReply::of(&state, application).await?);
    }
    Ok(Json(paging.of(Listed { items: shown, total }, std::convert::identity)))
}

/// One application, with its owners, its connections, and what was found in it.
#[utoipa::path(
    get,
    path = "/application/{key}",
    tag = "Applications",
    operation_id = "application_get",
    security(("oauth2" = ["system:read"])),
    params(("key" = String, Path, description = "Key of the application")),
    responses((status = 200, body = WholeApplicationReply), (status = 404))
)]
async fn get(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<WholeApplicationReply>, ApiError> {
    let application = state.store().application_state_find(&key).await?.ok_or_else(|| absent(&key))?;
    whole(&state, application).await.map(Json)
}

/// Promote an application: it is looked after here from now on, by these owners. One that is already gives 409.
#[utoipa::path(
    post,
    path = "/application/{key}/promote",
    tag = "Applications",
    operation_id = "application_promote",
    security(("oauth2" = ["system:update", "system_manager:update"])),
    params(("key" = String, Path, description = "Key of the application")),
    request_body = PromoteInput,
    responses((status = 200, body = WholeApplicationReply), (status = 404), (status = 409), (status = 422))
)]
async fn promote(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<PromoteInput>,
) -> Result<Json<WholeApplicationReply>, ApiError> {
    if sent.owners.is_empty() {
        let loc = vec!["body".into(), "owners".into()];
        return Err(ApiError::invalid("value_error", loc, "somebody has to look after it; name an owner"));
    }
    // Before anything changes: whoever is refused for a wrong id must be able to do it again with the right one.
    let owners = known(&state, sent.owners).await?;
    let step = ApplicationStep::Promote;
    let application = state.store().application_step(&key, &step, caller.actor.clone()).await?;
    set_owners(&state, &caller, (&key, &owners)).await?;
    whole(&state, application).await.map(Json)
}

/// Say that an application was found inside another one. It is only listed from now on, until it is promoted.
#[utoipa::path(
    put,
    path = "/application/{key}/parent",
    tag = "Applications",
    operation_id = "application_found",
    security(("oauth2" = ["system:update"])),
    params(("key" = String, Path, description = "Key of the application")),
    request_body = FoundInput,
    responses((status = 200, body = WholeApplicationReply), (status = 404), (status = 409))
)]
async fn found(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<FoundInput>,
) -> Result<Json<WholeApplicationReply>, ApiError> {
    let step = ApplicationStep::Found { parent: sent.parent.0 };
    let application = state.store().application_step(&key, &step, caller.actor).await?;
    whole(&state, application).await.map(Json)
}

/// Detach an application from the one that it was found in: it stays when that is removed.
#[utoipa::path(
    delete,
    path = "/application/{key}/parent",
    tag = "Applications",
    operation_id = "application_detach",
    security(("oauth2" = ["system:update"])),
    params(("key" = String, Path, description = "Key of the application")),
    responses((status = 200, body = WholeApplicationReply), (status = 404))
)]
async fn detach(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<WholeApplicationReply>, ApiError> {
    let step = ApplicationStep::Detach;
    let application = state.store().application_step(&key, &step, caller.actor).await?;
    whole(&state, application).await.map(Json)
}

async fn whole(state: &ApiState, application: ApplicationState) -> Result<WholeApplicationReply, ApiError> {
    let (store, key) = (state.store(), application.key.clone());
    let children = store.application_child_list(&key).await?;
    Ok(WholeApplicationReply {
        owners: owners(state, &key).await?,
        children: children.into_iter().map(|child| child.key).collect(),
        application: ApplicationReply::of(state, application).await?,
    })
}

impl ApplicationReply {
    async fn of(state: &ApiState, application: ApplicationState) -> Result<Self, ApiError> {
        let filter =
            ConnectionFilter { system_key: Some(application.key.clone()), ..ConnectionFilter::default() };
        let mut connections = Vec::new();
        for connection in state.store().connection_list(&filter, Window::ALL).await?.items {
            connections.push(ApplicationConnectionReply::of(state, &connection).await?);
        }
        Ok(Self {
            key: application.key,
            name: application.name,
            kind: application.kind.as_str(),
            parent: application.parent,
            promoted_at: application.promoted_at,
            connections,
        })
    }
}

impl ApplicationConnectionReply {
    async fn of(state: &ApiState, connection: &StoredConnection) -> Result<Self, ApiError> {
        let label = label_of(state, connection).await?;
        let (label, status) = (label.as_str(), label.sync_status());
        Ok(Self { connection: connection.key.to_string(), label, status })
    }
}
