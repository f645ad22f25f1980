//! What reading again found, collection by collection.

use std::collections::{BTreeMap, BTreeSet};

use crypto::MaskSecrets;
use engine::{CollectionOutcome, RunOutcome, SealedRows, Status};
use graph::{ErasureRule, erasure_rules};
use jiff::Timestamp;
use model::{CollectionAddress, Outcome, Row};

use super::traces::{Targeted, Traces};
use crate::PrivacyService;
use crate::certificate::{Evidence, VerificationState, VerifiedRead};
use crate::outline::{Outline, OutlinedOperation};
use crate::plan::{PlanAction, Verification};
use crate::planning::PlanningError;

/// What is compared.
pub(super) struct Comparison {
    pub(super) service: PrivacyService,
    pub(super) outline: Outline,
    /// The rows that the plan was made from.
    pub(super) before: BTreeMap<CollectionAddress, SealedRows>,
    pub(super) now: RunOutcome,
    /// What the reads found that connector files name under `verify`, by the number of the operation.
    pub(super) proofs: BTreeMap<u64, VerificationState>,
    /// Operations of which nothing can be read again and whose job ended well, with each destination.
    pub(super) confirmed: BTreeSet<u64>,
    pub(super) checked_at: Timestamp,
}

impl Comparison {
    /// One entry for each collection from which something had to go. Blocks.
    pub(super) fn reads(&self) -> Result<Vec<VerifiedRead>, Box<PlanningError>> {
        let (rules, secrets) = (self.rules()?, MaskSecrets::random());
        self.outline
            .collections()
            .into_iter()
            .map(|address| {
                let (state, rows_before, rows_left) = self.collection(address, &rules, &secrets)?;
                Ok(VerifiedRead {
                    address: address.clone(),
                    state,
                    evidence: self.evidence(address),
                    rows_before,
                    rows_left,
                    checked_at: self.checked_at,
                })
            })
            .collect()
    }

    /// The application's word is all there is for a collection if any of its operations rests on it.
    fn evidence(&self, address: &CollectionAddress) -> Evidence {
        let of_collection = |one: &&OutlinedOperation| one.collections.contains(address);
        let mut operations = self.outline.operations.iter().filter(of_collection);
        if operations.any(|one| one.verification == Verification::JobOnly) {
            Evidence::Application
        } else {
            Evidence::Reading
        }
    }

    fn rules(&self) -> Result<Vec<ErasureRule>, Box<PlanningError>> {
        let key = &self.outline.policy;
        let Some(policy) = self.service.find_policy(key) else { return Ok(Vec::new()) };
        erasure_rules(policy).map_err(|source| Box::new(PlanningError::Strategy { key: key.clone(), source }))
    }

    fn collection(
        &self,
        address: &CollectionAddress,
        rules: &[ErasureRule],
        secrets: &MaskSecrets,
    ) -> Result<(VerificationState, u64, u64), Box<PlanningError>> {
        let operations: Vec<_> =
            self.outline.operations.iter().filter(|one| one.collections.contains(address)).collect();
        let read = self.outline.reads.iter().find(|read| read.address == *address);
        let rows_before = read.map_or(0, |read| read.rows);
        let proof = |operation: &OutlinedOperation| match self.proofs.get(&operation.order) {
            Some(state) => Some(*state),
            None => match operation.verification {
                Verification::JobOnly if self.confirmed.contains(&operation.order) => {
                    Some(VerificationState::Gone)
                }
                Verification::Request | Verification::JobOnly | Verification::None => {
                    Some(VerificationState::NotChecked)
                }
                Verification::ReadAgain => None,
            },
        };
        let proven = operations.iter().filter_map(|operation| proof(operation)).min();
        let is_read = |operation: &OutlinedOperation| {
            operation.verification == Verification::ReadAgain && proof(operation).is_none()
        };
        if !operations.iter().any(|operation| is_read(operation)) {
            return Ok((proven.unwrap_or(VerificationState::NotChecked), rows_before, 0));
        }
        let Some(now) = self.now.collections.get(address) else {
            return Ok((VerificationState::NotChecked, rows_before, 0));
        };
        let collection = self.service.parts().graph.find(address);
        let is_masked = operations.iter().all(|operation| operation.expected == Outcome::Masked);
        let (rows_before, rows_left) = match collection.filter(|_| is_masked) {
            // Everything had to go.
            None => (rows_before, now.sealed.len()),
            Some(collection) => {
                let targeted = match self.outline.action {
                    PlanAction::Erasure => Targeted::masked(collection, rules, secrets).map_err(boxed)?,
                    PlanAction::Rectification => Targeted::Fields(fields(&operations)),
                };
                let mut traces = Traces::new(collection, targeted);
                if let Some(before) = self.before.get(address) {
                    each(before, &mut |row| traces.remember(row))?;
                }
                let mut left = 0;
                each(&now.sealed, &mut |row| left += u64::from(traces.is_left(row)))?;
                (traces.rows(), left)
            }
        };
        let state = state(now, rows_left);
        Ok((proven.map_or(state, |proven| proven.min(state)), rows_before, rows_left))
    }
}

/// Only a reading that saw everything shows that nothing is there (architecture law 4).
fn state(now: &CollectionOutcome, rows_left: u64) -> VerificationState {
    if rows_left > 0 {
        return VerificationState::StillPresent;
    }
    match now.status {
        Status::Complete if now.completeness.is_complete() => VerificationState::Gone,
        Status::Complete | Status::Incomplete | Status::Failed | Status::Skipped => {
            VerificationState::NotChecked
        }
    }
}

fn fields(operations: &[&OutlinedOperation]) -> BTreeSet<String> {
    let reasons = operations.iter().flat_map(|operation| &operation.reason);
    reasons.flat_map(|reason| reason.fields.iter().cloned()).collect()
}

/// Every row; what is somebody else's in its arrays is taken out of them already.
fn each(rows: &SealedRows, found: &mut dyn FnMut(&Row)) -> Result<(), Box<PlanningError>> {
    for page in rows.pages() {
        for row in page.map_err(boxed)? {
            found(&row);
        }
    }
    Ok(())
}

fn boxed(error: impl Into<PlanningError>) -> Box<PlanningError> {
    Box::new(error.into())
}
