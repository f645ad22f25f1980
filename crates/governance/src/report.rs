//! What a sync says about itself.

use model::IncompleteReason;
use serde::{Deserialize, Serialize};

/// What became of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncReport {
    /// Id of the sync in its file; none if there is no file.
    pub sync_id: Option<String>,
    /// How it ended.
    pub outcome: SyncOutcome,
    /// Calls that were made for it, earlier attempts at the same sync included.
    pub requests: u64,
    /// Each kind, in the order of the file; then kinds that only grants name.
    pub kinds: Vec<KindReport>,
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncOutcome {
    /// Every kind was read to its end.
    Complete,
    /// Something is missing, and the report says what.
    Incomplete,
    /// A kind without which nothing is shown is incomplete: there is no result, and the same sync can go on.
    Unfinished,
}

/// What is known of one kind of resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindReport {
    /// Its id.
    pub kind: String,
    /// Whether all of it was read.
    pub status: KindStatus,
    /// Why not, or what is to be known besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same for whoever reacts to it; none if nothing is missing.
    #[serde(skip)]
    pub cause: Option<KindCause>,
    /// Resources.
    pub resources: u64,
    /// Entitlements on them.
    pub entitlements: u64,
    /// Grants of those entitlements, inherited ones included.
    pub grants: u64,
}

/// Why a kind is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindCause {
    /// In a word.
    pub reason: IncompleteReason,
    /// The failing status, if the application answered with one.
    pub status: Option<u16>,
}

/// Whether all of a kind was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindStatus {
    /// All of it.
    Complete,
    /// Something is missing: nothing of it is shown.
    Incomplete,
    /// The plan or the token does not allow it: nothing is known of it.
    Unavailable,
}
