use connector::ResumePoint;
use model::IncompleteReason;
use serde::{Deserialize, Serialize};

/// How far one unit of a list is; kept sealed with each of its pages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct UnitState {
    /// Pages kept.
    pub(crate) pages: u64,
    /// Calls made.
    pub(crate) requests: u64,
    /// Where it goes on; without it the unit has to start over.
    pub(crate) point: Option<ResumePoint>,
    /// How it ended.
    pub(crate) end: Option<UnitEnd>,
    /// Stands for the single resources that were asked for, if it is about such: their pages are in the order of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<String>,
}

/// How the reading of a unit, a list or a kind ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnitEnd {
    /// All pages were read.
    Complete,
    /// Something is missing; the same sync may go on.
    Incomplete {
        /// In a word.
        reason: IncompleteReason,
        /// The failing status, if the application answered with one.
        #[serde(default)]
        status: Option<u16>,
        /// In a sentence, without values.
        detail: String,
    },
    /// The plan or the token does not allow it.
    Unavailable {
        /// In a sentence, without values.
        detail: String,
    },
}

impl UnitEnd {
    /// Joins two parts: what is incomplete makes the whole so, then what is not allowed; the first one
    /// gives the reason.
    pub(crate) fn and(self, later: Self) -> Self {
        match (&self, &later) {
            (Self::Complete, _) | (Self::Unavailable { .. }, Self::Incomplete { .. }) => later,
            (Self::Incomplete { .. } | Self::Unavailable { .. }, _) => self,
        }
    }

    /// The same for a list of which some units were read to their end: what is not allowed is missing then, not
    /// the whole kind.
    pub(crate) fn of_part(self) -> Self {
        match self {
            Self::Unavailable { detail } => {
                Self::Incomplete { reason: IncompleteReason::Http4xx, status: None, detail }
            }
            Self::Complete | Self::Incomplete { .. } => self,
        }
    }

    /// Whether it is over for good: what is incomplete may be read on, and what is not allowed may be allowed
    /// the next time.
    pub(crate) fn is_final(&self) -> bool {
        *self == Self::Complete
    }
}
