//! Whose accounts are, which have nobody, and which are of people who left (governance 7).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use governance::inventory::{AccountQuery, AccountSort, LeaverAccount, Leavers, Orphans, PageRequest};
use governance::number::ResourceNumber;
use serde::Serialize;
use serde_json::{Value, json};

use super::ask::{AsOf, Asked, page, request};
use super::people::{PeopleInput, PeopleQuery, Personnel, SentPeople};
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

/// Most grants that are told of one account; `what` tells all.
const MOST_ACCESS: usize = 100;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(owners, owners_among))
        .routes(routes!(orphans, orphans_among))
        .routes(routes!(leavers, leavers_among))
}

/// Whose each account is among the people of another connection, by what it was matched, and who nearly fits.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/owner",
    tag = "Access",
    operation_id = "access_owners",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), PeopleQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn owners(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<PeopleQuery>,
) -> Result<Json<Value>, ApiError> {
    tell_owners(&state, &key, (query, SentPeople::nothing())).await
}

/// The same among people who are sent along, as CSV or in JSON with owners that were said by hand. Nothing of them is
/// kept.
#[utoipa::path(
    post,
    path = "/connection/{key}/access/owner",
    tag = "Access",
    operation_id = "access_owners_among",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), PeopleQuery),
    request_body(content((PeopleInput = "application/json"), (String = "text/csv"))),
    responses((status = 200, body = Object), (status = 404), (status = 413), (status = 415), (status = 422))
)]
async fn owners_among(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<PeopleQuery>,
    sent: SentPeople,
) -> Result<Json<Value>, ApiError> {
    tell_owners(&state, &key, (query, sent)).await
}

/// Accounts without an owner, or whose owners are gone, among the people of another connection. Those of programs
/// come last.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/orphan",
    tag = "Access",
    operation_id = "access_orphans",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), PeopleQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn orphans(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<PeopleQuery>,
) -> Result<Json<Value>, ApiError> {
    tell_orphans(&state, &key, (query, SentPeople::nothing())).await
}

/// The same among people who are sent along, as CSV or in JSON with owners that were said by hand. Nothing of them is
/// kept.
#[utoipa::path(
    post,
    path = "/connection/{key}/access/orphan",
    tag = "Access",
    operation_id = "access_orphans_among",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), PeopleQuery),
    request_body(content((PeopleInput = "application/json"), (String = "text/csv"))),
    responses((status = 200, body = Object), (status = 404), (status = 413), (status = 415), (status = 422))
)]
async fn orphans_among(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<PeopleQuery>,
    sent: SentPeople,
) -> Result<Json<Value>, ApiError> {
    tell_orphans(&state, &key, (query, sent)).await
}

/// Accounts that work of people of another connection who are gone there, and what those accounts hold. Those of which
/// it is not certain (`several_fit`, `no_owner`) come last.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/leaver",
    tag = "Access",
    operation_id = "access_leavers",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), PeopleQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn leavers(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<PeopleQuery>,
) -> Result<Json<Value>, ApiError> {
    tell_leavers(&state, &key, (query, SentPeople::nothing())).await
}

/// The same among people who are sent along, as CSV with the column `status` or `last day`, or in JSON with owners that
/// were said by hand. Nothing of them is kept.
#[utoipa::path(
    post,
    path = "/connection/{key}/access/leaver",
    tag = "Access",
    operation_id = "access_leavers_among",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), PeopleQuery),
    request_body(content((PeopleInput = "application/json"), (String = "text/csv"))),
    responses((status = 200, body = Object), (status = 404), (status = 413), (status = 415), (status = 422))
)]
async fn leavers_among(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<PeopleQuery>,
    sent: SentPeople,
) -> Result<Json<Value>, ApiError> {
    tell_leavers(&state, &key, (query, sent)).await
}

/// What is needed to answer.
struct Question {
    asked: Asked,
    personnel: Personnel,
    request: PageRequest,
}

impl Question {
    async fn of(
        state: &ApiState,
        key: &str,
        (query, sent): (PeopleQuery, SentPeople),
    ) -> Result<Self, ApiError> {
        let asked = Asked::of(state, key, AsOf::of(&query.at, &query.state)).await?;
        let request = request(query.cursor.as_deref(), query.limit)?;
        Ok(Self { asked, personnel: Personnel::of(state, &query, sent).await?, request })
    }
}

async fn tell_owners(
    state: &ApiState,
    key: &str,
    asked: (PeopleQuery, SentPeople),
) -> Result<Json<Value>, ApiError> {
    let Question { asked, personnel, request } = Question::of(state, key, asked).await?;
    let answer = asked.answer(move |inventory| {
        personnel.answer(inventory, |matched, _| {
            let all = AccountQuery { sort: AccountSort::Id, ..AccountQuery::default() };
            let found = inventory.list_accounts(&all, &request)?;
            Ok(page(&found, found.items.iter().map(|account| matched.owner(*account))))
        })
    });
    answer.await.map(Json)
}

async fn tell_orphans(
    state: &ApiState,
    key: &str,
    asked: (PeopleQuery, SentPeople),
) -> Result<Json<Value>, ApiError> {
    let Question { asked, personnel, request } = Question::of(state, key, asked).await?;
    let answer = asked.answer(move |inventory| {
        personnel.answer(inventory, |matched, _| {
            let Orphans { orphans, machines, owned, deleted } = matched.orphans();
            let all: Vec<ResourceNumber> = orphans.iter().chain(&machines).map(|one| one.account).collect();
            let found = inventory.page_of(&all, &request)?;
            let mut answer = page(&found, found.items.iter().map(|account| matched.owner(*account)));
            let counts = json!({
                "orphans": orphans.len(), "machines": machines.len(), "owned": owned, "deleted": deleted,
            });
            add(&mut answer, counts);
            Ok(answer)
        })
    });
    answer.await.map(Json)
}

async fn tell_leavers(
    state: &ApiState,
    key: &str,
    asked: (PeopleQuery, SentPeople),
) -> Result<Json<Value>, ApiError> {
    let Question { asked, personnel, request } = Question::of(state, key, asked).await?;
    let answer = asked.answer(move |inventory| {
        personnel.answer(inventory, |matched, people| {
            if !people.tells_gone() {
                return Err(ApiError::Unprocessable(
                    "the list of people does not tell who is gone; it needs a column `status` or `last day`"
                        .to_owned(),
                ));
            }
            let found = matched.leavers();
            let certain = certain(&found);
            let near = found.near.iter().map(|(account, _)| *account);
            let all: Vec<ResourceNumber> = certain.keys().copied().chain(near).collect();
            let chosen = inventory.page_of(&all, &request)?;
            let rows: Vec<Value> = chosen
                .items
                .iter()
                .map(|account| {
                    let mut row = told(&matched.owner(*account))?;
                    let holds = certain.get(account).map(|one| one.holds.as_slice()).unwrap_or_default();
                    let shown = holds.get(..MOST_ACCESS).unwrap_or(holds);
                    let access = told(&matched.access(shown))?;
                    add(&mut row, json!({ "access": access, "more_access": shown.len() < holds.len() }));
                    Ok(row)
                })
                .collect::<Result<_, ApiError>>()?;
            let mut answer = page(&chosen, rows);
            let counts = json!({
                "leavers": found.leavers.len(), "accounts": certain.len(),
                "near": found.near.len(), "without_access": found.without_access,
            });
            add(&mut answer, counts);
            Ok(answer)
        })
    });
    answer.await.map(Json)
}

/// The accounts that are of leavers for certain; one of several people is there once.
fn certain(found: &Leavers) -> BTreeMap<ResourceNumber, &LeaverAccount> {
    found.leavers.iter().flat_map(|leaver| &leaver.accounts).map(|one| (one.account, one)).collect()
}

fn told(view: &impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(view).map_err(|error| ApiError::Private(Box::new(error)))
}

/// Puts members into an answer.
pub(super) fn add(answer: &mut Value, members: Value) {
    if let (Value::Object(answer), Value::Object(members)) = (answer, members) {
        answer.extend(members);
    }
}
