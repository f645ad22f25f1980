//! How the end of a task is told (baton P-18 to P-20).

use prost::{Message, Name};
use prost_types::Any;
use protos::annotations;
use protos::c1::connectorapi::baton::v1::BatonServiceFinishTaskRequest;
use protos::c1::connectorapi::baton::v1::baton_service_finish_task_request::{Error, FinalState, Success};
use protos::google::rpc::Status;
use tonic::Code;

use super::failure::{Again, TaskFailure};

/// What is said of a kind that connector files do not have (baton P-17).
const UNSUPPORTED: &str = "unsupported task type";
/// The line that other runtimes append to what cannot be tried again (baton V-12).
const FINAL_LINE: &str = "\ntask failed and is non-retryable";
/// As many annotations as a message takes.
const MOST_ANNOTATIONS: usize = 16;

/// How a task ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TaskEnd {
    /// Well.
    Success { annotations: Vec<Any>, response: Option<Any> },
    /// Not.
    Failure { status: Status, non_retryable: bool },
}

impl TaskEnd {
    /// Nothing to say.
    pub(super) fn empty() -> Self {
        Self::Success { annotations: Vec::new(), response: None }
    }

    /// With the connector's answer.
    pub(super) fn answered<M: Message + Name>(annotations: Vec<Any>, response: &M) -> Self {
        let annotations = annotations.into_iter().take(MOST_ANNOTATIONS).collect();
        Self::Success { annotations, response: Some(annotations::pack(response)) }
    }

    /// A kind that is not known here. It may be tried again: another process may know it.
    pub(super) fn unsupported() -> Self {
        Self::failed(Code::Unknown, UNSUPPORTED.to_owned(), false)
    }

    /// A part is missing.
    pub(super) fn malformed(kind: &str, part: &str) -> Self {
        Self::failed(Code::InvalidArgument, format!("malformed {kind} task: `{part}` is missing"), true)
    }

    /// A change failed: never to be tried again by itself. The text has the form of other runtimes (V-12).
    pub(super) fn change(verb: &str, failure: &TaskFailure) -> Self {
        let (code, text) = (name(failure.code()), failure.message());
        let message = format!("rpc error: code = {code} desc = error: {verb} failed: {text}");
        Self::of(failure, message, true)
    }

    /// A sync failed.
    pub(super) fn sync(failure: &TaskFailure) -> Self {
        Self::of(failure, failure.message().to_owned(), failure.again() == Again::Never)
    }

    /// Given up; whoever gets it may begin anew.
    pub(super) fn cancelled(why: &str) -> Self {
        Self::failed(Code::Cancelled, why.to_owned(), false)
    }

    fn of(failure: &TaskFailure, message: String, non_retryable: bool) -> Self {
        let mut end = Self::failed(failure.code(), message, non_retryable);
        if let Self::Failure { status, .. } = &mut end {
            status.details = failure.details().to_vec();
        }
        end
    }

    fn failed(code: Code, mut message: String, non_retryable: bool) -> Self {
        if non_retryable {
            message.push_str(FINAL_LINE);
        }
        Self::Failure { status: Status { code: code as i32, message, details: Vec::new() }, non_retryable }
    }

    /// What is sent.
    pub(super) fn request(self, host_id: &str, task_id: &str) -> BatonServiceFinishTaskRequest {
        let (status, state) = match self {
            Self::Success { annotations, response } => {
                (None, FinalState::Success(Success { annotations, response }))
            }
            Self::Failure { status, non_retryable } => {
                let error = Error { non_retryable, annotations: Vec::new(), response: None };
                (Some(status), FinalState::Error(error))
            }
        };
        let (host_id, task_id) = (host_id.to_owned(), task_id.to_owned());
        BatonServiceFinishTaskRequest { host_id, task_id, status, final_state: Some(state) }
    }
}

/// How other runtimes write a code.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
