//! How a unit ended, from what the connector says.

use connector::ReadError;
use model::{Completeness, IncompleteReason};

use crate::mapping::MappingError;
use crate::sync::unit_state::UnitEnd;

/// The end of a unit that broke off.
pub(super) fn ended_by(error: &ReadError) -> UnitEnd {
    match error {
        ReadError::Unavailable { .. } => UnitEnd::Unavailable { detail: error.to_string() },
        other => {
            UnitEnd::Incomplete { reason: other.reason(), status: other.status(), detail: other.to_string() }
        }
    }
}

/// The end of a unit with an item that is not understood.
pub(super) fn malformed(error: &MappingError) -> UnitEnd {
    UnitEnd::Incomplete { reason: IncompleteReason::Malformed, status: None, detail: error.to_string() }
}

pub(super) fn of_completeness(completeness: Completeness) -> UnitEnd {
    match completeness {
        Completeness::Complete => UnitEnd::Complete,
        Completeness::Incomplete { reason, detail } => UnitEnd::Incomplete { reason, status: None, detail },
    }
}
