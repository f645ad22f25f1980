//! The data of a person, for that person: locked with a password that they choose, once for each code.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use crypto::Secret;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use model::PrivacyRequestId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::form::Form;
use super::kept::{Found, locked, packages_of};
use super::page::{Page, View};
use super::{is_there, page_of, seen};
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::file_body::file_body;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(download))
}

const SHORTEST: usize = 12;
const LONGEST: usize = 200;
const NOTHING: &str = "There is nothing to download here; show that the address is yours first.";
const USED: &str = "This code has been used to download the data. Have another one sent.";

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
        (status = 403), (status = 404), (status = 422), (status = 429), (status = 503)
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
    let seen = seen(&state, &form.browser, &id).await?;
    let Some((request, visit)) = seen.filter(|(_, visit)| visit.verified_at.is_some()) else {
        return refused(NOTHING).await;
    };
    // Nothing is read for a code that was used: that is looked at again when it counts.
    if visit.downloaded_at.is_some() {
        return refused(USED).await;
    }
    let later = || {
        let view = View::shown((&request, visit), &Found::Unreachable);
        let page = Page::new(&state, &form.browser, view);
        Ok((StatusCode::SERVICE_UNAVAILABLE, page).into_response())
    };
    let packages = match packages_of(&state, &request, None).await? {
        Found::Packages(packages) if packages.is_empty() => return refused(NOTHING).await,
        Found::Packages(packages) => packages,
        Found::Unreachable => return later(),
    };
    // Locked before it counts: a failure takes nobody's download away.
    let password = Secret::new(form.sent.password.clone());
    let Some(locked) = locked(&request.id, packages, password).await? else { return later() };
    if !state.store().portal_visit_download(&form.browser.hash(), &request.id).await? {
        return refused(USED).await;
    }
    Ok(sent(&request.id, locked))
}

/// Whether a password is one that data are locked with.
pub(super) fn fits(password: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&password.chars().count())
}

/// A locked package as a download.
pub(super) fn sent(request: &PrivacyRequestId, locked: std::fs::File) -> Response {
    let name = format!("attachment; filename=\"{request}.zip\"");
    let headers = [(CONTENT_TYPE, "application/zip".to_owned()), (CONTENT_DISPOSITION, name)];
    (headers, file_body(tokio::fs::File::from_std(locked))).into_response()
}
