use axum::Json;
use axum::extract::{Path, State};
use governance::inventory::{Difference, FindError, Inventory, WhatQuery, WhoQuery, WhyQuery};
use governance::reach::Target;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::ask::{AsOf, Asked, next, rows, told_before, wrong};
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(who))
        .routes(routes!(what))
        .routes(routes!(why))
        .routes(routes!(difference))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WhoParams {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// In the state that an answer named, in place of `at`.
    state: Option<String>,
    /// An entitlement by its id, or a resource: `group:3`, its id or name.
    target: Option<String>,
    /// A resource alone, in place of that.
    resource: Option<String>,
    /// An entitlement alone, by its id or name, in place of that.
    entitlement: Option<String>,
    /// Only principals of this kind.
    kind: Option<String>,
    /// What `next` of the page before says; it holds in the `state` that the page names.
    cursor: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said.
    limit: Option<usize>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WhatParams {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// In the state that an answer named, in place of `at`.
    state: Option<String>,
    /// Who: `user:7`, an address, a name.
    principal: String,
    /// What `next` of the page before says; it holds in the `state` that the page names.
    cursor: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said.
    limit: Option<usize>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WhyParams {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// In the state that an answer named, in place of `at`.
    state: Option<String>,
    /// Who: `user:7`, an address, a name.
    principal: String,
    /// An entitlement by its id, or a resource: `group:3`, its id or name.
    target: Option<String>,
    /// A resource alone, in place of that.
    resource: Option<String>,
    /// An entitlement alone, by its id or name, in place of that.
    entitlement: Option<String>,
    /// What `next` of the page before says; it holds in the `state` that the page names.
    cursor: Option<String>,
    /// Most ways, up to 1,000; 100 if it is not said.
    limit: Option<usize>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DifferenceParams {
    /// What was known at this time …
    from: String,
    /// … and at this; now, if it is not said.
    to: Option<String>,
    /// The later state is the one that an answer named, in place of `to`.
    state: Option<String>,
    /// What `next` of the page before says; it holds in the `state` that the page names.
    cursor: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said. The counts are whole.
    limit: Option<usize>,
}

/// Who holds something, and through which groups.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/who",
    tag = "Access",
    operation_id = "access_who",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), WhoParams),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn who(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<WhoParams>,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::of(&state, &key, AsOf::of(&query.at, &query.state)).await?;
    let (limit, before) = (rows(query.limit)?, told_before(query.cursor.as_deref())?);
    let named = Named::of(query.target, query.resource, query.entitlement)?;
    let answer = asked.answer(move |inventory| {
        let target = named.find(inventory)?;
        let wanted = WhoQuery { target, principal_kind: query.kind.as_deref(), limit };
        let found = inventory.who_behind(before, &wanted)?;
        let items: Vec<_> = found.items.iter().map(|item| inventory.access_view(item)).collect();
        let next = next((before, items.len()), found.more);
        Ok(json!({ "items": items, "more": found.more, "next": next }))
    });
    answer.await.map(Json)
}

/// What somebody holds, directly and through groups.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/what",
    tag = "Access",
    operation_id = "access_what",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), WhatParams),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn what(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<WhatParams>,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::of(&state, &key, AsOf::of(&query.at, &query.state)).await?;
    let (limit, before) = (rows(query.limit)?, told_before(query.cursor.as_deref())?);
    let answer = asked.answer(move |inventory| {
        let principal = inventory.resolve_principal(&query.principal)?;
        let found = inventory.what_behind(before, &WhatQuery { principal, limit });
        let items: Vec<_> = found.items.iter().map(|item| inventory.access_view(item)).collect();
        Ok(json!({
            "principal": inventory.resource_ref(principal),
            "account": inventory.account(principal),
            "next": next((before, items.len()), found.more),
            "items": items,
            "more": found.more,
        }))
    });
    answer.await.map(Json)
}

/// All ways by which somebody reaches something, the shortest first.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/why",
    tag = "Access",
    operation_id = "access_why",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), WhyParams),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn why(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<WhyParams>,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::of(&state, &key, AsOf::of(&query.at, &query.state)).await?;
    let (limit, before) = (rows(query.limit)?, told_before(query.cursor.as_deref())?);
    let named = Named::of(query.target, query.resource, query.entitlement)?;
    let answer = asked.answer(move |inventory| {
        let principal = inventory.resolve_principal(&query.principal)?;
        let target = named.find(inventory)?;
        let found = inventory.why_behind(before, &WhyQuery { principal, target, limit });
        let next = next((before, found.items.len()), found.more);
        Ok(json!({ "ways": found.items, "more": found.more, "next": next }))
    });
    answer.await.map(Json)
}

/// What changed between two times. The answer says of the later one what of it is not current, and in `from` of the
/// earlier one.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/diff",
    tag = "Access",
    operation_id = "access_diff",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), DifferenceParams),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn difference(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<DifferenceParams>,
) -> Result<Json<Value>, ApiError> {
    let old = Asked::of(&state, &key, Some(query.from.as_str())).await?;
    let new = Asked::of(&state, &key, AsOf::of(&query.to, &query.state)).await?;
    let (limit, before) = (rows(query.limit)?, told_before(query.cursor.as_deref())?);
    let (from, old) = (old.frame(), old.inventory);
    let answer = new.answer(move |new| {
        let found = Difference::behind(before, (&old, new), limit);
        let next = next((before, found.rows.len()), found.more);
        let mut found = serde_json::to_value(found).map_err(|error| ApiError::Private(Box::new(error)))?;
        if let Value::Object(members) = &mut found {
            members.insert("from".to_owned(), from);
            members.insert("next".to_owned(), json!(next));
        }
        Ok(found)
    });
    answer.await.map(Json)
}

/// What is to be reached, as somebody names it.
enum Named {
    Either(String),
    Resource(String),
    Entitlement(String),
}

impl Named {
    fn of(
        target: Option<String>,
        resource: Option<String>,
        entitlement: Option<String>,
    ) -> Result<Self, ApiError> {
        match (target, resource, entitlement) {
            (Some(target), None, None) => Ok(Self::Either(target)),
            (None, Some(resource), None) => Ok(Self::Resource(resource)),
            (None, None, Some(entitlement)) => Ok(Self::Entitlement(entitlement)),
            _ => Err(wrong("target", "write one of `target`, `resource` and `entitlement`")),
        }
    }

    fn find(&self, inventory: &Inventory) -> Result<Target, FindError> {
        match self {
            Self::Either(text) => inventory.resolve_target(text),
            Self::Resource(text) => inventory.resolve_resource(text).map(Target::Resource),
            Self::Entitlement(text) => inventory.resolve_entitlement(text).map(Target::Entitlement),
        }
    }
}
