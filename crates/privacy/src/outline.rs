//! What a plan comes to without anything personal: enough for status and certificate once the plan
//! itself is gone.

use graph::MaskingGrade;
use model::{CollectionAddress, Outcome, RunId};
use serde::{Deserialize, Serialize};
use store::{PlanHead, Store, StoreError};

use crate::plan::{
    Call, NOT_FOUND, NOT_RESOLVED, NotCovered, Operation, Plan, PlanAction, PlannedRead, Reason, Verification,
};
use crate::rereading::Subject;
use crate::{PrivacyService, as_text};

/// A plan without URL, body, statement, value or hash of any row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outline {
    format: OutlineFormat,
    #[serde(with = "as_text")]
    pub(crate) run: RunId,
    pub(crate) action: PlanAction,
    pub(crate) policy: String,
    pub(crate) policy_sha256: String,
    /// Keyed hash of the identities.
    pub(crate) subject: String,
    pub(crate) operations: Vec<OutlinedOperation>,
    pub(crate) not_covered: Vec<NotCovered>,
    pub(crate) reads: Vec<OutlinedRead>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
enum OutlineFormat {
    #[default]
    #[serde(rename = "tutela.outline/1")]
    V1,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutlinedOperation {
    pub(crate) order: u64,
    pub(crate) connection: String,
    pub(crate) collections: Vec<CollectionAddress>,
    pub(crate) reason: Vec<Reason>,
    pub(crate) rows: u64,
    pub(crate) expected: Outcome,
    pub(crate) grade: Option<MaskingGrade>,
    pub(crate) verification: Verification,
    pub(crate) tracked: bool,
    pub(crate) waits_for: Vec<u64>,
    /// It changes rows one by one; otherwise whatever is there goes.
    pub(crate) by_row: bool,
    /// Place of its request in the connector file; none for a statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<String>,
}

/// One collection that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutlinedRead {
    pub(crate) address: CollectionAddress,
    pub(crate) rows: u64,
}

impl Outline {
    /// The outline of a plan about whoever `subject` is the keyed hash of.
    pub(crate) fn of(plan: &Plan, subject: String) -> Self {
        let contents = plan.contents();
        let read = |read: &PlannedRead| OutlinedRead { address: read.address.clone(), rows: read.rows };
        Self {
            format: OutlineFormat::V1,
            run: contents.run.clone(),
            action: contents.action,
            policy: contents.policy.clone(),
            policy_sha256: contents.policy_sha256.clone(),
            subject,
            operations: contents.operations.iter().map(OutlinedOperation::of).collect(),
            not_covered: contents.not_covered.clone(),
            reads: contents.reads.iter().map(read).collect(),
        }
    }

    /// Every collection from which an operation takes something, once, by address.
    pub(crate) fn collections(&self) -> std::collections::BTreeSet<&CollectionAddress> {
        self.operations.iter().flat_map(|operation| &operation.collections).collect()
    }

    /// Every other collection of which a complete reading had nothing, once, by address.
    pub(crate) fn not_found(&self) -> std::collections::BTreeSet<&CollectionAddress> {
        let changed = self.collections();
        let read_in_vain =
            self.not_covered.iter().filter(|one| one.reason == NOT_FOUND && one.was_not_found());
        read_in_vain.map(|one| &one.collection).filter(|one| !changed.contains(one)).collect()
    }

    /// What the plan does not cover. Where the person could not be named, everything counts that was
    /// read there and that no operation is about.
    pub(crate) fn stays(&self) -> Vec<NotCovered> {
        let changed = self.collections();
        let rows_beside = |dataset: &str| {
            let beside = self
                .reads
                .iter()
                .filter(|read| read.address.dataset() == dataset && !changed.contains(&read.address));
            beside.map(|read| read.rows).sum::<u64>()
        };
        let as_found = |one: &NotCovered| {
            let rows = if one.reason == NOT_RESOLVED {
                one.rows.max(rows_beside(one.collection.dataset()))
            } else {
                one.rows
            };
            NotCovered { rows, ..one.clone() }
        };
        self.not_covered.iter().map(as_found).collect()
    }
}

impl OutlinedOperation {
    fn of(operation: &Operation) -> Self {
        Self {
            order: operation.order,
            connection: operation.connection.clone(),
            collections: operation.collections.clone(),
            reason: operation.reason.clone(),
            rows: operation.rows,
            expected: operation.expected,
            grade: operation.grade,
            verification: operation.verification,
            tracked: operation.tracked,
            waits_for: operation.waits_for.clone(),
            by_row: !operation.uses.rows.is_empty(),
            place: match &operation.call {
                Call::Http { place, .. } => Some(place.clone()),
                Call::Sql { .. } => None,
            },
        }
    }
}

/// What is known of a run's plan.
pub(crate) struct Known {
    pub(crate) head: PlanHead,
    pub(crate) outline: Outline,
}

impl PrivacyService {
    /// The plan of a run without anything personal; `None` if the run has none here, or if it was
    /// forgotten before anything of it was kept.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Damaged`] if what is kept is no plan of ours.
    pub(crate) async fn known(&self, run: &RunId) -> Result<Option<Known>, StoreError> {
        let store = &self.parts().store;
        if let Some(known) = find_outlined(store, run).await? {
            return Ok(Some(known));
        }
        let Some(head) = store.plan_of_run(run).await? else { return Ok(None) };
        let kept = match store.plan_find(&head.digest).await {
            Ok(kept) => kept,
            Err(StoreError::Forgotten { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(kept) = kept else { return Ok(None) };
        let plan = parse(kept.body.expose())?;
        // Boxed: it lies deep below the calls of others.
        let subject = Box::pin(self.subject(run)).await?;
        let outline = self.keep_outline(&plan, &subject).await?;
        Ok(Some(Known { head, outline }))
    }

    /// Keeps the outline of a plan about somebody, and gives it.
    pub(crate) async fn keep_outline(&self, plan: &Plan, of: &Subject) -> Result<Outline, StoreError> {
        let store = &self.parts().store;
        let subject = crate::subject::to_bytes(&of.identities);
        let outline = Outline::of(plan, crypto::hex(&store.keyed_hash(subject.expose())));
        let text = serde_json::to_string(&outline).map_err(|_| DAMAGED)?;
        store.outline_put(plan.digest(), &text).await?;
        Ok(outline)
    }
}

/// The plan of a run of which an outline was kept: of each that was begun to be carried out.
pub(crate) async fn find_outlined(store: &Store, run: &RunId) -> Result<Option<Known>, StoreError> {
    let Some(head) = store.plan_of_run(run).await? else { return Ok(None) };
    let Some(text) = store.outline_find(&head.digest).await? else { return Ok(None) };
    let outline = serde_json::from_str(&text).map_err(|_| DAMAGED)?;
    Ok(Some(Known { head, outline }))
}

/// The plan in a body that the store kept.
pub(crate) fn parse(body: &[u8]) -> Result<Plan, StoreError> {
    let text = std::str::from_utf8(body).map_err(|_| DAMAGED)?;
    Plan::parse(text).map_err(|_| DAMAGED)
}

const DAMAGED: StoreError = StoreError::Damaged { what: "a plan" };

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing_is_there(&[], 0)]
    #[case::something_is(&[("app:profiles", 1), ("app:traits", 3)], 4)]
    #[case::it_is_somewhere_else(&[("shop:customers", 2)], 0)]
    fn where_a_person_cannot_be_named_what_was_read_stays(#[case] reads: &[(&str, u64)], #[case] rows: u64) {
        let read =
            |(address, rows): &(&str, u64)| OutlinedRead { address: address.parse().unwrap(), rows: *rows };
        let outline = Outline {
            format: OutlineFormat::V1,
            run: "run_0197a6a0-0000-7000-8000-000000000000".parse().unwrap(),
            action: PlanAction::Erasure,
            policy: "erase".into(),
            policy_sha256: String::new(),
            subject: String::new(),
            operations: vec![],
            not_covered: vec![NotCovered {
                collection: "app:user_ids".parse().unwrap(),
                fields: vec![],
                rows: 0,
                outcome: Outcome::NotFound,
                reason: NOT_RESOLVED.into(),
                explanation: "nothing names the person".into(),
            }],
            reads: reads.iter().map(read).collect(),
        };

        let stays = outline.stays();

        assert_eq!(stays[0].rows, rows);
        assert_eq!(stays[0].was_not_found(), rows == 0);
    }
}
