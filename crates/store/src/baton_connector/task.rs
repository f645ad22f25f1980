use crypto::Secret;
use jiff::Timestamp;
use serde_json::json;

use super::{BatonConnectorId, BatonTaskId};
use crate::sql::{Row, query};
use crate::store::{count, time, time_or_none};
use crate::words::text_enum;
use crate::{Actor, AuditEvent, Store, StoreError};

text_enum! {
    /// How far a task of a self-hosted connector is.
    BatonTaskState "the state of a connector's task" {
        /// It waits for a process.
        Queued = "queued",
        /// A process has it.
        Leased = "leased",
        /// It was done.
        Done = "done",
        /// It was not done, and is not tried again.
        Failed = "failed",
        /// Somebody took it back.
        Cancelled = "cancelled",
    }
}

/// A piece of work for a self-hosted connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatonTask {
    /// Its id.
    pub id: BatonTaskId,
    /// Whose it is.
    pub connector: BatonConnectorId,
    /// What it is, in the protocol's word (`sync_full`, `grant`).
    pub kind: String,
    /// How far it is.
    pub state: BatonTaskState,
    /// Which process has it, or had it last.
    pub holder: Option<String>,
    /// How often it was handed out.
    pub attempts: u64,
    /// Since when it is to be given up.
    pub cancel_at: Option<Timestamp>,
    /// The status that it ended with; 0 is success.
    pub code: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it was first handed out.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// A task to be queued.
#[derive(Debug)]
pub struct NewBatonTask<'a> {
    /// Its id.
    pub id: &'a BatonTaskId,
    /// Who is to do it.
    pub connector: &'a BatonConnectorId,
    /// What it is, in the protocol's word.
    pub kind: &'a str,
    /// The message that asks for it. It names people, so it is sealed.
    pub payload: &'a [u8],
    /// Of a sync, when the one after it is due.
    pub next_sync: Option<Timestamp>,
    /// Who wants it.
    pub actor: Actor,
}

/// A task in the hands of a process.
#[derive(Debug)]
pub struct LeasedBatonTask {
    /// The task.
    pub task: BatonTask,
    /// The message that asks for it.
    pub payload: Secret<Vec<u8>>,
}

macro_rules! columns {
    () => {
        "id, connector_id, kind, state, holder, attempts, cancel_at, code, error, created_at, started_at, ended_at"
    };
}
pub(super) use columns;

impl Store {
    /// Queues a task. A sync that waits or runs already is that one: there is one at a time
    /// (governance CON-3).
    pub async fn baton_task_queue(&self, new: NewBatonTask<'_>) -> Result<BatonTask, StoreError> {
        const INSERT: &str = concat!(
            "INSERT INTO baton_task (id, connector_id, kind, state, sealed, attempts, due_at, created_at) ",
            "VALUES ($1, $2, $3, 'queued', $4, 0, $5, $5) ON CONFLICT DO NOTHING RETURNING ",
            columns!()
        );
        const OPEN: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM baton_task WHERE connector_id = $1 AND kind = $2 AND state IN ('queued', 'leased') ORDER BY created_at LIMIT 1"
        );
        let mut tx = self.begin().await?;
        let made = query(INSERT)
            .bind(new.id.as_str())
            .bind(new.connector.as_str())
            .bind(new.kind)
            .bind(self.inner.keys.seal(&place(new.id.as_str(), "payload"), new.payload))
            .bind(self.now())
            .fetch_optional(tx.connection())
            .await?;
        let Some(row) = made else {
            let open = query(OPEN).bind(new.connector.as_str()).bind(new.kind);
            let open = open.fetch_optional(tx.connection()).await?;
            let needs = "ask again; the sync before it has just ended";
            let (what, id) = ("connector's task", new.id.to_string());
            let row = open.ok_or(StoreError::Conflict { what, id, state: "ended".to_owned(), needs })?;
            return task(&row);
        };
        let event = AuditEvent::new(new.actor, "baton_task.queued", new.id.as_str());
        let event = event.with(json!({"connector": new.connector.as_str(), "kind": new.kind}));
        self.audit_enter_in(&mut tx, &event).await?;
        if let Some(next) = new.next_sync {
            self.baton_sync_plan_in(&mut tx, (new.connector, next)).await?;
        }
        tx.commit().await?;
        task(&row)
    }

    /// The task, if there is one.
    pub async fn baton_task_find(&self, id: &BatonTaskId) -> Result<Option<BatonTask>, StoreError> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM baton_task WHERE id = $1");
        let row = query(FIND).bind(id.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(task).transpose()
    }

    /// What the connector answered to a task, if it did.
    pub async fn baton_task_result(&self, id: &BatonTaskId) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        const FIND: &str = "SELECT result FROM baton_task WHERE id = $1";
        let row = query(FIND).bind(id.as_str()).fetch_optional(&self.inner.reader).await?;
        let Some(sealed) = row.map(|row| row.try_get::<Option<Vec<u8>>>(0)).transpose()?.flatten() else {
            return Ok(None);
        };
        self.inner
            .keys
            .open(&place(id.as_str(), "result"), &sealed)
            .map(Some)
            .map_err(|source| StoreError::Sealed { what: "the result of a connector's task", source })
    }

    /// The last tasks of a connector, newest first, at most `limit`; of one kind or of all.
    pub async fn baton_task_list(
        &self,
        connector: &BatonConnectorId,
        kind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<BatonTask>, StoreError> {
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM baton_task WHERE connector_id = $1 AND kind = COALESCE($2, kind) ORDER BY created_at DESC, id DESC LIMIT $3"
        );
        let rows = query(LIST)
            .bind(connector.as_str())
            .bind(kind)
            .bind(i64::from(limit))
            .fetch_all(&self.inner.reader)
            .await?;
        rows.iter().map(task).collect()
    }
}

pub(super) fn task(row: &Row) -> Result<BatonTask, StoreError> {
    Ok(BatonTask {
        id: BatonTaskId::kept(row.try_get(0)?),
        connector: BatonConnectorId::kept(row.try_get(1)?),
        kind: row.try_get(2)?,
        state: BatonTaskState::parse(&row.try_get::<String>(3)?)?,
        holder: row.try_get(4)?,
        attempts: count(row.try_get(5)?)?,
        cancel_at: time_or_none(row.try_get(6)?)?,
        code: row.try_get(7)?,
        error: row.try_get(8)?,
        created_at: time(row.try_get(9)?)?,
        started_at: time_or_none(row.try_get(10)?)?,
        ended_at: time_or_none(row.try_get(11)?)?,
    })
}

/// The place that a sealed column of a task is bound to.
pub(super) fn place(id: &str, column: &str) -> Vec<u8> {
    format!("baton_task|{id}|{column}").into_bytes()
}
