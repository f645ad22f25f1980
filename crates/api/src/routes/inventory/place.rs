//! Where there is anything to ask, and whom a text means.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::ask::{AsOf, Asked, moment};
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(connections)).routes(routes!(principals))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ConnectionsQuery {
    /// As of this time; now, if it is not said.
    at: Option<String>,
}

/// A connection of which is known who has access.
#[derive(Serialize, ToSchema)]
struct KnownReply {
    /// Its key.
    connection: String,
    /// The state of its inventory that was in force.
    state: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PrincipalsQuery {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// In the state that an answer named, in place of `at`.
    state: Option<String>,
    /// Who: `user:7`, an address, a name.
    name: String,
}

/// List the connections of which is, or was, known who has access, by key.
#[utoipa::path(
    get,
    path = "/access",
    tag = "Access",
    operation_id = "access_connections",
    security(("oauth2" = ["access:read"])),
    params(ConnectionsQuery, Paging),
    responses((status = 200, body = PageOf<KnownReply>), (status = 422))
)]
async fn connections(
    State(state): State<ApiState>,
    Query(query): Query<ConnectionsQuery>,
    paging: Paging,
) -> Result<Json<PageOf<KnownReply>>, ApiError> {
    let at = query.at.as_deref().filter(|at| !at.is_empty()).map(|at| moment("at", at)).transpose()?;
    let mut known = Vec::new();
    for key in state.store().inventory_list().await? {
        // What is known of one that was removed stays known, and is asked by nobody.
        if state.store().connection_find(&key).await?.is_none() {
            continue;
        }
        let found = match at {
            Some(at) => state.store().inventory_state_at(&key, at).await?,
            None => state.store().inventory_state_now(&key).await?,
        };
        known.extend(
            found.map(|head| KnownReply { connection: key.to_string(), state: head.id.as_str().to_owned() }),
        );
    }
    Ok(Json(paging.of(paging.part(known), |one| one)))
}

/// Whom a text means: of a person's address all their accounts.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/principal",
    tag = "Access",
    operation_id = "access_principals",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), PrincipalsQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn principals(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<PrincipalsQuery>,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::of(&state, &key, AsOf::of(&query.at, &query.state)).await?;
    let answer = asked.answer(move |inventory| {
        let accounts = inventory.accounts_by_email(&query.name);
        let found =
            if accounts.is_empty() { vec![inventory.resolve_principal(&query.name)?] } else { accounts };
        let items = found.into_iter().map(|number| {
            json!({ "principal": inventory.resource_ref(number), "account": inventory.account(number) })
        });
        Ok(json!({ "items": items.collect::<Vec<_>>() }))
    });
    answer.await.map(Json)
}
