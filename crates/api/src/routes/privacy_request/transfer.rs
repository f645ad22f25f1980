//! The rows that were found for a privacy request, for another server.

use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue};
use model::Identities;
use privacy::access::{self, AccessError, Package};
use privacy::package::Redaction;
use privacy::policy_book::PolicyBook;
use store::{PrivacyRequestStatus, StoreError};

use super::find_live;
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::file_body::file_body;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(transfer))
}

/// Fetch the rows that a rule delivers for a complete privacy request: `dataset:collection` → rows.
#[utoipa::path(
    get,
    path = "/privacy-request/transfer/{privacy_request_id}/{rule_key}",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path), ("rule_key" = String, Path)),
    security(("oauth2" = ["privacy-request:transfer"])),
    responses((status = 200, body = Object), (status = 400), (status = 404), (status = 409))
)]
async fn transfer(
    State(state): State<ApiState>,
    Path((id, rule)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let request = find_live(&state, &id).await?;
    if request.status != PrivacyRequestStatus::Complete {
        let text = format!(
            "privacy request {} is {}; its rows are there once it is complete",
            request.id,
            request.status.as_str()
        );
        return Err(ApiError::BadRequest(text));
    }
    let gone =
        || ApiError::Conflict(format!("the rows of privacy request {} are not kept any more", request.id));
    let run = request.access_run.as_ref().ok_or_else(gone)?;
    let policy = PolicyBook::new(state.store().clone()).document(&request.policy).await?.policy;
    let wanted = Package::access_rules(&policy).find(|one| one.key == rule).cloned();
    let text =
        format!("No access rule found with key '{rule}' on the policy of privacy request {}.", request.id);
    let wanted = wanted.ok_or(ApiError::NotFound(text))?;
    let outcome = access::kept(state.store(), run).await.map_err(|error| match error {
        AccessError::Store(StoreError::Forgotten { .. }) => gone(),
        AccessError::Store(error) => error.into(),
        other => ApiError::Private(Box::new(other)),
    })?;
    let service = state.service().await?;
    let (outcome, _) = access::delivered(&service, outcome);
    let brought = privacy::manual_task::brought(state.store(), &request.id).await?;
    let package = Package {
        graph: Arc::clone(&service.parts().graph),
        policy: Some(policy),
        outcome,
        identities: Identities::default(),
        made_at: state.clock().now(),
        brought: brought.rows,
        files: Vec::new(),
        not_brought: brought.not_brought,
        password: None,
        redaction: Redaction::default(),
    };
    let folder = state.packages().data.clone();
    let written = tokio::task::spawn_blocking(move || {
        // Without a name: it is gone with this process, whatever happens.
        std::fs::create_dir_all(&folder)?;
        let mut file = tempfile::tempfile_in(&folder)?;
        package.write_rows(&mut file, &wanted).map_err(std::io::Error::other)?;
        file.seek(SeekFrom::Start(0))?;
        Ok::<_, std::io::Error>(file)
    });
    let private = |error: Box<dyn std::error::Error + Send + Sync>| ApiError::Private(error);
    let file = written.await.map_err(|error| private(Box::new(error)))?;
    let file = file.map_err(|error| private(Box::new(error)))?;
    let mut response = file_body(tokio::fs::File::from_std(file)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
