use std::time::Duration;

use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::json;

use super::{PauseCategory, SYNC_EVERY, SyncSchedule};
use crate::sql::query;
use crate::store::{Tx, signed};
use crate::{Actor, AuditEvent, Store, StoreError};

/// Makes the row of a connection that has none.
const MEET: &str = "INSERT INTO connection_sync (connection, interval_s, guard, basis, lacks, next_at, failures, fence, attempts) SELECT key, $2, 1, '', $3, $4, 0, 0, 0 FROM connection WHERE key = $1 ON CONFLICT (connection) DO NOTHING";

/// What a connection lacks that nobody has looked at yet.
pub const SYNC_UNSEEN: &str = "nobody has looked at it yet";

impl Store {
    /// A connection can be read, with what `basis` stands for. One that is new, or that would be read with
    /// something else than last time, is due at once; says whether that is so. One that is there already as it is
    /// costs no write, and one that a connector elsewhere reads stays as it is.
    pub async fn connection_sync_connect(
        &self,
        connection: &ConnectionKey,
        basis: &str,
    ) -> Result<bool, StoreError> {
        const IS_SO: &str = "SELECT 1 FROM connection_sync WHERE connection = $1 AND basis = $2 AND lacks IS NULL UNION ALL SELECT 1 FROM baton_connector WHERE connection = $1";
        const CONNECT: &str = "UPDATE connection_sync SET next_at = CASE WHEN basis <> $2 THEN $3 ELSE next_at END, asked_at = CASE WHEN basis <> $2 THEN $3 ELSE asked_at END, basis = $2, lacks = NULL WHERE connection = $1 AND (basis <> $2 OR lacks IS NOT NULL) AND connection NOT IN (SELECT connection FROM baton_connector)";
        let is_so = query(IS_SO).bind(connection.as_str()).bind(basis);
        if is_so.fetch_optional(&self.inner.reader).await?.is_some() {
            return Ok(false);
        }
        let (mut tx, now) = (self.begin().await?, self.now());
        self.sync_meet(&mut tx, connection).await?;
        let changed = query(CONNECT)
            .bind(connection.as_str())
            .bind(basis)
            .bind(now)
            .execute(tx.connection())
            .await?
            .rows_affected();
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(changed > 0)
    }

    /// A connection cannot be read, for this reason, unless a connector elsewhere reads it. A reason names settings,
    /// never their values.
    pub async fn connection_sync_disconnect(
        &self,
        connection: &ConnectionKey,
        lacks: &str,
    ) -> Result<(), StoreError> {
        const IS_SO: &str = "SELECT 1 FROM connection_sync WHERE connection = $1 AND lacks = $2 UNION ALL SELECT 1 FROM baton_connector WHERE connection = $1";
        const DISCONNECT: &str = "UPDATE connection_sync SET lacks = $2, basis = '' WHERE connection = $1 AND connection NOT IN (SELECT connection FROM baton_connector)";
        let is_so = query(IS_SO).bind(connection.as_str()).bind(lacks);
        if is_so.fetch_optional(&self.inner.reader).await?.is_some() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        self.sync_meet(&mut tx, connection).await?;
        query(DISCONNECT).bind(connection.as_str()).bind(lacks).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Sets when a connection is read, the next time by that, and whether syncs that lost much are held back;
    /// what is not given stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such connection.
    pub async fn connection_sync_set(
        &self,
        connection: &ConnectionKey,
        (schedule, guard): (Option<(&SyncSchedule, Timestamp)>, Option<bool>),
        actor: Actor,
    ) -> Result<(), StoreError> {
        const SCHEDULE: &str = "UPDATE connection_sync SET interval_s = $2, cron = $3, zone = $4, next_at = CASE WHEN asked_at IS NULL THEN $5 ELSE next_at END WHERE connection = $1";
        const GUARD: &str = "UPDATE connection_sync SET guard = $2 WHERE connection = $1";
        let mut tx = self.begin().await?;
        self.sync_meet(&mut tx, connection).await?;
        let mut details = serde_json::Map::new();
        if let Some((schedule, next)) = schedule {
            let (interval, cron, zone) = parts(schedule);
            query(SCHEDULE)
                .bind(connection.as_str())
                .bind(interval)
                .bind(cron)
                .bind(zone)
                .bind(next.as_microsecond())
                .execute(tx.connection())
                .await?;
            let written = json!({"interval_s": interval, "cron": cron, "zone": zone});
            details.insert("schedule".to_owned(), written);
        }
        if let Some(guard) = guard {
            query(GUARD).bind(connection.as_str()).bind(i64::from(guard)).execute(tx.connection()).await?;
            details.insert("guard".to_owned(), json!(guard));
        }
        let event = AuditEvent::new(actor, "access_sync.set", connection.as_str()).with(details.into());
        self.audit_enter_in(&mut tx, &event).await?;
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// Asks for a sync now (governance CON-22). One that is under way goes on, and another one follows it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such connection, [`StoreError::Conflict`] while it is stopped.
    pub async fn connection_sync_ask(
        &self,
        connection: &ConnectionKey,
        actor: Actor,
    ) -> Result<(), StoreError> {
        const ASK: &str = "UPDATE connection_sync SET asked_at = $2, next_at = $2 WHERE connection = $1 AND paused_at IS NULL";
        let mut tx = self.begin().await?;
        self.sync_meet(&mut tx, connection).await?;
        let asked = query(ASK).bind(connection.as_str()).bind(self.now()).execute(tx.connection()).await?;
        if asked.rows_affected() == 0 {
            return Err(StoreError::Conflict {
                what: "connection",
                id: connection.to_string(),
                state: "paused".to_owned(),
                needs: "resume it; that begins a sync",
            });
        }
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "access_sync.asked", connection.as_str()))
            .await?;
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// Stops the syncs of a connection, and the one that is under way; says whether they went on before.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such connection.
    pub async fn connection_sync_pause(
        &self,
        connection: &ConnectionKey,
        reason: &str,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        self.sync_meet(&mut tx, connection).await?;
        let paused = self.sync_pause_in(&mut tx, connection, (reason, PauseCategory::Person)).await?;
        if paused {
            let event = AuditEvent::new(actor, "access_sync.paused", connection.as_str());
            let event = event.with(json!({"category": PauseCategory::Person.as_str()}));
            self.audit_enter_in(&mut tx, &event).await?;
        }
        tx.commit().await?;
        Ok(paused)
    }

    /// The same as part of a larger change. A pause of a person stays one.
    pub(crate) async fn sync_pause_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
        (reason, category): (&str, PauseCategory),
    ) -> Result<bool, StoreError> {
        const PAUSE: &str = "UPDATE connection_sync SET paused_at = $2, paused_reason = $3, paused_category = $4, asked_at = NULL WHERE connection = $1 AND (paused_at IS NULL OR ($4 = 'person' AND paused_category <> 'person'))";
        let paused = query(PAUSE)
            .bind(connection.as_str())
            .bind(self.now())
            .bind(reason)
            .bind(category.as_str())
            .execute(tx.connection())
            .await?;
        Ok(paused.rows_affected() > 0)
    }

    /// Lets the syncs of a connection go on, beginning with one now (governance CON-25); says whether they were
    /// stopped.
    pub async fn connection_sync_resume(
        &self,
        connection: &ConnectionKey,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const RESUME: &str = "UPDATE connection_sync SET paused_at = NULL, paused_reason = NULL, paused_category = NULL, asked_at = $2, next_at = $2 WHERE connection = $1 AND paused_at IS NOT NULL";
        let mut tx = self.begin().await?;
        let resumed = query(RESUME)
            .bind(connection.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?
            .rows_affected();
        if resumed == 0 {
            return Ok(false);
        }
        self.access_ends_hasten_in(&mut tx, connection).await?;
        let event = AuditEvent::new(actor, "access_sync.resumed", connection.as_str());
        self.audit_enter_in(&mut tx, &event).await?;
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(true)
    }

    /// The next sync is not later than this: it was planned by a clock that was ahead.
    pub async fn connection_sync_replan(
        &self,
        connection: &ConnectionKey,
        latest: Timestamp,
    ) -> Result<(), StoreError> {
        const IS_SO: &str = "SELECT 1 FROM connection_sync WHERE connection = $1 AND next_at > $2";
        const REPLAN: &str = "UPDATE connection_sync SET next_at = $2 WHERE connection = $1 AND next_at > $2";
        let is_so = query(IS_SO).bind(connection.as_str()).bind(latest.as_microsecond());
        if is_so.fetch_optional(&self.inner.reader).await?.is_none() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let replan = query(REPLAN).bind(connection.as_str()).bind(latest.as_microsecond());
        replan.execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Sees to it that a connection has a row.
    pub(super) async fn sync_meet(&self, tx: &mut Tx, connection: &ConnectionKey) -> Result<(), StoreError> {
        const FIND: &str = "SELECT 1 FROM connection_sync WHERE connection = $1";
        self.sync_make(tx, connection).await?;
        if query(FIND).bind(connection.as_str()).fetch_optional(tx.connection()).await?.is_some() {
            return Ok(());
        }
        Err(StoreError::NotFound { what: "connection", id: connection.to_string() })
    }

    /// Makes the row of a connection, if there is the one and not the other.
    pub(crate) async fn sync_make(&self, tx: &mut Tx, connection: &ConnectionKey) -> Result<(), StoreError> {
        let (interval, _, _) = parts(&SyncSchedule::Every(SYNC_EVERY));
        query(MEET)
            .bind(connection.as_str())
            .bind(interval)
            .bind(SYNC_UNSEEN)
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        Ok(())
    }
}

/// The columns of a schedule.
fn parts(schedule: &SyncSchedule) -> (Option<i64>, Option<&str>, Option<&str>) {
    match schedule {
        SyncSchedule::Every(time) => (Some(seconds(*time)), None, None),
        SyncSchedule::Cron { expression, zone } => (None, Some(expression), Some(zone)),
    }
}

fn seconds(time: Duration) -> i64 {
    signed(time.as_secs())
}
