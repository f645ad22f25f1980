use jiff::Timestamp;
use model::{Outcome, Row};
use privacy::manual_task::{Ended, TaskSnapshot};
use privacy::request::{HeldIdentities, RequestError};
use serde::Serialize;
use serde_json::{Value, json};
use store::{AttachmentOwner, LoginId, ManualAttachment, ManualTask};
use utoipa::ToSchema;

use super::config::TaskFieldReply;
use crate::ApiError;
use crate::state::ApiState;

/// A task.
#[derive(Serialize, ToSchema)]
pub(super) struct ManualTaskReply {
    /// Its id.
    id: String,
    /// The privacy request that it is for.
    privacy_request_id: String,
    /// The connection that it stands for.
    connection_key: String,
    /// Its type, `manual_task` or `jira_ticket`.
    connection_type: String,
    /// `access` or `erasure`.
    action_type: &'static str,
    /// `open`, `complete` or `skipped`.
    status: &'static str,
    /// Why it is so.
    message: Option<String>,
    /// What its person says became of the data, for an erasure.
    #[schema(value_type = Option<String>)]
    outcome: Option<Outcome>,
    /// Ids of the accounts of those who are to do it.
    assigned_users: Vec<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Who ended it.
    ended_by: Option<String>,
    /// When it was ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

/// A task with what is asked and what was said.
#[derive(Serialize, ToSchema)]
pub(super) struct TaskDetail {
    #[serde(flatten)]
    task: ManualTaskReply,
    /// When its privacy request is due.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    /// Whom it is about, by kind of identity; as long as the task is open.
    #[schema(value_type = Object)]
    identity: Row,
    /// What is asked.
    fields: Vec<TaskFieldReply>,
    /// What was said, by field.
    #[schema(value_type = Object)]
    values: Row,
    /// Why data stay, or the task was skipped, in a person's words.
    reason: Option<String>,
    /// The files that were brought.
    attachments: Vec<AttachmentReply>,
}

/// A file that was brought.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttachmentReply {
    /// Its id.
    pub(crate) id: String,
    /// The field that it was brought for.
    pub(crate) field: String,
    /// Its name.
    pub(crate) file_name: String,
    /// How long it is, in bytes.
    pub(crate) file_size: u64,
    /// Its kind.
    pub(crate) content_type: String,
    /// Who brought it.
    pub(crate) entered_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) entered_at: Timestamp,
}

impl ManualTaskReply {
    pub(super) fn of(task: ManualTask) -> Self {
        Self {
            id: task.id.to_string(),
            privacy_request_id: task.request.to_string(),
            connection_key: task.connection.to_string(),
            connection_type: task.connection_type,
            action_type: task.action.as_str(),
            status: task.state.as_str(),
            message: task.note,
            outcome: task.outcome,
            assigned_users: task.assigned.iter().map(|login: &LoginId| login.as_str().to_owned()).collect(),
            created_at: task.created_at,
            ended_by: task.ended_by,
            ended_at: task.ended_at,
        }
    }
}

impl TaskDetail {
    pub(super) async fn of(state: &ApiState, task: ManualTask) -> Result<Self, ApiError> {
        let snapshot = TaskSnapshot::of(&task);
        let kinds = snapshot.as_ref().and_then(|snapshot| snapshot.identities.as_deref());
        let identity = match state.requests().identities(&task.request).await {
            // Who has nothing to do with it any more is not told.
            Ok(held) if task.ended_at.is_none() => shown(&held, kinds),
            Ok(_) | Err(RequestError::Forgotten { .. }) => Row::new(),
            Err(error) => return Err(error.into()),
        };
        let due_at = state.requests().get(&task.request).await?.due_at;
        let owner = AttachmentOwner::Task(task.id.clone());
        let files = state.store().manual_attachment_list(&task.request).await?;
        let files = files.into_iter().filter(|file| file.owner == owner);
        let Ended { fields: values, reason } = Ended::of(state.store(), &task).await?;
        let fields = snapshot.map(|snapshot| snapshot.asked.fields).unwrap_or_default();
        Ok(Self {
            due_at,
            identity,
            fields: fields.into_iter().map(TaskFieldReply::of).collect(),
            values,
            reason,
            attachments: files.map(AttachmentReply::of).collect(),
            task: ManualTaskReply::of(task),
        })
    }
}

impl AttachmentReply {
    pub(crate) fn of(file: ManualAttachment) -> Self {
        Self {
            id: file.id,
            field: file.field,
            file_name: file.name,
            file_size: file.bytes,
            content_type: file.content_type,
            entered_by: file.entered_by,
            entered_at: file.entered_at,
        }
    }
}

/// What was shown to be the person's, of these kinds.
fn shown(held: &HeldIdentities, kinds: Option<&[String]>) -> Row {
    let is_wanted = |kind: &str| kinds.is_none_or(|kinds| kinds.iter().any(|one| one == kind));
    let verified = held.verified();
    let one = |kind: &str| match verified.values(kind) {
        [value] => value.clone(),
        values => Value::Array(values.to_vec()),
    };
    let wanted = verified.kinds().filter(|kind| is_wanted(kind));
    wanted.map(|kind| (kind.to_owned(), json!(one(kind)))).collect()
}
