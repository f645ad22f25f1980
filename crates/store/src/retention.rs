//! How long personal data stays (architecture §13.7).

use std::sync::Arc;

use crypto::RunKey;
use jiff::Timestamp;
use model::RunId;
use sqlx::Row as _;

use crate::run::{run_id, subject_place};
use crate::store::run_key_place;
use crate::{Actor, AuditEvent, Store, StoreError};

impl Store {
    /// Destroys the rows and the plan of a run and keeps whose they were: the data key is replaced,
    /// so that no copy of a row opens any more. Doing it twice changes nothing.
    pub async fn run_forget_rows(&self, id: &RunId, actor: Actor) -> Result<(), StoreError> {
        const KEY: &str = "UPDATE run SET data_key = $2, sealed_subject = $3 WHERE id = $1 AND data_key = $4 AND (EXISTS (SELECT 1 FROM page JOIN task ON task.id = page.task_id WHERE task.run_id = $1) OR EXISTS (SELECT 1 FROM read_unit JOIN task ON task.id = read_unit.task_id WHERE task.run_id = $1) OR EXISTS (SELECT 1 FROM plan WHERE run_id = $1 AND sealed IS NOT NULL))";
        const FIND: &str = "SELECT data_key FROM run WHERE id = $1 AND data_key IS NOT NULL";
        const PAGES: &str = "DELETE FROM page WHERE task_id IN (SELECT id FROM task WHERE run_id = $1)";
        const UNITS: &str = "DELETE FROM read_unit WHERE task_id IN (SELECT id FROM task WHERE run_id = $1)";
        const READ: &str =
            "DELETE FROM read_outcome WHERE task_id IN (SELECT id FROM task WHERE run_id = $1)";
        const PLANS: &str = "UPDATE plan SET sealed = NULL WHERE run_id = $1";
        let subject = self.run_subject(id).await?;
        let key = Arc::new(RunKey::random());
        let mut tx = self.begin().await?;
        let Some(row) = sqlx::query(FIND).bind(id.as_str()).fetch_optional(tx.connection()).await? else {
            return Ok(());
        };
        let old: Vec<u8> = row.try_get(0)?;
        let changed = sqlx::query(KEY)
            .bind(id.as_str())
            .bind(key.wrap(&self.inner.keys, &run_key_place(id)))
            .bind(key.seal(&subject_place(id), subject.expose()))
            .bind(old)
            .execute(tx.connection())
            .await?
            .rows_affected();
        if changed == 0 {
            return Ok(());
        }
        for statement in [PAGES, UNITS, READ, PLANS] {
            sqlx::query(statement).bind(id.as_str()).execute(tx.connection()).await?;
        }
        let event = AuditEvent::new(actor, "run.rows_forgotten", id.as_str());
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        self.run_key_drop(id);
        self.scrub().await
    }

    /// Runs whose rows may go: finished before `before`, or made before and never approved to write.
    pub async fn run_list_rows_due(&self, before: Timestamp) -> Result<Vec<RunId>, StoreError> {
        const LIST: &str = "SELECT id FROM run WHERE forgotten_at IS NULL AND COALESCE(finished_at, created_at) < $1 AND NOT EXISTS (SELECT 1 FROM plan WHERE run_id = run.id AND approved_at IS NOT NULL) AND (EXISTS (SELECT 1 FROM page JOIN task ON task.id = page.task_id WHERE task.run_id = run.id) OR EXISTS (SELECT 1 FROM read_unit JOIN task ON task.id = read_unit.task_id WHERE task.run_id = run.id) OR EXISTS (SELECT 1 FROM plan WHERE run_id = run.id AND sealed IS NOT NULL)) ORDER BY created_at LIMIT 1000";
        self.run_due(LIST, before).await
    }

    /// Runs of which nothing may stay: nothing happened in them since `before`, and no job of theirs
    /// is still followed.
    pub async fn run_list_due(&self, before: Timestamp) -> Result<Vec<RunId>, StoreError> {
        const LIST: &str = "SELECT id FROM run WHERE forgotten_at IS NULL AND COALESCE(finished_at, created_at) < $1 AND NOT EXISTS (SELECT 1 FROM plan WHERE run_id = run.id AND approved_at >= $1) AND NOT EXISTS (SELECT 1 FROM ledger WHERE run_id = run.id AND (outcome_at >= $1 OR intent_at >= $1)) AND NOT EXISTS (SELECT 1 FROM job WHERE run_id = run.id AND (state = 'open' OR ended_at >= $1)) ORDER BY created_at LIMIT 1000";
        self.run_due(LIST, before).await
    }

    async fn run_due(&self, list: &'static str, before: Timestamp) -> Result<Vec<RunId>, StoreError> {
        let rows = sqlx::query(list).bind(before.as_microsecond()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| run_id(row, 0)).collect()
    }
}
