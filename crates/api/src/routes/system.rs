//! Applications of the data map, here called systems (fides-api 6.4).

mod connection;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use model::FidesKey;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::{Document, Listed, NewApplication, Put, PutMode, StoreError};
use utoipa::IntoParams;

use crate::body::Body;
use crate::bulk::Bulk;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::PageOrAll;
use crate::query::Query;
use crate::routes::resource::{Removed, Upserted, already_there, not_there};
use crate::state::ApiState;
use crate::{ApiError, Invalid};

const KIND: &str = "System";
/// Most systems in one call.
const MOST: usize = 1000;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create, update))
        .routes(routes!(upsert))
        .routes(routes!(get, remove))
        .merge(connection::routes())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Part of key or name.
    search: Option<String>,
}

/// Systems: a page if `page` or `size` is given, else all.
#[utoipa::path(
    get,
    path = "/system",
    tag = "Systems",
    operation_id = "system_list",
    security(("oauth2" = ["system:read"])),
    params(PageOrAll, ListQuery),
    responses((status = 200, body = Object))
)]
async fn list(
    State(state): State<ApiState>,
    paging: PageOrAll,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    let search = query.search.as_deref().filter(|text| !text.is_empty());
    let found = state.store().application_list(search, paging.window()).await?;
    let items: Vec<Value> = found.items.iter().map(shown).collect::<Result<_, _>>()?;
    Ok(Json(paging.of(Listed { items, total: found.total })))
}

/// One system.
#[utoipa::path(
    get,
    path = "/system/{key}",
    tag = "Systems",
    operation_id = "system_get",
    security(("oauth2" = ["system:read"])),
    params(("key" = String, Path, description = "Key of the system")),
    responses((status = 200, body = Object), (status = 404))
)]
async fn get(State(state): State<ApiState>, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    Ok(Json(shown(&find(&state, &key).await?)?))
}

/// Keeps a new system.
#[utoipa::path(
    post,
    path = "/system",
    tag = "Systems",
    operation_id = "system_create",
    security(("oauth2" = ["system:create"])),
    request_body = Object,
    responses((status = 201, body = Object), (status = 409), (status = 422))
)]
async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Body(document): Body<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let kept = put(&state, caller, (&document, PutMode::Create)).await?;
    Ok((StatusCode::CREATED, Json(kept)))
}

/// Replaces a system.
#[utoipa::path(
    put,
    path = "/system",
    tag = "Systems",
    operation_id = "system_update",
    security(("oauth2" = ["system:update"])),
    request_body = Object,
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn update(
    State(state): State<ApiState>,
    caller: Caller,
    Body(document): Body<Value>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(put(&state, caller, (&document, PutMode::Update)).await?))
}

/// Keeps systems, whether there are any of their keys or not: all, or none.
#[utoipa::path(
    post,
    path = "/system/upsert",
    tag = "Systems",
    operation_id = "system_upsert",
    security(("oauth2" = ["system:create", "system:update"])),
    request_body = [Object],
    responses((status = 200, body = Upserted), (status = 201, body = Upserted), (status = 422))
)]
async fn upsert(
    State(state): State<ApiState>,
    caller: Caller,
    Bulk(elements): Bulk<Value, MOST>,
) -> Result<(StatusCode, Json<Upserted>), ApiError> {
    let mut systems = Vec::with_capacity(elements.len());
    let mut wrong = Vec::new();
    for (position, element) in elements.iter().enumerate() {
        match application(&[json!("body"), json!(position)], &element.input) {
            Ok(system) => systems.push(system),
            Err(invalid) => wrong.extend(invalid),
        }
    }
    if !wrong.is_empty() {
        return Err(ApiError::Invalid(wrong));
    }
    let puts: Vec<Put> = state.store().application_put_all(&systems, caller.actor).await?;
    Ok(Upserted::reply(&puts, "system"))
}

/// Removes a system; its connections stay.
#[utoipa::path(
    delete,
    path = "/system/{key}",
    tag = "Systems",
    operation_id = "system_remove",
    security(("oauth2" = ["system:delete"])),
    params(("key" = String, Path, description = "Key of the system")),
    responses((status = 200, body = Removed), (status = 404))
)]
async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Removed>, ApiError> {
    let resource = shown(&find(&state, &key).await?)?;
    if state.store().application_remove(&key, caller.actor).await? {
        return Ok(Json(Removed::new(resource)));
    }
    Err(not_there(KIND, &key))
}

/// The system of a key.
pub(super) async fn find(state: &ApiState, key: &str) -> Result<Document, ApiError> {
    state.store().application_find(key).await?.ok_or_else(|| not_there(KIND, key))
}

async fn put(
    state: &ApiState,
    caller: Caller,
    (document, mode): (&Value, PutMode),
) -> Result<Value, ApiError> {
    let system = application(&[json!("body")], document).map_err(ApiError::Invalid)?;
    match state.store().application_put(&system, mode, caller.actor).await {
        Ok(_) => shown(&find(state, &system.key).await?),
        Err(StoreError::Conflict { .. }) => Err(already_there(KIND, &system.key)),
        Err(StoreError::NotFound { .. }) => Err(not_there(KIND, &system.key)),
        Err(error) => Err(error.into()),
    }
}

/// A system that was sent. Only key and name mean something here; the rest is kept as it is.
fn application(base: &[Value], document: &Value) -> Result<NewApplication, Vec<Invalid>> {
    let wrong = |kind: &str, key: &str, message: &str| {
        let loc = base.iter().cloned().chain([json!(key)]).collect();
        Err(vec![Invalid::new(kind, loc, message)])
    };
    let Value::Object(members) = document else {
        return Err(vec![Invalid::new("dict_type", base.to_vec(), "expected an object")]);
    };
    let key = match members.get("fides_key") {
        Some(Value::String(key)) => key,
        Some(_) => return wrong("string_type", "fides_key", "expected a string"),
        None => return wrong("missing", "fides_key", "Field required"),
    };
    if let Err(error) = key.parse::<FidesKey>() {
        return wrong("value_error", "fides_key", &error.to_string());
    }
    let name = match members.get("name") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Null) | None => String::new(),
        Some(_) => return wrong("string_type", "name", "expected a string"),
    };
    if name.contains('\0') {
        return wrong("value_error", "name", "a text without a zero character is needed");
    }
    Ok(NewApplication { key: key.clone(), name, body: body(members).to_string() })
}

/// The times are the server's own.
fn body(members: &Map<String, Value>) -> Value {
    let own = ["created_at", "updated_at"];
    let kept = members.iter().filter(|(key, _)| !own.contains(&key.as_str()));
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// A system as clients are shown it.
pub(super) fn shown(document: &Document) -> Result<Value, ApiError> {
    let body = serde_json::from_str(&document.body);
    let Value::Object(mut members) = body.map_err(|_| StoreError::Damaged { what: "an application" })? else {
        return Err(StoreError::Damaged { what: "an application" }.into());
    };
    for (key, default) in [
        ("organization_fides_key", json!("default_organization")),
        ("name", Value::Null),
        ("description", Value::Null),
        ("system_type", json!("")),
        ("privacy_declarations", json!([])),
    ] {
        members.entry(key).or_insert(default);
    }
    members.insert("created_at".to_owned(), json!(document.created_at.to_string()));
    members.insert("updated_at".to_owned(), json!(document.updated_at.to_string()));
    Ok(Value::Object(members))
}
