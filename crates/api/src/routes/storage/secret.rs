//! Secrets of places for packages.

use axum::Json;
use axum::extract::{Path, State};
use crypto::Secret;
use privacy::storage_book::{BucketAuth, CheckOutcome, StorageBookError, StorageSecretValues};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{StorageDestination, StorageKind};
use utoipa::{IntoParams, ToSchema};

use super::book;
use super::default::kind_of;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;
use crate::{ApiError, Invalid};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(put)).routes(routes!(put_default))
}

/// Whether the place is tried.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Verify {
    /// Whether the place is tried with the new secrets; they are kept either way.
    #[serde(default = "yes")]
    #[param(default = true, required = false)]
    verify: bool,
}

fn yes() -> bool {
    true
}

/// What became of the secrets.
#[derive(Debug, Serialize, ToSchema)]
struct StorageSecretReply {
    /// That they are kept.
    msg: String,
    /// `succeeded` or `failed`, if the place was tried.
    test_status: Option<&'static str>,
    /// Why it failed.
    failure_reason: Option<String>,
}

/// Keep the secrets of a place for packages; those before are gone.
#[utoipa::path(
    put,
    path = "/storage/config/{config_key}/secret",
    tag = "Storage",
    params(("config_key" = String, Path), Verify),
    security(("oauth2" = ["storage:create_or_update"])),
    request_body = Map<String, Value>,
    responses((status = 200, body = StorageSecretReply))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Query(verify): Query<Verify>,
    Body(secrets): Body<Map<String, Value>>,
) -> Result<Json<StorageSecretReply>, ApiError> {
    let destination = match book(&state).get(&key).await {
        Err(StorageBookError::NotFound { key }) => {
            return Err(ApiError::NotFound(format!("No storage configuration with key {key}.")));
        }
        found => found?,
    };
    keep(&state, &caller, &destination, (secrets, verify.verify)).await.map(Json)
}

/// Keep the secrets of the default place of a kind; those before are gone.
#[utoipa::path(
    put,
    path = "/storage/default/{storage_type}/secret",
    tag = "Storage",
    params(("storage_type" = String, Path), Verify),
    security(("oauth2" = ["storage:create_or_update"])),
    request_body = Map<String, Value>,
    responses((status = 200, body = StorageSecretReply))
)]
async fn put_default(
    State(state): State<ApiState>,
    caller: Caller,
    Path(word): Path<String>,
    Query(verify): Query<Verify>,
    Body(secrets): Body<Map<String, Value>>,
) -> Result<Json<StorageSecretReply>, ApiError> {
    let missing = || ApiError::NotFound(format!("No default configuration found for storage type {word}."));
    let kind = kind_of(&word).ok_or_else(missing)?;
    let destination = match book(&state).default_of(kind).await {
        Err(StorageBookError::NoDefault { .. }) => return Err(missing()),
        found => found?,
    };
    keep(&state, &caller, &destination, (secrets, verify.verify)).await.map(Json)
}

async fn keep(
    state: &ApiState,
    caller: &Caller,
    destination: &StorageDestination,
    (sent, verify): (Map<String, Value>, bool),
) -> Result<StorageSecretReply, ApiError> {
    let values = checked(destination, sent)?;
    let book = book(state);
    book.secrets_put(destination, &values, &caller.actor).await?;
    let (test_status, failure_reason) = if verify {
        match book.check(destination, state.packages(), state.clock().clone()).await? {
            CheckOutcome::Usable => (Some("succeeded"), None),
            CheckOutcome::Unusable(why) => (Some("failed"), Some(why)),
        }
    } else {
        (None, None)
    };
    let msg = format!("Secrets updated for StorageConfig with key: {}.", destination.key);
    Ok(StorageSecretReply { msg, test_status, failure_reason })
}

/// The secrets that were sent: texts of known names, and all that the account needs. What is wrong is
/// told without their values.
fn checked(
    destination: &StorageDestination,
    sent: Map<String, Value>,
) -> Result<StorageSecretValues, ApiError> {
    let at = |name: &str| vec![json!("body"), json!(name)];
    let mut wrong = Vec::new();
    let mut values = Vec::new();
    for (name, value) in sent {
        match value {
            Value::Null => {}
            Value::String(text) => values.push((name, Secret::new(text))),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                wrong.push(Invalid::new("string_type", at(&name), "Input should be a valid string"));
            }
        }
    }
    for name in needed(destination) {
        if !values.iter().any(|(known, _)| known == name) {
            wrong.push(Invalid::new("missing", at(name), "Field required"));
        }
    }
    if !wrong.is_empty() {
        return Err(ApiError::Invalid(wrong));
    }
    StorageSecretValues::of(destination.kind, values)
        .map_err(|unknown| ApiError::invalid("extra_forbidden", at(&unknown.name), unknown.to_string()))
}

fn needed(destination: &StorageDestination) -> &'static [&'static str] {
    let from_secrets = |method: BucketAuth| destination.details.get("auth_method") == Some(&json!(method));
    match destination.kind {
        StorageKind::S3 if from_secrets(BucketAuth::SecretKeys) => {
            &["aws_access_key_id", "aws_secret_access_key"]
        }
        StorageKind::S3 | StorageKind::Gcs | StorageKind::Local => &[],
    }
}
