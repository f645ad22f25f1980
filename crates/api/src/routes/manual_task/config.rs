//! What a connection asks people for.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use model::ConnectionKey;
use privacy::manual_task::{
    AskedAction, CONNECTION_TYPES, FieldKind, SettingsFault, TaskField, TaskSettings,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{LoginId, ManualTaskConfig, StoredConnection};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::text::Text;
use crate::{ApiError, Invalid};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read, put))
}

/// What a connection asks people for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskConfigInput {
    /// For requests for data; nothing is asked if absent.
    access: Option<TaskAskedInput>,
    /// For requests to erase; nothing is asked if absent.
    erasure: Option<TaskAskedInput>,
    /// Ids of the accounts of those who answer; if there are none, those who review requests.
    #[serde(default)]
    assigned_users: Vec<String>,
    /// The kinds of identities that they are shown; all that were shown to be the person's, if absent.
    identities: Option<Vec<String>>,
}

/// What people are asked for, for one kind of requests.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskAskedInput {
    /// What they fill in.
    fields: Vec<TaskFieldInput>,
    /// When they are asked: `{field_address, operator, value}`, or `{logical_operator, conditions}` over
    /// several; always, if absent.
    #[schema(value_type = Option<Object>)]
    conditions: Option<Value>,
}

/// One thing that is filled in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskFieldInput {
    /// Its name in packages, and in what is sent.
    #[schema(value_type = String)]
    name: Text,
    /// What it is called for people; its name, if absent.
    #[schema(value_type = Option<String>)]
    label: Option<Text>,
    /// What they should know about it.
    #[schema(value_type = Option<String>)]
    help: Option<Text>,
    /// What is filled in.
    #[serde(rename = "type")]
    kind: TaskFieldKindInput,
    /// Whether a task stays open without it.
    #[serde(default)]
    required: bool,
    /// The categories of what it holds.
    #[serde(default)]
    data_categories: Vec<String>,
}

/// What is filled in.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum TaskFieldKindInput {
    /// A text.
    Text,
    /// Yes or no.
    Checkbox,
    /// One file or several.
    Attachment,
}

/// What a connection asks people for.
#[derive(Serialize, ToSchema)]
struct TaskConfigReply {
    /// The connection.
    connection_key: String,
    /// For requests for data.
    access: Option<TaskAskedReply>,
    /// For requests to erase.
    erasure: Option<TaskAskedReply>,
    /// Ids of the accounts of those who answer.
    assigned_users: Vec<String>,
    /// The kinds of identities that they are shown; null: all.
    identities: Option<Vec<String>>,
    /// When it was changed last.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// What people are asked for.
#[derive(Serialize, ToSchema)]
struct TaskAskedReply {
    /// What they fill in.
    fields: Vec<TaskFieldReply>,
    /// When they are asked; null: always.
    #[schema(value_type = Option<Object>)]
    conditions: Option<Value>,
}

/// One thing that is filled in.
#[derive(Serialize, ToSchema)]
pub(super) struct TaskFieldReply {
    name: String,
    label: String,
    help: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    data_categories: Vec<String>,
}

/// Read what a connection asks people for.
#[utoipa::path(
    get,
    path = "/connection/{connection_key}/manual-task",
    tag = "Manual input",
    operation_id = "manual_task_config_read",
    params(("connection_key" = String, Path)),
    security(("oauth2" = ["webhook:read"])),
    responses((status = 200, body = TaskConfigReply), (status = 404))
)]
async fn read(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<TaskConfigReply>, ApiError> {
    let connection = connection_of(&state, &key).await?;
    let kept = state.store().manual_task_config_find(&connection.key).await?;
    let missing =
        || ApiError::NotFound(format!("No manual task is configured for the connection with key '{key}'."));
    TaskConfigReply::of(&kept.ok_or_else(missing)?).map(Json)
}

/// Say what a connection of type `manual_task` or `jira_ticket` asks people for. Tasks that were made
/// before stay as they are.
#[utoipa::path(
    put,
    path = "/connection/{connection_key}/manual-task",
    tag = "Manual input",
    operation_id = "manual_task_config_put",
    params(("connection_key" = String, Path)),
    security(("oauth2" = ["webhook:create_or_update"])),
    request_body = TaskConfigInput,
    responses((status = 200, body = TaskConfigReply), (status = 400), (status = 404), (status = 422))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<TaskConfigInput>,
) -> Result<Json<TaskConfigReply>, ApiError> {
    let connection = connection_of(&state, &key).await?;
    if !CONNECTION_TYPES.contains(&connection.connection_type.as_str()) {
        let text = format!(
            "Manual tasks are for connections of the types {}; '{key}' is of type '{}'.",
            CONNECTION_TYPES.join(" and "),
            connection.connection_type
        );
        return Err(ApiError::BadRequest(text));
    }
    let settings = sent.settings();
    let mut wrong: Vec<Invalid> = settings.faults().into_iter().map(invalid).collect();
    for (position, id) in settings.assigned_users.iter().enumerate().take(100) {
        let known = match LoginId::parse(id) {
            Some(login) => state.store().login_find(&login).await?.is_some(),
            None => false,
        };
        if !known {
            let loc = vec![json!("body"), json!("assigned_users"), json!(position)];
            wrong.push(Invalid::new("value_error", loc, "there is no account with this id"));
        }
    }
    if !wrong.is_empty() {
        return Err(ApiError::Invalid(wrong));
    }
    let put = (&connection.key, &settings.document());
    let kept = state.store().manual_task_config_put(put, caller.actor).await?;
    TaskConfigReply::of(&kept).map(Json)
}

async fn connection_of(state: &ApiState, key: &str) -> Result<StoredConnection, ApiError> {
    let missing = || ApiError::NotFound(format!("No connection configuration found with key '{key}'."));
    let parsed: ConnectionKey = key.parse().map_err(|_| missing())?;
    state.store().connection_find(&parsed).await?.ok_or_else(missing)
}

fn invalid(fault: SettingsFault) -> Invalid {
    let loc = [vec![json!("body")], fault.place].concat();
    Invalid::new("value_error", loc, fault.text)
}

impl TaskConfigInput {
    fn settings(self) -> TaskSettings {
        TaskSettings {
            access: self.access.map(TaskAskedInput::asked),
            erasure: self.erasure.map(TaskAskedInput::asked),
            assigned_users: self.assigned_users,
            identities: self.identities,
        }
    }
}

impl TaskAskedInput {
    fn asked(self) -> AskedAction {
        AskedAction {
            fields: self.fields.into_iter().map(TaskFieldInput::field).collect(),
            conditions: self.conditions.filter(|conditions| !conditions.is_null()),
        }
    }
}

impl TaskFieldInput {
    fn field(self) -> TaskField {
        let name = self.name.0;
        TaskField {
            label: self.label.map_or_else(|| name.clone(), |label| label.0),
            name,
            help: self.help.map(|help| help.0),
            kind: match self.kind {
                TaskFieldKindInput::Text => FieldKind::Text,
                TaskFieldKindInput::Checkbox => FieldKind::Checkbox,
                TaskFieldKindInput::Attachment => FieldKind::Attachment,
            },
            required: self.required,
            data_categories: self.data_categories,
        }
    }
}

impl TaskConfigReply {
    fn of(kept: &ManualTaskConfig) -> Result<Self, ApiError> {
        let other_version = || {
            let text = "what this connection asks for was written by another version; put it again";
            ApiError::Conflict(text.to_owned())
        };
        let settings = TaskSettings::of(&kept.document).ok_or_else(other_version)?;
        Ok(Self {
            connection_key: kept.connection.to_string(),
            access: settings.access.map(TaskAskedReply::of),
            erasure: settings.erasure.map(TaskAskedReply::of),
            assigned_users: settings.assigned_users,
            identities: settings.identities,
            updated_at: kept.updated_at,
        })
    }
}

impl TaskAskedReply {
    fn of(asked: AskedAction) -> Self {
        let fields = asked.fields.into_iter().map(TaskFieldReply::of).collect();
        Self { fields, conditions: asked.conditions }
    }
}

impl TaskFieldReply {
    pub(super) fn of(field: TaskField) -> Self {
        Self {
            name: field.name,
            label: field.label,
            help: field.help,
            kind: field.kind.as_str(),
            required: field.required,
            data_categories: field.data_categories,
        }
    }
}
