//! The page that a link in a message leads to: the data of a person, once, locked with a password that
//! they choose. Opening the page uses nothing up: programs that look at links in mail do that, too.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use crypto::Secret;
use http::header::{CACHE_CONTROL, REFERRER_POLICY};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use store::Actor;
use utoipa::{IntoParams, ToSchema};

use super::download::{fits, sent};
use super::form::Form;
use super::kept::{Found, locked, packages_of};
use super::page::{Page, View};
use super::{Browser, is_there};
use crate::ApiError;
use crate::address::Address;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(open, fetch))
}

const USED: &str = "This link was used, or is too old. With the number of your request you can come back.";
const LATER: &str = "Your data cannot be fetched now. Try it again in a while; the link stays good.";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Link {
    /// What the link holds; good for one download.
    #[serde(default)]
    token: String,
}

/// What a download needs.
#[derive(Deserialize, ToSchema)]
struct Wanted {
    /// What the link holds.
    token: String,
    /// At least twelve characters.
    password: String,
}

/// The page of a link to one's data.
#[utoipa::path(
    get,
    path = "/portal/package",
    tag = "Portal",
    params(Link),
    security(()),
    responses((status = 200, body = String, content_type = "text/html"), (status = 404), (status = 429))
)]
async fn open(
    State(state): State<ApiState>,
    address: Address,
    headers: HeaderMap,
    Query(link): Query<Link>,
) -> Result<Response, ApiError> {
    is_there(&state)?;
    state.public_calls().take(&address.name())?;
    let browser = Browser::of(&headers, &state);
    let is_good = state.store().download_find(&link.token).await?.is_some();
    let view = View::Package { token: link.token, is_good };
    let page = Page::new(&state, &browser, view);
    let page = if is_good { page } else { page.with(USED) };
    let mut response = browser.reply(page, &state);
    // The address holds the token.
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Download the data that a link stands for, locked with a password.
#[utoipa::path(
    post,
    path = "/portal/package",
    tag = "Portal",
    security(()),
    request_body(content = Wanted, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "An archive with AES-256", content_type = "application/zip"),
        (status = 403), (status = 404), (status = 422), (status = 429), (status = 503)
    )
)]
async fn fetch(State(state): State<ApiState>, form: Form<Wanted>) -> Result<Response, ApiError> {
    is_there(&state)?;
    let Wanted { token, password } = form.sent;
    let page = |is_good, note| {
        let view = View::Package { token: token.clone(), is_good };
        Page::new(&state, &form.browser, view).with(note)
    };
    let refused = |is_good, note| Ok((StatusCode::UNPROCESSABLE_ENTITY, page(is_good, note)).into_response());
    let later = || Ok((StatusCode::SERVICE_UNAVAILABLE, page(true, LATER)).into_response());
    let Some(download) = state.store().download_find(&token).await? else { return refused(false, USED) };
    if !fits(&password) {
        return refused(true, "Choose a password of 12 to 200 characters.");
    }
    let request = state.requests().get_live(&download.request).await?;
    let packages = match packages_of(&state, &request, download.rule.as_deref()).await? {
        Found::Packages(packages) => packages,
        Found::Unreachable => return later(),
    };
    if packages.is_empty() {
        return refused(false, "The data are not kept any more. You can ask for them again.");
    }
    // Locked before it counts: a failure takes nobody's link away.
    let Some(file) = locked(&request.id, packages, Secret::new(password)).await? else { return later() };
    if state.store().download_take(&token, Actor::system()).await?.is_none() {
        return refused(false, USED);
    }
    Ok(sent(&request.id, file))
}
