use egress::Retry;
use model::{ConnectionKey, IncompleteReason};
use spec::ConditionError;
use thiserror::Error;

use crate::build::BuildError;
use crate::output::OutputError;
use crate::pagination::PaginationError;
use crate::postprocessor::PostprocessorError;
use crate::response::ResponseError;
use crate::script::HookError;
use crate::send::CallError;

/// Why a collection, or one unit of it, cannot be read. Texts hold no values.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file has no such endpoint.
    #[error(
        "connector file of `{connection}` has no endpoint `{endpoint}`; check the dataset's collections against it"
    )]
    UnknownEndpoint {
        /// The connection.
        connection: ConnectionKey,
        /// The endpoint asked for.
        endpoint: String,
    },
    /// Neither read nor delete request (saas-config 19.3).
    #[error("endpoint `{endpoint}` of `{connection}` has no read request; add one, or set `skip_processing`")]
    NotDefined {
        /// The connection.
        connection: ConnectionKey,
        /// The endpoint.
        endpoint: String,
    },
    /// A key that this version checks and does not run.
    #[error("{place} has `{key}`, which this version cannot run; describe the request without it")]
    NotSupported {
        /// The request in the file.
        place: String,
        /// The key.
        key: &'static str,
    },
    /// A way of answering later that nobody knows (saas-config 23.3).
    #[error("{place} is answered by `{strategy}`, which is not known; write `callback` or `polling`")]
    UnknownStrategy {
        /// The request in the file.
        place: String,
        /// The strategy as written.
        strategy: String,
    },
    /// Its rows come later, and it was opened as if they came at once.
    #[error("the rows that {place} asks for come by a call of the application, which only a server takes")]
    ComesLater {
        /// The request in the file.
        place: String,
    },
    /// Its rows come from a job, and it was opened as if they came at once.
    #[error(
        "the rows that {place} asks for come from a job of the application that has to be waited for; \
         make a request for the person's data"
    )]
    ComesByJob {
        /// The request in the file.
        place: String,
    },
    /// Nothing says how the rows are fetched once the job is done (saas-config 23.8).
    #[error("{place} starts a job, and nothing says how its rows are fetched; add `result_request`")]
    NoResultRequest {
        /// The request in the file.
        place: String,
    },
    /// `when` has no result.
    #[error("`when` of {place}: {source}")]
    Condition {
        /// The request in the file.
        place: String,
        /// What is wrong.
        #[source]
        source: ConditionError,
    },
    /// The request cannot be built from these values.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The script that takes the place of a request did not bring rows.
    #[error(transparent)]
    Script(#[from] HookError),
    /// The call failed, all attempts used.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The application does not offer the list: a status that the file says means so.
    #[error("{place} answered {status}: the application's plan or the credentials do not allow it")]
    Unavailable {
        /// The request in the file.
        place: String,
        /// The status.
        status: u16,
    },
    /// The credentials were refused, and the file says what they must be allowed to do.
    #[error("{place} answered {status}: it needs {requires}")]
    Denied {
        /// The request in the file.
        place: String,
        /// The status.
        status: u16,
        /// What is needed, in the application's words.
        requires: String,
    },
    /// The answer holds no rows where the file says.
    #[error("{place}: {source}")]
    Response {
        /// The request in the file.
        place: String,
        /// What is wrong.
        #[source]
        source: ResponseError,
    },
    /// A postprocessor failed.
    #[error(transparent)]
    Postprocessor(#[from] PostprocessorError),
    /// The pagination cannot work.
    #[error(transparent)]
    Pagination(#[from] PaginationError),
    /// The rows cannot be made.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl ReadError {
    /// How a reading that ends with this error is incomplete.
    pub fn reason(&self) -> IncompleteReason {
        match self {
            Self::UnknownEndpoint { .. }
            | Self::NotDefined { .. }
            | Self::NotSupported { .. }
            | Self::UnknownStrategy { .. }
            | Self::ComesLater { .. }
            | Self::ComesByJob { .. }
            | Self::NoResultRequest { .. }
            | Self::Condition { .. }
            | Self::Build(_) => IncompleteReason::Connection,
            Self::Script(source) => source.reason(),
            Self::Call(source) => source.reason(),
            Self::Unavailable { .. } | Self::Denied { .. } => IncompleteReason::Http4xx,
            Self::Response { source, .. } => source.reason(),
            Self::Postprocessor(source) => source.reason(),
            Self::Pagination(source) => source.reason(),
            Self::Output(source) => source.reason(),
        }
    }

    /// The failing status, if the application answered with one.
    pub fn status(&self) -> Option<u16> {
        if let Self::Unavailable { status, .. } | Self::Denied { status, .. } = self {
            return Some(*status);
        }
        if let Self::Call(source) = self { source.status() } else { None }
    }

    /// Whether the same reading may succeed later, with nothing changed by a person.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Script(source) => source.retry(),
            Self::Call(source) => source.retry(),
            Self::Build(source) => source.retry(),
            Self::Response { source, .. } => source.retry(),
            Self::UnknownEndpoint { .. }
            | Self::NotDefined { .. }
            | Self::NotSupported { .. }
            | Self::UnknownStrategy { .. }
            | Self::ComesLater { .. }
            | Self::ComesByJob { .. }
            | Self::NoResultRequest { .. }
            | Self::Condition { .. }
            | Self::Unavailable { .. }
            | Self::Denied { .. }
            | Self::Postprocessor(_)
            | Self::Pagination(_)
            | Self::Output(_) => Retry::No,
        }
    }
}
