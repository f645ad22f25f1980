//! The data of a person, for that person: locked with a password that they choose, once for each code.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use crypto::Secret;
use futures::stream::try_unfold;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use privacy::package::lock;
use privacy::storage::{self, PackageRecord, RecordedPlace};
use serde::Deserialize;
use store::{PrivacyRequest, PrivacyRequestStatus};
use tokio::io::AsyncReadExt as _;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::form::Form;
use super::{is_there, page_of, seen};
use crate::ApiError;
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
        (status = 403), (status = 404), (status = 422)
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
    let length = form.sent.password.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return refused("Choose a password of 12 to 200 characters.").await;
    }
    let found = match seen(&state, &form.browser, &id).await? {
        Some((request, visit)) if visit.verified_at.is_some() => {
            package_of(&state, &request).await?.map(|package| (request, package))
        }
        Some(_) | None => None,
    };
    let Some((request, package)) = found else {
        return refused("There is nothing to download here; show that the address is yours first.").await;
    };
    let RecordedPlace::File { file } = package.place else {
        return refused("Your data are sent to you in another way.").await;
    };
    // Locked before it counts: a failure takes nobody's download away.
    let password = Secret::new(form.sent.password.clone());
    let locked = tokio::task::spawn_blocking(move || lock(&file, &password)).await;
    let locked = locked.map_err(|error| ApiError::Private(Box::new(error)))?;
    let locked = locked.map_err(|error| ApiError::Private(Box::new(error)))?;
    if !state.store().portal_visit_download(&form.browser.hash(), &request.id).await? {
        return refused("This code has been used to download the data. Have another one sent.").await;
    }
    let name = format!("attachment; filename=\"{}.zip\"", request.id);
    let headers = [(CONTENT_TYPE, "application/zip".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, stream(tokio::fs::File::from_std(locked))).into_response())
}

/// The newest package of a request that can still be fetched.
pub(super) async fn package_of(
    state: &ApiState,
    request: &PrivacyRequest,
) -> Result<Option<PackageRecord>, ApiError> {
    if request.status != PrivacyRequestStatus::Complete {
        return Ok(None);
    }
    let (folder, begins) = (state.packages().data.clone(), format!("{}-", request.id));
    let records = tokio::task::spawn_blocking(move || storage::list(&folder)).await;
    let records = records.map_err(|error| ApiError::Private(Box::new(error)))?;
    let records = records.map_err(|error| ApiError::Private(Box::new(error)))?;
    let now = state.clock().now();
    Ok(records.into_iter().rev().find(|one| one.name.starts_with(&begins) && one.expires_at > now))
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
