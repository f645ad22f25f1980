//! Making plans: reads, decides, and writes nothing anywhere but in the plan.

mod deciding;
mod draft;
mod error;
mod facts;
mod gathering;
mod goal;
mod held;
mod new_values;
mod observe;
mod reading;
mod rectifying;
mod request;
mod request_operation;
mod request_step;
mod row_requests;
mod row_step;
mod rows;

use std::collections::BTreeMap;

use connector::Person;
use crypto::MaskSecrets;
use engine::{Cancellation, Progress, RowKeeping, RunBegun, RunOutcome, RunPlan, StoredRows};
use graph::{Targets, Traversal};
use model::{CollectionAddress, RunId};
use store::{Actor, NewPlan, NewRun, RunKind, StoreError};

use deciding::Deciding;
pub use error::PlanningError;
use goal::Goal;
pub(crate) use goal::{Corrected, corrected};
use held::Held;
pub(crate) use observe::{observe, observe_settings};
pub use request::{PlanRequest, RaisedLimits};

use crate::PrivacyService;
use crate::outline::parse;
use crate::plan::{
    Call, Correction, Limits, Plan, PlanAction, PlanContents, PlanFormat, PlannedRead, Volume,
};
use crate::subject::{self, RequestFacts, Subject};

/// Name of the stage in which a plan's reading is done.
pub(crate) const STAGE: &str = "read";

impl PrivacyService {
    /// Reads everything about a person and plans every write that erases or corrects it. No write is
    /// sent: nothing here has a permit.
    ///
    /// The plan is in the store when this returns. It may be empty, and say why.
    ///
    /// # Errors
    /// [`PlanningError`]; [`PlanningError::is_refusal`] tells limits from failures. Nothing of a
    /// person stays without a plan.
    ///
    /// # Cancel safety
    /// Dropping the future leaves a run without a plan, which is forgotten in time.
    pub async fn plan(
        &self,
        request: PlanRequest,
        cancellation: Cancellation,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Plan, PlanningError> {
        let run = RunId::new(&*self.parts().ids);
        let planned = Box::pin(self.plan_run(&run, request, None, cancellation, on_progress)).await;
        if planned.is_err() {
            self.drop_run(&run).await;
        }
        planned
    }

    /// The same as the run of this id, about a privacy request. Goes on where it broke off; a plan that
    /// is there already stays. What was read stays too if there is no plan: call it again, or
    /// [`PrivacyService::drop_run`].
    ///
    /// # Errors
    /// As [`PrivacyService::plan`].
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: call it again.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is of another kind, and a struct would be named once"
    )]
    pub async fn plan_run(
        &self,
        run: &RunId,
        request: PlanRequest,
        facts: Option<RequestFacts>,
        cancellation: Cancellation,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Plan, PlanningError> {
        let parts = self.parts();
        if let Some(plan) = self.plan_kept(run).await? {
            return Ok(plan);
        }
        let policy = self.find_policy(&request.policy).ok_or_else(|| PlanningError::UnknownPolicy {
            key: request.policy.clone(),
            known: parts.policies.iter().map(|policy| policy.key.clone()).collect(),
        })?;
        let corrections = request.rectify.iter();
        let corrections: Vec<Correction> = corrections
            .map(|(field, value)| Correction { field: field.clone(), value: value.clone() })
            .collect();
        let goal = Goal::new(policy, &corrections, &parts.graph)?;
        let targets = goal.targets();
        let traversal = parts.graph.traverse(&request.identities, Targets::Categories(&targets))?;
        let kind = match goal.action() {
            PlanAction::Erasure => RunKind::Erasure,
            PlanAction::Rectification => RunKind::Rectification,
        };
        let subject = Subject { identities: request.identities.clone(), request: facts.clone() };
        let new = NewRun {
            id: run.clone(),
            kind,
            policy: Some(request.policy.clone()),
            subject: subject.to_bytes(),
            deadline_at: None,
            actor: request.actor.clone(),
        };
        let tasks = engine::reading_tasks(&traversal, STAGE);
        let (created_at, begun) = match parts.store.run_begin(new, &tasks).await? {
            Some(made_at) => (made_at, RunBegun::Now(kind)),
            None => (parts.store.get_run(run).await?.created_at, RunBegun::Before),
        };
        let person = subject::person(run, subject, created_at);
        let planning = Planning {
            service: self,
            run: run.clone(),
            begun,
            goal,
            corrections,
            traversal,
            request,
            facts,
            person,
        };
        planning.make(cancellation, on_progress).await
    }

    /// The plan that a run has already.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Forgotten`] if it was destroyed.
    pub async fn plan_kept(&self, run: &RunId) -> Result<Option<Plan>, StoreError> {
        let store = &self.parts().store;
        let Some(head) = store.plan_of_run(run).await? else { return Ok(None) };
        let kept = store.plan_find(&head.digest).await?;
        kept.map(|kept| parse(kept.body.expose())).transpose()
    }

    /// Ends a run that came to nothing and destroys what it read.
    pub async fn drop_run(&self, run: &RunId) {
        let store = &self.parts().store;
        // Policy and identities are looked at before there is a run.
        if matches!(store.run_find(run).await, Ok(None)) {
            return;
        }
        let ended = store.run_finish(run, None).await;
        let forgotten = store.run_forget(run, Actor::system()).await;
        if ended.and(forgotten).is_err() {
            tracing::warn!(%run, "a run without a plan is still there and will be forgotten later");
        }
    }
}

/// A plan in the making.
struct Planning<'a> {
    service: &'a PrivacyService,
    run: RunId,
    /// What is known of the run.
    begun: RunBegun,
    goal: Goal,
    corrections: Vec<Correction>,
    traversal: Traversal,
    request: PlanRequest,
    /// The privacy request that it is about.
    facts: Option<RequestFacts>,
    person: Person,
}

impl Planning<'_> {
    async fn make(
        self,
        cancellation: Cancellation,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Plan, PlanningError> {
        let parts = self.service.parts();
        let outcome = self.read(cancellation.clone(), on_progress).await?;
        if cancellation.is_cancelled() {
            return Err(PlanningError::Cancelled);
        }
        let outcome = outcome.in_hand(&parts.store, &self.run).await?;
        let contents = self.contents(&outcome).await?;
        if contents.operations.is_empty()
            && let Some(reason) = outcome.nothing_produced()
        {
            return Err(PlanningError::NothingRead { reason: reason.to_owned() });
        }
        // One request is about one person, by however many identities.
        let exceeded = Volume::of(&contents, 1).exceeds(&contents.limits);
        if !exceeded.is_empty() {
            return Err(PlanningError::Refused { exceeded });
        }
        let plan = Plan::seal(contents);
        let body = plan.to_json();
        let kept = NewPlan {
            digest: plan.digest().clone(),
            run: self.run.clone(),
            body: body.as_bytes(),
            operations: u32::try_from(plan.contents().operations.len()).unwrap_or(u32::MAX),
            actor: self.request.actor.clone(),
        };
        // Boxed: it lies deep below the calls of others.
        if !Box::pin(parts.store.plan_put_first(&kept)).await? {
            // Somebody who took this one for dead planned the same run meanwhile, and may have begun to send.
            let stands = Box::pin(self.service.plan_kept(&self.run)).await?;
            return Ok(stands.ok_or(StoreError::Damaged { what: "the plan of a run" })?);
        }
        let operations = plan.contents().operations.len();
        tracing::info!(run = %self.run, operations, "plan made");
        Ok(plan)
    }

    async fn read(
        &self,
        cancellation: Cancellation,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<RunOutcome, PlanningError> {
        let parts = self.service.parts();
        let rows = StoredRows {
            store: parts.store.clone(),
            worker: parts.worker.clone(),
            stage: STAGE.to_owned(),
            begun: self.begun,
        };
        let plan = RunPlan {
            run_id: self.run.clone(),
            traversal: self.traversal.clone(),
            sources: parts.sources.clone(),
            person: self.person.clone(),
            limits: parts.concurrency.clone(),
            rows: RowKeeping::Store(rows),
            waiting: parts.waiting,
            cancellation,
        };
        Ok(engine::run(plan, on_progress).await?)
    }

    async fn contents(&self, outcome: &RunOutcome) -> Result<PlanContents, PlanningError> {
        let parts = self.service.parts();
        let key = parts.store.run_hash_key(&self.run).await?;
        let held = Held::of(&parts.store, (&self.run, self.facts.as_ref())).await?;
        let deciding = Deciding {
            service: self.service,
            goal: &self.goal,
            traversal: &self.traversal,
            outcome,
            person: &self.person,
            key: &key,
            held: &held,
            secrets: MaskSecrets::random(),
        };
        let draft = deciding.decide().await?;
        let reads = reading::planned_reads(&self.traversal, outcome, &key).await?;
        let subject = subject::to_row(&self.request.identities).into_iter();
        let subject = subject.map(|(kind, values)| (kind, values.as_array().cloned().unwrap_or_default()));
        let mut contents = PlanContents {
            format: PlanFormat::V1,
            run: self.run.clone(),
            made_at: parts.clock.now(),
            action: self.goal.action(),
            policy: self.request.policy.clone(),
            policy_sha256: self
                .service
                .find_policy(&self.request.policy)
                .map(|policy| facts::policy_sha256(policy, &parts.connections))
                .unwrap_or_default(),
            subject: subject.collect(),
            connections: parts.connections.iter().map(|one| facts::planned(one, &key)).collect(),
            operations: draft.operations,
            not_covered: draft.not_covered,
            reads,
            limits: self.request.raised.over(Limits::from(parts.limits)),
            raised: self.request.raised,
            corrections: self.corrections.clone(),
        };
        self.count_tables(&mut contents).await?;
        Ok(contents)
    }

    /// Counts the tables of which more rows change than a share ever spares; as far as it takes to
    /// know whether the share is exceeded.
    async fn count_tables(&self, contents: &mut PlanContents) -> Result<(), PlanningError> {
        let mut changed: BTreeMap<&CollectionAddress, u64> = BTreeMap::new();
        for operation in &contents.operations {
            if let (Call::Sql { .. }, Some(address)) = (&operation.call, operation.collections.first()) {
                *changed.entry(address).or_default() += operation.rows;
            }
        }
        let limits = contents.limits;
        let mut counted: BTreeMap<CollectionAddress, u64> = BTreeMap::new();
        for (address, rows) in changed.into_iter().filter(|(_, rows)| *rows > limits.min_rows) {
            let database =
                address.dataset().parse().ok().and_then(|key| self.service.parts().sources.get(&key));
            if let Some(engine::Source::Database(database)) = database {
                let most = enough(rows, limits.max_share_of_table);
                counted.insert(address.clone(), database.count_rows(address, most).await?);
            }
        }
        let known = |read: &mut PlannedRead| read.table_rows = counted.get(&read.address).copied();
        contents.reads.iter_mut().for_each(known);
        Ok(())
    }
}

/// How many rows a table must have for `rows` of them to be no more than `share`.
fn enough(rows: u64, share: f64) -> u64 {
    let needed = (rows as f64 / share).ceil();
    if needed.is_finite() && needed < MOST_COUNTED as f64 { needed as u64 + 1 } else { MOST_COUNTED }
}

/// Nobody counts further than this.
const MOST_COUNTED: u64 = 1_000_000_000;
