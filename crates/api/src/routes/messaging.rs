//! What messages are sent with, and what they say.

mod default;
mod input;
mod template;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use messages::{FieldProblem, ServiceError, TestOutcome};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{MessagePerson, MessagingConfig, MessagingService};
use utoipa::ToSchema;

use self::input::{MessagingInput, secrets};
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;
use crate::{ApiError, Invalid};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, update, delete))
        .routes(routes!(put_secret))
        .routes(routes!(test))
        .merge(default::routes())
        .merge(template::routes())
}

/// A service that messages are sent with. Its secrets are never shown.
#[derive(Debug, Serialize, ToSchema)]
struct MessagingReply {
    /// Its name.
    name: String,
    /// Its key.
    key: String,
    /// Which service.
    service_type: &'static str,
    /// Its settings.
    #[schema(value_type = Object)]
    details: Value,
    /// When it was tried last.
    last_test_timestamp: Option<Timestamp>,
    /// Whether that worked.
    last_test_succeeded: Option<bool>,
}

impl MessagingReply {
    fn of(config: MessagingConfig) -> Self {
        Self {
            name: config.name,
            key: config.key,
            service_type: config.service.as_str(),
            details: config.details,
            last_test_timestamp: config.tested.map(|(at, _)| at),
            last_test_succeeded: config.tested.map(|(_, succeeded)| succeeded),
        }
    }
}

/// What became of the secrets.
#[derive(Debug, Serialize, ToSchema)]
struct MessagingSecretReply {
    /// That they are kept.
    msg: String,
    /// Null: nothing is tried without a receiver.
    test_status: Option<&'static str>,
    /// Null.
    failure_reason: Option<String>,
}

/// Who gets a test message.
#[derive(Deserialize, ToSchema)]
struct MessageTestInput {
    /// By which way.
    to_identity: TestIdentity,
}

#[derive(Deserialize, ToSchema)]
struct TestIdentity {
    /// An e-mail address.
    email: Option<String>,
    /// A telephone number.
    phone_number: Option<String>,
}

/// That a test message left.
#[derive(Debug, Serialize, ToSchema)]
struct MessageTestReply {
    /// The text.
    details: &'static str,
}

/// List the services that messages are sent with, the newest first.
#[utoipa::path(
    get,
    path = "/messaging/config",
    tag = "Messages",
    params(Paging),
    security(("oauth2" = ["messaging:read"])),
    responses((status = 200, body = PageOf<MessagingReply>))
)]
async fn list(
    State(state): State<ApiState>,
    paging: Paging,
) -> Result<Json<PageOf<MessagingReply>>, ApiError> {
    let listed = state.messages().services(paging.window()).await?;
    Ok(Json(paging.of(listed, MessagingReply::of)))
}

/// Set a service that messages are sent with. There is one of each.
#[utoipa::path(
    post,
    path = "/messaging/config",
    tag = "Messages",
    security(("oauth2" = ["messaging:create_or_update"])),
    request_body = MessagingInput,
    responses((status = 200, body = MessagingReply))
)]
async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Body(asked): Body<MessagingInput>,
) -> Result<Json<MessagingReply>, ApiError> {
    let made = state.messages().service_create(asked.draft()?, &caller.actor).await?;
    Ok(Json(MessagingReply::of(made)))
}

/// Read a service that messages are sent with.
#[utoipa::path(
    get,
    path = "/messaging/config/{config_key}",
    tag = "Messages",
    params(("config_key" = String, Path)),
    security(("oauth2" = ["messaging:read"])),
    responses((status = 200, body = MessagingReply))
)]
async fn read(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<MessagingReply>, ApiError> {
    Ok(Json(MessagingReply::of(state.messages().service(&key).await?)))
}

/// Change a service that messages are sent with. Its secrets are removed if it leads elsewhere.
#[utoipa::path(
    patch,
    path = "/messaging/config/{config_key}",
    tag = "Messages",
    params(("config_key" = String, Path)),
    security(("oauth2" = ["messaging:create_or_update"])),
    request_body = MessagingInput,
    responses((status = 200, body = MessagingReply))
)]
async fn update(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(asked): Body<MessagingInput>,
) -> Result<Json<MessagingReply>, ApiError> {
    let changed = state.messages().service_change(&key, asked.draft()?, &caller.actor).await?;
    Ok(Json(MessagingReply::of(changed)))
}

/// Remove a service with its secrets.
#[utoipa::path(
    delete,
    path = "/messaging/config/{config_key}",
    tag = "Messages",
    params(("config_key" = String, Path)),
    security(("oauth2" = ["messaging:delete"])),
    responses((status = 204))
)]
async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.messages().service_remove(&key, &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keep the secrets of a service; those before are gone.
#[utoipa::path(
    put,
    path = "/messaging/config/{config_key}/secret",
    tag = "Messages",
    params(("config_key" = String, Path)),
    security(("oauth2" = ["messaging:create_or_update"])),
    request_body = Map<String, Value>,
    responses((status = 200, body = MessagingSecretReply))
)]
async fn put_secret(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<Map<String, Value>>,
) -> Result<Json<MessagingSecretReply>, ApiError> {
    let config = state.messages().service(&key).await?;
    keep(&state, &caller, &config, sent).await.map(Json)
}

async fn keep(
    state: &ApiState,
    caller: &Caller,
    config: &MessagingConfig,
    sent: Map<String, Value>,
) -> Result<MessagingSecretReply, ApiError> {
    let given = secrets(sent, &[json!("body")])?;
    match state.messages().service_secrets_put(config, given, &caller.actor).await {
        Err(ServiceError::Fields(problems)) => Err(ApiError::Invalid(invalid(&problems, false))),
        kept => {
            kept?;
            let msg = format!("Secrets updated for MessagingConfig with key: {}.", config.key);
            Ok(MessagingSecretReply { msg, test_status: None, failure_reason: None })
        }
    }
}

/// Send a test message with a service.
#[utoipa::path(
    post,
    path = "/messaging/test/{service_type}",
    tag = "Messages",
    params(("service_type" = String, Path)),
    security(("oauth2" = ["messaging:create_or_update"])),
    request_body = MessageTestInput,
    responses((status = 200, body = MessageTestReply))
)]
async fn test(
    State(state): State<ApiState>,
    Path(word): Path<String>,
    Body(asked): Body<MessageTestInput>,
) -> Result<Json<MessageTestReply>, ApiError> {
    let TestIdentity { email, phone_number } = asked.to_identity;
    if email.is_none() && phone_number.is_none() {
        let loc = vec![json!("body"), json!("to_identity")];
        return Err(ApiError::invalid("value_error", loc, "`email` or `phone_number` is needed"));
    }
    let to = MessagePerson { email, phone_number };
    match state.messages().service_test(service(&word)?, &to).await? {
        TestOutcome::Sent => Ok(Json(MessageTestReply { details: "Test message successfully sent" })),
        TestOutcome::Failed(why) => Err(ApiError::BadRequest(why)),
    }
}

/// The service of a path.
fn service(word: &str) -> Result<MessagingService, ApiError> {
    let missing = || ServiceError::NotSet { service: word.to_owned() };
    Ok(MessagingService::find(word).ok_or_else(missing)?)
}

/// What is wrong, at its place in the body.
fn invalid(problems: &[FieldProblem], in_section: bool) -> Vec<Invalid> {
    let place = |problem: &FieldProblem| {
        let section = in_section.then(|| json!(problem.place));
        [json!("body")].into_iter().chain(section).chain([json!(problem.name)]).collect()
    };
    problems.iter().map(|problem| Invalid::new(problem.kind, place(problem), problem.text.as_str())).collect()
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        let text = error.to_string();
        match error {
            ServiceError::NotFound { .. } | ServiceError::NotSet { .. } => Self::NotFound(text),
            ServiceError::Taken { .. } => Self::Conflict(text),
            ServiceError::OtherService | ServiceError::NoKey => Self::Unprocessable(text),
            ServiceError::Fields(problems) => Self::Invalid(invalid(&problems, true)),
            ServiceError::Store(error) => error.into(),
        }
    }
}
