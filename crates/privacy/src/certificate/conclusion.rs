use std::collections::BTreeSet;

use graph::MaskingGrade;
use model::Outcome;
use serde::{Deserialize, Serialize};

use super::{Certificate, Evidence, VerificationState, VerifiedRead};
use crate::plan::NotCovered;

/// What a certificate amounts to. It follows from the parts; a certificate that concludes anything
/// else is refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conclusion {
    /// The worst outcome of all; absent if there was nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What reading again found, at worst; absent if there was nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationState>,
    /// The weakest evidence for it; absent if there was nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The worst grade of what was erased; absent if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<MaskingGrade>,
    /// Everything that should go has gone, and was looked for in vain or, where nothing can be read, is
    /// gone by the application's word ([`Conclusion::evidence`]). What a complete reading did not find
    /// when the plan was made, and is not found now, is no obstacle.
    pub proven: bool,
}

impl Conclusion {
    pub(super) fn of(certificate: &Certificate) -> Self {
        let done = certificate.operations.iter().map(|operation| operation.outcome);
        let stays = certificate.exemptions.iter().chain(&certificate.not_covered).map(|one| one.outcome);
        let outcome = Outcome::worst(done.chain(stays));
        let erased = certificate.operations.iter().filter(|operation| is_gone(operation.outcome));
        let grade = erased.filter_map(|operation| operation.grade).min();
        let verification = (!certificate.operations.is_empty()).then(|| certificate.verification.state());
        let evidence = certificate.verification.evidence().filter(|_| verification.is_some());
        let all_gone = certificate.operations.iter().all(|operation| {
            is_settled(operation.outcome)
                && operation.destinations.iter().all(|destination| is_settled(destination.outcome))
        });
        let is_proven = all_gone
            && certificate.not_covered.iter().all(NotCovered::was_not_found)
            && reads_everything(certificate)
            && certificate.verification.reads.iter().all(shows_it_gone);
        Self { outcome, verification, evidence, grade, proven: is_proven }
    }
}

fn shows_it_gone(read: &VerifiedRead) -> bool {
    read.state == VerificationState::Gone && read.evidence != Evidence::Nothing
}

/// Whether every collection that an operation erased was read again.
fn reads_everything(certificate: &Certificate) -> bool {
    let read: BTreeSet<_> = certificate.verification.reads.iter().map(|read| &read.address).collect();
    certificate.operations.iter().flat_map(|operation| &operation.collections).all(|one| read.contains(one))
}

/// Whether old values went.
fn is_gone(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Masked | Outcome::Erased => true,
        Outcome::Failed
        | Outcome::Unknown
        | Outcome::Accepted
        | Outcome::Unsupported
        | Outcome::Exempt
        | Outcome::Suppressed
        | Outcome::AlreadyAbsent
        | Outcome::NotFound => false,
    }
}

/// Whether nothing is left to do or to find out.
pub(super) fn is_settled(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Failed | Outcome::Unknown | Outcome::Accepted | Outcome::Unsupported => false,
        Outcome::Exempt
        | Outcome::Suppressed
        | Outcome::Masked
        | Outcome::Erased
        | Outcome::AlreadyAbsent
        | Outcome::NotFound => true,
    }
}
