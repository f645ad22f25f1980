//! What must not be erased, by which law, and how long.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use privacy::request::identity_lookup;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Hold, Lookup, NewHold};
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::moment::Moment;
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;
use crate::text::Text;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(lift))
}

/// A hold to be made. It is about people, about a place, or about people at a place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HoldInput {
    /// The law, or the matter, that asks for it (`HGB 257`). It stands in plans and certificates: it
    /// names no person.
    #[schema(value_type = String)]
    ground: Text,
    /// What is kept: a connection (`shop`) or a collection of it (`shop:invoices`); everything if it is
    /// not said.
    #[schema(value_type = Option<String>)]
    place: Option<Text>,
    /// When it ends by itself. What it kept is erased then.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
    /// Whom it is about, by kind of identity (`{"email": "ana@example.com"}`); everybody if it is not
    /// said.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    identities: Option<BTreeMap<String, Text>>,
}

/// A hold. Whom it is about is not told.
#[derive(Serialize, ToSchema)]
struct HoldReply {
    /// Its id.
    id: String,
    /// The law, or the matter.
    ground: String,
    /// What is kept; null: everything.
    place: Option<String>,
    /// When it ends by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Whether it is about certain people.
    of_people: bool,
    /// Who made it.
    created_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// List the holds that were not lifted, the newest first.
#[utoipa::path(
    get,
    path = "/hold",
    tag = "Holds",
    params(Paging),
    security(("oauth2" = ["policy:read"])),
    responses((status = 200, body = PageOf<HoldReply>))
)]
async fn list(State(state): State<ApiState>, paging: Paging) -> Result<Json<PageOf<HoldReply>>, ApiError> {
    let holds = state.store().hold_list(paging.window()).await?;
    Ok(Json(paging.of(holds, HoldReply::of)))
}

/// Keep data from being erased. Plans that would erase it are stopped; access is not touched.
#[utoipa::path(
    post,
    path = "/hold",
    tag = "Holds",
    security(("oauth2" = ["policy:create_or_update"])),
    request_body = HoldInput,
    responses((status = 201, body = HoldReply))
)]
async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Body(sent): Body<HoldInput>,
) -> Result<(StatusCode, Json<HoldReply>), ApiError> {
    let new = sent.checked(state.clock().now(), caller)?;
    let hold = state.store().hold_create(new).await?;
    Ok((StatusCode::CREATED, Json(HoldReply::of(hold))))
}

/// Lift a hold before its end. What it kept is erased by requests that follow.
#[utoipa::path(
    delete,
    path = "/hold/{hold_id}",
    tag = "Holds",
    params(("hold_id" = String, Path)),
    security(("oauth2" = ["policy:delete"])),
    responses((status = 204))
)]
async fn lift(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if !state.store().hold_lift(&id, caller.actor).await? {
        return Err(ApiError::NotFound(format!("No hold found with id '{id}'.")));
    }
    Ok(StatusCode::NO_CONTENT)
}

impl HoldInput {
    fn checked(self, now: Timestamp, caller: Caller) -> Result<NewHold, ApiError> {
        let wrong = |name: &str, text: &str| {
            let loc = vec![json!("body"), json!(name)];
            Err(ApiError::invalid("value_error", loc, text))
        };
        if self.ground.0.trim().is_empty() {
            return wrong("ground", "a hold needs a ground: a law, or a matter");
        }
        let until = self.until.map(|until| until.0);
        if until.is_some_and(|until| until <= now) {
            return wrong("until", "a hold ends in the future");
        }
        let place = self.place.map(|place| place.0);
        if place.as_deref().is_some_and(|place| place.trim().is_empty() || place.matches(':').count() > 1) {
            return wrong(
                "place",
                "expected a connection, as in `shop`, or a collection, as in `shop:orders`",
            );
        }
        let identities = self.identities.unwrap_or_default();
        if place.is_none() && identities.is_empty() {
            return wrong(
                "identities",
                "say whom the hold is about, or which place; else nothing could be erased",
            );
        }
        let people = identities.into_iter().map(|(kind, value)| lookup(&kind, value.0)).collect();
        Ok(NewHold { place, ground: self.ground.0, until, people, actor: caller.actor })
    }
}

fn lookup(kind: &str, value: String) -> Lookup {
    identity_lookup(kind, &Value::String(value))
}

impl HoldReply {
    fn of(hold: Hold) -> Self {
        let Hold { id, place, ground, until, of_people, created_by, created_at, lifted_at: _ } = hold;
        Self { id, ground, place, until, of_people, created_by, created_at }
    }
}
