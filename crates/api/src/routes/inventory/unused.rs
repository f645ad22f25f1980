//! Accounts and access that were not used (governance AUT-2).

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use governance::inventory::{
    ActivityEvidence, At, GrantItem, Inventory, UnusedAccounts, UnusedGrants, UnusedQuery, Usage, UseSource,
    UseWindow, find_state,
};
use model::ConnectionKey;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::ask::{AsOf, Asked, page, request, wrong};
use super::owners::add;
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

/// Seconds if nothing is said: 90 days.
const UNUSED_FOR_S: u32 = 90 * 86_400;
/// Most seconds: ten years, longer than anything is kept.
const MOST_S: u32 = 3_650 * 86_400;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(accounts)).routes(routes!(entitlements))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UnusedParams {
    /// In the state that an answer named; what is in force, if it is not said. What is known of use is that of now.
    state: Option<String>,
    /// Not used for so many seconds before the inventory was read; 90 days if it is not said.
    unused_for_s: Option<u32>,
    /// What tells of use: `all` (logins and events; as if nothing is said) or `last_login`, for an application whose
    /// events cannot be read.
    by: Option<String>,
    /// What `next` of the page before says.
    cursor: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said.
    limit: Option<usize>,
}

/// Accounts that work and were not used. `activity` says on every page how far events are known. If all of the time was
/// not read, no account is called unused; `unknown` counts those of which nobody can tell, `new` those that came later.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/unused/account",
    tag = "Access",
    operation_id = "access_unused_accounts",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), UnusedParams),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn accounts(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<UnusedParams>,
) -> Result<Json<Value>, ApiError> {
    let request = request(query.cursor.as_deref(), query.limit)?;
    let (asked, looked) = Looked::of(&state, &key, &query).await?;
    let answer = asked.answer(move |inventory| {
        let found = UnusedAccounts::find(inventory, &looked.usage, &looked.query());
        let all: Vec<_> = found.unused.iter().map(|one| one.account).collect();
        let chosen = inventory.page_of(&all, &request)?;
        let rows = chosen.items.iter().map(|account| found.get(*account).map(|one| one.view(inventory)));
        let mut answer = page(&chosen, rows);
        let (unused, unknown) = (all.len(), found.unknown.len());
        add(
            &mut answer,
            json!({ "unused": unused, "unknown": unknown, "used": found.used, "new": found.new }),
        );
        add(&mut answer, looked.told());
        Ok(answer)
    });
    answer.await.map(Json)
}

/// Entitlements that accounts which work hold directly and did not use: with `reason` `account`, nothing that the
/// account holds was used; with `resource`, nothing was done to what this gives access to, through groups as well.
/// `held_then` says whether it was held when the time began, `null` if nobody knows.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/unused/entitlement",
    tag = "Access",
    operation_id = "access_unused_entitlements",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), UnusedParams),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn entitlements(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<UnusedParams>,
) -> Result<Json<Value>, ApiError> {
    let request = request(query.cursor.as_deref(), query.limit)?;
    let (asked, looked) = Looked::of(&state, &key, &query).await?;
    let answer = asked.answer(move |inventory| {
        let found = UnusedGrants::find(inventory, &looked.usage, &looked.query());
        let all: Vec<GrantItem> = found.unused.iter().map(|one| one.grant).collect();
        let chosen = inventory.page_of_grants(&all, &request)?;
        let rows = chosen.items.iter().map(|item| found.get(item).map(|one| one.view(inventory)));
        let mut answer = page(&chosen, rows);
        let (unused, unknown) = (all.len(), found.unknown);
        add(
            &mut answer,
            json!({ "unused": unused, "unknown": unknown, "used": found.used, "new": found.new }),
        );
        add(&mut answer, looked.told());
        Ok(answer)
    });
    answer.await.map(Json)
}

/// What is known of use, and of what was there when the time began.
struct Looked {
    usage: Usage,
    window: UseWindow,
    by: UseSource,
    then: Option<Arc<Inventory>>,
    evidence: ActivityEvidence,
}

impl Looked {
    async fn of(state: &ApiState, key: &str, query: &UnusedParams) -> Result<(Asked, Self), ApiError> {
        let seconds = query.unused_for_s.unwrap_or(UNUSED_FOR_S);
        if !(1..=MOST_S).contains(&seconds) {
            return Err(wrong("unused_for_s", &format!("write a number from 1 to {MOST_S}")));
        }
        let by = match query.by.as_deref() {
            None | Some("" | "all") => UseSource::All,
            Some("last_login") => UseSource::LastLogin,
            Some(_) => return Err(wrong("by", "write `all` or `last_login`")),
        };
        let asked = Asked::of(state, key, AsOf { at: None, state: query.state.as_deref() }).await?;
        let window = UseWindow::before(asked.as_of(), Duration::from_secs(u64::from(seconds)));
        let window = window.ok_or_else(|| wrong("unused_for_s", "no calendar goes back so far"))?;
        let usage = asked.usage(state).await?;
        let evidence = usage.evidence(&window);
        let then = known_then(state, &asked.connection, window).await?;
        Ok((asked, Self { usage, window, by, then, evidence }))
    }

    fn query(&self) -> UnusedQuery<'_> {
        UnusedQuery { window: self.window, by: self.by, then: self.then.as_deref() }
    }

    /// What every answer says besides.
    fn told(&self) -> Value {
        json!({
            "since": self.window.since.to_string(),
            "activity": self.evidence,
            "known_then": self.then.is_some(),
        })
    }
}

/// What was in force when the time began.
async fn known_then(
    state: &ApiState,
    connection: &ConnectionKey,
    window: UseWindow,
) -> Result<Option<Arc<Inventory>>, ApiError> {
    let Some(then) = find_state(state.store(), connection, &At::Time(window.since)).await? else {
        return Ok(None);
    };
    let loaded = state.inventories().get(state.store(), &then).await;
    loaded.map(Some).map_err(|error| ApiError::Private(Box::new(error)))
}

impl Asked {
    /// What is known of the use of a connection now.
    pub(super) async fn usage(&self, state: &ApiState) -> Result<Usage, ApiError> {
        Ok(Usage::load(state.store(), &self.connection, &self.inventory).await?)
    }
}
