//! The data of a person, for that person: locked with a password that they choose, once for each code.

use std::path::PathBuf;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use crypto::Secret;
use futures::stream::try_unfold;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use model::PrivacyRequestId;
use privacy::package::lock;
use privacy::storage::{PackageRecord, RecordedPlace};
use serde::Deserialize;
use store::{PolicyRule, PrivacyRequest, PrivacyRequestStatus};
use tokio::io::AsyncReadExt as _;
use utoipa::ToSchema;

use super::form::Form;
use super::{is_there, page_of, seen};
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::package_record::package_records;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(download))
}

const SHORTEST: usize = 12;
const LONGEST: usize = 200;
/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// What the data are locked with.
#[derive(Deserialize, ToSchema)]
struct Password {
    /// At least twelve characters.
    password: String,
}

/// Download the data of a finished request, locked with a password.
#[utoipa::path(
    post,
    path = "/portal/request/{privacy_request_id}/download",
    tag = "Portal",
    params(("privacy_request_id" = String, Path)),
    security(()),
    request_body(content = Password, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "An archive with AES-256", content_type = "application/zip"),
        (status = 403), (status = 404), (status = 422), (status = 429)
    )
)]
async fn download(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    form: Form<Password>,
) -> Result<Response, ApiError> {
    is_there(&state)?;
    let refused = async |note| -> Result<Response, ApiError> {
        let page = page_of(&state, &form.browser, &id).await?.with(note);
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    if !fits(&form.sent.password) {
        return refused("Choose a password of 12 to 200 characters.").await;
    }
    let found = match seen(&state, &form.browser, &id).await? {
        Some((request, visit)) if visit.verified_at.is_some() => {
            let packages = packages_of(&state, &request, None).await?;
            (!packages.is_empty()).then_some((request, packages))
        }
        Some(_) | None => None,
    };
    let Some((request, packages)) = found else {
        return refused("There is nothing to download here; show that the address is yours first.").await;
    };
    let Some(files) = files(packages) else {
        return refused("Your data are sent to you in another way.").await;
    };
    // Locked before it counts: a failure takes nobody's download away.
    let locked = locked(files, Secret::new(form.sent.password.clone())).await?;
    if !state.store().portal_visit_download(&form.browser.hash(), &request.id).await? {
        return refused("This code has been used to download the data. Have another one sent.").await;
    }
    Ok(sent(&request.id, locked))
}

/// Whether a password is one that data are locked with.
pub(super) fn fits(password: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&password.chars().count())
}

/// Where packages lie, if all of them are files here.
pub(super) fn files(packages: Vec<PackageRecord>) -> Option<Vec<PathBuf>> {
    let file = |package: PackageRecord| match package.place {
        RecordedPlace::File { file } => Some(file),
        RecordedPlace::Object { .. } => None,
    };
    packages.into_iter().map(file).collect()
}

/// Packages, locked with a password.
pub(super) async fn locked(files: Vec<PathBuf>, password: Secret<String>) -> Result<std::fs::File, ApiError> {
    let locked = tokio::task::spawn_blocking(move || lock(&files, &password)).await;
    let locked = locked.map_err(|error| ApiError::Private(Box::new(error)))?;
    locked.map_err(|error| ApiError::Private(Box::new(error)))
}

/// A locked package as a download.
pub(super) fn sent(request: &PrivacyRequestId, locked: std::fs::File) -> Response {
    let name = format!("attachment; filename=\"{request}.zip\"");
    let headers = [(CONTENT_TYPE, "application/zip".to_owned()), (CONTENT_DISPOSITION, name)];
    (headers, stream(tokio::fs::File::from_std(locked))).into_response()
}

/// The packages of a request that can still be fetched: the newest of each of its access rules, or of
/// one of them.
pub(super) async fn packages_of(
    state: &ApiState,
    request: &PrivacyRequest,
    rule: Option<&str>,
) -> Result<Vec<PackageRecord>, ApiError> {
    if request.status != PrivacyRequestStatus::Complete {
        return Ok(Vec::new());
    }
    let policy = state.store().policy_find(&request.policy).await?;
    let rules = policy.map(|policy| policy.rules).unwrap_or_default().into_iter();
    let of_rule = |one: &PolicyRule| rule.is_none_or(|rule| one.key == rule);
    let names: Vec<String> =
        rules.filter(of_rule).map(|one| format!("{}-{}.zip", request.id, one.key)).collect();
    let records = package_records(state).await?;
    let now = state.clock().now();
    let newest =
        |name: &String| records.iter().rev().find(|one| one.name == *name && one.expires_at > now).cloned();
    Ok(names.iter().filter_map(newest).collect())
}

/// A file, piece by piece.
fn stream(file: tokio::fs::File) -> Body {
    Body::from_stream(try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then_some((piece, file)))
    }))
}
