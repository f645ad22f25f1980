//! Carrying out a plan: exactly what was approved, once.

mod follow;
mod pass;
mod send;

use std::time::Duration;

use engine::{Cancellation, Jobs};
use model::{Outcome, RunId};
use store::{Actor, JournalError, RunState, StoreError};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::PrivacyService;
use crate::journaling::JournalingError;
use crate::outline::Known;
use crate::plan::drift::DriftReport;
use crate::plan::{Exceeded, Plan, PlanDigest, PlanError, Volume};
use crate::planning::PlanningError;
use crate::rereading::Subject;
use crate::status::{RunStatus, StatusError};
use follow::Follower;
use pass::Pass;
pub(crate) use pass::ignore_lost;

/// How to carry out a plan.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// Who approves it.
    pub actor: Actor,
    /// How long to follow jobs that applications go on with; none: look once and come back.
    pub wait: Option<Duration>,
    /// How long to wait for somebody else who carries out the same plan. A process that is gone is
    /// noticed within 5 seconds.
    pub hold_wait: Duration,
    /// How to stop.
    pub cancellation: Cancellation,
}

impl ApplyOptions {
    /// Follows no jobs; waits long enough to take over from a process that is gone.
    pub fn new(actor: Actor) -> Self {
        Self { actor, wait: None, hold_wait: Duration::from_secs(8), cancellation: Cancellation::never() }
    }
}

/// What carrying out a plan tells while it goes on; holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplyProgress {
    /// The reads of the plan run again.
    Reading(engine::Progress),
    /// Nothing drifted; what is left to do is sent now.
    Checked {
        /// Operations still to be settled.
        operations: u64,
    },
    /// One operation was settled.
    Settled {
        /// Its number.
        order: u64,
        /// How many there are.
        of: u64,
        /// Key of the connection.
        connection: String,
        /// What became of it.
        outcome: Outcome,
    },
    /// Waits for jobs of applications.
    Following {
        /// How many.
        jobs: u64,
        /// Until they are asked again.
        next: Duration,
    },
}

impl PrivacyService {
    /// Carries out a plan that was approved by its digest, and gives how far it is then.
    ///
    /// Reads everything again first: if anything changed that the plan was made from, nothing is sent.
    /// Called again, it goes on where it stopped; what was sent is not sent again. What went wrong at
    /// an application is part of the status.
    ///
    /// # Errors
    /// [`ApplyError`]; [`ApplyError::is_refusal`] tells what must not be done from what went wrong.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: call it again.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is of another kind, and a struct would be named once"
    )]
    pub async fn apply(
        &self,
        plan: &Plan,
        approve: &PlanDigest,
        options: ApplyOptions,
        on_progress: &(dyn Fn(ApplyProgress) + Send + Sync),
    ) -> Result<RunStatus, ApplyError> {
        plan.check_approval(approve)?;
        let (known, subject) = self.known_here(plan).await?;
        check_volume(plan)?;
        let pass = Pass {
            service: self,
            plan,
            known: &known,
            subject: &subject,
            options: &options,
            on_progress,
            journaled: OnceCell::new(),
        };
        let mut follower = Follower::new(self, &options);
        let mut which = Jobs::AllOpen;
        loop {
            let mut problems = pass.run(which).await?;
            self.publish_or_say(&mut problems).await;
            let status = self.status_now(&known, problems).await?;
            if !follower.wait(&status, on_progress).await? {
                return Ok(status);
            }
            which = Jobs::Due;
        }
    }

    /// The plan as this data folder keeps it, and whom it is about.
    async fn known_here(&self, plan: &Plan) -> Result<(Known, Subject), ApplyError> {
        let store = &self.parts().store;
        let run = &plan.contents().run;
        let kept = match store.plan_find(plan.digest()).await {
            Ok(kept) => kept.filter(|kept| kept.run == *run).ok_or(ApplyError::NotKnownHere)?,
            Err(StoreError::Forgotten { run }) => return Err(ApplyError::Forgotten { run }),
            Err(error) => return Err(error.into()),
        };
        let found = store.get_run(run).await?;
        if found.state != RunState::Active {
            return Err(ApplyError::NotActive { run: run.clone(), state: found.state });
        }
        // Boxed: it lies deep below the calls of others.
        let subject = Box::pin(self.subject_of(&found)).await?;
        let outline = self.keep_outline(plan, &subject).await?;
        let head = store::PlanHead {
            digest: kept.digest,
            run: kept.run,
            made_at: kept.made_at,
            approval: kept.approval,
        };
        Ok((Known { head, outline }, subject))
    }

    /// How far a plan is whose shape is known, and which has been approved since.
    async fn status_now(&self, known: &Known, problems: Vec<String>) -> Result<RunStatus, ApplyError> {
        let (store, run) = (&self.parts().store, &known.head.run);
        let found = store.get_run(run).await?;
        if found.forgotten_at.is_some() {
            return Err(ApplyError::Forgotten { run: run.clone() });
        }
        if found.state != RunState::Active {
            return Err(ApplyError::NotActive { run: run.clone(), state: found.state });
        }
        let head = store.plan_head(&known.head.digest).await?.ok_or(ApplyError::NotKnownHere)?;
        let known = Known { head, outline: known.outline.clone() };
        Ok(self.status_in(&known, found.state, problems).await?)
    }
}

/// The plan states its own limits; one that exceeds them was never made by us.
fn check_volume(plan: &Plan) -> Result<(), ApplyError> {
    let exceeded = Volume::of(plan.contents(), 1).exceeds(&plan.contents().limits);
    if exceeded.is_empty() { Ok(()) } else { Err(ApplyError::Limits(exceeded)) }
}

/// Why a plan was not carried out, or not to its end. What was sent before stands in the ledger; the
/// same call again goes on from there.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The digest that was approved is not that of the plan.
    #[error(transparent)]
    WrongDigest(#[from] PlanError),
    /// The plan was made somewhere else.
    #[error(
        "the plan was not made here: this data folder does not know its digest; apply it where it was made, or \
         make it again here with `tutela privacy plan`"
    )]
    NotKnownHere,
    /// The personal data of the run was destroyed.
    #[error(
        "the personal data of {run} was destroyed, so its plan cannot be applied any more; make a new one with \
         `tutela privacy plan`"
    )]
    Forgotten {
        /// The run.
        run: RunId,
    },
    /// The run is over or held by a person.
    #[error("{run} is {}; {}", state.as_str(), advice(*state))]
    NotActive {
        /// The run.
        run: RunId,
        /// How it is.
        state: RunState,
    },
    /// Somebody else carries it out right now.
    #[error("{run} is being applied by another process; wait for it, or run the same command again later")]
    HeldByAnother {
        /// The run.
        run: RunId,
    },
    /// It would change more than is allowed.
    #[error("the plan is refused: {}", sentences(.0))]
    Limits(Vec<Exceeded>),
    /// The world is no longer as it was when the plan was made.
    #[error("{0}")]
    Drift(DriftReport),
    /// The hold was lost on the way: another process goes on, or the state database was away.
    #[error(
        "another process took {run} over while this one was working; what was sent stands in the ledger, and \
         `tutela privacy status {run}` shows it"
    )]
    Lost {
        /// The run.
        run: RunId,
    },
    /// A person stopped it on the way.
    #[error("{run} was stopped; what was sent stands in the ledger, and the same command goes on from there")]
    Stopped {
        /// The run.
        run: RunId,
    },
    /// The reads could not be made again.
    #[error(transparent)]
    Reading(Box<PlanningError>),
    /// A write could not be settled.
    #[error(transparent)]
    Write(engine::WriteError),
    /// The erasure journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApplyError {
    /// Whether it is a refusal (exit 4): nothing went wrong, it must not be done.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::WrongDigest(_)
            | Self::NotKnownHere
            | Self::Forgotten { .. }
            | Self::NotActive { .. }
            | Self::HeldByAnother { .. }
            | Self::Limits(_)
            | Self::Drift(_) => true,
            Self::Lost { .. }
            | Self::Stopped { .. }
            | Self::Reading(_)
            | Self::Write(_)
            | Self::Journal(_)
            | Self::Store(_) => false,
        }
    }
}

impl From<PlanningError> for ApplyError {
    fn from(error: PlanningError) -> Self {
        Self::Reading(Box::new(error))
    }
}

impl From<JournalingError> for ApplyError {
    fn from(error: JournalingError) -> Self {
        match error {
            JournalingError::Journal(error) => Self::Journal(error),
            JournalingError::Store(error) => Self::Store(error),
        }
    }
}

impl From<StatusError> for ApplyError {
    fn from(error: StatusError) -> Self {
        match error {
            StatusError::NotKnownHere { .. } => Self::NotKnownHere,
            StatusError::Store(error) => Self::Store(error),
        }
    }
}

fn advice(state: RunState) -> &'static str {
    match state {
        RunState::Active => "run the same command again",
        RunState::Paused => "let it go on first",
        RunState::Cancelled | RunState::Finished => "make a new plan with `tutela privacy plan`",
    }
}

fn sentences(exceeded: &[Exceeded]) -> String {
    exceeded.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
