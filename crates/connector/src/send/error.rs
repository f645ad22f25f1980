use egress::{Retry, SendError};
use model::{ConnectionKey, IncompleteReason};
use spec::ConditionError;
use thiserror::Error;

use crate::auth::AuthError;
use crate::build::BuildError;
use crate::retry::is_transient;
use crate::script::HookError;

/// Why a call failed, all attempts used. No secrets, no personal data, no bodies.
#[derive(Debug, Error)]
pub enum CallError {
    /// The request cannot be built; nothing was sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The request would change something; nothing was sent (architecture law 2).
    #[error(
        "{place} counts as a write, and writes are sent only through an approved plan; if it only reads, say \
         `effect: read`"
    )]
    Write {
        /// The request's place in the file.
        place: String,
    },
    /// The script that takes the place of the request did not do its work.
    #[error(transparent)]
    Script(#[from] Box<HookError>),
    /// `when` has no result.
    #[error("`when` of {place}: {source}")]
    Condition {
        /// The request's place in the file.
        place: String,
        /// What is wrong.
        #[source]
        source: ConditionError,
    },
    /// No variant of a request applies.
    #[error("no variant of `test_request` applies to `{connection}`; add one without `when` at the end")]
    NoVariant {
        /// The connection.
        connection: ConnectionKey,
    },
    /// A failing status (saas-config 13.13).
    #[error("Client call failed with status code {status} at {place} (`{host}`, attempt {attempts}); {}", advice(*.status))]
    Status {
        /// The request's place in the file.
        place: String,
        /// Host that answered.
        host: String,
        /// The status.
        status: u16,
        /// Attempts made.
        attempts: u32,
    },
    /// No answer (saas-config 13.14).
    #[error("Operational Error connecting to '{connection}': {source}")]
    Connection {
        /// The connection.
        connection: ConnectionKey,
        /// What went wrong.
        #[source]
        source: SendError,
    },
    /// No proof of who asks (saas-config 13.14).
    #[error("Operational Error connecting to '{connection}': {source}")]
    Authentication {
        /// The connection.
        connection: ConnectionKey,
        /// What went wrong.
        #[source]
        source: AuthError,
    },
    /// A good status, and the file's `retry` said "try again" each time.
    #[error("{place} answered {status} {attempts} times with a content that means `try again`; try later")]
    NeverReady {
        /// The request's place in the file.
        place: String,
        /// The status.
        status: u16,
        /// Attempts made.
        attempts: u32,
    },
    /// A good status with an answer that cannot be used.
    #[error("{place}: {problem} (attempt {attempts})")]
    Unusable {
        /// The request's place in the file.
        place: String,
        /// What is wrong with the answer.
        problem: String,
        /// How the reading is incomplete.
        reason: IncompleteReason,
        /// Attempts made.
        attempts: u32,
    },
}

impl CallError {
    /// How a reading that ends with this error is incomplete.
    pub fn reason(&self) -> IncompleteReason {
        match self {
            Self::Build(_) | Self::Write { .. } | Self::Condition { .. } | Self::NoVariant { .. } => {
                IncompleteReason::Connection
            }
            Self::Status { status: 429, .. } => IncompleteReason::Http429,
            Self::Status { status, .. } if *status >= 500 => IncompleteReason::Http5xx,
            Self::Status { .. } => IncompleteReason::Http4xx,
            Self::Connection { source, .. } => source.reason(),
            Self::Authentication { source: AuthError::TokenCall { source, .. }, .. } => source.reason(),
            Self::Authentication { .. } => IncompleteReason::Connection,
            Self::NeverReady { .. } => IncompleteReason::Malformed,
            Self::Script(source) => source.reason(),
            Self::Unusable { reason, .. } => *reason,
        }
    }

    /// Whether the same call may succeed later, with nothing changed by a person.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Build(source) => source.retry(),
            Self::Write { .. } | Self::Condition { .. } | Self::NoVariant { .. } => Retry::No,
            Self::Status { status, .. } if is_transient(*status) => Retry::Yes,
            Self::Status { .. } => Retry::No,
            Self::Connection { source, .. } => source.retry(),
            Self::Authentication { source, .. } => source.retry(),
            Self::Script(source) => source.retry(),
            Self::NeverReady { .. } | Self::Unusable { .. } => Retry::Yes,
        }
    }

    /// The failing status, if the application answered with one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::Build(_)
            | Self::Write { .. }
            | Self::Condition { .. }
            | Self::NoVariant { .. }
            | Self::Connection { .. }
            | Self::Authentication { .. }
            | Self::NeverReady { .. }
            | Self::Script(_)
            | Self::Unusable { .. } => None,
        }
    }

    /// One word for a log.
    pub(crate) fn summary(&self) -> &'static str {
        match self {
            Self::Build(_) => "build",
            Self::Write { .. } => "write",
            Self::Condition { .. } | Self::NoVariant { .. } => "condition",
            Self::Status { status: 429, .. } => "rate limit",
            Self::Status { .. } => "status",
            Self::Connection { .. } => "connection",
            Self::Authentication { .. } => "authentication",
            Self::NeverReady { .. } => "content",
            Self::Script(_) => "script",
            Self::Unusable { .. } => "unusable answer",
        }
    }
}

/// What to do about a failing status.
fn advice(status: u16) -> &'static str {
    match status {
        401 => "check the credentials among the connection's secrets",
        403 => "the credentials lack a permission that this call needs",
        404 | 410 => {
            "if that means `nothing known about the person`, add the status to `gone` or `ignore_errors`"
        }
        429 => "it stayed rate limited; try later or set `rate_limit_config`",
        400..=499 => {
            "the application refused the request; compare path, query and body with its documentation"
        }
        _ => "the application has a fault of its own; try later",
    }
}

/// Whether an attempt that ended with `error` was put on the wire.
pub(super) fn reached_the_wire(error: &SendError) -> bool {
    match error {
        SendError::RedirectRefused { .. }
        | SendError::TooManyRedirects { .. }
        | SendError::Timeout { .. }
        | SendError::Connect { .. }
        | SendError::Tls { .. }
        | SendError::Reset { .. }
        | SendError::Truncated { .. }
        | SendError::TooLarge { .. }
        | SendError::Decompression { .. }
        | SendError::BadReply { .. } => true,
        SendError::WriteWithoutPermit { .. }
        | SendError::PermitLapsed { .. }
        | SendError::BadUrl { .. }
        | SendError::HostRefused { .. }
        | SendError::Unresolvable { .. }
        | SendError::HostNotAllowed { .. }
        | SendError::BudgetTimeout { .. }
        | SendError::Client { .. }
        | SendError::NotRecorded { .. } => false,
    }
}
