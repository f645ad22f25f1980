//! Connections that a person authorizes, and how web hooks get their access token (fides-api 3.6).

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use connections::{AuthorizeRefused, Authorized, GrantMode, GrantRefused, Returned, Trial};
use crypto::Secret;
use http::header::{CACHE_CONTROL, HOST, REFERER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;
use utoipa::{IntoParams, ToSchema};

use super::{ConnectionTestReply, SecretQuery};
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::problems::invalid_list;
use crate::query::Query;
use crate::state::ApiState;

/// Where a person agrees that a connection may be used.
#[utoipa::path(
    get,
    path = "/connection/{key}/authorize",
    tag = "Connections",
    operation_id = "connection_authorize",
    security(("oauth2" = ["connection:authorize"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = String), (status = 400), (status = 404), (status = 422))
)]
pub(super) async fn authorize(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Json<String>, ApiError> {
    let return_to = origin_of_console(&state, &headers);
    let url = state.connections().authorize_begin(&key, return_to, caller.actor).await?;
    Ok(Json(url.into()))
}

/// What the vendor's site sends a person back with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Callback {
    /// What they were sent away with.
    state: String,
    /// Good for one token.
    code: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// The same for people.
    error_description: Option<String>,
}

/// Takes back a person whom `GET /connection/{key}/authorize` sent away, and tries the connection.
#[utoipa::path(
    get,
    path = "/oauth/callback",
    tag = "Connections",
    operation_id = "oauth_callback",
    security(()),
    params(Callback),
    responses(
        (status = 200, content_type = "text/plain", body = String),
        (status = 303),
        (status = 400),
        (status = 404),
        (status = 422)
    )
)]
pub(super) async fn callback(
    State(state): State<ApiState>,
    Query(callback): Query<Callback>,
) -> Result<Response, ApiError> {
    let authorized = state.connections().authorize_finish(returned(callback)?).await?;
    let mut response = match back(&authorized) {
        Some(url) => Redirect::to(&url).into_response(),
        None => said(&authorized.trial).into_response(),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// How the calls of a web hook get their access token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body in the document")]
pub(super) struct GrantInput {
    /// `client_credentials`.
    #[schema(default = "client_credentials")]
    grant_type: Option<String>,
    /// Where it is asked for.
    token_url: String,
    /// What it is asked for.
    scope: Option<String>,
    /// Who asks.
    client_id: String,
    /// Proves it; is not shown again.
    client_secret: String,
}

/// Sets how the calls of a web hook get their access token.
#[utoipa::path(
    put,
    path = "/connection/{key}/oauth",
    tag = "Connections",
    operation_id = "connection_oauth_put",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection"), SecretQuery),
    request_body = GrantInput,
    responses((status = 200, body = ConnectionTestReply), (status = 404), (status = 422))
)]
pub(super) async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<SecretQuery>,
    Body(sent): Body<Map<String, Value>>,
) -> Result<Json<ConnectionTestReply>, ApiError> {
    keep(&state, (caller, &key), (sent, GrantMode::Replace, query)).await
}

/// Changes how the calls of a web hook get their access token; what is not sent stays.
#[utoipa::path(
    patch,
    path = "/connection/{key}/oauth",
    tag = "Connections",
    operation_id = "connection_oauth_patch",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection"), SecretQuery),
    request_body = Object,
    responses((status = 200, body = ConnectionTestReply), (status = 404), (status = 422))
)]
pub(super) async fn patch(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<SecretQuery>,
    Body(sent): Body<Map<String, Value>>,
) -> Result<Json<ConnectionTestReply>, ApiError> {
    keep(&state, (caller, &key), (sent, GrantMode::Merge, query)).await
}

/// Forgets how the calls of a web hook get their access token.
#[utoipa::path(
    delete,
    path = "/connection/{key}/oauth",
    tag = "Connections",
    operation_id = "connection_oauth_remove",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 204), (status = 404), (status = 422))
)]
pub(super) async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.connections().grant_remove(&key, caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn keep(
    state: &ApiState,
    (caller, key): (Caller, &str),
    (sent, mode, query): (Map<String, Value>, GrantMode, SecretQuery),
) -> Result<Json<ConnectionTestReply>, ApiError> {
    let key = state.connections().grant_put(key, (sent, mode), caller.actor).await?;
    let msg = format!("OAuth2 configuration updated for ConnectionConfig with key: {key}.");
    let trial = if query.is_wanted() { Some(state.connections().test(&key).await?) } else { None };
    Ok(Json(ConnectionTestReply::of(msg, trial)))
}

fn returned(callback: Callback) -> Result<Returned, ApiError> {
    let code = match (callback.code.filter(|code| !code.is_empty()), callback.error) {
        (_, Some(error)) => Err(line(&error, callback.error_description.as_deref())),
        (Some(code), None) => Ok(Secret::new(code)),
        (None, None) => {
            return Err(ApiError::invalid("missing", vec![json!("query"), json!("code")], "Field required"));
        }
    };
    Ok(Returned { state: Secret::new(callback.state), code })
}

/// What the vendor says, short and on one line.
fn line(error: &str, description: Option<&str>) -> String {
    const LONGEST: usize = 200;
    let whole = match description {
        Some(description) => format!("{error}: {description}"),
        None => error.to_owned(),
    };
    whole.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// Where the caller's console is, if it may call this server: nobody is sent anywhere else.
fn origin_of_console(state: &ApiState, headers: &HeaderMap) -> Option<String> {
    let referer = Url::parse(headers.get(REFERER)?.to_str().ok()?).ok()?;
    let origin = referer.origin().ascii_serialization();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = referer.host_str().map(|name| match referer.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    });
    let is_own = authority.is_some() && authority.as_deref() == host;
    let is_listed = state.settings().cors_origins.contains(&origin);
    (matches!(referer.scheme(), "http" | "https") && (is_own || is_listed)).then_some(origin)
}

/// The page of the console that the person came from, with the result.
fn back(authorized: &Authorized) -> Option<String> {
    let mut url = Url::parse(authorized.return_to.as_deref()?).ok()?;
    match &authorized.system_key {
        Some(system) => url.path_segments_mut().ok()?.extend(["systems", "configure", system]),
        None => url.path_segments_mut().ok()?.extend(["integrations", authorized.connection.as_str()]),
    };
    let status = if is_success(&authorized.trial) { "succeeded" } else { "failed" };
    url.query_pairs_mut().append_pair("status", status);
    Some(url.into())
}

fn is_success(trial: &Trial) -> bool {
    matches!(trial, Trial::Succeeded | Trial::Skipped)
}

fn said(trial: &Trial) -> String {
    match trial {
        Trial::Succeeded | Trial::Skipped => {
            "The connection is authorized, and its test succeeded. You may close this page.".to_owned()
        }
        Trial::Failed(reason) => format!("The connection is authorized, and its test failed: {reason}"),
    }
}

impl From<AuthorizeRefused> for ApiError {
    fn from(error: AuthorizeRefused) -> Self {
        match error {
            AuthorizeRefused::NoConnection | AuthorizeRefused::UnknownState => {
                Self::NotFound(error.to_string())
            }
            AuthorizeRefused::NoConnectorFile
            | AuthorizeRefused::NoAuthentication
            | AuthorizeRefused::OtherAuthentication
            | AuthorizeRefused::Stale(_) => Self::Unprocessable(error.to_string()),
            AuthorizeRefused::Denied { .. } | AuthorizeRefused::Failed(_) => {
                Self::BadRequest(error.to_string())
            }
            AuthorizeRefused::Store(error) => error.into(),
        }
    }
}

impl From<GrantRefused> for ApiError {
    fn from(error: GrantRefused) -> Self {
        match error {
            GrantRefused::NoConnection { .. } | GrantRefused::NoGrant => Self::NotFound(error.to_string()),
            GrantRefused::NoWebHook => Self::Unprocessable(error.to_string()),
            GrantRefused::Invalid(problems) => invalid_list(&[json!("body")], &problems),
            GrantRefused::Store(error) => error.into(),
        }
    }
}
