//! How far a run is: every operation and destination, and what looking again found.

mod assemble;
mod time_text;

use crypto::PublicKey;
use engine::Jobs;
use jiff::Timestamp;
use model::{CollectionAddress, Outcome, RunId};
use serde::{Deserialize, Serialize};
use store::{Job, JobFilter, KeptCertificate, LedgerEntry, RunState, Store, StoreError};
use thiserror::Error;

use crate::certificate::{Certificate, Evidence, VerificationState};
use crate::jobs::MOST_JOBS;
use crate::outline::Known;
use crate::plan::{NotCovered, PlanAction};
use crate::{PrivacyService, as_text};

pub(crate) use assemble::{Facts, holds};

/// How far a run is. Its JSON form is what `tutela privacy status --format json` prints; it holds no
/// personal data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStatus {
    /// The run.
    #[serde(with = "as_text")]
    pub run: RunId,
    /// Digest of its plan.
    pub plan: String,
    /// What it does.
    pub action: PlanAction,
    /// Key of its policy.
    pub policy: String,
    /// How far it is.
    pub state: ApplyState,
    /// The worst outcome of everything; absent while operations wait to be sent and nothing went
    /// wrong, and if there is nothing to do.
    pub outcome: Option<Outcome>,
    /// Every operation, in order.
    pub operations: Vec<OperationStatus>,
    /// Targeted data that the plan does not cover.
    pub not_covered: Vec<NotCovered>,
    /// What looking again found.
    pub verification: VerificationStatus,
    /// What a person should know besides, in sentences: what could not be found out now, or appeared.
    pub problems: Vec<String>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplyState {
    /// The plan waits for somebody to approve it.
    Planned,
    /// Approved; operations wait to be sent.
    Approved,
    /// Everything was sent that can be sent, and something is still open.
    Open,
    /// Every operation has ended.
    Ended,
    /// A person stopped it.
    Cancelled,
}

/// How far one operation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationStatus {
    /// Its number in the plan.
    pub order: u64,
    /// Key of the connection.
    pub connection: String,
    /// What it erases or corrects.
    pub collections: Vec<CollectionAddress>,
    /// How far it is.
    pub state: OperationState,
    /// What became of it; absent while it waits.
    pub outcome: Option<Outcome>,
    /// What it is to become.
    pub expected: Outcome,
    /// How often it was sent or about to be.
    pub attempts: u64,
    /// A fixed word about its end (`http_204`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Why it was not sent, if an operation before it stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<u64>,
    /// Each destination of an asynchronous job.
    pub destinations: Vec<DestinationStatus>,
    /// When its job is asked next.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time_text")]
    pub next_poll_at: Option<Timestamp>,
}

/// How far one operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Not sent yet.
    Planned,
    /// Not sent, because one that must end before it went wrong.
    Held,
    /// About to be sent, or sent just now.
    Sending,
    /// Its job goes on.
    Accepted,
    /// Nobody knows whether it took effect.
    Unknown,
    /// It has ended, well or not.
    Ended,
}

/// One destination of an asynchronous job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationStatus {
    /// Its name.
    pub name: String,
    /// The application's word for its state.
    pub status: String,
    /// What the application adds.
    pub message: Option<String>,
}

/// What looking again found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationStatus {
    /// The worst of all collections.
    pub state: VerificationState,
    /// The weakest evidence for it: reading again, or the application's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Whether the certificate says that everything is proven.
    pub proven: bool,
    /// When the certificate was issued.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time_text")]
    pub certified_at: Option<Timestamp>,
}

/// What a command that ends with this status reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything ended well.
    Good,
    /// Something is open, failed, or cannot be done.
    Incomplete,
    /// Nothing at all took effect, because of failures.
    Failed,
}

impl RunStatus {
    /// What it all amounts to for whoever waits for the command.
    pub fn verdict(&self) -> Verdict {
        let bad = |outcome: Option<Outcome>| match outcome {
            None | Some(Outcome::Failed | Outcome::Unknown | Outcome::Accepted | Outcome::Unsupported) => {
                true
            }
            Some(
                Outcome::Exempt
                | Outcome::Suppressed
                | Outcome::Masked
                | Outcome::Erased
                | Outcome::AlreadyAbsent
                | Outcome::NotFound,
            ) => false,
        };
        let open = |one: &NotCovered| bad(Some(one.outcome));
        if !self.operations.iter().any(|one| bad(one.outcome)) && !self.not_covered.iter().any(open) {
            return Verdict::Good;
        }
        let idle = |one: &OperationStatus| matches!(one.outcome, None | Some(Outcome::Failed));
        let some_failed = self.operations.iter().any(|one| one.outcome == Some(Outcome::Failed));
        if some_failed && self.operations.iter().all(idle) { Verdict::Failed } else { Verdict::Incomplete }
    }

    /// Whether jobs of the applications still go on.
    pub fn has_open_jobs(&self) -> bool {
        self.operations.iter().any(|one| one.state == OperationState::Accepted)
    }
}

/// Why there is no status.
#[derive(Debug, Error)]
pub enum StatusError {
    /// No such run here, or it has no plan.
    #[error("there is no plan of {run} in this data folder; give a run that `tutela privacy plan` printed")]
    NotKnownHere {
        /// The run.
        run: RunId,
    },
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyService {
    /// How far a run is. First looks at every job that is open, at once.
    ///
    /// Works without the plan once its personal data was destroyed.
    ///
    /// # Errors
    /// [`StatusError`]. A job that cannot be looked at is no error but one of the problems.
    pub async fn status(&self, run: &RunId) -> Result<RunStatus, StatusError> {
        let known = self.known(run).await?;
        let known = known.ok_or_else(|| StatusError::NotKnownHere { run: run.clone() })?;
        let problems = self.look_at_jobs(run, Jobs::AllOpen).await?;
        self.status_of(&known, problems).await
    }

    /// The same as it was last looked at; nobody is asked.
    ///
    /// # Errors
    /// [`StatusError`].
    pub async fn status_as_kept(&self, run: &RunId) -> Result<RunStatus, StatusError> {
        let known = self.known(run).await?;
        let known = known.ok_or_else(|| StatusError::NotKnownHere { run: run.clone() })?;
        self.status_of(&known, Vec::new()).await
    }

    /// The status as the store has it; nobody is asked.
    pub(crate) async fn status_of(
        &self,
        known: &Known,
        problems: Vec<String>,
    ) -> Result<RunStatus, StatusError> {
        let run = self.parts().store.get_run(&known.head.run).await?.state;
        self.status_in(known, run, problems).await
    }

    /// The same of a run that was looked at.
    pub(crate) async fn status_in(
        &self,
        known: &Known,
        run: RunState,
        problems: Vec<String>,
    ) -> Result<RunStatus, StatusError> {
        let Known { head, outline } = known;
        let store = &self.parts().store;
        store.ledger_unknown(&head.run).await?;
        let (ledger, jobs) = self.records(known).await?;
        let facts = Facts { outline, head, run, ledger: &ledger, jobs: &jobs };
        let operations = facts.operations();
        let certificate = store.certificate_find(&head.run).await?;
        Ok(RunStatus {
            run: head.run.clone(),
            plan: head.digest.to_string(),
            action: outline.action,
            policy: outline.policy.clone(),
            state: facts.state(&operations),
            outcome: facts.outcome(&operations),
            verification: VerificationStatus::of(certificate.as_ref(), &store.public_key()),
            not_covered: outline.not_covered.clone(),
            operations,
            problems,
        })
    }

    /// What the ledger and the jobs say of a plan.
    pub(crate) async fn records(&self, known: &Known) -> Result<(Vec<LedgerEntry>, Vec<Job>), StoreError> {
        known.records(&self.parts().store).await
    }
}

impl Known {
    /// What the ledger and the jobs say of the plan.
    pub(crate) async fn records(&self, store: &Store) -> Result<(Vec<LedgerEntry>, Vec<Job>), StoreError> {
        let ledger = store.ledger_list(&self.head.digest).await?;
        let mut jobs = store.job_list(JobFilter::Run(&self.head.run), MOST_JOBS).await?;
        jobs.retain(|job| job.plan == self.head.digest);
        Ok((ledger, jobs))
    }
}

impl VerificationStatus {
    /// What the certificate that counts says, if it is as we signed it.
    fn of(kept: Option<&KeptCertificate>, key: &PublicKey) -> Self {
        let read = |kept: &KeptCertificate| {
            Certificate::verify(&kept.envelope, std::slice::from_ref(key))
                .inspect_err(|error| tracing::error!(%error, run = %kept.run, "a certificate that was kept is not believed"))
                .ok()
        };
        let certificate = kept.and_then(read);
        let state = certificate.as_ref().and_then(|certificate| certificate.conclusion.verification);
        Self {
            state: state.unwrap_or(VerificationState::NotChecked),
            evidence: certificate.as_ref().and_then(|certificate| certificate.conclusion.evidence),
            proven: certificate.as_ref().is_some_and(|certificate| certificate.conclusion.proven),
            certified_at: certificate.map(|certificate| certificate.issued_at),
        }
    }
}
