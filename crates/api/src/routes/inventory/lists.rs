use axum::Json;
use axum::extract::{Path, State};
use governance::inventory::{
    AccountQuery, AccountSort, EntitlementQuery, GrantQuery, PageRequest, ResourceQuery, UnusedFilter,
    UnusedQuery, Usage, UseKnown, UseSource, UseWindow,
};
use governance::reach::Held;
use governance::{AccountStatus, AccountType};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::ask::{AsOf, Asked, moment, page, request, wrong};
use super::owners::add;
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(kinds))
        .routes(routes!(resources))
        .routes(routes!(accounts))
        .routes(routes!(entitlements))
        .routes(routes!(grants))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct KindsQuery {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// In the state that an answer named, in place of `at`.
    state: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ResourcesQuery {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// In the state that an answer named, in place of `at`.
    state: Option<String>,
    /// Of this kind.
    kind: Option<String>,
    /// Below this one: `workspace:1`.
    parent: Option<String>,
    /// With this in their name or id.
    search: Option<String>,
    /// What `next` of the page before says; name its `state` too, so that all pages are of one state.
    cursor: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said.
    limit: Option<usize>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AccountsQuery {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// In the state that an answer named, in place of `at`.
    state: Option<String>,
    /// Of this kind.
    kind: Option<String>,
    /// `enabled`, `disabled` or `deleted`.
    status: Option<String>,
    /// `human`, `service` or `system`.
    account_type: Option<String>,
    /// Not used since this time, by logins and, if they are kept, by events, of which then all have to be known;
    /// `activity` says on every page how far they are. Those of which nobody can tell are not among them, and
    /// `use_unknown` says in the first page how many they are. These come by their last login, the newest first.
    unused_since: Option<String>,
    /// Not used for so many seconds, counted from when the inventory was read, in place of that.
    unused_for_s: Option<u32>,
    /// With this in their name, address, name to sign in with, or id.
    search: Option<String>,
    /// What `next` of the page before says; name its `state` too, so that all pages are of one state.
    cursor: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said.
    limit: Option<usize>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EntitlementsQuery {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// In the state that an answer named, in place of `at`.
    state: Option<String>,
    /// On resources of this kind.
    kind: Option<String>,
    /// On this resource: `group:3`.
    resource: Option<String>,
    /// With this in their names or the name of their resource.
    search: Option<String>,
    /// What `next` of the page before says; name its `state` too, so that all pages are of one state.
    cursor: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said.
    limit: Option<usize>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct GrantsQuery {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// In the state that an answer named, in place of `at`.
    state: Option<String>,
    /// On resources of this kind.
    kind: Option<String>,
    /// On this resource: `group:3`.
    resource: Option<String>,
    /// Of this entitlement: its id or name.
    entitlement: Option<String>,
    /// Held by this one: `user:7`, an address, a name.
    principal: Option<String>,
    /// Held by principals of this kind.
    principal_kind: Option<String>,
    /// `direct` or `inherited`.
    held: Option<String>,
    /// Held by accounts that are `enabled`, `disabled` or `deleted`.
    status: Option<String>,
    /// With this in the names of who holds or of what is held.
    search: Option<String>,
    /// What `next` of the page before says; name its `state` too, so that all pages are of one state.
    cursor: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said.
    limit: Option<usize>,
}

/// Which kinds of things there are, how current each is, and how much is odd, which `…/finding` lists.
#[utoipa::path(
    get,
    path = "/connection/{key}/access",
    tag = "Access",
    operation_id = "access_kinds",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), KindsQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn kinds(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<KindsQuery>,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::of(&state, &key, AsOf::of(&query.at, &query.state)).await?;
    let answer = asked.answer(|inventory| {
        let kinds: Vec<_> = inventory.kinds().collect();
        Ok(json!({
            "kinds": kinds,
            "resources": inventory.resource_count(),
            "entitlements": inventory.entitlement_count(),
            "reported_grants": inventory.reported_grants(),
            "findings": inventory.findings().len(),
        }))
    });
    answer.await.map(Json)
}

/// List resources by name, accounts among them. `total` counts the whole list, and stands in the first page alone.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/resource",
    tag = "Access",
    operation_id = "access_resources",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), ResourcesQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn resources(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<ResourcesQuery>,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::of(&state, &key, AsOf::of(&query.at, &query.state)).await?;
    let request = request(query.cursor.as_deref(), query.limit)?;
    let answer = asked.answer(move |inventory| {
        let wanted = ResourceQuery {
            kind: query.kind.as_deref(),
            parent: query.parent.as_deref().map(|parent| inventory.resolve_principal(parent)).transpose()?,
            search: query.search.as_deref(),
            ..ResourceQuery::default()
        };
        let found = inventory.list_resources(&wanted, &request)?;
        Ok(page(&found, found.items.iter().map(|number| inventory.resource(*number))))
    });
    answer.await.map(Json)
}

/// List accounts by name. `total` counts the whole list, and stands in the first page alone.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/account",
    tag = "Access",
    operation_id = "access_accounts",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), AccountsQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn accounts(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<AccountsQuery>,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::of(&state, &key, AsOf::of(&query.at, &query.state)).await?;
    let request = request(query.cursor.as_deref(), query.limit)?;
    let status: Option<AccountStatus> = word("status", query.status.as_deref())?;
    let account_type: Option<AccountType> = word("account_type", query.account_type.as_deref())?;
    let since = query.unused_since.as_deref().map(|time| moment("unused_since", time)).transpose()?;
    if since.is_some() && query.unused_for_s.is_some() {
        return Err(wrong("unused_since", "write either `unused_since` or `unused_for_s`"));
    }
    let ago = query.unused_for_s.map(|seconds| SignedDuration::from_secs(i64::from(seconds)));
    let before = since.or(ago.and_then(|ago| asked.as_of().checked_sub(ago).ok()));
    let window = before.map(|since| UseWindow { since, until: asked.as_of() });
    // What is known of use is that of now: of another time only the logins are.
    let usage = match (window, query.at.as_deref().filter(|at| !at.is_empty())) {
        (Some(_), None) => asked.usage(&state).await?,
        (Some(_), Some(_)) | (None, _) => Usage::none(),
    };
    let answer = asked.answer(move |inventory| {
        let filter = |wanted| {
            let asked = |window| UnusedQuery { window, by: UseSource::All, then: None };
            window.map(|window| UnusedFilter { usage: &usage, query: asked(window), wanted })
        };
        let wanted = AccountQuery {
            kind: query.kind.as_deref(),
            status,
            account_type,
            used: None,
            unused: filter(UseKnown::Unused),
            search: query.search.as_deref(),
            sort: if window.is_some() { AccountSort::LastLogin } else { AccountSort::Name },
        };
        let found = inventory.list_accounts(&wanted, &request)?;
        let mut answer = page(&found, found.items.iter().map(|number| inventory.account(*number)));
        if let Some(window) = window {
            add(&mut answer, json!({ "activity": usage.evidence(&window) }));
            if request.after.is_none() {
                let unknown = AccountQuery { unused: filter(UseKnown::Unknown), ..wanted };
                let count = inventory.list_accounts(&unknown, &PageRequest::first(0))?.total;
                add(&mut answer, json!({ "use_unknown": count }));
            }
        }
        Ok(answer)
    });
    answer.await.map(Json)
}

/// List entitlements by name. `total` counts the whole list, and stands in the first page alone.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/entitlement",
    tag = "Access",
    operation_id = "access_entitlements",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), EntitlementsQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn entitlements(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<EntitlementsQuery>,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::of(&state, &key, AsOf::of(&query.at, &query.state)).await?;
    let request = request(query.cursor.as_deref(), query.limit)?;
    let answer = asked.answer(move |inventory| {
        let resource = query.resource.as_deref().map(|text| inventory.resolve_resource(text));
        let wanted = EntitlementQuery {
            kind: query.kind.as_deref(),
            resource: resource.transpose()?,
            search: query.search.as_deref(),
            ..EntitlementQuery::default()
        };
        let found = inventory.list_entitlements(&wanted, &request)?;
        Ok(page(&found, found.items.iter().map(|number| inventory.entitlement(*number))))
    });
    answer.await.map(Json)
}

/// List grants, direct and inherited ones. `total` counts the whole list, and stands in the first page alone.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/grant",
    tag = "Access",
    operation_id = "access_grants",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), GrantsQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn grants(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<GrantsQuery>,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::of(&state, &key, AsOf::of(&query.at, &query.state)).await?;
    let request = request(query.cursor.as_deref(), query.limit)?;
    let held = match query.held.as_deref() {
        None | Some("") => None,
        Some("direct") => Some(Held::Directly),
        Some("inherited") => Some(Held::Inherited),
        Some(_) => return Err(wrong("held", "write `direct` or `inherited`")),
    };
    let status: Option<AccountStatus> = word("status", query.status.as_deref())?;
    let answer = asked.answer(move |inventory| {
        let resource = query.resource.as_deref().map(|text| inventory.resolve_resource(text));
        let principal = query.principal.as_deref().map(|text| inventory.resolve_principal(text));
        let entitlement = query.entitlement.as_deref().map(|text| inventory.resolve_entitlement(text));
        let wanted = GrantQuery {
            kind: query.kind.as_deref(),
            resource: resource.transpose()?,
            entitlement: entitlement.transpose()?,
            principal: principal.transpose()?,
            principal_kind: query.principal_kind.as_deref(),
            held,
            status,
            search: query.search.as_deref(),
        };
        let found = inventory.list_grants(&wanted, &request)?;
        Ok(page(&found, found.items.iter().map(|item| inventory.grant(item))))
    });
    answer.await.map(Json)
}

/// One of the words of an enum.
fn word<T: serde::de::DeserializeOwned>(name: &str, text: Option<&str>) -> Result<Option<T>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    serde_json::from_value(json!(text)).map(Some).map_err(|_| wrong(name, "this word means nothing here"))
}
