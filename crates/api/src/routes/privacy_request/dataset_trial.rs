//! What came of a trial run on one dataset.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use model::Row;
use privacy::dataset_trial;
use serde::Serialize;
use store::{DatasetTrial, DatasetTrialLog};
use utoipa::ToSchema;

use super::find;
use crate::ApiError;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::routes::dataset::tools_on;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(filtered_results)).routes(routes!(logs))
}

/// What a trial found.
#[derive(Serialize, ToSchema)]
struct FilteredResults {
    /// The trial.
    privacy_request_id: String,
    /// `pending`, `in_processing`, `complete` or `error`.
    status: &'static str,
    /// `dataset:collection` → rows, as far as the policy delivers them.
    #[schema(value_type = Object)]
    results: Row,
    /// Whether rows were left out because a trial reads and keeps only so many.
    truncated: bool,
}

/// An entry of a trial's log.
#[derive(Debug, Serialize, ToSchema)]
struct TrialLogReply {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// `INFO`, `WARNING` or `ERROR`.
    level: &'static str,
    /// The collection, or `trial`.
    module_info: String,
    /// What happened.
    message: String,
}

impl From<DatasetTrialLog> for TrialLogReply {
    fn from(log: DatasetTrialLog) -> Self {
        let DatasetTrialLog { at, level, place, message } = log;
        Self { timestamp: at, level: level.as_str(), module_info: place, message }
    }
}

/// Show what a trial run on a dataset found, once it has ended. Only of trials; who looked stands in the
/// audit log.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/filtered-results",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request-access-results:read"])),
    responses((status = 200, body = FilteredResults), (status = 403), (status = 404))
)]
async fn filtered_results(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<FilteredResults>, ApiError> {
    let trial = find_trial(&state, &id).await?;
    let results = match trial.ended_at {
        Some(_) => dataset_trial::found(state.store(), &trial.id, caller.actor).await?,
        None => Row::new(),
    };
    Ok(Json(FilteredResults {
        privacy_request_id: trial.id.to_string(),
        status: trial.state.as_str(),
        results,
        truncated: trial.is_cut,
    }))
}

/// List what happened in a trial run on a dataset, once it has ended. Only of trials.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/logs",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request-access-results:read"])),
    responses((status = 200, body = Vec<TrialLogReply>), (status = 403), (status = 404))
)]
async fn logs(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<Vec<TrialLogReply>>, ApiError> {
    let trial = find_trial(&state, &id).await?;
    let logs = state.store().dataset_trial_log_list(&trial.id).await?;
    Ok(Json(logs.into_iter().map(Into::into).collect()))
}

/// The trial; requests of people are refused.
async fn find_trial(state: &ApiState, id: &str) -> Result<DatasetTrial, ApiError> {
    tools_on(state)?;
    if let Ok(id) = id.parse()
        && let Some(trial) = state.store().dataset_trial_find(&id).await?
    {
        return Ok(trial);
    }
    let request = find(state, id).await?;
    Err(ApiError::Refused(format!("privacy request {} is no trial run on a dataset", request.id)))
}
