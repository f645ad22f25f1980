use std::collections::{BTreeMap, BTreeSet};

use connector::Person;
use crypto::MaskSecrets;
use engine::RunOutcome;
use graph::Targets;
use model::{CollectionAddress, Identities};
use store::StoreError;

use super::PlanningError;
use super::deciding::Deciding;
use super::draft::Draft;
use super::facts::{planned, policy_sha256};
use super::goal::Goal;
use super::held::Held;
use crate::PrivacyService;
use crate::plan::drift::{Observed, ObservedRead};
use crate::plan::{Limits, Operation, Plan, PlanAction, PlanContents};
use crate::rereading::Subject;
use crate::subject::Subject as KeptSubject;

/// What a second reading found, in the terms of `plan`, for [`compare`](crate::plan::drift::compare):
/// what a plan made of it now would use.
///
/// # Errors
/// [`PlanningError`] if that cannot be found out; then nothing may be sent.
pub(crate) async fn observe(
    service: &PrivacyService,
    (plan, subject): (&Plan, &Subject),
    outcome: &RunOutcome,
) -> Result<Observed, PlanningError> {
    let parts = service.parts();
    let contents = plan.contents();
    let key = parts.store.run_hash_key(&contents.run).await?;
    let connections = parts.connections.iter().map(|facts| planned(facts, &key)).collect();
    let limits = contents.raised.over(Limits::from(parts.limits));
    let policy = service.find_policy(&contents.policy);
    let goal = policy.map(|policy| Goal::new(policy, &contents.corrections, &parts.graph));
    let (Some(policy), Some(Ok(goal))) = (policy, goal) else {
        // It is gone, or no longer what it was: that alone stops the plan.
        return Ok(Observed {
            connections,
            policy_sha256: String::new(),
            limits,
            reads: BTreeMap::new(),
            held: BTreeSet::new(),
        });
    };
    let person = Person { identities: identities_of(contents), ..subject.person.clone() };
    let traversal = parts.graph.traverse(&person.identities, Targets::Everything)?;
    let held = Held::of(&parts.store, (&contents.run, subject.request.as_ref())).await?;
    let now_held = held_operations(contents, &held);
    let held = held.and_left_out_by(contents);
    let deciding = Deciding {
        service,
        goal: &goal,
        traversal: &traversal,
        outcome,
        person: &person,
        key: &key,
        held: &held,
        secrets: MaskSecrets::random(),
    };
    let draft = deciding.decide().await?;
    let policy_sha256 = policy_sha256(policy, &parts.connections);
    Ok(Observed {
        connections,
        policy_sha256,
        limits,
        reads: reads(contents, outcome, draft),
        held: now_held,
    })
}

/// The same without rows: connections, policy and limits as they are now. Nobody is asked.
pub(crate) async fn observe_settings(service: &PrivacyService, plan: &Plan) -> Result<Observed, StoreError> {
    let parts = service.parts();
    let contents = plan.contents();
    let key = parts.store.run_hash_key(&contents.run).await?;
    let policy = service.find_policy(&contents.policy);
    let bytes = parts.store.run_subject(&contents.run).await?;
    let request = KeptSubject::from_bytes(bytes.expose()).and_then(|kept| kept.request);
    let held = Held::of(&parts.store, (&contents.run, request.as_ref())).await?;
    Ok(Observed {
        connections: parts.connections.iter().map(|facts| planned(facts, &key)).collect(),
        policy_sha256: policy.map(|policy| policy_sha256(policy, &parts.connections)).unwrap_or_default(),
        limits: contents.raised.over(Limits::from(parts.limits)),
        reads: BTreeMap::new(),
        held: held_operations(contents, &held),
    })
}

/// The operations that would erase what a law asks to keep by now.
fn held_operations(contents: &PlanContents, held: &Held) -> BTreeSet<u64> {
    if contents.action != PlanAction::Erasure {
        return BTreeSet::new();
    }
    let operations = contents.operations.iter();
    let is_held = |operation: &&Operation| operation.collections.iter().any(|one| held.is_held_now(one));
    operations.filter(is_held).map(|operation| operation.order).collect()
}

fn reads(
    contents: &PlanContents,
    outcome: &RunOutcome,
    draft: Draft,
) -> BTreeMap<CollectionAddress, ObservedRead> {
    let mut reads: BTreeMap<CollectionAddress, ObservedRead> = contents
        .reads
        .iter()
        .filter_map(|read| {
            let found = outcome.collections.get(&read.address)?;
            let (complete, rows) = (found.completeness.is_complete(), found.rows);
            Some((read.address.clone(), ObservedRead { complete, rows, ..ObservedRead::default() }))
        })
        .collect();
    for operation in draft.operations {
        for row in operation.uses.rows {
            if let Some(read) = reads.get_mut(&row.address) {
                read.marks.insert(row.key, row.content);
            }
        }
        for values in operation.uses.values {
            if let Some(read) = reads.get_mut(&values.address) {
                read.values.insert(values.field, values.hash);
            }
        }
    }
    reads
}

/// The person that a plan is about.
fn identities_of(contents: &PlanContents) -> Identities {
    let mut identities = Identities::default();
    for (kind, values) in &contents.subject {
        for value in values {
            // They were identities when the plan was made, and its digest says that they still are.
            let _ = identities.insert(kind.clone(), value.clone());
        }
    }
    identities
}
