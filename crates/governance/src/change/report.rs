use model::RunId;
use serde::{Deserialize, Serialize};
use store::PlanDigest;

use super::reach::Through;

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeReport {
    /// Key of the connection.
    pub connection: String,
    /// How it ended.
    pub result: ChangeResult,
    /// Its run.
    pub run: RunId,
    /// Digest of its plan; none if nothing had to be sent.
    #[serde(serialize_with = "digest")]
    pub plan: Option<PlanDigest>,
    /// Through whom the access still reaches the principal.
    pub through: Vec<Through>,
    /// How often something was sent, or about to be sent.
    pub attempts: u32,
    /// A fixed word about the end of the last attempt (`http_200`).
    pub detail: Option<String>,
    /// What a person should know about it.
    pub note: Option<String>,
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeResult {
    /// It was so before; nothing was sent.
    Already,
    /// It was sent, and reading it back shows it.
    Confirmed,
    /// It is done, and the same access reaches the principal in another way.
    StillReachable,
    /// The application took it, and reading it back does not show it yet.
    DoneButNotVisible,
    /// The application refused it, or could not be reached; nothing was changed.
    Failed,
    /// It was sent, and nobody knows whether it took effect.
    Unknown,
}

impl ChangeResult {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Already => "already",
            Self::Confirmed => "confirmed",
            Self::StillReachable => "still_reachable",
            Self::DoneButNotVisible => "done_but_not_visible",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

#[expect(clippy::ref_option, reason = "the field is handed over as it is")]
fn digest<S: serde::Serializer>(plan: &Option<PlanDigest>, serializer: S) -> Result<S::Ok, S::Error> {
    plan.as_ref().map(PlanDigest::as_str).serialize(serializer)
}
