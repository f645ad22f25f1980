use std::time::Duration;

use jiff::Timestamp;
use prost::Message as _;
use prost_types::Any;
use protos::c1::connectorapi::baton::v1 as wire;
use store::{
    BatonConnector, BatonTask, BatonTaskEnd, BatonTaskEnded, BatonTaskId, BatonUploadState, FinishedBatonTask,
};
use tonic::{Code, Status};
use wire::baton_service_finish_task_request::{FinalState, Success};

use super::service::no_task;
use super::{ControlPlane, error};

/// How long a change waits before it is tried again, times the tries it has behind it.
const WAIT: Duration = Duration::from_secs(30);
/// Tasks that are handed out once, as the first time may have had its effect. A connector that is asked twice answers
/// that somebody has something, or has it no more; whoever is invited twice may get two accounts.
pub(super) const ONCE: &[&str] = &["create_account"];
/// Longest text of an error that is kept, in bytes.
const ERROR_BYTES: usize = 1024;

/// A task and what the connector answered.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOutcome {
    /// The task.
    pub task: BatonTask,
    /// The connector's answer, if it is done.
    pub response: Option<Any>,
}

impl ControlPlane {
    /// Takes note of the end of a task. Said twice it changes nothing; said by a process that lost the task
    /// it is refused (baton P-22).
    pub(super) async fn finish(
        &self,
        connector: &BatonConnector,
        finish: wire::BatonServiceFinishTaskRequest,
    ) -> Result<(), Status> {
        let store = &self.inner.store;
        let id = BatonTaskId::parse(&finish.task_id).ok_or_else(no_task)?;
        let task = store.baton_task_find(&id).await.map_err(error::status)?;
        let task = task.filter(|task| task.connector == connector.id).ok_or_else(no_task)?;
        let status = finish.status.unwrap_or_default();
        // PostgreSQL keeps no text with this sign, and the end of a task must not fail for it.
        let message = status.message.replace('\0', " ");
        let answer;
        let end = match finish.final_state {
            Some(FinalState::Success(success)) => {
                answer = self.success(&task, success).await?;
                match &answer {
                    Ok(answer) => BatonTaskEnd::Done(answer),
                    Err(why) => {
                        BatonTaskEnd::Failed { code: i64::from(Code::FailedPrecondition as i32), error: why }
                    }
                }
            }
            // The limits leave nothing else.
            Some(FinalState::Error(_)) | None => self.failure(&task, status.code, cut(&message)),
        };
        let finished = FinishedBatonTask { id: &id, connector: &connector.id, host: &finish.host_id, end };
        let ended = store.baton_task_finish(finished).await.map_err(error::status)?;
        match ended {
            BatonTaskEnded::Noted => {
                let line = match end {
                    BatonTaskEnd::Done(_) => format!("task {id} ({}) done", task.kind),
                    BatonTaskEnd::Failed { code, error } => {
                        format!("task {id} ({}) failed with {code}: {error}", task.kind)
                    }
                    BatonTaskEnd::Again { code, error, due_at } => {
                        format!("task {id} ({}) failed with {code}: {error}; again at {due_at}", task.kind)
                    }
                };
                self.log(&connector.id, Some(&finish.host_id), &line).await;
                Ok(())
            }
            BatonTaskEnded::Already => Ok(()),
            BatonTaskEnded::Lost => {
                let line =
                    format!("task {id} ({}): its end is not noted, the task is in other hands", task.kind);
                self.log(&connector.id, Some(&finish.host_id), &line).await;
                Err(Status::failed_precondition("the task is in other hands by now"))
            }
            BatonTaskEnded::Unknown => Err(no_task()),
        }
    }

    /// The answer as it is kept, or why it is none: a sync without a file has brought nothing (baton P-23).
    async fn success(&self, task: &BatonTask, success: Success) -> Result<Result<Vec<u8>, String>, Status> {
        if task.kind == "sync_full" && !self.has_file(task).await? {
            let why = "the sync ended without a file that was taken";
            return Ok(Err(why.to_owned()));
        }
        Ok(Ok(success.response.map(|answer| answer.encode_to_vec()).unwrap_or_default()))
    }

    async fn has_file(&self, task: &BatonTask) -> Result<bool, Status> {
        let uploads = self.inner.store.baton_upload_list(&task.id).await.map_err(error::status)?;
        Ok(uploads.iter().any(|upload| match upload.state {
            BatonUploadState::Accepted | BatonUploadState::Held | BatonUploadState::Confirmed => {
                upload.attempt == task.attempts
            }
            BatonUploadState::Refused | BatonUploadState::Debug => false,
        }))
    }

    /// What a process gave back is handed out again, and a change that the application could not take now is tried
    /// again, a few times, unless it could be there twice then; a sync that failed waits for its next time (governance
    /// CON-29).
    fn failure<'a>(&self, task: &BatonTask, code: i32, error: &'a str) -> BatonTaskEnd<'a> {
        let now = self.inner.store.clock().now();
        let may_again = is_repeatable(&task.kind) && task.attempts < self.inner.settings.most_attempts;
        // A process that was asked to stop gives back what it had: the next one that asks goes on with it. One that
        // somebody took back is over whatever is said.
        if code == Code::Cancelled as i32 && may_again {
            return BatonTaskEnd::Again { code: i64::from(code), error, due_at: now };
        }
        let is_change = task.kind != "sync_full";
        let may_pass = code == Code::Unavailable as i32 || code == Code::ResourceExhausted as i32;
        let code = i64::from(if code == 0 { Code::Unknown as i32 } else { code });
        if !(is_change && may_pass && may_again) {
            return BatonTaskEnd::Failed { code, error };
        }
        let wait = WAIT.saturating_mul(u32::try_from(task.attempts).unwrap_or(u32::MAX));
        let due_at = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        BatonTaskEnd::Again { code, error, due_at }
    }
}

/// Whether a task may be handed out a second time although the first may have had its effect.
fn is_repeatable(kind: &str) -> bool {
    !ONCE.contains(&kind)
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(ERROR_BYTES)).unwrap_or_default()
}
