//! Connections that are read by themselves for who has access: when, how that went, and who works on it.

mod change;
mod claim;
mod kinds;
mod log;
mod owner;
mod settle;
mod tell;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use model::{ConnectionKey, RunId};

use crate::row_lease::row_is_free;
use crate::sql::{Row, query};
use crate::store::{count, time, time_or_none};
use crate::words::text_enum;
use crate::{Store, StoreError};

pub use change::SYNC_UNSEEN;
pub use claim::{ClaimedSync, SyncBeat, SyncLease};
pub use log::{SyncLogLevel, SyncLogLine};
pub use owner::{Owner, OwnersSet};
pub use settle::{SyncResult, SyncSettled, sync_retry};
pub(crate) use tell::About;

/// How often a connection is read if nobody says otherwise (governance CON-21).
pub const SYNC_EVERY: Duration = Duration::from_hours(24);

/// When a connection is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncSchedule {
    /// Again and again after this time.
    Every(Duration),
    /// At these times.
    Cron {
        /// As `cron` writes it: `0 3 * * mon`.
        expression: String,
        /// Name of the zone whose clocks are meant: `Europe/Berlin`.
        zone: String,
    },
}

impl Default for SyncSchedule {
    fn default() -> Self {
        Self::Every(SYNC_EVERY)
    }
}

text_enum! {
    /// Who stopped the syncs of a connection.
    PauseCategory "why syncs pause" {
        /// A person.
        Person = "person",
        /// The guard against syncs that lost much (governance CON-24).
        Anomaly = "anomaly",
    }
}

/// Since when and why a connection is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncPause {
    /// Since when.
    pub at: Timestamp,
    /// In a sentence.
    pub reason: String,
    /// Who stopped it.
    pub category: PauseCategory,
}

/// The syncs of one connection as the store knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSync {
    /// The connection.
    pub connection: ConnectionKey,
    /// When it is read.
    pub schedule: SyncSchedule,
    /// Whether a sync that lost much is held back.
    pub guard: bool,
    /// What it lacks to be read at all; none: nothing.
    pub lacks: Option<String>,
    /// Since when it is stopped.
    pub pause: Option<SyncPause>,
    /// When it is read next, once it is neither stopped nor lacks anything.
    pub next_at: Timestamp,
    /// When a person, or another file or other secrets, asked for a sync that has not begun yet.
    pub asked_at: Option<Timestamp>,
    /// Whether somebody works on it now.
    pub is_running: bool,
    /// When the newest one began.
    pub started_at: Option<Timestamp>,
    /// When the newest one was over.
    pub ended_at: Option<Timestamp>,
    /// The run of the newest one.
    pub last_run: Option<RunId>,
    /// Why the newest one failed; none if it did not.
    pub last_error: Option<String>,
    /// When one went well last.
    pub last_success_at: Option<Timestamp>,
    /// How many failed since.
    pub failures: u64,
    /// Kinds that are switched off (governance CON-27).
    pub kinds_off: BTreeSet<String>,
}

/// What is read of a row, in the order of [`sync_of`]. `$1` is the time by which leases are measured.
macro_rules! columns {
    () => {
        concat!(
            "connection, interval_s, cron, zone, guard, lacks, paused_at, paused_reason, paused_category, next_at, asked_at, CASE WHEN ",
            row_is_free!(),
            " THEN 0 ELSE 1 END, started_at, ended_at, last_run, last_error, last_success_at, failures, kinds_off"
        )
    };
}
use columns;

impl Store {
    /// The syncs of a connection; none as long as nobody has looked whether it can be read.
    pub async fn connection_sync_find(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<ConnectionSync>, StoreError> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM connection_sync WHERE connection = $2");
        let now = self.lease_now_read().await?;
        let query = query(FIND).bind(now).bind(connection.as_str());
        let row = query.fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(sync_of).transpose()
    }

    /// Why a person paused a connection: nothing is changed through it meanwhile (governance CON-25). One that a
    /// connector elsewhere reads is paused there, also by the guard against odd syncs, which stops no changes.
    pub async fn connection_pause_of_person(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<String>, StoreError> {
        if let Some(connector) = self.baton_connector_of(connection).await?
            && connector.paused_at.is_some()
            && self.inventory_state_held(connection).await?.is_none()
        {
            return Ok(Some(connector.paused_reason.unwrap_or_default()));
        }
        let pause = self.connection_sync_find(connection).await?.and_then(|sync| sync.pause);
        Ok(pause.filter(|pause| pause.category == PauseCategory::Person).map(|pause| pause.reason))
    }

    /// Those of all connections, by key.
    pub async fn connection_sync_list(&self) -> Result<Vec<ConnectionSync>, StoreError> {
        const LIST: &str = concat!("SELECT ", columns!(), " FROM connection_sync ORDER BY connection");
        let now = self.lease_now_read().await?;
        let rows = query(LIST).bind(now).fetch_all(&self.inner.reader).await?;
        rows.iter().map(sync_of).collect()
    }

    /// The time by which leases are measured, for whoever only looks.
    async fn lease_now_read(&self) -> Result<i64, StoreError> {
        let mut lent = self.inner.reader.acquire().await?;
        self.lease_now(lent.connection()).await
    }
}

fn sync_of(row: &Row) -> Result<ConnectionSync, StoreError> {
    let damaged = |what| StoreError::Damaged { what };
    let connection: String = row.try_get(0)?;
    let interval: Option<i64> = row.try_get(1)?;
    let (cron, zone): (Option<String>, Option<String>) = (row.try_get(2)?, row.try_get(3)?);
    let schedule = match (interval, cron, zone) {
        (Some(seconds), None, None) => SyncSchedule::Every(Duration::from_secs(count(seconds)?)),
        (None, Some(expression), Some(zone)) => SyncSchedule::Cron { expression, zone },
        _ => return Err(damaged("the schedule of a connection")),
    };
    let paused: (Option<i64>, Option<String>, Option<String>) =
        (row.try_get(6)?, row.try_get(7)?, row.try_get(8)?);
    let pause = match paused {
        (Some(at), Some(reason), Some(category)) => {
            Some(SyncPause { at: time(at)?, reason, category: PauseCategory::parse(&category)? })
        }
        (None, ..) => None,
        (Some(_), ..) => return Err(damaged("the pause of a connection")),
    };
    let last_run: Option<String> = row.try_get(14)?;
    let last_run = last_run.map(|text| text.parse()).transpose();
    Ok(ConnectionSync {
        connection: connection.parse().map_err(|_| damaged("the connection of a sync"))?,
        schedule,
        guard: row.try_get::<i64>(4)? != 0,
        lacks: row.try_get(5)?,
        pause,
        next_at: time(row.try_get(9)?)?,
        asked_at: time_or_none(row.try_get(10)?)?,
        is_running: row.try_get::<i64>(11)? != 0,
        started_at: time_or_none(row.try_get(12)?)?,
        ended_at: time_or_none(row.try_get(13)?)?,
        last_run: last_run.map_err(|_| damaged("the run of a sync"))?,
        last_error: row.try_get(15)?,
        last_success_at: time_or_none(row.try_get(16)?)?,
        failures: count(row.try_get(17)?)?,
        kinds_off: kinds_of(&row.try_get::<String>(18)?)?,
    })
}

fn kinds_of(list: &str) -> Result<BTreeSet<String>, StoreError> {
    let damaged = |_| StoreError::Damaged { what: "the kinds of a connection that are off" };
    serde_json::from_str(list).map_err(damaged)
}
