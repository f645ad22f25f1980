//! Looking again after everything was sent, and saying what is proven.

mod by_key;
mod certify;
mod compare;
mod ending;
mod finding;
mod proof;
mod quiet;
mod settings;
mod traces;

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{Cancellation, HoldError, HoldState, Jobs, Progress};
use graph::Targets;
use jiff::Timestamp;
use model::{CollectionAddress, RunId, kill_point};
use store::{Actor, RunState, StoreError};
use thiserror::Error;

use crate::PrivacyService;
use crate::apply::ignore_lost;
use crate::certificate::{Certificate, CertifiedVerification, VerifiedRead};
use crate::outline::{Known, parse};
use crate::plan::Plan;
use crate::planning::{PlanningError, corrected};
use crate::rereading::{Given, Rereading};
use crate::status::Facts;
use certify::Findings;
use compare::Comparison;
use ending::{Ending, endings};
use finding::Finding;

/// How to verify.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Who asks.
    pub actor: Actor,
    /// How long nothing may have been written before; none: what the project file says.
    pub quiet_period: Option<Duration>,
    /// How long to wait for the quiet period to pass; longer gives [`VerifyError::TooEarly`].
    pub patience: Duration,
    /// How to stop.
    pub cancellation: Cancellation,
}

impl VerifyOptions {
    /// With the quiet period of the project file, and at most a minute of waiting for it.
    pub fn new(actor: Actor) -> Self {
        Self {
            actor,
            quiet_period: None,
            patience: Duration::from_mins(1),
            cancellation: Cancellation::never(),
        }
    }
}

/// What verifying gave.
#[derive(Debug, Clone)]
pub struct Verified {
    /// What is proven and what is not.
    pub certificate: Certificate,
    /// The signed certificate, byte for byte.
    pub file: Vec<u8>,
    /// The same for a person to read; proves nothing.
    pub html: String,
    /// What could not be found out now, in sentences for a person.
    pub problems: Vec<String>,
}

impl Verified {
    /// Whether everything that should go has gone and was looked for in vain.
    pub fn is_proven(&self) -> bool {
        self.certificate.conclusion.proven
    }
}

/// How long to wait for somebody who works on the run; a process that is gone is noticed sooner.
const HOLD_WAIT: Duration = Duration::from_secs(8);

impl PrivacyService {
    /// Looks for everything that should have gone, and says in a signed certificate what is proven.
    ///
    /// Reads as the plan was made: with the values that led to each collection then, so that a row is
    /// found also if what led to it is masked by now. Once everything is proven, the personal data of
    /// the run is destroyed; called again, it gives the same certificate.
    ///
    /// # Errors
    /// [`VerifyError`]. That something is still there is no error: the certificate says so.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: call it again.
    pub async fn verify(
        &self,
        run: &RunId,
        options: VerifyOptions,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Verified, VerifyError> {
        let store = &self.parts().store;
        let known = self.known(run).await?.ok_or_else(|| VerifyError::NotKnownHere { run: run.clone() })?;
        if let Some(kept) = store.certificate_find(run).await?.filter(|kept| kept.is_proven) {
            return self.issued(kept, &options.actor).await;
        }
        if known.head.approval.is_none() {
            return Err(VerifyError::NotApplied { run: run.clone() });
        }
        let found = store.get_run(run).await?;
        if found.forgotten_at.is_some() {
            return Err(VerifyError::Forgotten { run: run.clone() });
        }
        if found.state != RunState::Active {
            return Err(VerifyError::NotActive { run: run.clone(), state: found.state });
        }
        let problems = self.look_at_jobs(run, Jobs::AllOpen).await?;
        // Nobody writes while we look.
        let hold = self.hold(run, HOLD_WAIT).await.map_err(|error| refused(run, error))?;
        let verified = self.verify_held(&known, &options, (problems, on_progress)).await;
        let is_lost = hold.state() == HoldState::Lost;
        if !is_lost {
            hold.release().await.or_else(ignore_lost)?;
        }
        match verified {
            Ok(verified) => Ok(verified),
            Err(_) if is_lost => Err(VerifyError::HeldByAnother { run: run.clone() }),
            Err(error) => Err(error),
        }
    }

    async fn verify_held(
        &self,
        known: &Known,
        options: &VerifyOptions,
        (mut problems, on_progress): (Vec<String>, &(dyn Fn(Progress) + Send + Sync)),
    ) -> Result<Verified, VerifyError> {
        let parts = self.parts();
        let run = &known.head.run;
        let period = options.quiet_period.unwrap_or(parts.verify_after);
        self.wait_quietly(known, options, period).await?;
        parts.store.ledger_unknown(run).await?;
        let plan = self.plan_to_verify(run).await?;
        let changed = self.changed_since(&plan).await?;
        let (ledger, jobs) = self.records(known).await?;
        let Known { head, outline } = known;
        let facts = Facts { outline, head, run: RunState::Active, ledger: &ledger, jobs: &jobs };
        let operations = facts.operations();
        let reads = if changed.is_empty() {
            let endings = endings(&operations, &ledger, &jobs);
            self.look_again((known, &plan), (options, on_progress), endings).await?
        } else {
            self.not_looked(known)
        };
        problems.extend(changed);
        let verification = CertifiedVerification { quiet_period_s: period.as_secs(), reads };
        let findings = Findings { known, operations: &operations, verification, problems };
        self.certify(findings, &options.actor).await
    }

    /// Reads everything again and compares.
    async fn look_again(
        &self,
        (known, plan): (&Known, &Plan),
        (options, on_progress): (&VerifyOptions, &(dyn Fn(Progress) + Send + Sync)),
        endings: BTreeMap<u64, Ending>,
    ) -> Result<Vec<VerifiedRead>, VerifyError> {
        let parts = self.parts();
        let run = &known.head.run;
        let stopped = || VerifyError::Stopped { run: run.clone() };
        let before = self.rows_of_plan(run).await?;
        let (subject, stage) = (self.subject(run).await?, self.next_stage(run, "verify").await?);
        let rereading = Rereading {
            run,
            subject: &subject,
            stage,
            given: Given::Rows(before.clone()),
            cancellation: options.cancellation.clone(),
        };
        let now = self.read_again(rereading, on_progress).await?;
        kill_point!("verify.read");
        if options.cancellation.is_cancelled() {
            return Err(stopped());
        }
        let contents = plan.contents();
        let corrected = match self.find_policy(&contents.policy) {
            Some(policy) => corrected(policy, &contents.corrections, &parts.graph)?,
            None => Vec::new(),
        };
        let traversal = parts.graph.traverse(&subject.identities, Targets::Everything);
        let comparison = Comparison {
            service: self.clone(),
            outline: known.outline.clone(),
            before,
            traversal: traversal.map_err(PlanningError::from)?,
            proofs: self.proofs(known, &now).await?,
            now,
            endings,
            corrected,
            checked_at: parts.clock.now(),
            cancellation: options.cancellation.clone(),
        };
        let runtime = tokio::runtime::Handle::current();
        let reads = tokio::task::spawn_blocking(move || comparison.reads(&runtime)).await;
        if options.cancellation.is_cancelled() {
            return Err(stopped());
        }
        match reads {
            Ok(reads) => Ok(reads?),
            Err(_) => Err(stopped()),
        }
    }

    /// Nothing was read: what was found would not be what the plan was about.
    fn not_looked(&self, known: &Known) -> Vec<VerifiedRead> {
        let (outline, checked_at) = (&known.outline, self.parts().clock.now());
        let rows = |address: &CollectionAddress| {
            outline.reads.iter().find(|read| read.address == *address).map_or(0, |read| read.rows)
        };
        let finding = Finding::not_checked("the policy or a file is not what it was when the plan was made");
        let collections = outline.collections().into_iter();
        collections.map(|address| finding.of(address.clone(), (rows(address), 0), checked_at)).collect()
    }

    /// Waits until nothing was written for `period`, if that is not too long.
    async fn wait_quietly(
        &self,
        known: &Known,
        options: &VerifyOptions,
        period: Duration,
    ) -> Result<(), VerifyError> {
        let clock = &self.parts().clock;
        let run = known.head.run.clone();
        let (ledger, jobs) = self.records(known).await?;
        let left = quiet::left(quiet::last_write(&ledger, &jobs), period, clock.now());
        if left.is_zero() {
            return Ok(());
        }
        if left > options.patience {
            let until = quiet::later(clock.now(), left);
            return Err(VerifyError::TooEarly { run, left, until });
        }
        tokio::select! {
            () = clock.sleep(left) => Ok(()),
            () = options.cancellation.cancelled() => Err(VerifyError::Stopped { run }),
        }
    }

    /// The plan itself; the rows that it was made from are there as long as it is.
    async fn plan_to_verify(&self, run: &RunId) -> Result<Plan, VerifyError> {
        let store = &self.parts().store;
        let missing = || VerifyError::NotKnownHere { run: run.clone() };
        let head = store.plan_of_run(run).await?.ok_or_else(missing)?;
        match store.plan_find(&head.digest).await {
            Err(StoreError::Forgotten { run }) => Err(VerifyError::Forgotten { run }),
            kept => Ok(parse(kept?.ok_or_else(missing)?.body.expose())?),
        }
    }
}

fn refused(run: &RunId, error: HoldError) -> VerifyError {
    let run = run.clone();
    match error {
        HoldError::HeldByAnother { .. } => VerifyError::HeldByAnother { run },
        HoldError::NotReady { .. } => VerifyError::NotActive { run, state: RunState::Paused },
        HoldError::Over { .. } => VerifyError::NotActive { run, state: RunState::Finished },
        HoldError::Missing { .. } => VerifyError::NotKnownHere { run },
        HoldError::Store(error) => VerifyError::Store(error),
    }
}

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// No such run here, or it has no plan.
    #[error("there is no plan of {run} in this data folder; give a run that `tutela privacy plan` printed")]
    NotKnownHere {
        /// The run.
        run: RunId,
    },
    /// Nothing was approved, so there is nothing to verify.
    #[error("the plan of {run} was not applied; run `tutela privacy apply` first")]
    NotApplied {
        /// The run.
        run: RunId,
    },
    /// The quiet period is not over.
    #[error(
        "the last write of {run} is too fresh: {} s of the quiet period are left, until {until}; verify then, \
         or with a shorter `--quiet-period`", .left.as_secs()
    )]
    TooEarly {
        /// The run.
        run: RunId,
        /// What is left.
        left: Duration,
        /// When it is over.
        until: Timestamp,
    },
    /// The personal data of the run was destroyed before anything was proven.
    #[error(
        "the personal data of {run} was destroyed before everything was proven, so nothing can be looked for \
         any more; make a new plan with `tutela privacy plan` and see whether it finds anything"
    )]
    Forgotten {
        /// The run.
        run: RunId,
    },
    /// The run is over or held by a person.
    #[error("{run} is {}, so nothing of it can be read; let it go on, or make a new plan", state.as_str())]
    NotActive {
        /// The run.
        run: RunId,
        /// How it is.
        state: RunState,
    },
    /// Somebody else verifies or applies it right now.
    #[error("{run} is being worked on by another process; wait for it, or run this again later")]
    HeldByAnother {
        /// The run.
        run: RunId,
    },
    /// A person stopped it.
    #[error("{run} was stopped before everything was read; run the same command again")]
    Stopped {
        /// The run.
        run: RunId,
    },
    /// What is kept of the run is not readable.
    #[error("what is kept of {run} is damaged, or was written by a newer version")]
    Damaged {
        /// The run.
        run: RunId,
    },
    /// The reads could not be made again.
    #[error(transparent)]
    Reading(Box<PlanningError>),
    /// The page for people cannot be made.
    #[error("the page of the certificate cannot be made")]
    Page(#[source] minijinja::Error),
    /// The audit log did not take the certificate's entry in time.
    #[error("the audit log has not numbered the certificate's entry yet; run the same command again")]
    NotSequenced,
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl VerifyError {
    /// Whether it is a refusal: nothing went wrong, it must not be done (now).
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::TooEarly { .. }
                | Self::HeldByAnother { .. }
                | Self::Forgotten { .. }
                | Self::NotActive { .. }
        )
    }
}

impl From<PlanningError> for VerifyError {
    fn from(error: PlanningError) -> Self {
        Self::Reading(Box::new(error))
    }
}

impl From<Box<PlanningError>> for VerifyError {
    fn from(error: Box<PlanningError>) -> Self {
        Self::Reading(error)
    }
}
