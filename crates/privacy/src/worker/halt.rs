//! Why work on a request ends before its last step.

use std::time::Duration;

use engine::{RowsError, RunError, WaitsFor};
use jiff::Timestamp;
use store::{NewRequestLog, PrivacyRequestStatus, RequestStep, Retry, StoreError};

use crate::planning::PlanningError;
use crate::policy_book::PolicyError;
use crate::request::{RequestError, Waits};

/// Wait before a request is taken up again that the store, or another process, was in the way of.
const TROUBLE_WAIT: Duration = Duration::from_secs(2);

/// What a request waits for that an application is to call back about: a fixed word.
pub(super) const CALLBACK: &str = "callback";

/// What a request waits for whose rows applications are at work on: a fixed word.
pub(super) const POLLING: &str = "polling";

/// What a request waits for of whose writes nobody knows how they ended: a fixed word.
pub(super) const WRITE_UNKNOWN: &str = "write_unknown";

/// Name of the work as a whole in a request's log (privacy-requests LOG-3).
pub(super) const PROCESSING: &str = "Privacy request processing";

/// Why work on a request ends before its last step.
#[derive(Debug)]
pub(super) enum Halt {
    /// Somebody else has the request, or nobody is to work on it: nothing more is written.
    Lost,
    /// This worker lets go of it as it is; it goes on at once, behind those that wait.
    Stopped,
    /// The same, after a while: what stands in the way now is expected to pass.
    Later(Duration),
    /// It waits for a time, for a person, or for somebody outside.
    Waits(Box<Waits>),
    /// It went wrong.
    Failed(Box<Failed>),
}

/// How a request went wrong.
#[derive(Debug)]
pub(super) struct Failed {
    /// Where.
    pub(super) step: RequestStep,
    /// How: a fixed word.
    pub(super) attention: &'static str,
    /// What a person reads.
    pub(super) log: NewRequestLog,
}

impl Halt {
    /// It waits so.
    pub(super) fn waits(waits: Waits) -> Self {
        Self::Waits(Box::new(waits))
    }

    /// It waits until applications call back, or are asked about their jobs again.
    pub(super) fn of_application((until, by): (Timestamp, WaitsFor), step: RequestStep) -> Self {
        let attention = match by {
            WaitsFor::Call => CALLBACK,
            WaitsFor::Job => POLLING,
        };
        Self::waits(Waits {
            status: PrivacyRequestStatus::InProcessing,
            step,
            attention: Some(attention),
            until: Some(until),
        })
    }

    /// The work as a whole went wrong at a step.
    pub(super) fn failed(step: RequestStep, attention: &'static str, message: &str) -> Self {
        Self::failed_with(step, attention, NewRequestLog::of_work(PROCESSING, "error", message))
    }

    /// It went wrong at a step, and this is what to say of it.
    pub(super) fn failed_with(step: RequestStep, attention: &'static str, log: NewRequestLog) -> Self {
        Self::Failed(Box::new(Failed { step, attention, log }))
    }

    /// Another process is in the way that is expected to be gone soon.
    pub(super) fn in_the_way() -> Self {
        Self::Later(TROUBLE_WAIT)
    }

    /// What the store could not do.
    pub(super) fn of_store(error: &StoreError, step: RequestStep) -> Self {
        match error {
            StoreError::Fenced { .. } => Self::Lost,
            // A full disk is mended without the request, which then goes on by itself.
            error if error.retry() == Retry::Yes || matches!(error, StoreError::DiskFull { .. }) => {
                tracing::warn!(%error, "work on a request is put off");
                Self::Later(TROUBLE_WAIT)
            }
            StoreError::Forgotten { .. } => Self::failed(step, "forgotten", &error.to_string()),
            error => {
                tracing::error!(%error, "the state of a request cannot be read or written");
                Self::failed(step, "state", &error.to_string())
            }
        }
    }

    /// Rows that could not be kept or read back: what the store says of it, or that the reading failed.
    pub(super) fn of_rows(error: &RowsError, step: RequestStep) -> Self {
        match error {
            RowsError::Store { source, .. } => Self::of_store(source, step),
            RowsError::Spool(_) => {
                tracing::warn!(%error, "the rows of a request cannot be kept");
                Self::failed(step, "reading", &error.to_string())
            }
        }
    }

    /// What stands in the way of reading for a plan, if that says how the request goes on.
    pub(super) fn of_planning(error: &PlanningError, step: RequestStep) -> Option<Self> {
        match error {
            PlanningError::Cancelled => Some(Self::Stopped),
            PlanningError::Run(RunError::Waits { until, by, .. }) => {
                Some(Self::of_application((*until, *by), step))
            }
            PlanningError::Store(error) | PlanningError::Run(RunError::Store(error)) => {
                Some(Self::of_store(error, step))
            }
            PlanningError::Rows(error) | PlanningError::Run(RunError::Rows(error)) => {
                Some(Self::of_rows(error, step))
            }
            PlanningError::UnknownPolicy { .. }
            | PlanningError::NoRule { .. }
            | PlanningError::Strategy { .. }
            | PlanningError::UnknownField { .. }
            | PlanningError::FieldNotTargeted { .. }
            | PlanningError::Traversal(_)
            | PlanningError::Condition(_)
            | PlanningError::Masker(_)
            | PlanningError::Run(
                RunError::ConnectionMissing { .. }
                | RunError::NotActive { .. }
                | RunError::Changed { .. }
                | RunError::Unread { .. },
            )
            | PlanningError::Database(_)
            | PlanningError::Expansion { .. }
            | PlanningError::NothingRead { .. }
            | PlanningError::Refused { .. } => None,
        }
    }

    /// What is wrong with a request.
    pub(super) fn of_request(error: &RequestError, step: RequestStep) -> Self {
        match error {
            RequestError::Store(error) => Self::of_store(error, step),
            error => Self::failed(step, "request", &error.to_string()),
        }
    }

    /// What is wrong with its policy.
    pub(super) fn of_policy(error: &PolicyError, step: RequestStep) -> Self {
        match error {
            PolicyError::Store(error) => Self::of_store(error, step),
            error => {
                let log = NewRequestLog::of_work("Policy validation", "error", &error.to_string());
                Self::failed_with(step, "policy", log)
            }
        }
    }
}
