//! Trial runs on one dataset, beside the requests of people and never in their way: one at a time.

mod findings;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crypto::Secret;
use engine::{Cancellation, Canceller, JobWait, Progress, RowKeeping, RunError, RunOutcome, RunPlan};
use futures::FutureExt as _;
use graph::Graph;
use model::{ConnectionKey, Identities, Row, RunId};
use store::{ClaimedDatasetTrial, DatasetTrial, DatasetTrialEnd, DatasetTrialLease, StoreError};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::findings::Findings;
use super::{LEASE, Worker};
use crate::access::{self, Access};
use crate::dataset_trial::{Alone, LIFE, LONGEST, MOST_ROWS, SOURCE};
use crate::subject::{self, RequestFacts, Subject};

/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Between two looks for trials while there are requests to work on, and while there are none: most signs
/// of work are of requests.
const LOOK: Duration = Duration::from_secs(1);
const IDLE_LOOK: Duration = Duration::from_millis(250);
/// How often a trial is taken whose holders fell silent.
const ATTEMPTS: u64 = 3;
/// Folder of rows that are being read, in the data folder.
const FOLDER: &str = "dataset-trials";
/// What a killed process left there is nobody's after this time.
const LEFT_BEHIND: Duration = Duration::from_hours(1);

/// The trial that is read here, if one is.
#[derive(Debug, Default)]
pub(super) struct Trials {
    running: JoinSet<()>,
    looked: Option<Instant>,
}

impl Trials {
    /// Begins the next trial unless one is being read. Requests come first: while there are some, it is
    /// looked now and then. Gives when to look again if it was too early.
    pub(super) async fn look(
        &mut self,
        worker: &Worker,
        cancellation: &Cancellation,
        is_idle: bool,
    ) -> Option<Duration> {
        if !self.running.is_empty() {
            return None;
        }
        let pause = if is_idle { IDLE_LOOK } else { LOOK };
        let left = self.looked.and_then(|looked| pause.checked_sub(looked.elapsed()));
        if left.is_some() {
            return left;
        }
        self.looked = Some(Instant::now());
        match worker.claim_trial().await {
            Ok(None) => {}
            Ok(Some(claimed)) => {
                let trial = worker.clone().try_dataset(claimed, cancellation.clone());
                self.running.spawn(trial.boxed());
            }
            Err(error) => tracing::warn!(%error, "trials cannot be taken; trying again"),
        }
        None
    }

    /// Completes when a trial has ended; `None` if none is read.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub(super) async fn ended(&mut self) -> Option<()> {
        self.running.join_next().await.map(|ended| {
            if let Err(error) = ended {
                // Its lease runs out by itself; whoever takes it then counts the attempts.
                tracing::error!(%error, "a trial ended in a panic");
            }
        })
    }
}

impl Worker {
    pub(super) async fn claim_trial(&self) -> Result<Option<ClaimedDatasetTrial>, StoreError> {
        self.parts.store.dataset_trial_claim(&self.parts.name, LEASE).await
    }

    /// Reads a trial to its end; lets go of it where this worker is to stop.
    pub(super) async fn try_dataset(self, claimed: ClaimedDatasetTrial, cancellation: Cancellation) {
        let (store, lease) = (&self.parts.store, claimed.lease.clone());
        let ended = tokio::select! {
            end = self.read_trial(&claimed).boxed() => store.dataset_trial_end(&lease, end).await,
            () = self.hold_trial(&lease) => return,
            () = cancellation.cancelled() => store.dataset_trial_give_back(&lease).await,
        };
        match ended {
            Ok(()) => tracing::info!(trial = %lease.trial, "a trial is let go of"),
            // Another worker takes it once its lease has ended.
            Err(error) => tracing::warn!(trial = %lease.trial, %error, "a trial could not be let go of"),
        }
    }

    /// Gives signs of life; returns once the trial is somebody else's.
    async fn hold_trial(&self, lease: &DatasetTrialLease) {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            match self.parts.store.dataset_trial_beat(lease, LEASE).await {
                Ok(()) => {}
                Err(StoreError::Fenced { .. }) => return,
                Err(error) => tracing::warn!(%error, "a sign of life of a trial was not written"),
            }
        }
    }

    async fn read_trial(&self, claimed: &ClaimedDatasetTrial) -> DatasetTrialEnd {
        let mut findings = Findings::new(self.parts.clock.now());
        if let Err(text) = self.try_trial(claimed, &mut findings).await {
            findings.fail(self.parts.clock.now(), text);
        }
        let (state, is_cut) = (findings.state(), findings.is_cut);
        let results = Secret::new(serde_json::to_vec(&findings.rows).unwrap_or_default());
        DatasetTrialEnd { state, results, is_cut, logs: findings.logs, life: LIFE }
    }

    /// The steps of a trial; the error is a sentence for whoever tries.
    async fn try_trial(&self, claimed: &ClaimedDatasetTrial, findings: &mut Findings) -> Result<(), String> {
        let ClaimedDatasetTrial { trial, identities, attempts, lease: _ } = claimed;
        if *attempts > ATTEMPTS {
            return Err("work on it broke off too often: look at the log of the workers".to_owned());
        }
        let policy = self.policies.document(&trial.policy).await.map_err(|error| error.to_string())?;
        let targets = access::categories(&policy.policy);
        let key = trial.connection.parse::<ConnectionKey>().map_err(|error| error.to_string())?;
        let alone =
            self.parts.services.alone(&key, &trial.dataset).await.map_err(|error| error.to_string())?;
        if !alone.serves_access {
            return Err(format!("The access action is disabled for connection config with key '{key}'."));
        }
        let unread = || "who is to be read was kept by another version; make a new trial".to_owned();
        let identities = subject::from_bytes(identities.expose()).ok_or_else(unread)?;
        let (outcome, is_late) = self.read_alone(trial, &alone, identities).await?;
        let (graph, now) = (alone.graph, self.parts.clock.now());
        let picked = tokio::task::spawn_blocking(move || picked(&graph, &targets, &outcome, now)).await;
        *findings = picked.map_err(|_| "its rows could not be put together; report it with the log")?;
        if is_late {
            let text = format!("stopped after {} minutes: a trial takes no longer", LONGEST.as_secs() / 60);
            findings.fail(now, text);
        }
        Ok(())
    }

    /// Reads the dataset, up to what a trial reads at most; says whether time was up.
    async fn read_alone(
        &self,
        trial: &DatasetTrial,
        alone: &Alone,
        identities: Identities,
    ) -> Result<(RunOutcome, bool), String> {
        let data = self.parts.packages.data.clone();
        let folder = tokio::task::spawn_blocking(move || folder(&data)).await.map_err(|_| NO_ROOM)?;
        let folder = folder.map_err(|error| no_room(&error))?;
        let sources = HashMap::from([(alone.source.key().clone(), alone.source.clone())]);
        let limits = &alone.concurrency;
        let access = Access { graph: &alone.graph, sources: &sources, policy: None, limits };
        let run = RunId::new(&*self.parts.ids);
        let person = subject::person(&run, of_trial(trial, identities), trial.made_at);
        let plan = access.plan(run, person, RowKeeping::Spool(folder)).map_err(|error| error.to_string())?;
        let (canceller, cancellation) = Canceller::new();
        // Nobody waits here: a trial is over in minutes, and holds a worker.
        let plan = RunPlan { waiting: JobWait::Refused, cancellation, ..plan };
        let rows = AtomicU64::new(0);
        let on_progress = |progress: Progress| {
            if let Progress::Page { rows: more, .. } = progress
                && rows.fetch_add(more, Ordering::Relaxed) + more > MOST_ROWS
            {
                canceller.cancel();
            }
        };
        let mut reading = std::pin::pin!(engine::run(plan, &on_progress));
        let (ended, is_late) = tokio::select! {
            ended = &mut reading => (ended, false),
            () = tokio::time::sleep(LONGEST) => {
                canceller.cancel();
                (reading.await, true)
            }
        };
        Ok((ended.map_err(|error| unread(&error))?, is_late))
    }
}

const NO_ROOM: &str = "rows cannot be kept on this server; its log says why";

fn no_room(error: &dyn std::error::Error) -> String {
    tracing::warn!(%error, "the rows of a trial cannot be kept");
    NO_ROOM.to_owned()
}

/// What whoever tries is told of an error of the reading: where this server keeps rows is not theirs.
fn unread(error: &RunError) -> String {
    match error {
        RunError::Rows(error) => no_room(error),
        RunError::Store(error) => no_room(error),
        other => other.to_string(),
    }
}

/// Who is read, and what connector files are told of it.
fn of_trial(trial: &DatasetTrial, identities: Identities) -> Subject {
    let made_at = trial.made_at.to_string();
    let members = [
        ("origin", SOURCE.to_owned()),
        ("source", SOURCE.to_owned()),
        ("policy", trial.policy.clone()),
        ("requested_at", made_at.clone()),
        ("started_processing_at", made_at),
    ];
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let facts = RequestFacts { id: trial.id.clone(), members, custom_fields: Row::new() };
    Subject { identities, request: Some(facts) }
}

/// What the policy shows of what was read; blocks.
fn picked(graph: &Graph, targets: &[String], outcome: &RunOutcome, now: jiff::Timestamp) -> Findings {
    let mut findings = Findings::new(now);
    for (address, collection) in &outcome.collections {
        findings.take(graph, targets, (address, collection));
    }
    findings.conclude();
    findings
}

/// Where rows are kept while they are read, without what a killed process left there.
fn folder(data: &Path) -> io::Result<PathBuf> {
    let folder = data.join(FOLDER);
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        let age = entry.metadata().and_then(|metadata| metadata.modified()).map(|at| at.elapsed());
        if matches!(age, Ok(Ok(age)) if age > LEFT_BEHIND) && entry.file_type()?.is_dir() {
            // Another worker may be at it.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(folder)
}
