//! The taxonomy: categories and uses of data, whom it is about, whose it is (fides-api 6.4).

mod kind;

use axum::Json;
use connections::TaxonomyRefused;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{PutMode, TaxonomyKind};
use utoipa::IntoParams;

use crate::ApiError;
use crate::bulk::Element;
use crate::caller::Caller;
use crate::documented::OpenApiRouter;
use crate::paging::PageOrAll;
use crate::problems::invalid_list;
use crate::routes::resource::{Removed, Upserted, already_there, not_allowed, not_there, still_used};
use crate::state::ApiState;

/// Most entries in one call.
const MOST: usize = 1000;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(kind::data_category::routes())
        .merge(kind::data_use::routes())
        .merge(kind::data_subject::routes())
        .merge(kind::organization::routes())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Part of key or name.
    search: Option<String>,
}

async fn list(
    state: &ApiState,
    kind: TaxonomyKind,
    (paging, query): (PageOrAll, ListQuery),
) -> Result<Json<Value>, ApiError> {
    let mut items = state.connections().taxonomy_list(kind).await?;
    if let Some(search) = query.search.filter(|text| !text.is_empty()) {
        let search = search.to_lowercase();
        let has = |item: &Value, member: &str| {
            item.get(member).and_then(Value::as_str).is_some_and(|text| text.to_lowercase().contains(&search))
        };
        items.retain(|item| has(item, "fides_key") || has(item, "name"));
    }
    Ok(Json(paging.of_all(items)))
}

async fn put(
    state: &ApiState,
    caller: Caller,
    (kind, document, mode): (TaxonomyKind, &Value, PutMode),
) -> Result<Json<Value>, ApiError> {
    Ok(Json(state.connections().taxonomy_put(kind, (document, mode), caller.actor).await?))
}

async fn put_all(
    state: &ApiState,
    caller: Caller,
    (kind, elements): (TaxonomyKind, Vec<Element<Value>>),
) -> Result<(StatusCode, Json<Upserted>), ApiError> {
    let sent: Vec<Value> = elements.into_iter().map(|element| element.input).collect();
    let puts = state.connections().taxonomy_put_all(kind, &sent, caller.actor).await?;
    Ok(Upserted::reply(&puts, kind.as_str()))
}

async fn remove(
    state: &ApiState,
    caller: Caller,
    (kind, key): (TaxonomyKind, &str),
) -> Result<Json<Removed>, ApiError> {
    Ok(Json(Removed::new(state.connections().taxonomy_remove(kind, key, caller.actor).await?)))
}

/// What 404 and 409 call it.
fn type_of(kind: TaxonomyKind) -> &'static str {
    match kind {
        TaxonomyKind::DataCategory => "DataCategory",
        TaxonomyKind::DataUse => "DataUse",
        TaxonomyKind::DataSubject => "DataSubject",
        TaxonomyKind::Organization => "Organization",
    }
}

impl From<TaxonomyRefused> for ApiError {
    fn from(error: TaxonomyRefused) -> Self {
        let text = error.to_string();
        match error {
            TaxonomyRefused::Absent { kind, key } => not_there(type_of(kind), &key),
            TaxonomyRefused::Exists { kind, key } => already_there(type_of(kind), &key),
            TaxonomyRefused::Default { kind, key } => not_allowed(&text, type_of(kind), &key),
            TaxonomyRefused::InUse { kind, key, .. } => still_used(&text, type_of(kind), &key),
            TaxonomyRefused::Invalid(problems) => invalid_list(&[json!("body")], &problems),
            TaxonomyRefused::Store(error) => error.into(),
        }
    }
}
