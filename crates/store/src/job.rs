use std::fmt;

use jiff::Timestamp;
use model::{ConnectionKey, Outcome, RunId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::run::run_id;
use crate::sql::{Row, query};
use crate::store::{Tx, signed, time, time_or_none};
use crate::words::{outcome_of, outcome_text, text_enum};
use crate::{Actor, AuditEvent, PlanDigest, Store, StoreError};

/// Id of a followed job, `job_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobId(String);

impl JobId {
    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_enum! {
    /// Whether a job is still followed, and whose word its end is.
    JobState "the state of a job" {
        /// Its end is not known.
        Open = "open",
        /// It was seen to end, well or not, or was given up as unknown.
        Ended = "ended",
        /// It was given up, and a person said how it ended.
        Decided = "decided",
    }
}

/// What one destination of a job says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Its state, in the application's words.
    pub status: String,
    /// What the application adds; the caller answers for it holding no personal data.
    pub message: Option<String>,
}

/// A job of an application that was accepted and is to be followed to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its run.
    pub run: RunId,
    /// The plan that asked for it.
    pub plan: PlanDigest,
    /// The operation that did.
    pub operation: u32,
    /// The connection to ask.
    pub connection: ConnectionKey,
    /// The place of the write in the connector file, whose `track` says how to ask.
    pub place: String,
    /// The application's id of it.
    pub external_id: String,
    /// When to ask first.
    pub next_poll_at: Timestamp,
    /// When to give up.
    pub deadline_at: Timestamp,
}

/// A job as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its run.
    pub run: RunId,
    /// The plan that asked for it.
    pub plan: PlanDigest,
    /// The operation that did.
    pub operation: u32,
    /// The connection to ask.
    pub connection: ConnectionKey,
    /// The place of the write in the connector file, whose `track` says how to ask.
    pub place: String,
    /// The application's id of it.
    pub external_id: String,
    /// Whether it is still followed.
    pub state: JobState,
    /// What is known so far: `accepted` until it ended.
    pub outcome: Outcome,
    /// What each destination said last.
    pub destinations: Vec<Destination>,
    /// How often it was asked; names the state that an observation follows on.
    pub polls: i64,
    /// When to ask next.
    pub next_poll_at: Timestamp,
    /// When to give up.
    pub deadline_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What asking brought.
#[derive(Debug)]
pub struct Observation {
    /// What each destination says.
    pub destinations: Vec<Destination>,
    /// What became of it.
    pub end: JobEnd,
}

/// Whether a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// No; ask again at this time.
    NotYet(Timestamp),
    /// Yes.
    Ended(Outcome),
}

/// Which jobs.
#[derive(Debug, Clone, Copy)]
pub enum JobFilter<'a> {
    /// All of one run, ended ones too.
    Run(&'a RunId),
    /// Open ones that are to be asked now.
    Due,
}

impl Store {
    /// Starts following a job. Following the same one again finds it.
    pub async fn job_track(&self, new: &NewJob) -> Result<JobId, StoreError> {
        let mut tx = self.begin().await?;
        let id = self.job_track_in(&mut tx, new).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// The same as part of a larger change.
    pub(crate) async fn job_track_in(&self, tx: &mut Tx, new: &NewJob) -> Result<JobId, StoreError> {
        const TRACK: &str = "INSERT INTO job (id, run_id, plan_digest, operation, connection, external_id, state, outcome, destinations, polls, next_poll_at, deadline_at, started_at, place) VALUES ($1, $2, $3, $4, $5, $6, 'open', 'accepted', '[]', 0, $7, $8, $9, $10) ON CONFLICT (plan_digest, operation, external_id) DO UPDATE SET polls = job.polls RETURNING id";
        let row = query(TRACK)
            .bind(format!("job_{}", self.inner.ids.next_uuid()))
            .bind(new.run.as_str())
            .bind(new.plan.as_str())
            .bind(i64::from(new.operation))
            .bind(new.connection.as_str())
            .bind(new.external_id.as_str())
            .bind(new.next_poll_at.as_microsecond())
            .bind(new.deadline_at.as_microsecond())
            .bind(self.now())
            .bind(new.place.as_str())
            .fetch_one(tx.connection())
            .await?;
        Ok(JobId(row.try_get(0)?))
    }

    /// The job that an operation started, the newest if there are several.
    pub async fn job_find(&self, plan: &PlanDigest, operation: u32) -> Result<Option<Job>, StoreError> {
        const FIND: &str = "SELECT id, run_id, plan_digest, operation, connection, external_id, state, outcome, destinations, polls, next_poll_at, deadline_at, ended_at, place FROM job WHERE plan_digest = $1 AND operation = $2 ORDER BY started_at DESC, id DESC LIMIT 1";
        let row = query(FIND)
            .bind(plan.as_str())
            .bind(i64::from(operation))
            .fetch_optional(&self.inner.reader)
            .await?;
        row.as_ref().map(job).transpose()
    }

    /// Jobs, the one to be asked first first, at most `limit`.
    pub async fn job_list(&self, filter: JobFilter<'_>, limit: u32) -> Result<Vec<Job>, StoreError> {
        const RUN: &str = "SELECT id, run_id, plan_digest, operation, connection, external_id, state, outcome, destinations, polls, next_poll_at, deadline_at, ended_at, place FROM job WHERE run_id = $1 ORDER BY operation, id LIMIT $2";
        const DUE: &str = "SELECT id, run_id, plan_digest, operation, connection, external_id, state, outcome, destinations, polls, next_poll_at, deadline_at, ended_at, place FROM job WHERE state = 'open' AND next_poll_at <= $1 ORDER BY next_poll_at, id LIMIT $2";
        let query = match filter {
            JobFilter::Run(run) => query(RUN).bind(run.as_str()),
            JobFilter::Due => query(DUE).bind(self.now()),
        };
        let rows = query.bind(i64::from(limit)).fetch_all(&self.inner.reader).await?;
        rows.iter().map(job).collect()
    }

    /// Records what asking brought.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if somebody else recorded something since `job` was read: their word
    /// is newer.
    pub async fn job_observe(&self, job: &Job, seen: &Observation) -> Result<(), StoreError> {
        const OBSERVE: &str = "UPDATE job SET state = $3, outcome = $4, destinations = $5, polls = polls + 1, next_poll_at = $6, ended_at = $7 WHERE id = $1 AND polls = $2 AND state = 'open'";
        // If it was a call of the application that told the end.
        const TAKE: &str = "UPDATE callback SET state = 'taken', sealed = NULL WHERE owner = $1 AND number = $2 AND id = $3 AND state = 'answered'";
        let (state, outcome, next, ended) = match seen.end {
            JobEnd::NotYet(at) => (JobState::Open, Outcome::Accepted, at.as_microsecond(), None),
            JobEnd::Ended(outcome) => {
                (JobState::Ended, outcome, job.next_poll_at.as_microsecond(), Some(self.now()))
            }
        };
        let destinations =
            serde_json::to_string(&seen.destinations).map_err(|_| StoreError::Damaged { what: "a job" })?;
        let mut tx = self.begin().await?;
        let changed = query(OBSERVE)
            .bind(job.id.as_str())
            .bind(job.polls)
            .bind(state.as_str())
            .bind(outcome_text(outcome))
            .bind(destinations)
            .bind(next)
            .bind(ended)
            .execute(tx.connection())
            .await?;
        if changed.rows_affected() == 0 {
            let needs = "look at it again; somebody else asked in the meantime";
            return Err(StoreError::Conflict {
                what: "job",
                id: job.id.to_string(),
                state: "changed".to_owned(),
                needs,
            });
        }
        if state == JobState::Ended {
            query(TAKE)
                .bind(job.plan.as_str())
                .bind(i64::from(job.operation))
                .bind(job.external_id.as_str())
                .execute(tx.connection())
                .await?;
            let details = json!({"plan": job.plan.as_str(), "operation": job.operation, "outcome": outcome_text(outcome), "destinations": signed(seen.destinations.len() as u64)});
            let event = AuditEvent::new(Actor::system(), "job.ended", job.id.as_str()).with(details);
            self.audit_enter_in(&mut tx, &event).await?;
        }
        tx.commit().await
    }
}

fn job(row: &Row) -> Result<Job, StoreError> {
    let damaged = StoreError::Damaged { what: "a job" };
    let text = |column| row.try_get::<String>(column);
    let (Ok(plan), Ok(connection), Ok(operation), Ok(destinations)) = (
        text(2)?.parse(),
        text(4)?.parse(),
        u32::try_from(row.try_get::<i64>(3)?),
        serde_json::from_str(&text(8)?),
    ) else {
        return Err(damaged);
    };
    Ok(Job {
        id: JobId(text(0)?),
        run: run_id(row, 1)?,
        plan,
        operation,
        connection,
        place: text(13)?,
        external_id: text(5)?,
        state: JobState::parse(&text(6)?)?,
        outcome: outcome_of(Some(text(7)?))?.ok_or(damaged)?,
        destinations,
        polls: row.try_get(9)?,
        next_poll_at: time(row.try_get(10)?)?,
        deadline_at: time(row.try_get(11)?)?,
        ended_at: time_or_none(row.try_get(12)?)?,
    })
}
