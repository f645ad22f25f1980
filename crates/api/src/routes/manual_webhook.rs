//! What people bring from places that no program reads: the forms, and what was brought for a request.

mod input;

use std::collections::HashSet;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use model::{ConnectionKey, FidesKey};
use privacy::manual::CONNECTION_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{ManualField, ManualForm, PutMode, StoreError, StoredConnection};
use utoipa::ToSchema;

use super::connection::ConnectionReply;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::text::Text;
use crate::{ApiError, Invalid};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read, create, update, delete))
        .merge(input::routes())
}

/// The form of a connection whose data people bring.
#[derive(Deserialize, ToSchema)]
struct FormInput {
    /// What is asked for.
    fields: Vec<FormFieldInput>,
}

/// One thing that is asked for.
#[derive(Deserialize, ToSchema)]
struct FormFieldInput {
    /// What it is, for whoever brings it.
    #[schema(value_type = String)]
    pii_field: Text,
    /// Its name in packages and in what is sent; made of `pii_field` if there is none.
    #[schema(value_type = Option<String>)]
    dsr_package_label: Option<Text>,
    /// What may be brought.
    #[serde(default = "strings")]
    types: Vec<FieldType>,
    /// The categories of what it holds.
    #[serde(default)]
    data_categories: Option<Vec<String>>,
}

/// What may be brought.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum FieldType {
    /// A text.
    String,
    /// A file.
    File,
}

fn strings() -> Vec<FieldType> {
    vec![FieldType::String]
}

/// A form.
#[derive(Serialize, ToSchema)]
struct FormReply {
    /// Its id.
    id: String,
    /// What is asked for.
    fields: Vec<FieldReply>,
    /// The connection it belongs to; null if that is gone.
    connection_config: Option<ConnectionReply>,
}

/// One thing that is asked for.
#[derive(Serialize, ToSchema)]
struct FieldReply {
    pii_field: String,
    dsr_package_label: String,
    types: Vec<String>,
    data_categories: Vec<String>,
}

/// List the forms by which people bring data.
#[utoipa::path(
    get,
    path = "/access_manual_webhook",
    tag = "Manual input",
    security(("oauth2" = ["webhook:read"])),
    responses((status = 200, body = Vec<FormReply>))
)]
async fn list(State(state): State<ApiState>) -> Result<Json<Vec<FormReply>>, ApiError> {
    let mut replies = Vec::new();
    for form in state.store().manual_form_list().await? {
        let connection = state.store().connection_find(&form.connection).await?;
        replies.push(reply(&state, form, connection).await?);
    }
    Ok(Json(replies))
}

/// Read the form of a connection.
#[utoipa::path(
    get,
    path = "/connection/{connection_key}/access_manual_webhook",
    tag = "Manual input",
    params(("connection_key" = String, Path)),
    security(("oauth2" = ["webhook:read"])),
    responses((status = 200, body = FormReply))
)]
async fn read(State(state): State<ApiState>, Path(key): Path<String>) -> Result<Json<FormReply>, ApiError> {
    let (connection, form) = form_of(&state, &key).await?;
    reply(&state, form, Some(connection)).await.map(Json)
}

/// Make the form of a connection.
#[utoipa::path(
    post,
    path = "/connection/{connection_key}/access_manual_webhook",
    tag = "Manual input",
    params(("connection_key" = String, Path)),
    security(("oauth2" = ["webhook:create_or_update"])),
    request_body = FormInput,
    responses((status = 201, body = FormReply))
)]
async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<FormInput>,
) -> Result<(StatusCode, Json<FormReply>), ApiError> {
    let connection = connection_of(&state, &key).await?;
    if connection.connection_type != CONNECTION_TYPE {
        let text = format!(
            "Can't create an Access Manual Webhook for ConnectionConfig of type '{}'.",
            connection.connection_type
        );
        return Err(ApiError::BadRequest(text));
    }
    let fields = sent.checked()?;
    let put = state.store().manual_form_put((&connection.key, &fields), PutMode::Create, caller.actor);
    let form = put.await.map_err(|error| match error {
        StoreError::Conflict { .. } => ApiError::BadRequest(format!(
            "An Access Manual Webhook already exists for ConnectionConfig '{key}'."
        )),
        other => other.into(),
    })?;
    Ok((StatusCode::CREATED, Json(reply(&state, form, Some(connection)).await?)))
}

/// Change the form of a connection.
#[utoipa::path(
    patch,
    path = "/connection/{connection_key}/access_manual_webhook",
    tag = "Manual input",
    params(("connection_key" = String, Path)),
    security(("oauth2" = ["webhook:create_or_update"])),
    request_body = FormInput,
    responses((status = 200, body = FormReply))
)]
async fn update(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<FormInput>,
) -> Result<Json<FormReply>, ApiError> {
    let connection = connection_of(&state, &key).await?;
    let fields = sent.checked()?;
    let put = state.store().manual_form_put((&connection.key, &fields), PutMode::Update, caller.actor);
    let form = put.await.map_err(|error| match error {
        StoreError::NotFound { .. } => no_form(&key),
        other => other.into(),
    })?;
    reply(&state, form, Some(connection)).await.map(Json)
}

/// Remove the form of a connection. Requests do not wait for it any more.
#[utoipa::path(
    delete,
    path = "/connection/{connection_key}/access_manual_webhook",
    tag = "Manual input",
    params(("connection_key" = String, Path)),
    security(("oauth2" = ["webhook:delete"])),
    responses((status = 204))
)]
async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    let connection = connection_of(&state, &key).await?;
    if !state.store().manual_form_remove(&connection.key, caller.actor).await? {
        return Err(no_form(&key));
    }
    Ok(StatusCode::NO_CONTENT)
}

impl FormInput {
    /// The fields, whose names and labels stand once.
    fn checked(self) -> Result<Vec<ManualField>, ApiError> {
        let wrong = |at: usize, name: &str, text: &str| {
            ApiError::invalid(
                "value_error",
                vec![json!("body"), json!("fields"), json!(at), json!(name)],
                text,
            )
        };
        if self.fields.is_empty() {
            let loc = vec![json!("body"), json!("fields")];
            return Err(ApiError::Invalid(vec![Invalid::new(
                "too_short",
                loc,
                "at least one field is needed",
            )]));
        }
        let (mut names, mut labels) = (HashSet::new(), HashSet::new());
        let mut fields = Vec::with_capacity(self.fields.len());
        for (at, field) in self.fields.into_iter().enumerate() {
            let pii_field = field.pii_field.0;
            if pii_field.trim().is_empty() {
                return Err(wrong(at, "pii_field", "a field needs a name"));
            }
            let label = field.dsr_package_label.map(|label| label.0).filter(|label| !label.trim().is_empty());
            let label = label.or_else(|| FidesKey::from_name(&pii_field).map(FidesKey::into_string));
            let label = label.unwrap_or_else(|| pii_field.clone());
            if !names.insert(pii_field.clone()) {
                return Err(wrong(at, "pii_field", "each name stands once"));
            }
            if !labels.insert(label.clone()) {
                return Err(wrong(at, "dsr_package_label", "each label stands once"));
            }
            let types = field.types.into_iter().map(|one| match one {
                FieldType::String => "string".to_owned(),
                FieldType::File => "file".to_owned(),
            });
            let data_categories = field.data_categories.unwrap_or_default();
            fields.push(ManualField { pii_field, label, types: types.collect(), data_categories });
        }
        Ok(fields)
    }
}

/// The connection with this key, and its form.
pub(super) async fn form_of(state: &ApiState, key: &str) -> Result<(StoredConnection, ManualForm), ApiError> {
    let connection = connection_of(state, key).await?;
    let form = state.store().manual_form_find(&connection.key).await?.ok_or_else(|| no_form(key))?;
    Ok((connection, form))
}

async fn connection_of(state: &ApiState, key: &str) -> Result<StoredConnection, ApiError> {
    let missing = || ApiError::NotFound(format!("No connection configuration found with key '{key}'."));
    let parsed: ConnectionKey = key.parse().map_err(|_| missing())?;
    state.store().connection_find(&parsed).await?.ok_or_else(missing)
}

fn no_form(key: &str) -> ApiError {
    ApiError::NotFound(format!("No access manual webhook exists for connection config with key '{key}'"))
}

async fn reply(
    state: &ApiState,
    form: ManualForm,
    connection: Option<StoredConnection>,
) -> Result<FormReply, ApiError> {
    let connection_config = match connection {
        Some(connection) => Some(ConnectionReply::of(state, connection).await?),
        None => None,
    };
    let fields = form.fields.into_iter().map(|field| FieldReply {
        pii_field: field.pii_field,
        dsr_package_label: field.label,
        types: field.types,
        data_categories: field.data_categories,
    });
    Ok(FormReply { id: form.id, fields: fields.collect(), connection_config })
}
