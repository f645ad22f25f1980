use jiff::Timestamp;
use model::CollectionAddress;

use crate::certificate::{Evidence, VerificationState, VerifiedRead};

/// What is known of a collection, where from, and if nothing is known, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) state: VerificationState,
    pub(super) evidence: Evidence,
    pub(super) explanation: Option<&'static str>,
}

/// Why nothing is known of what was read in part.
pub(super) const NOT_TO_THE_END: &str = "it could not be read again to its end";

impl Finding {
    pub(super) fn gone(evidence: Evidence) -> Self {
        Self { state: VerificationState::Gone, evidence, explanation: None }
    }

    pub(super) fn still_present() -> Self {
        Self { state: VerificationState::StillPresent, evidence: Evidence::Reading, explanation: None }
    }

    /// What was not checked is evidence of nothing.
    pub(super) fn not_checked(why: &'static str) -> Self {
        let (state, evidence) = (VerificationState::NotChecked, Evidence::Nothing);
        Self { state, evidence, explanation: Some(why) }
    }

    /// Both together: the worse, and of equal ones the one with the weaker evidence.
    pub(super) fn and(self, other: Self) -> Self {
        std::cmp::min_by_key(self, other, |one| (one.state, one.evidence))
    }

    /// The entry of a certificate about a collection.
    pub(super) fn of(
        self,
        address: CollectionAddress,
        (rows_before, rows_left): (u64, u64),
        checked_at: Timestamp,
    ) -> VerifiedRead {
        VerifiedRead {
            address,
            state: self.state,
            evidence: self.evidence,
            explanation: self.explanation.map(str::to_owned),
            rows_before,
            rows_left,
            checked_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_finding_decides_and_the_weaker_evidence() {
        let (read, word) = (Finding::gone(Evidence::Reading), Finding::gone(Evidence::Application));
        let unknown = Finding::not_checked("why");

        assert_eq!(read.and(word), word);
        assert_eq!(word.and(unknown), unknown);
        assert_eq!(unknown.and(Finding::still_present()), Finding::still_present());
    }
}
