use connector::ResumePoint;
use model::{CallStats, Completeness, IncompleteReason};
use serde::{Deserialize, Serialize};

use crate::basis::Basis;

/// How far one unit is; kept sealed with each of its pages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct UnitState {
    /// What its pages rest on; a unit that rests on something else has none of them.
    #[serde(default)]
    pub(crate) basis: Option<Basis>,
    pub(crate) pages: u64,
    pub(crate) rows: u64,
    pub(crate) foreign_rows: u64,
    pub(crate) stats: CallStats,
    /// Where it goes on; without it the unit has to start over.
    pub(crate) point: Option<ResumePoint>,
    /// How it ended.
    pub(crate) end: Option<KeptCompleteness>,
}

impl UnitState {
    /// The same unit without pages; what it cost so far stays.
    pub(crate) fn afresh(&self) -> Self {
        Self { basis: self.basis.clone(), stats: self.stats, ..Self::default() }
    }
}

/// A completeness as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeptCompleteness {
    Complete,
    Incomplete { reason: IncompleteReason, detail: String },
}

impl From<Completeness> for KeptCompleteness {
    fn from(completeness: Completeness) -> Self {
        match completeness {
            Completeness::Complete => Self::Complete,
            Completeness::Incomplete { reason, detail } => Self::Incomplete { reason, detail },
        }
    }
}

impl From<KeptCompleteness> for Completeness {
    fn from(kept: KeptCompleteness) -> Self {
        match kept {
            KeptCompleteness::Complete => Self::Complete,
            KeptCompleteness::Incomplete { reason, detail } => Self::Incomplete { reason, detail },
        }
    }
}
