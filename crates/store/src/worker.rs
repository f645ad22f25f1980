//! Processes that carry out requests, for those who look after them.

use std::time::Duration;

use jiff::Timestamp;
use model::PrivacyRequestId;

use crate::sql::query;
use crate::store::{count, signed, time};
use crate::task::microseconds;
use crate::{Store, StoreError};

/// What a worker says of itself, now and then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerReport {
    /// Its name, as no other has it.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// How many requests it takes at once.
    pub slots: u64,
    /// How many it has.
    pub busy: u64,
}

/// A worker, as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenWorker {
    /// What it said.
    pub report: WorkerReport,
    /// When it was seen first.
    pub started_at: Timestamp,
    /// When it was seen last.
    pub seen_at: Timestamp,
    /// The requests that it has.
    pub requests: Vec<PrivacyRequestId>,
}

/// After so long without a word a worker is forgotten.
const FORGET_AFTER: Duration = Duration::from_hours(24);

impl Store {
    /// Keeps what a worker says of itself, and forgets those that said nothing for a day. May be lost
    /// in a power failure.
    pub async fn worker_seen(&self, report: &WorkerReport) -> Result<(), StoreError> {
        const SEEN: &str = "INSERT INTO worker (name, version, slots, busy, started_at, seen_at) VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (name) DO UPDATE SET version = excluded.version, slots = excluded.slots, busy = excluded.busy, seen_at = excluded.seen_at";
        const FORGET: &str = "DELETE FROM worker WHERE seen_at < $1";
        let mut tx = self.begin_relaxed().await?;
        let now = self.lease_now(tx.connection()).await?;
        query(SEEN)
            .bind(report.name.as_str())
            .bind(report.version.as_str())
            .bind(signed(report.slots))
            .bind(signed(report.busy))
            .bind(now)
            .execute(tx.connection())
            .await?;
        query(FORGET).bind(now - microseconds(FORGET_AFTER)).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Forgets a worker that ended in order.
    pub async fn worker_gone(&self, name: &str) -> Result<(), StoreError> {
        const GONE: &str = "DELETE FROM worker WHERE name = $1";
        let mut tx = self.begin_relaxed().await?;
        query(GONE).bind(name).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Workers that were seen within `time`, by name, each with the requests that it has.
    pub async fn worker_list(&self, within: Duration) -> Result<Vec<SeenWorker>, StoreError> {
        const LIST: &str = "SELECT name, version, slots, busy, started_at, seen_at FROM worker WHERE seen_at >= $1 ORDER BY name";
        const HELD: &str = "SELECT worker, id FROM privacy_request WHERE work_at IS NOT NULL AND lease_until > $1 ORDER BY id";
        let mut lent = self.inner.reader.acquire().await?;
        let now = self.lease_now(lent.connection()).await?;
        let listed = query(LIST).bind(now - microseconds(within)).fetch_all(lent.connection()).await?;
        let held = query(HELD).bind(now).fetch_all(lent.connection()).await?;
        let mut workers = Vec::with_capacity(listed.len());
        for row in &listed {
            let report = WorkerReport {
                name: row.try_get(0)?,
                version: row.try_get(1)?,
                slots: count(row.try_get(2)?)?,
                busy: count(row.try_get(3)?)?,
            };
            let (started_at, seen_at) = (time(row.try_get(4)?)?, time(row.try_get(5)?)?);
            workers.push(SeenWorker { report, started_at, seen_at, requests: Vec::new() });
        }
        for row in &held {
            let holder: Option<String> = row.try_get(0)?;
            let id: String = row.try_get(1)?;
            let worker = workers.iter_mut().find(|worker| Some(&worker.report.name) == holder.as_ref());
            if let Some(worker) = worker {
                let id = id.parse().map_err(|_| StoreError::Damaged { what: "the id of a request" })?;
                worker.requests.push(id);
            }
        }
        Ok(workers)
    }
}
