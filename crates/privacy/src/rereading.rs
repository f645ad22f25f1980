//! Reading a run's collections once more: before the first write, and after the last.

use std::collections::BTreeMap;

use engine::{
    Cancellation, CollectionOutcome, Progress, RowKeeping, RunBegun, RunOutcome, RunPlan, SealedRows, Status,
    StoredRows,
};
use graph::Targets;
use model::{CollectionAddress, Identities, RunId};
use store::{Run, StoreError, TaskState};

use crate::planning::{PlanningError, STAGE};
use crate::subject::RequestFacts;
use crate::{PrivacyService, subject};

/// What a run is about.
pub(crate) struct Subject {
    pub(crate) identities: Identities,
    /// The privacy request that it belongs to.
    pub(crate) request: Option<RequestFacts>,
    pub(crate) person: connector::Person,
    /// What is known of the run before another stage of it is read.
    begun: RunBegun,
}

/// A stage to read in.
pub(crate) enum NextStage {
    /// No task of it was made yet.
    New(String),
    /// It was begun.
    Begun(String),
}

impl PrivacyService {
    /// Who a run is about.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] once that was destroyed.
    pub(crate) async fn subject(&self, run: &RunId) -> Result<Subject, StoreError> {
        let run = self.parts().store.get_run(run).await?;
        self.subject_of(&run).await
    }

    /// The same for a run that was looked at.
    ///
    /// # Errors
    /// As above.
    pub(crate) async fn subject_of(&self, run: &Run) -> Result<Subject, StoreError> {
        let bytes = self.parts().store.run_subject(&run.id).await?;
        let subject = subject::Subject::from_bytes(bytes.expose())
            .ok_or(StoreError::Damaged { what: "a run's subject" })?;
        let (identities, request) = (subject.identities.clone(), subject.request.clone());
        let person = subject::person(&run.id, subject, run.created_at);
        let begun = if run.deadline_at.is_none() { RunBegun::Afresh(run.kind) } else { RunBegun::Before };
        Ok(Subject { identities, request, person, begun })
    }

    /// The name of the stage to read in: one that no task of the run belongs to yet (`again-1`, `again-2`,
    /// …), or the last one, if applications are to bring rows of it by calls of their own, or work on them.
    pub(crate) async fn next_stage(&self, run: &RunId, name: &str) -> Result<NextStage, StoreError> {
        let store = &self.parts().store;
        let tasks = store.task_list(run).await?;
        let number = |kind: &str| kind.strip_prefix(name)?.strip_prefix('-')?.parse::<u64>().ok();
        let last = tasks.iter().filter_map(|task| number(&task.kind)).max().unwrap_or(0);
        let stage = format!("{name}-{last}");
        let next = NextStage::New(format!("{name}-{}", last + 1));
        let open = tasks.iter().filter(|task| task.kind == stage && task.state != TaskState::Done);
        let open: Vec<&str> = open.map(|task| task.id.as_str()).collect();
        if open.is_empty() {
            return Ok(next);
        }
        let callbacks = store.callback_list(run).await?;
        let jobs = store.polling_list(run).await?;
        let mut owners = callbacks.iter().map(|one| &one.owner).chain(jobs.iter().map(|one| &one.task));
        let waits = owners.any(|owner| open.contains(&owner.as_str()));
        Ok(if waits { NextStage::Begun(stage) } else { next })
    }

    /// The rows that the plan of a run was made from, of the collections that were read for it. Nobody is
    /// asked: they are in the store.
    pub(crate) async fn rows_of_plan(
        &self,
        run: &RunId,
    ) -> Result<BTreeMap<CollectionAddress, SealedRows>, PlanningError> {
        let outcome = engine::kept_reading(&self.parts().store, run, STAGE).await?;
        let was_read = |read: &CollectionOutcome| match read.status {
            Status::Complete | Status::Incomplete => true,
            Status::Failed | Status::Skipped => false,
        };
        let read = outcome.collections.into_iter().filter(|(_, read)| was_read(read));
        Ok(read.map(|(address, read)| (address, read.sealed)).collect())
    }

    /// Reads everything as a stage of the run; what that stage has read already is not read again.
    pub(crate) async fn read_again(
        &self,
        rereading: Rereading<'_>,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<RunOutcome, PlanningError> {
        let parts = self.parts();
        let Rereading { run, subject, stage, given, cancellation } = rereading;
        let (stage, begun) = match stage {
            NextStage::New(stage) => (stage, subject.begun),
            NextStage::Begun(stage) => (stage, RunBegun::Before),
        };
        let plan = RunPlan {
            run_id: run.clone(),
            traversal: parts.graph.traverse(&subject.identities, Targets::Everything)?,
            sources: parts.sources.clone(),
            person: subject.person.clone(),
            limits: parts.concurrency.clone(),
            rows: RowKeeping::Store(StoredRows {
                store: parts.store.clone(),
                worker: parts.worker.clone(),
                stage,
                begun,
            }),
            waiting: parts.waiting,
            cancellation,
        };
        let outcome = match given {
            Given::Nothing => engine::run(plan, on_progress).await?,
            Given::Rows(rows) => engine::run_with(plan, rows, on_progress).await?,
        };
        Ok(outcome.in_hand(&parts.store, run).await?)
    }
}

/// Which run is read again, and under which name.
pub(crate) struct Rereading<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) subject: &'a Subject,
    pub(crate) stage: NextStage,
    pub(crate) given: Given,
    pub(crate) cancellation: Cancellation,
}

/// What collections are read with, besides the identities.
pub(crate) enum Given {
    /// What the collections that lead there hold now.
    Nothing,
    /// These rows, whatever is there now.
    Rows(BTreeMap<CollectionAddress, SealedRows>),
}
