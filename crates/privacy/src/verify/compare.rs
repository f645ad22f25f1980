//! What reading again found, collection by collection.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crypto::MaskSecrets;
use engine::{Cancellation, CollectionOutcome, RunOutcome, SealedRows, Source, Status};
use graph::{ErasureRule, GraphCollection, Traversal, erasure_rules};
use jiff::Timestamp;
use model::{CollectionAddress, Outcome, Row};
use tokio::runtime::Handle;

use super::by_key::ByKey;
use super::ending::Ending;
use super::finding::{Finding, NOT_TO_THE_END};
use super::traces::{Targeted, Traces};
use crate::PrivacyService;
use crate::certificate::{Evidence, VerificationState, VerifiedRead};
use crate::outline::{Outline, OutlinedOperation};
use crate::plan::{PlanAction, Verification};
use crate::planning::{Corrected, PlanningError};

/// What is compared.
pub(super) struct Comparison {
    pub(super) service: PrivacyService,
    pub(super) outline: Outline,
    /// The rows that the plan was made from.
    pub(super) before: BTreeMap<CollectionAddress, SealedRows>,
    pub(super) now: RunOutcome,
    pub(super) traversal: Traversal,
    /// What the reads found that connector files name under `verify`, by the number of the operation.
    pub(super) proofs: BTreeMap<u64, VerificationState>,
    /// How the job of each operation ended, by its number.
    pub(super) endings: BTreeMap<u64, Ending>,
    /// What a rectification gave.
    pub(super) corrected: Vec<Corrected>,
    pub(super) checked_at: Timestamp,
    pub(super) cancellation: Cancellation,
}

/// What was found in a collection, with the rows before and the rows left.
type Looked = (Finding, u64, u64);

impl Comparison {
    /// One entry for each collection from which something had to go, or in which nothing was found.
    /// Blocks; rows of databases are read by `runtime` meanwhile.
    pub(super) fn reads(&self, runtime: &Handle) -> Result<Vec<VerifiedRead>, Box<PlanningError>> {
        let (rules, secrets) = (self.rules()?, MaskSecrets::random());
        let entry = |address: &CollectionAddress, looked: Looked| {
            let (finding, rows_before, rows_left) = looked;
            finding.of(address.clone(), (rows_before, rows_left), self.checked_at)
        };
        let mut reads = Vec::new();
        for address in self.outline.collections() {
            let looked = self.collection(address, (&rules, &secrets), runtime)?;
            reads.push(entry(address, looked));
        }
        for address in self.outline.not_found() {
            reads.push(entry(address, self.everything(address)));
        }
        Ok(reads)
    }

    fn rules(&self) -> Result<Vec<ErasureRule>, Box<PlanningError>> {
        let key = &self.outline.policy;
        let Some(policy) = self.service.find_policy(key) else { return Ok(Vec::new()) };
        erasure_rules(policy).map_err(|source| Box::new(PlanningError::Strategy { key: key.clone(), source }))
    }

    fn collection(
        &self,
        address: &CollectionAddress,
        masks: (&[ErasureRule], &MaskSecrets),
        runtime: &Handle,
    ) -> Result<Looked, Box<PlanningError>> {
        let operations: Vec<_> =
            self.outline.operations.iter().filter(|one| one.collections.contains(address)).collect();
        let told: Vec<_> = operations.iter().map(|operation| self.told(operation)).collect();
        let of_operations = told.iter().copied().flatten().reduce(Finding::and);
        if told.iter().all(Option::is_some) {
            let finding = of_operations.unwrap_or(Finding::not_checked("nothing was to be read again"));
            return Ok((finding, self.rows_planned(address), 0));
        }
        let (of_rows, before, left) = if operations.iter().all(|one| one.expected == Outcome::Masked) {
            self.values(address, (&operations, masks), runtime)?
        } else {
            self.everything(address)
        };
        Ok((of_operations.map_or(of_rows, |told| told.and(of_rows)), before, left))
    }

    /// What is known of an operation without the rows of its collections; `None`: these tell.
    fn told(&self, operation: &OutlinedOperation) -> Option<Finding> {
        if let Some(state) = self.proofs.get(&operation.order) {
            return Some(match state {
                VerificationState::NotChecked => Finding::not_checked(
                    "the read that proves it could not be sent, or was not read to its end",
                ),
                state => Finding { state: *state, evidence: Evidence::Reading, explanation: None },
            });
        }
        match operation.verification {
            Verification::ReadAgain => None,
            Verification::Request => Some(Finding::not_checked("the read that proves it could not be sent")),
            Verification::JobOnly => {
                Some(match self.endings.get(&operation.order).copied().unwrap_or(Ending::NotSeen) {
                    Ending::SeenWell => Finding::gone(Evidence::Application),
                    Ending::Decided => Finding::not_checked(
                        "nothing of it can be read, and that its job ended well is the word of a person",
                    ),
                    Ending::NotSeen => Finding::not_checked(
                        "nothing of it can be read, and its job was not seen to end well",
                    ),
                })
            }
            Verification::None => {
                Some(Finding::not_checked("nothing of it can be read, and it starts no job that is followed"))
            }
        }
    }

    fn rows_planned(&self, address: &CollectionAddress) -> u64 {
        self.outline.reads.iter().find(|read| read.address == *address).map_or(0, |read| read.rows)
    }

    /// All rows had to go.
    fn everything(&self, address: &CollectionAddress) -> Looked {
        let before = self.rows_planned(address);
        let Some(now) = self.now.collections.get(address) else {
            return (Finding::not_checked("it is not read any more"), before, 0);
        };
        let left = now.sealed.len();
        let finding = if left > 0 {
            Finding::still_present()
        } else if is_whole(now) {
            Finding::gone(Evidence::Reading)
        } else {
            Finding::not_checked(NOT_TO_THE_END)
        };
        (finding, before, left)
    }

    /// Values in rows had to go, or to become right.
    fn values(
        &self,
        address: &CollectionAddress,
        (operations, (rules, secrets)): (&[&OutlinedOperation], (&[ErasureRule], &MaskSecrets)),
        runtime: &Handle,
    ) -> Result<Looked, Box<PlanningError>> {
        let Some(collection) = self.service.parts().graph.find(address) else {
            return Ok((
                Finding::not_checked("the dataset does not have it any more"),
                self.rows_planned(address),
                0,
            ));
        };
        let Some(now) = self.now.collections.get(address) else {
            return Ok((Finding::not_checked("it is not read any more"), self.rows_planned(address), 0));
        };
        let targeted = match self.outline.action {
            PlanAction::Erasure => Targeted::masked(collection, rules, secrets).map_err(boxed)?,
            PlanAction::Rectification => Targeted::Corrected(self.right_values(address, operations)),
        };
        let mut traces = Traces::new(collection, targeted);
        if let Some(before) = self.before.get(address) {
            each(before, &mut |row| traces.remember(row))?;
        }
        each(&now.sealed, &mut |row| traces.look(row))?;
        let by_key = self.look_by_key(collection, &mut traces, runtime);
        let finding = if traces.rows_left() > 0 {
            Finding::still_present()
        } else if !is_whole(now) {
            Finding::not_checked(NOT_TO_THE_END)
        } else if traces.holds_other() {
            Finding::not_checked("a corrected field holds neither its old nor its right value")
        } else {
            match (by_key, self.outline.action) {
                (Some(false), _) => Finding::not_checked("its rows could not be read again by their key"),
                (Some(true), _) => Finding::gone(Evidence::Reading),
                (None, _) if traces.saw_all() => Finding::gone(Evidence::Reading),
                (None, PlanAction::Erasure) => Finding::gone(Evidence::Lookup),
                (None, PlanAction::Rectification) => {
                    Finding::not_checked("not every row that was corrected is found again")
                }
            }
        };
        Ok((finding, traces.rows(), traces.rows_left()))
    }

    /// The right value of each field that an operation corrected.
    fn right_values(
        &self,
        address: &CollectionAddress,
        operations: &[&OutlinedOperation],
    ) -> BTreeMap<String, serde_json::Value> {
        let reasons = operations.iter().flat_map(|operation| &operation.reason);
        let fields: BTreeSet<&String> = reasons.flat_map(|reason| &reason.fields).collect();
        let own = self.corrected.iter().filter(|one| one.address == *address && fields.contains(&one.field));
        own.map(|one| (one.field.clone(), one.value.clone())).collect()
    }

    /// Looks at the rows of a table by their key; whether all were read, `None` if it is no table, or
    /// has no key.
    fn look_by_key(
        &self,
        collection: &Arc<GraphCollection>,
        traces: &mut Traces<'_>,
        runtime: &Handle,
    ) -> Option<bool> {
        let connection = collection.address.dataset().parse().ok()?;
        let Source::Database(database) = self.service.parts().sources.get(&connection)? else { return None };
        let keys = traces.key_values()?;
        let by_key = ByKey { database, collection, keys, cancellation: &self.cancellation };
        let mut look = |row: &Row| traces.look_if_known(row);
        let read = by_key.read(&self.traversal, &mut look);
        Some(runtime.block_on(read).unwrap_or_else(|error| {
            tracing::warn!(%error, "rows could not be read again by their key");
            false
        }))
    }
}

/// Only a reading that saw everything shows that nothing is there (architecture law 4).
fn is_whole(now: &CollectionOutcome) -> bool {
    match now.status {
        Status::Complete => now.completeness.is_complete(),
        Status::Incomplete | Status::Failed | Status::Skipped => false,
    }
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
