//! Following the jobs that writes started, to their end (architecture §5, `track`).

mod clean;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use connector::{JobLook, Person, PollingLook};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use model::{Clock, ConnectionKey, Outcome, RunId, kill_point};
use store::{Destination, Job, JobEnd, JobFilter, JobState, Observation, Retry, Store, StoreError};
use thiserror::Error;

use crate::units::FIRST_LOOK;
use crate::write::{find_write, told};
use crate::{Concurrency, Source};
use clean::Cleaner;

/// Time between two looks where the connector file is gone.
const INTERVAL: Duration = Duration::from_mins(1);
/// More jobs than any run has.
const ALL: u32 = 1_000_000;

/// What asking for jobs needs.
#[derive(Clone, Copy)]
pub struct JobPoll<'a> {
    /// Where jobs are kept.
    pub store: &'a Store,
    /// The connections.
    pub sources: &'a HashMap<ConnectionKey, Source>,
    /// Whose data; fills requests, and is looked for in what applications say.
    pub person: &'a Person,
    /// Other values that name the person (user ids that were sent); kept out of messages like the
    /// identities.
    pub known_values: &'a [String],
    /// What each operation of the plan does to the data, by its number.
    pub expected: &'a HashMap<u32, Outcome>,
    /// Calls in flight, shared with reads and writes.
    pub limits: &'a Concurrency,
    /// Where time comes from.
    pub clock: &'a dyn Clock,
}

/// Nothing of the person.
impl fmt::Debug for JobPoll<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobPoll").field("store", self.store).finish_non_exhaustive()
    }
}

/// Which jobs are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    /// All that are open, at once: a person wants to know.
    AllOpen,
    /// Those whose time has come.
    Due,
}

/// Why jobs cannot be followed at all. That an application does not answer is no error: its job stays
/// open.
#[derive(Debug, Error)]
pub enum JobError {
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl JobError {
    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Store(source) => source.retry(),
        }
    }
}

/// Asks once for each chosen job of a run, all at the same time, keeps what they say, and gives all jobs
/// of the run as they stand then.
///
/// A job that is still open at its deadline ends as `unknown`. Nothing is ever sent again here.
///
/// # Errors
/// [`JobError`] if the state database refuses.
///
/// # Cancel safety
/// May be dropped; what was not kept is asked for again.
pub async fn poll_jobs(poll: JobPoll<'_>, run: &RunId, which: Jobs) -> Result<Vec<Job>, JobError> {
    let jobs = poll.store.job_list(JobFilter::Run(run), ALL).await?;
    let now = poll.clock.now();
    let chosen: Vec<&Job> = jobs
        .iter()
        .filter(|job| job.state == JobState::Open)
        .filter(|job| which == Jobs::AllOpen || job.next_poll_at <= now)
        .collect();
    if chosen.is_empty() {
        return Ok(jobs);
    }
    let cleaner = Cleaner::new(poll.person, poll.known_values);
    for kept in join_all(chosen.into_iter().map(|job| poll.poll(job, &cleaner))).await {
        kept?;
    }
    Ok(poll.store.job_list(JobFilter::Run(run), ALL).await?)
}

impl JobPoll<'_> {
    async fn poll(&self, job: &Job, cleaner: &Cleaner) -> Result<(), JobError> {
        let (look, interval) = match self.called_back(job).await? {
            Some(found) => found,
            None => self.look(job).await,
        };
        let now = self.clock.now();
        let mut destinations = job.destinations.clone();
        let mut end = JobEnd::NotYet(later(now, interval));
        if let Some(look) = look {
            if look.is_finished() {
                end = JobEnd::Ended(look.outcome);
            }
            // A job that the application forgot says nothing about its parts; what they said last stays.
            if look.state.is_some() {
                destinations = look.destinations.into_iter().map(|part| kept(part, cleaner)).collect();
            }
        }
        if matches!(end, JobEnd::NotYet(_)) && now >= job.deadline_at {
            tracing::warn!(job = %job.id, connection = %job.connection, "a job did not end in time");
            end = JobEnd::Ended(Outcome::Unknown);
        }
        match self.store.job_observe(job, &Observation { destinations, end }).await {
            Ok(()) => {}
            // Another process asked in the meantime; its word is newer.
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        kill_point!("job.polled");
        Ok(())
    }

    /// The same for a job whose end the application tells by a call of its own: nobody is asked.
    async fn called_back(&self, job: &Job) -> Result<Option<(Option<JobLook>, Duration)>, JobError> {
        let found = self.store.callback_find(job.plan.as_str(), u64::from(job.operation)).await?;
        let Some(callback) = found.filter(|found| found.id.as_str() == job.external_id) else {
            return Ok(None);
        };
        let look = told(&callback).map(|outcome| JobLook { state: None, outcome, destinations: Vec::new() });
        let left = callback.expires_at.duration_since(self.clock.now());
        Ok(Some((look, Duration::try_from(left).unwrap_or_default())))
    }

    /// One look, and the time to the next.
    async fn look(&self, job: &Job) -> (Option<JobLook>, Duration) {
        let missing = |what: &str| {
            tracing::warn!(job = %job.id, connection = %job.connection, what, "a job cannot be asked for");
            (None, INTERVAL)
        };
        let Some(Source::Connector(connector)) = self.sources.get(&job.connection) else {
            return missing("the connection is gone");
        };
        let request = find_write(connector, &job.place);
        let tracked = request.and_then(|request| Some((request, request.track.as_deref()?.interval)));
        let polled = request.and_then(|request| Some((request, request.polling()?.interval)));
        let _slot = self.limits.slot(&job.connection).await;
        let (looked, interval) = match (tracked, polled) {
            (Some((request, interval)), _) => {
                (connector.look_at_job(request, &job.external_id, self.person).await, interval)
            }
            (None, Some((request, longest))) => {
                let look = connector.look_at_polled_job(request, &job.external_id, self.person).await;
                let look = look.map(|look| look.map(|look| self.meaning(job, &look)));
                (look, FIRST_LOOK.saturating_mul(looks_so_far(job)).min(longest))
            }
            (None, None) => return missing("the connector file follows no job there any more"),
        };
        match looked {
            Ok(look) => (look, interval),
            Err(error) => {
                tracing::warn!(job = %job.id, connection = %job.connection, reason = ?error.reason(), "a job could not be asked for");
                (None, interval)
            }
        }
    }

    /// What became of the data of a write whose job says this.
    fn meaning(&self, job: &Job, look: &PollingLook) -> JobLook {
        let outcome = match look {
            PollingLook::Open { .. } => Outcome::Accepted,
            PollingLook::Complete => self.expected.get(&job.operation).copied().unwrap_or(Outcome::Unknown),
            PollingLook::Empty => Outcome::AlreadyAbsent,
            PollingLook::Failed(_) => Outcome::Failed,
            PollingLook::Gone => Outcome::Unknown,
        };
        JobLook { state: None, outcome, destinations: Vec::new() }
    }
}

/// How many times the first wait the next one is: twice as long each time.
fn looks_so_far(job: &Job) -> u32 {
    2_u32.saturating_pow(u32::try_from(job.polls).unwrap_or(u32::MAX))
}

fn kept(part: connector::DestinationState, cleaner: &Cleaner) -> Destination {
    Destination {
        name: cleaner.clean(part.name),
        status: cleaner.clean(part.status),
        message: part.message.map(|message| cleaner.clean(message)),
    }
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}
