//! Jobs that applications are asked about until they are done (saas-config 23.8 to 23.15).

use std::time::Duration;

use model::{Path, loosely_equal};
use serde_json::Value;

use super::{AsyncConfig, Request};

/// How to follow the job that a request starts, and how to fetch its result.
#[derive(Debug, Clone)]
pub struct Polling {
    /// Where the job's id is in the answer to the request.
    pub correlation_id_path: Option<Path>,
    /// Asks for the state; `<correlation_id>` stands for the id.
    pub status_request: Request,
    /// Where the state is.
    pub status_path: Option<Path>,
    /// The state that means done.
    pub status_completed_value: Option<Value>,
    /// States that mean that the job ended without a result.
    pub failed_values: Vec<Value>,
    /// States that mean that the job ended and there was nothing.
    pub empty_values: Vec<Value>,
    /// Fetches the result; reads need it.
    pub result_request: Option<Request>,
    /// Where the rows are in the result.
    pub result_path: Option<Path>,
    /// Longest time between two looks.
    pub interval: Duration,
    /// The job is given up this long after it was started.
    pub deadline: Duration,
}

/// What a state means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollingState {
    /// It goes on; so does a job in a state that the file does not name.
    Open,
    /// It is done.
    Complete,
    /// It ended, and there was nothing.
    Empty,
    /// It ended without a result.
    Failed,
}

impl Polling {
    /// What `state` means.
    pub fn meaning(&self, state: &Value) -> PollingState {
        let is = |value: &Value| loosely_equal(value, state);
        if self.status_completed_value.as_ref().is_some_and(is) {
            PollingState::Complete
        } else if self.empty_values.iter().any(is) {
            PollingState::Empty
        } else if self.failed_values.iter().any(is) {
            PollingState::Failed
        } else {
            PollingState::Open
        }
    }
}

impl Request {
    /// How the job is followed that it starts, unless `track` says it: that says more.
    pub fn polling(&self) -> Option<&Polling> {
        match &self.async_config {
            Some(AsyncConfig::Polling(polling)) if self.track.is_none() => Some(polling),
            Some(AsyncConfig::Polling(_) | AsyncConfig::Callback | AsyncConfig::Unknown { .. }) | None => {
                None
            }
        }
    }
}
