//! What people are asked to do for a request by hand.

mod config;
mod end;
mod find;

pub use config::ManualTaskConfig;
pub(crate) use end::takes_input;
pub use end::{ManualTaskEnd, NewManualTask};
pub use find::ManualTaskFilter;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use model::{ConnectionKey, Outcome, PrivacyRequestId};
use serde_json::Value;
use thiserror::Error;

use crate::words::text_enum;
use crate::{LoginId, ManualAction};

text_enum! {
    /// How far a task is.
    ManualTaskState "the state of a manual task" {
        /// A person is to do it.
        Open = "open",
        /// A person did it.
        Complete = "complete",
        /// Nobody is to do it, or somebody said that they will not.
        Skipped = "skipped",
    }
}

impl ManualTaskState {
    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::parse(name).ok()
    }
}

/// Id of a task, `mtk_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManualTaskId(String);

/// A text that is no id of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no id of a manual task; it begins with `mtk_`")]
pub struct ManualTaskIdError;

impl ManualTaskId {
    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ManualTaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ManualTaskId {
    type Err = ManualTaskIdError;

    fn from_str(text: &str) -> Result<Self, ManualTaskIdError> {
        let is_id = |rest: &str| {
            rest.len() == 36 && rest.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        };
        match text.strip_prefix("mtk_") {
            Some(rest) if is_id(rest) => Ok(Self(text.to_owned())),
            Some(_) | None => Err(ManualTaskIdError),
        }
    }
}

/// A task as the store knows it; holds no personal data.
#[derive(Debug, Clone, PartialEq)]
pub struct ManualTask {
    /// Its id.
    pub id: ManualTaskId,
    /// The request that it is for.
    pub request: PrivacyRequestId,
    /// The connection that it stands for.
    pub connection: ConnectionKey,
    /// Its type (`manual_task`, `jira_ticket`) when the task was made.
    pub connection_type: String,
    /// What it is for.
    pub action: ManualAction,
    /// What was configured when it was made.
    pub document: Value,
    /// Who is to do it; nobody in particular if there is none.
    pub assigned: Vec<LoginId>,
    /// How far it is.
    pub state: ManualTaskState,
    /// Why it is so: a fixed text.
    pub note: Option<String>,
    /// What a person said became of the data, for an erasure.
    pub outcome: Option<Outcome>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

/// The place that what people wrote is bound to.
pub(super) fn place(id: &str) -> Vec<u8> {
    format!("manual-task|{id}").into_bytes()
}
