//! Copies of the state, and what must be seen to when one takes the state's place.

use std::path::Path;

use model::PrivacyRequestId;
use serde_json::json;

use crate::migrations::MIGRATIONS;
use crate::privacy_request::{NewRequestLog, PrivacyRequestStatus};
use crate::sql::{SqliteConnection, query};
use crate::store::Tx;
use crate::{Actor, AuditEvent, PlanDigest, Store, StoreError, StorePlace};

/// Why a request waits after a restore.
const RESTORED: &str = "restored";

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
    /// Requests that would have gone on by themselves: a person looks at each and lets it go on.
    pub stopped_requests: u64,
    /// Links, codes and other secrets for one use that do not work any more.
    pub ended_secrets: u64,
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
        let StorePlace::File(from) = place else {
            return Err(StoreError::Conflict {
                what: "state",
                id: "PostgreSQL".to_owned(),
                state: "kept by a server".to_owned(),
                needs: "copy it with `pg_dump` or the server's own backups",
            });
        };
        place.make()?;
        // The file is made first, so that nobody else may read it from the beginning.
        StorePlace::File(to.to_owned()).make()?;
        let mut connection = SqliteConnection::open(from)?;
        query(COPY).bind(to.to_string_lossy().into_owned()).long().execute(connection.borrowed()).await?;
        connection.close()?;
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
    /// since is unknown, so that nothing is sent twice; requests that were queued or under way stop in
    /// `requires_input` with the attention `restored`, because they may have been carried out since (those
    /// that webhooks were asked about wait for a person's decision); tokens and secrets for one use end,
    /// because some may have been revoked or used since; messages that waited are not sent, because they
    /// may have been.
    pub async fn restored(&self, sent: &SentSince, actor: Actor) -> Result<Restored, StoreError> {
        const OF_PLAN: &str = "UPDATE ledger SET state = 'unknown', outcome = 'unknown', intent_at = COALESCE(intent_at, $2) WHERE plan_digest = $1 AND state IN ('planned', 'intent')";
        const OF_ALL: &str = "UPDATE ledger SET state = 'unknown', outcome = 'unknown', intent_at = COALESCE(intent_at, $1) WHERE state IN ('planned', 'intent')";
        const TOKENS: &str = "DELETE FROM access_token";
        const MESSAGES: &str = "UPDATE message SET state = 'failed', sealed = NULL, failure = 'restored', ended_at = $1 WHERE ended_at IS NULL";
        const TASKS: &str =
            "UPDATE task SET state = 'ready', worker = NULL, lease_until = NULL WHERE state = 'leased'";
        const WORKERS: &str = "DELETE FROM worker";
        let mut tx = self.begin().await?;
        let now = self.now();
        let mut unknown_writes = 0;
        match sent {
            SentSince::Anything => {
                let done = query(OF_ALL).bind(now).execute(tx.connection()).await?;
                unknown_writes += done.rows_affected();
            }
            SentSince::Plans(plans) => {
                for plan in plans {
                    let query = query(OF_PLAN).bind(plan.as_str()).bind(now);
                    unknown_writes += query.execute(tx.connection()).await?.rows_affected();
                }
            }
        }
        let ended_tokens = query(TOKENS).execute(tx.connection()).await?.rows_affected();
        let ended_messages = query(MESSAGES).bind(now).execute(tx.connection()).await?.rows_affected();
        let stopped_requests = self.requests_stop_restored(&mut tx).await?;
        let ended_secrets = end_secrets(&mut tx).await?;
        // Their hour is over.
        crate::dataset_trial::trials_destroy(&mut tx, i64::MAX).await?;
        for statement in [TASKS, WORKERS] {
            query(statement).execute(tx.connection()).await?;
        }
        let event = AuditEvent::new(actor, "state.restored", "state").with(json!({
            "unknown_writes": unknown_writes,
            "ended_tokens": ended_tokens,
            "ended_messages": ended_messages,
            "stopped_requests": stopped_requests,
            "ended_secrets": ended_secrets,
        }));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(Restored { unknown_writes, ended_tokens, ended_messages, stopped_requests, ended_secrets })
    }

    /// Stops what a worker would take, or what answers of webhooks would let go on. Says how many there
    /// were.
    async fn requests_stop_restored(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const FIND: &str = "SELECT id, status, listed, created_at FROM privacy_request WHERE work_at IS NOT NULL OR status = 'awaiting_pre_approval' ORDER BY id";
        const STOP: &str = "UPDATE privacy_request SET status = $2, attention = $3, paused_at = NULL, work_at = NULL, fence = fence + 1, lease_from = NULL, lease_until = NULL, attempts = 0, updated_at = $4, version = version + 1 WHERE id = $1";
        const LEASES: &str = "UPDATE privacy_request SET fence = fence + 1, lease_from = NULL, lease_until = NULL WHERE lease_until IS NOT NULL";
        let found = query(FIND).fetch_all(tx.connection()).await?;
        for row in &found {
            let id: PrivacyRequestId = row
                .try_get::<String>(0)?
                .parse()
                .map_err(|_| StoreError::Damaged { what: "a privacy request" })?;
            let from = PrivacyRequestStatus::parse(&row.try_get::<String>(1)?)?;
            let is_listed = row.try_get::<i64>(2)? != 0;
            // Nobody has approved it yet, so that going on must not be enough.
            let to = if from == PrivacyRequestStatus::AwaitingPreApproval {
                PrivacyRequestStatus::PreApprovalNotEligible
            } else {
                PrivacyRequestStatus::RequiresInput
            };
            let stop = query(STOP).bind(id.as_str()).bind(to.as_str()).bind(RESTORED).bind(self.now());
            stop.execute(tx.connection()).await?;
            let moved = (is_listed.then_some(from), is_listed.then_some(to));
            self.request_counted(tx, (&id, row.try_get(3)?), moved).await?;
            let message = "stopped: the state comes from a backup, and the request may have been carried out since; look at the applications and the journal of erasures, then let it go on or cancel it";
            let log = NewRequestLog::of_work("Restore", "paused", message);
            self.request_logs_put(tx, &id, std::slice::from_ref(&log)).await?;
        }
        query(LEASES).execute(tx.connection()).await?;
        Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
    }
}

/// Ends secrets that may have been used or taken back since the backup.
async fn end_secrets(tx: &mut Tx) -> Result<u64, StoreError> {
    const END: [&str; 6] = [
        "DELETE FROM download",
        "DELETE FROM login_code",
        "DELETE FROM portal_visit",
        "DELETE FROM sign_in_flow",
        "DELETE FROM authorization_state",
        "UPDATE webhook_call SET token_hash = NULL, token_until = NULL WHERE token_hash IS NOT NULL",
    ];
    let mut ended = 0;
    for statement in END {
        ended += query(statement).execute(tx.connection()).await?.rows_affected();
    }
    Ok(ended)
}

/// Reads the copy back: it must be whole, and says which migration it has.
async fn revision(file: &Path) -> Result<u64, StoreError> {
    const NEWEST: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success";
    let mut connection = SqliteConnection::open(file)?;
    let check = query("PRAGMA quick_check").long().fetch_one(connection.borrowed()).await?;
    if check.try_get::<String>(0)? != "ok" {
        return Err(StoreError::Damaged { what: "the copy of the state" });
    }
    let newest: i64 = query(NEWEST).fetch_one(connection.borrowed()).await?.try_get(0)?;
    connection.close()?;
    crate::store::count(newest)
}
