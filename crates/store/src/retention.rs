//! How long personal data stays (architecture §13.7).

mod destroy;

use std::sync::Arc;

use crypto::RunKey;
use jiff::Timestamp;
use model::RunId;

use crate::run::{run_id, subject_place};
use crate::sql::query;
use crate::store::{Tx, run_key_place};
use crate::{Actor, AuditEvent, Store, StoreError};

/// Nothing was done in the run since `$1`, and at `$2` nobody holds a task of it.
macro_rules! idle {
    () => {
        "COALESCE(finished_at, created_at) < $1 AND NOT EXISTS (SELECT 1 FROM task WHERE task.run_id = run.id AND (task.lease_from >= $1 OR (task.state = 'leased' AND task.lease_until > $2))) AND NOT EXISTS (SELECT 1 FROM plan WHERE plan.run_id = run.id AND plan.made_at >= $1)"
    };
}

/// The run has rows.
macro_rules! has_rows {
    () => {
        "(EXISTS (SELECT 1 FROM page JOIN task ON task.id = page.task_id WHERE task.run_id = run.id) OR EXISTS (SELECT 1 FROM read_unit JOIN task ON task.id = read_unit.task_id WHERE task.run_id = run.id))"
    };
}

macro_rules! rows_due {
    () => {
        concat!(
            "forgotten_at IS NULL AND ",
            idle!(),
            " AND NOT EXISTS (SELECT 1 FROM plan WHERE plan.run_id = run.id AND plan.approved_at IS NOT NULL) AND (",
            has_rows!(),
            " OR EXISTS (SELECT 1 FROM plan WHERE plan.run_id = run.id AND plan.sealed IS NOT NULL))"
        )
    };
}

macro_rules! all_due {
    () => {
        concat!(
            "forgotten_at IS NULL AND ",
            idle!(),
            " AND NOT EXISTS (SELECT 1 FROM plan WHERE plan.run_id = run.id AND plan.approved_at >= $1)",
            " AND NOT EXISTS (SELECT 1 FROM ledger WHERE ledger.run_id = run.id AND (ledger.outcome_at >= $1 OR ledger.intent_at >= $1))",
            " AND NOT EXISTS (SELECT 1 FROM job WHERE job.run_id = run.id AND (job.state = 'open' OR job.ended_at >= $1))",
            " AND NOT EXISTS (SELECT 1 FROM certificate WHERE certificate.run_id = run.id AND certificate.issued_at >= $1)"
        )
    };
}

impl Store {
    /// Destroys the personal data of a run: its data key, and with it rows, plan and subject. Ledger
    /// and audit log, which hold none, stay. Whoever holds a task of it loses it. Doing it twice changes
    /// nothing; cut off, it is finished by the next call.
    pub async fn run_forget(&self, id: &RunId, actor: Actor) -> Result<(), StoreError> {
        const FORGET: &str = "UPDATE run SET data_key = NULL, sealed_subject = NULL, forgotten_at = $2 WHERE id = $1 AND forgotten_at IS NULL";
        let mut tx = self.begin().await?;
        let changed =
            query(FORGET).bind(id.as_str()).bind(self.now()).execute(tx.connection()).await?.rows_affected();
        if changed == 0 {
            drop(tx);
            self.get_run(id).await?;
        } else {
            self.forget_in(tx, id, AuditEvent::new(actor, "run.forgotten", id.as_str())).await?;
        }
        self.rows_destroy(id).await
    }

    /// The same, if it is still due ([`Store::run_list_due`]); says whether it is gone now.
    pub async fn run_forget_due(
        &self,
        id: &RunId,
        before: Timestamp,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const FORGET: &str = concat!(
            "UPDATE run SET data_key = NULL, sealed_subject = NULL, forgotten_at = $4 WHERE id = $3 AND ",
            all_due!()
        );
        let mut tx = self.begin().await?;
        let live = self.lease_now(tx.connection()).await?;
        let changed = query(FORGET)
            .bind(before.as_microsecond())
            .bind(live)
            .bind(id.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?
            .rows_affected();
        if changed == 0 {
            drop(tx);
            if self.get_run(id).await?.forgotten_at.is_none() {
                return Ok(false);
            }
        } else {
            self.forget_in(tx, id, AuditEvent::new(actor, "run.forgotten", id.as_str())).await?;
        }
        self.rows_destroy(id).await?;
        Ok(true)
    }

    /// Destroys the rows and the plan of a run and keeps whose they were, if that is still due
    /// ([`Store::run_list_rows_due`]); says whether it was. The data key is replaced, so that no copy of
    /// a row opens any more. A run that was not over is cancelled: it could not be gone on with.
    pub async fn run_forget_rows(
        &self,
        id: &RunId,
        before: Timestamp,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const KEY: &str = concat!(
            "UPDATE run SET data_key = $4, sealed_subject = $5, ",
            "state = CASE WHEN state IN ('active', 'paused') THEN 'cancelled' ELSE state END ",
            "WHERE id = $3 AND data_key = $6 AND ",
            rows_due!()
        );
        const FIND: &str = "SELECT data_key FROM run WHERE id = $1 AND data_key IS NOT NULL";
        let subject = self.run_subject(id).await?;
        let key = Arc::new(RunKey::random());
        let mut tx = self.begin().await?;
        let Some(row) = query(FIND).bind(id.as_str()).fetch_optional(tx.connection()).await? else {
            return Ok(false);
        };
        let old: Vec<u8> = row.try_get(0)?;
        let live = self.lease_now(tx.connection()).await?;
        let changed = query(KEY)
            .bind(before.as_microsecond())
            .bind(live)
            .bind(id.as_str())
            .bind(key.wrap(&self.inner.keys, &run_key_place(id)))
            .bind(key.seal(&subject_place(id), subject.expose()))
            .bind(old)
            .execute(tx.connection())
            .await?
            .rows_affected();
        if changed == 0 {
            return Ok(false);
        }
        self.forget_in(tx, id, AuditEvent::new(actor, "run.rows_forgotten", id.as_str())).await?;
        self.rows_destroy(id).await?;
        Ok(true)
    }

    /// Runs whose rows may go: nothing happened in them since `before`, nobody works on them, and no
    /// plan of theirs was approved to write.
    pub async fn run_list_rows_due(&self, before: Timestamp) -> Result<Vec<RunId>, StoreError> {
        const LIST: &str =
            concat!("SELECT id FROM run WHERE ", rows_due!(), " ORDER BY created_at LIMIT 1000");
        self.run_due(LIST, before).await
    }

    /// Runs of which nothing may stay: nothing happened in them since `before`, nobody works on them, and
    /// no job of theirs is still followed. Those too whose destruction was cut off.
    pub async fn run_list_due(&self, before: Timestamp) -> Result<Vec<RunId>, StoreError> {
        const LIST: &str = concat!(
            "SELECT id FROM run WHERE (",
            all_due!(),
            ") OR (forgotten_at IS NOT NULL AND ",
            has_rows!(),
            ") ORDER BY created_at LIMIT 1000"
        );
        self.run_due(LIST, before).await
    }

    async fn run_due(&self, list: &'static str, before: Timestamp) -> Result<Vec<RunId>, StoreError> {
        let mut lent = self.inner.reader.acquire().await?;
        let live = self.lease_now(lent.connection()).await?;
        let list = query(list).bind(before.as_microsecond()).bind(live);
        let rows = list.fetch_all(lent.connection()).await?;
        rows.iter().map(|row| run_id(row, 0)).collect()
    }

    /// What has to go in the transaction that destroys the key. The tasks are taken from whoever holds
    /// them: nothing may be sealed with the old key any more.
    async fn forget_in(&self, mut tx: Tx, id: &RunId, event: AuditEvent) -> Result<(), StoreError> {
        const TASKS: &str = "UPDATE task SET state = 'ready', fence = fence + 1, worker = NULL, lease_until = NULL WHERE run_id = $1 AND state = 'leased'";
        const READ: &str =
            "DELETE FROM read_outcome WHERE task_id IN (SELECT id FROM task WHERE run_id = $1)";
        const PLANS: &str = "UPDATE plan SET sealed = NULL WHERE run_id = $1";
        for statement in [TASKS, READ, PLANS] {
            query(statement).bind(id.as_str()).execute(tx.connection()).await?;
        }
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        self.run_key_drop(id);
        Ok(())
    }
}
