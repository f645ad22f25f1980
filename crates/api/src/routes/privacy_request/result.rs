//! What was found for a privacy request: where its packages are, and fetching one.

use std::io;
use std::path::PathBuf;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use privacy::access::Package;
use privacy::policy_book::PolicyBook;
use privacy::storage::{RecordedPlace, Storage};
use privacy::storage_book::{RuleStorageError, StorageBook};
use serde::{Deserialize, Serialize};
use spec::Rule;
use store::{Actor, Download, PrivacyRequest, PrivacyRequestStatus};
use utoipa::{IntoParams, ToSchema};

use super::find;
use crate::ApiError;
use crate::address::Address;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::file_body::file_body;
use crate::package_record::package_records;
use crate::query::Query;
use crate::routes::storage::LOCAL_FOLDER;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(access_results)).routes(routes!(package, issue))
}

/// Where the packages of a request are.
#[derive(Debug, Serialize, ToSchema)]
struct AccessResults {
    /// A link for each access rule; in place of one to a folder of the server, words.
    access_result_urls: Vec<String>,
}

/// Say where the packages of a complete privacy request are.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/access-results",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request-access-results:read"])),
    responses((status = 200, body = AccessResults), (status = 400), (status = 403), (status = 404))
)]
async fn access_results(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<AccessResults>, ApiError> {
    enabled(&state)?;
    let request = find(&state, &id).await?;
    complete(&request)?;
    let mut urls = Vec::new();
    for rule in access_rules(&state, &request).await? {
        let storage = place(&state, &rule).await?;
        urls.push(
            link(&state, &storage, &name(&request, &rule)).await?.unwrap_or_else(|| LOCAL_FOLDER.to_owned()),
        );
    }
    Ok(Json(AccessResults { access_result_urls: urls }))
}

/// Which package.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct AccessPackageInput {
    /// Key of the access rule; the first one if absent.
    rule_key: Option<String>,
}

/// A link that is good once.
#[derive(Debug, Serialize, ToSchema)]
struct Link {
    /// Its path and query on this server.
    path: String,
    /// When it ends, used or not.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Make a link to the package of a complete privacy request, good once, for whoever has it.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/access-package",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request-access-results:read"])),
    request_body = Option<AccessPackageInput>,
    responses((status = 200, body = Link), (status = 400), (status = 403), (status = 404))
)]
async fn issue(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(wanted): Body<Option<AccessPackageInput>>,
) -> Result<Json<Link>, ApiError> {
    enabled(&state)?;
    let request = find(&state, &id).await?;
    complete(&request)?;
    let rules = access_rules(&state, &request).await?;
    let rule = rule(&rules, wanted.unwrap_or_default().rule_key.as_deref(), &request)?.key.clone();
    let download = Download { request: request.id.clone(), rule: Some(rule) };
    let life = state.settings().configured.server.security.subject_request_download_link_ttl;
    let issued = state.store().download_issue(&download, life, caller.actor).await?;
    let token = issued.token.text().expose();
    let path = format!("/api/v1/privacy-request/{}/access-package?token={token}", request.id);
    Ok(Json(Link { path, expires_at: issued.expires_at }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Token {
    /// What the link holds; good once.
    token: Option<String>,
}

/// Fetch the package that a link stands for: the file, or where it can be fetched until soon.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/access-package",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path), Token),
    security(()),
    responses(
        (status = 200, description = "The package", content_type = "application/zip", body = [u8]),
        (status = 302, description = "It is in a bucket: `Location` is good for five minutes"),
        (status = 400),
        (status = 401),
        (status = 403),
        (status = 404)
    )
)]
async fn package(
    State(state): State<ApiState>,
    (method, address): (Method, Address),
    Path(id): Path<String>,
    Query(query): Query<Token>,
) -> Result<Response, ApiError> {
    if method == Method::HEAD {
        return Err(ApiError::MethodNotAllowed("GET, POST".to_owned()));
    }
    state.sign_ins().take(&format!("download {}", address.name()))?;
    let not_good = || ApiError::NotSignedIn("this link was used, or has ended; ask for a new one".to_owned());
    let parsed = id.parse::<model::PrivacyRequestId>();
    let parsed = parsed.map_err(|_| ApiError::BadRequest("this is no id of a privacy request".to_owned()))?;
    let request = state.requests().get(&parsed).await?;
    complete(&request)?;
    let token = query.token.unwrap_or_default();
    let download = state.store().download_find(&token).await?.ok_or_else(not_good)?;
    if download.request != request.id {
        return Err(ApiError::Refused("this link is for another privacy request".to_owned()));
    }
    let rules = access_rules(&state, &request).await?;
    let rule = rule(&rules, download.rule.as_deref(), &request)?;
    let storage = place(&state, rule).await?;
    let response = match link(&state, &storage, &name(&request, rule)).await? {
        Some(url) => (StatusCode::FOUND, moved(&url)?).into_response(),
        None => delivered(&state, &storage, &name(&request, rule)).await?,
    };
    // Used up last, with everything at hand: what goes wrong before takes nobody's link away.
    state.store().download_take(&token, Actor::system()).await?.ok_or_else(not_good)?;
    Ok(response)
}

fn moved(url: &str) -> Result<HeaderMap, ApiError> {
    let value = HeaderValue::from_str(url).map_err(|error| ApiError::Private(Box::new(error)))?;
    Ok(HeaderMap::from_iter([(LOCATION, value)]))
}

/// Whether packages may be fetched over the API at all.
fn enabled(state: &ApiState) -> Result<(), ApiError> {
    if state.settings().configured.server.security.subject_request_download_ui_enabled {
        return Ok(());
    }
    Err(ApiError::Refused("Access results download is disabled.".to_owned()))
}

fn complete(request: &PrivacyRequest) -> Result<(), ApiError> {
    if request.deleted_at.is_some() {
        return Err(ApiError::Unprocessable(format!(
            "Privacy request with id {} has been deleted.",
            request.id
        )));
    }
    if request.status == PrivacyRequestStatus::Complete {
        return Ok(());
    }
    Err(ApiError::BadRequest(format!(
        "Access results for privacy request '{}' are not available because the request is not complete.",
        request.id
    )))
}

/// The rules that deliver something.
pub(super) async fn access_rules(state: &ApiState, request: &PrivacyRequest) -> Result<Vec<Rule>, ApiError> {
    let document = PolicyBook::new(state.store().clone()).document(&request.policy).await?;
    Ok(Package::access_rules(&document.policy).cloned().collect())
}

fn rule<'a>(rules: &'a [Rule], key: Option<&str>, request: &PrivacyRequest) -> Result<&'a Rule, ApiError> {
    let found = match key {
        Some(key) => rules.iter().find(|rule| rule.key == key),
        None => rules.first(),
    };
    let text = || format!("the policy of privacy request {} has no such access rule", request.id);
    found.ok_or_else(|| ApiError::NotFound(text()))
}

/// The name that the package was delivered under.
fn name(request: &PrivacyRequest, rule: &Rule) -> String {
    format!("{}-{}.zip", request.id, rule.key)
}

async fn place(state: &ApiState, rule: &Rule) -> Result<Storage, ApiError> {
    let book = StorageBook::new(state.store().clone());
    Ok(book.of_rule(rule, state.packages(), state.clock()).await?)
}

impl From<RuleStorageError> for ApiError {
    fn from(error: RuleStorageError) -> Self {
        match error {
            RuleStorageError::Store(error) => error.into(),
            RuleStorageError::Book(error) => error.into(),
            RuleStorageError::NoDefault { .. } => Self::Unprocessable(error.to_string()),
            RuleStorageError::Storage(error) => Self::Private(Box::new(error)),
        }
    }
}

/// How long a link to a bucket is good for whom it is sent to at once.
const SOON: SignedDuration = SignedDuration::from_mins(5);

/// A link to the package in a bucket; none to one in a folder.
async fn link(state: &ApiState, storage: &Storage, name: &str) -> Result<Option<String>, ApiError> {
    let until = state.clock().now().saturating_add(SOON).unwrap_or(Timestamp::MAX);
    let link = storage.link(name, until).await.map_err(|error| ApiError::Private(Box::new(error)))?;
    Ok(link.map(|link| link.url.expose().clone()))
}

/// The package out of a folder of this server.
async fn delivered(state: &ApiState, storage: &Storage, name: &str) -> Result<Response, ApiError> {
    let file = recorded(state, storage.key(), name).await?;
    let gone = || ApiError::NotFound("the package is not there any more; make a new request".to_owned());
    let file = match tokio::fs::File::open(file.ok_or_else(gone)?).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(gone()),
        Err(error) => return Err(ApiError::Private(Box::new(error))),
    };
    let mut response = file_body(file).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename={name}")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// The file of a package that has not expired.
async fn recorded(state: &ApiState, storage: &str, name: &str) -> Result<Option<PathBuf>, ApiError> {
    let now = state.clock().now();
    let newest = package_records(state)
        .await?
        .into_iter()
        .rev()
        .find(|record| record.storage == storage && record.name == name && record.expires_at > now);
    Ok(newest.and_then(|record| match record.place {
        RecordedPlace::File { file } => Some(file),
        RecordedPlace::Object { .. } => None,
    }))
}
