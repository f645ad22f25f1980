//! The page on which people make requests about themselves, and see how far they are. Outside `/api/v1`;
//! there only if `portal.enabled` says so.
//!
//! Nobody signs in. A browser holds a cookie; the request that it makes may be seen with it. Anything of
//! the person is shown only after a code that was sent to them was given back in the same browser.

mod download;
mod form;
mod kept;
mod package;
mod page;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use crypto::{AccessToken, Secret};
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use model::{Identities, PrivacyRequestId};
use privacy::request::{NewRequest, RequestError, Submitter};
use serde::Deserialize;
use store::{PortalEntry, PortalVisit, PrivacyRequest};
use utoipa::ToSchema;

use self::form::Form;
use self::page::{Page, View};
use crate::ApiError;
use crate::address::Address;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::session::{Cookie, csrf_token};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(intake))
        .routes(routes!(style))
        .routes(routes!(find))
        .routes(routes!(make))
        .routes(routes!(show))
        .routes(routes!(send_code))
        .routes(routes!(verify))
        .merge(download::routes())
        .merge(package::routes())
}

/// Where requests of this page come from.
const SOURCE: &str = "Privacy Center";
/// How long a browser may see a request that it made.
const MADE_LIFE: std::time::Duration = std::time::Duration::from_hours(24);
/// How long it may see, and fetch, what it gave a code for.
const VERIFIED_LIFE: std::time::Duration = std::time::Duration::from_mins(30);

/// The browser of somebody who looks after their own requests.
pub(super) struct Browser {
    token: String,
    is_new: bool,
}

impl Browser {
    /// The one that calls; a new token if it brings none.
    fn of(headers: &HeaderMap, state: &ApiState) -> Self {
        match Cookie::Portal.find(headers, state) {
            Some(token) => Self { token, is_new: false },
            None => Self::new(),
        }
    }

    fn new() -> Self {
        Self { token: AccessToken::random().text().expose().clone(), is_new: true }
    }

    fn hash(&self) -> [u8; 32] {
        AccessToken::hash_of(&self.token)
    }

    /// What its forms send along.
    fn form(&self) -> String {
        csrf_token(&self.token)
    }

    /// A reply to it, with its cookie if that is new.
    fn reply(&self, reply: impl IntoResponse, state: &ApiState) -> Response {
        let mut response = reply.into_response();
        if self.is_new {
            let age = i64::try_from(MADE_LIFE.as_secs()).unwrap_or(i64::MAX);
            response.headers_mut().insert(SET_COOKIE, Cookie::Portal.set(state, Some((&self.token, age))));
        }
        response
    }
}

/// The page on which people make requests about themselves.
#[utoipa::path(
    get,
    path = "/portal",
    tag = "Portal",
    security(()),
    responses((status = 200, body = String, content_type = "text/html"), (status = 404))
)]
async fn intake(State(state): State<ApiState>, headers: HeaderMap) -> Result<Response, ApiError> {
    is_there(&state)?;
    let browser = Browser::of(&headers, &state);
    let page = Page::new(&state, &browser, View::Intake { policies: page::policies(&state).await? });
    Ok(browser.reply(page, &state))
}

/// The style of the portal's pages.
#[utoipa::path(
    get,
    path = "/portal/portal.css",
    tag = "Portal",
    security(()),
    responses((status = 200, body = String, content_type = "text/css"), (status = 404))
)]
async fn style(State(state): State<ApiState>) -> Result<impl IntoResponse, ApiError> {
    is_there(&state)?;
    Ok(([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("portal/portal.css")))
}

/// The number of a request.
#[derive(Debug, Deserialize, ToSchema)]
struct Number {
    /// As the person typed it.
    id: String,
}

/// Go to the page of a request.
#[utoipa::path(
    get,
    path = "/portal/find",
    tag = "Portal",
    params(("id" = String, Query)),
    security(()),
    responses((status = 303), (status = 404), (status = 422))
)]
async fn find(State(state): State<ApiState>, Query(number): Query<Number>) -> Result<Redirect, ApiError> {
    is_there(&state)?;
    let id: Result<PrivacyRequestId, _> = number.id.trim().parse();
    Ok(match id {
        Ok(id) => Redirect::to(&format!("/portal/request/{id}")),
        Err(_) => Redirect::to("/portal"),
    })
}

/// A request as it is made on the page.
#[derive(Debug, Deserialize, ToSchema)]
struct IntakeForm {
    /// Key of a policy that is offered.
    policy: String,
    /// Whom it is about.
    email: String,
    /// Where they live.
    #[serde(default)]
    location: String,
}

/// Make a request on the page.
#[utoipa::path(
    post,
    path = "/portal/request",
    tag = "Portal",
    security(()),
    request_body(content = IntakeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303), (status = 403), (status = 404), (status = 422))
)]
async fn make(State(state): State<ApiState>, form: Form<IntakeForm>) -> Result<Response, ApiError> {
    is_there(&state)?;
    let browser = form.browser;
    let sent = form.sent;
    let offered = page::policies(&state).await?;
    let email = sent.email.trim();
    let note = if !offered.iter().any(|policy| policy.key == sent.policy) {
        Some("Choose what you ask for.")
    } else if !page::is_place(&sent.location) {
        Some("Choose where you live from the list.")
    } else if !is_address(email) {
        Some("That is no e-mail address.")
    } else {
        None
    };
    if let Some(note) = note {
        let page = Page::new(&state, &browser, View::Intake { policies: offered }).with(note);
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let mut identities = Identities::default();
    let unfit = |_| ApiError::BadRequest("that is no e-mail address".to_owned());
    identities.insert("email", email.into()).map_err(unfit)?;
    let new = NewRequest {
        policy: sent.policy,
        identities,
        source: Some(SOURCE.to_owned()),
        location: Some(sent.location).filter(|place| !place.is_empty()),
        ..NewRequest::default()
    };
    let made = state.requests().create(new, Submitter::default()).await?;
    let visit = (&browser.hash(), &made.id);
    state.store().portal_visit_open(visit, PortalEntry::Made, MADE_LIFE).await?;
    Ok(Redirect::to(&format!("/portal/request/{}", made.id)).into_response())
}

/// How far a request is, for whoever made it in this browser or gave its code back.
#[utoipa::path(
    get,
    path = "/portal/request/{privacy_request_id}",
    tag = "Portal",
    params(("privacy_request_id" = String, Path)),
    security(()),
    responses((status = 200, body = String, content_type = "text/html"), (status = 404), (status = 429))
)]
async fn show(
    State(state): State<ApiState>,
    address: Address,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    is_there(&state)?;
    // It reads for whoever comes along.
    state.public_calls().take(&address.name())?;
    let browser = Browser::of(&headers, &state);
    let page = page_of(&state, &browser, &id).await?;
    Ok(browser.reply(page, &state))
}

/// A form without fields of its own.
#[derive(Debug, Deserialize, ToSchema)]
struct Nothing {}

/// Have a code sent to the address of a request. The answer is the same whether there is such a request.
#[utoipa::path(
    post,
    path = "/portal/request/{privacy_request_id}/code",
    tag = "Portal",
    params(("privacy_request_id" = String, Path)),
    security(()),
    responses((status = 200, body = String, content_type = "text/html"), (status = 403), (status = 404), (status = 429))
)]
async fn send_code(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    form: Form<Nothing>,
) -> Result<Response, ApiError> {
    is_there(&state)?;
    if let Ok(request) = id.parse::<PrivacyRequestId>() {
        // Counted before anything is looked up: the limit does not tell which requests there are.
        state.sign_ins().take(&format!("code {request}"))?;
        match state.requests().send_visit_codes(&request).await {
            Ok(()) => {}
            Err(RequestError::Store(error)) => return Err(error.into()),
            Err(error) => tracing::info!(%request, %error, "no code was sent to somebody who asked for one"),
        }
    }
    let note = "If there is such a request and its address can be written to, a code is on its way.";
    let page = page_of(&state, &form.browser, &id).await?.with(note);
    Ok(page.into_response())
}

/// The code that was sent.
#[derive(Debug, Deserialize, ToSchema)]
struct CodeForm {
    /// Six digits.
    code: String,
}

/// Give back the code that was sent to the address of a request.
#[utoipa::path(
    post,
    path = "/portal/request/{privacy_request_id}/verify",
    tag = "Portal",
    params(("privacy_request_id" = String, Path)),
    security(()),
    request_body(content = CodeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303), (status = 403), (status = 404), (status = 422))
)]
async fn verify(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    form: Form<CodeForm>,
) -> Result<Response, ApiError> {
    is_there(&state)?;
    let code = Secret::new(form.sent.code.trim().to_owned());
    let visited = match id.parse::<PrivacyRequestId>() {
        Ok(request) => match state.requests().visit(&request, &code).await {
            Ok(()) => Some(request),
            Err(RequestError::Store(error)) => return Err(error.into()),
            Err(_) => None,
        },
        Err(_) => None,
    };
    let Some(request) = visited else {
        let note = "That code is wrong, was used, or is too old. Have another one sent.";
        let page = page_of(&state, &form.browser, &id).await?.with(note);
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    // A token of its own: nobody knows it who put the old one into this browser.
    let browser = Browser::new();
    let visit = (&browser.hash(), &request);
    state.store().portal_visit_open(visit, PortalEntry::Verified, VERIFIED_LIFE).await?;
    Ok(browser.reply(Redirect::to(&format!("/portal/request/{request}")), &state))
}

/// The page of a request, as far as the browser may see it.
async fn page_of(state: &ApiState, browser: &Browser, id: &str) -> Result<Page, ApiError> {
    let view = match seen(state, browser, id).await? {
        Some((request, visit)) => View::request(state, (&request, visit)).await?,
        None => View::Unknown { id: page::shown_id(id) },
    };
    Ok(Page::new(state, browser, view))
}

/// The request, if the browser may see it.
async fn seen(
    state: &ApiState,
    browser: &Browser,
    id: &str,
) -> Result<Option<(PrivacyRequest, PortalVisit)>, ApiError> {
    let Ok(id) = id.parse::<PrivacyRequestId>() else { return Ok(None) };
    let Some(visit) = state.store().portal_visit_find(&browser.hash(), &id).await? else { return Ok(None) };
    let request = state.store().privacy_request_find(&id).await?;
    Ok(request.filter(|request| request.deleted_at.is_none()).map(|request| (request, visit)))
}

fn is_there(state: &ApiState) -> Result<(), ApiError> {
    if state.settings().configured.server.portal.enabled {
        Ok(())
    } else {
        Err(ApiError::NotFound("there is no portal here; `portal.enabled` opens one".to_owned()))
    }
}

/// Whether a text looks like an address; whether it is one, the code shows.
fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    let fits = |(name, host): (&str, &str)| !name.is_empty() && host.contains('.') && !host.contains('@');
    parts.is_some_and(fits) && text.len() <= 320 && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}
