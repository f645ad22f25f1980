//! Accounts of strangers (governance ACC-8).

use axum::Json;
use axum::extract::{Path, State};
use governance::inventory::{External, TrustedDomains};
use governance::number::ResourceNumber;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::ask::{AsOf, Asked, page, request, wrong};
use super::owners::add;
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(external))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExternalQuery {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// In the state that an answer named, in place of `at`.
    state: Option<String>,
    /// A domain of the company's; once for each. What is below one is trusted as well.
    #[serde(default)]
    trusted: Vec<String>,
    /// What `next` of the page before says.
    cursor: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said.
    limit: Option<usize>,
}

/// Accounts whose address is at none of the trusted domains; then, without a `domain`, those that have no address.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/external",
    tag = "Access",
    operation_id = "access_external",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), ExternalQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn external(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<ExternalQuery>,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::of(&state, &key, AsOf::of(&query.at, &query.state)).await?;
    let request = request(query.cursor.as_deref(), query.limit)?;
    if query.trusted.is_empty() {
        return Err(wrong("trusted", "name a domain of the company's, as in `example.com`"));
    }
    let trusted = TrustedDomains::new(query.trusted.iter().map(String::as_str));
    let trusted = trusted.map_err(|error| wrong("trusted", &error.to_string()))?;
    let answer = asked.answer(move |inventory| {
        let found = External::find(inventory, &trusted);
        let strangers = found.external.iter().map(|one| one.account);
        let all: Vec<ResourceNumber> = strangers.chain(found.without_address.iter().copied()).collect();
        let chosen = inventory.page_of(&all, &request)?;
        let rows = chosen.items.iter().map(|account| {
            // They stand by their numbers.
            let place = found.external.binary_search_by_key(account, |one| one.account).ok();
            let domain = place.and_then(|place| found.external.get(place)).map(|one| one.domain.as_str());
            json!({ "account": inventory.account(*account), "domain": domain })
        });
        let mut answer = page(&chosen, rows);
        let (external, unknown) = (found.external.len(), found.without_address.len());
        add(
            &mut answer,
            json!({ "external": external, "without_address": unknown, "trusted": found.trusted }),
        );
        Ok(answer)
    });
    answer.await.map(Json)
}
