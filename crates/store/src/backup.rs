//! Copies of the state, and what must be seen to when one takes the state's place.

use std::path::Path;

use serde_json::json;
use sqlx::{AnyConnection, Connection as _, Row as _};

use crate::dialect::Dialect;
use crate::store::MIGRATIONS;
use crate::{Actor, AuditEvent, PlanDigest, Store, StoreError, StorePlace};

/// What was sent to applications since a backup was made, as far as anybody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentSince {
    /// Nothing but what stands in these plans: the journal of erasures is whole.
    Plans(Vec<PlanDigest>),
    /// Nobody knows: the journal is as old as the backup.
    Anything,
}

/// What was seen to after a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Writes that may have been sent since the backup: a person or a look at the target decides.
    pub unknown_writes: u64,
    /// Access tokens and sessions that were ended.
    pub ended_tokens: u64,
    /// Messages that are not sent any more, because they may have been.
    pub ended_messages: u64,
}

impl Store {
    /// Writes a copy of the state into a new file, of one moment, while others go on reading and
    /// writing. What is sealed stays sealed. Says which migration its tables have.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a state on PostgreSQL, which has tools of its own. Any other if the
    /// file cannot be written.
    pub async fn backup(place: &StorePlace, to: &Path) -> Result<u64, StoreError> {
        const COPY: &str = "VACUUM INTO $1";
        if place.dialect() == Dialect::Postgres {
            return Err(StoreError::Conflict {
                what: "state",
                id: "PostgreSQL".to_owned(),
                state: "kept by a server".to_owned(),
                needs: "copy it with `pg_dump` or the server's own backups",
            });
        }
        sqlx::any::install_default_drivers();
        // The file is made first, so that nobody else may read it from the beginning.
        StorePlace::File(to.to_owned()).url()?;
        let mut connection = AnyConnection::connect(place.url()?.expose()).await?;
        sqlx::query("PRAGMA busy_timeout = 20000").execute(&mut connection).await?;
        sqlx::query(COPY).bind(to.to_string_lossy().into_owned()).execute(&mut connection).await?;
        connection.close().await?;
        let file = std::fs::OpenOptions::new().append(true).open(to);
        file.and_then(|file| file.sync_all())
            .map_err(|source| StoreError::File { path: to.to_owned(), source })?;
        revision(to).await
    }

    /// The newest migration that this version knows: a copy with a newer one cannot be restored.
    pub fn newest_revision() -> u64 {
        MIGRATIONS.iter().filter_map(|migration| u64::try_from(migration.version).ok()).max().unwrap_or(0)
    }

    /// Sees to a state that was restored from a backup, in one transaction: what may have been sent
    /// since is unknown, so that nothing is sent twice; tokens end, because some may have been revoked
    /// since; messages that waited are not sent, because they may have been.
    pub async fn restored(&self, sent: &SentSince, actor: Actor) -> Result<Restored, StoreError> {
        const OF_PLAN: &str = "UPDATE ledger SET state = 'unknown', outcome = 'unknown', intent_at = COALESCE(intent_at, $2) WHERE plan_digest = $1 AND state IN ('planned', 'intent')";
        const OF_ALL: &str = "UPDATE ledger SET state = 'unknown', outcome = 'unknown', intent_at = COALESCE(intent_at, $1) WHERE state IN ('planned', 'intent')";
        const TOKENS: &str = "DELETE FROM access_token";
        const MESSAGES: &str = "UPDATE message SET state = 'failed', sealed = NULL, failure = 'restored', ended_at = $1 WHERE ended_at IS NULL";
        const TASKS: &str =
            "UPDATE task SET state = 'ready', worker = NULL, lease_until = NULL WHERE state = 'leased'";
        const REQUESTS: &str =
            "UPDATE privacy_request SET lease_from = NULL, lease_until = NULL WHERE lease_until IS NOT NULL";
        const WORKERS: &str = "DELETE FROM worker";
        let mut tx = self.begin().await?;
        let now = self.now();
        let mut unknown_writes = 0;
        match sent {
            SentSince::Anything => {
                let done = sqlx::query(OF_ALL).bind(now).execute(tx.connection()).await?;
                unknown_writes += done.rows_affected();
            }
            SentSince::Plans(plans) => {
                for plan in plans {
                    let query = sqlx::query(OF_PLAN).bind(plan.as_str()).bind(now);
                    unknown_writes += query.execute(tx.connection()).await?.rows_affected();
                }
            }
        }
        let ended_tokens = sqlx::query(TOKENS).execute(tx.connection()).await?.rows_affected();
        let ended_messages = sqlx::query(MESSAGES).bind(now).execute(tx.connection()).await?.rows_affected();
        for statement in [TASKS, REQUESTS, WORKERS] {
            sqlx::query(statement).execute(tx.connection()).await?;
        }
        let event = AuditEvent::new(actor, "state.restored", "state").with(json!({
            "unknown_writes": unknown_writes,
            "ended_tokens": ended_tokens,
            "ended_messages": ended_messages,
        }));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(Restored { unknown_writes, ended_tokens, ended_messages })
    }
}

/// Reads the copy back: it must be whole, and says which migration it has.
async fn revision(file: &Path) -> Result<u64, StoreError> {
    let url = StorePlace::File(file.to_owned()).url()?;
    let mut connection = AnyConnection::connect(url.expose()).await?;
    let check: String = sqlx::query("PRAGMA quick_check").fetch_one(&mut connection).await?.try_get(0)?;
    if check != "ok" {
        return Err(StoreError::Damaged { what: "the copy of the state" });
    }
    const NEWEST: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success";
    let newest: i64 = sqlx::query(NEWEST).fetch_one(&mut connection).await?.try_get(0)?;
    connection.close().await?;
    crate::store::count(newest)
}
