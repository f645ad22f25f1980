use serde::{Deserialize, Serialize};

use super::SourceError;
use crate::change::ResourceName;

/// One change of access, by ids of the source's own file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// Gives somebody an entitlement.
    Grant {
        /// Its id.
        entitlement: String,
        /// Who gets it.
        principal: ResourceName,
    },
    /// Takes a grant back.
    Revoke {
        /// Its id.
        grant: String,
    },
    /// Removes a resource.
    Delete {
        /// Which.
        resource: ResourceName,
    },
}

/// A job in a plan, and what runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedJob {
    /// Name of the program.
    pub program: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// What it is to do.
    #[serde(flatten)]
    pub job: Job,
}

/// How a job ended.
#[derive(Debug)]
pub enum JobEnd {
    /// It says that it is done, or was so before.
    Done,
    /// It was not begun, so that nothing was sent.
    NotBegun(SourceError),
    /// It was begun, and does not say that it is done.
    Unknown {
        /// A fixed word about the end (`exit_14`), never text from outside.
        detail: String,
    },
}
