use std::sync::Arc;

use crypto::{RunKey, Secret};
use jiff::Timestamp;
use model::{Outcome, RunId};
use serde_json::json;

use crate::sql::{Row, query};
use crate::store::{Tx, run_key_place, time, time_or_none};
use crate::words::{outcome_of, outcome_text, text_enum};
use crate::{Actor, AuditEvent, NewTask, Store, StoreError};

text_enum! {
    /// What a run is for.
    RunKind "the kind of a run" {
        /// Reading a person's data.
        Access = "access",
        /// Deleting or masking it.
        Erasure = "erasure",
        /// Correcting it.
        Rectification = "rectification",
        /// Reading who has access to an application.
        Sync = "sync",
        /// Giving somebody access to an application, or taking it.
        AccessChange = "access_change",
    }
}

text_enum! {
    /// How far a run is.
    RunState "the state of a run" {
        /// Its tasks are worked on.
        Active = "active",
        /// Held by a person; no task starts.
        Paused = "paused",
        /// Stopped by a person, or because its rows were forgotten; tasks under way end as soon as they
        /// notice.
        Cancelled = "cancelled",
        /// Over.
        Finished = "finished",
    }
}

/// A run to be made.
#[derive(Debug)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// What it is for.
    pub kind: RunKind,
    /// Key of its policy.
    pub policy: Option<String>,
    /// Whose data, as bytes that only the caller reads; kept sealed.
    pub subject: Secret<Vec<u8>>,
    /// When it must be over.
    pub deadline_at: Option<Timestamp>,
    /// Who asked for it.
    pub actor: Actor,
}

/// A run as the store knows it; holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What it is for.
    pub kind: RunKind,
    /// How far it is.
    pub state: RunState,
    /// Key of its policy.
    pub policy: Option<String>,
    /// What became of it, once finished.
    pub outcome: Option<Outcome>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// When it must be over.
    pub deadline_at: Option<Timestamp>,
    /// When its personal data was destroyed.
    pub forgotten_at: Option<Timestamp>,
}

const COLUMNS: &str = "SELECT id, kind, state, policy, outcome, created_at, finished_at, deadline_at, forgotten_at FROM run WHERE id = $1";

impl Store {
    /// Makes a run with its tasks, all or nothing. Making the same run again changes nothing.
    pub async fn run_create(&self, new: NewRun, tasks: &[NewTask]) -> Result<(), StoreError> {
        let id = new.id.clone();
        let mut tx = self.begin_local().await?;
        let Some(made) = self.run_create_in(&mut tx, new, tasks).await? else { return Ok(()) };
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.run_key_keep(&id, &made.key);
        self.wake();
        Ok(())
    }

    /// The same for somebody who takes the tasks: nobody is woken. Gives when the run was made, unless it
    /// was there already.
    pub async fn run_begin(&self, new: NewRun, tasks: &[NewTask]) -> Result<Option<Timestamp>, StoreError> {
        let id = new.id.clone();
        let mut tx = self.begin_local().await?;
        let Some(made) = self.run_create_in(&mut tx, new, tasks).await? else { return Ok(None) };
        tx.commit().await?;
        self.run_key_keep(&id, &made.key);
        time(made.at).map(Some)
    }

    /// The same as part of a larger change; `None` if the run was there already. Its key is to be kept
    /// once that is committed.
    pub(crate) async fn run_create_in(
        &self,
        tx: &mut Tx,
        new: NewRun,
        tasks: &[NewTask],
    ) -> Result<Option<MadeRun>, StoreError> {
        const INSERT: &str = "INSERT INTO run (id, kind, state, policy, subject_hash, data_key, sealed_subject, created_at, deadline_at) VALUES ($1, $2, 'active', $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
        let key = Arc::new(RunKey::random());
        let (sealed, at) = (key.seal(&subject_place(&new.id), new.subject.expose()), self.now());
        let inserted = query(INSERT)
            .bind(new.id.as_str())
            .bind(new.kind.as_str())
            .bind(new.policy.as_deref())
            .bind(self.keyed_hash(new.subject.expose()).to_vec())
            .bind(key.wrap(&self.inner.keys, &run_key_place(&new.id)))
            .bind(sealed)
            .bind(at)
            .bind(new.deadline_at.map(Timestamp::as_microsecond))
            .execute(tx.connection())
            .await?
            .rows_affected();
        if inserted == 0 {
            return Ok(None);
        }
        self.task_insert(tx, &new.id, tasks).await?;
        let details = json!({"kind": new.kind.as_str(), "policy": new.policy});
        let event = AuditEvent::new(new.actor, "run.created", new.id.as_str()).with(details);
        self.audit_enter_in(tx, &event).await?;
        Ok(Some(MadeRun { key, at }))
    }

    /// The run, if there is one.
    pub async fn run_find(&self, id: &RunId) -> Result<Option<Run>, StoreError> {
        let row = query(COLUMNS).bind(id.as_str()).fetch_optional(&self.inner.reader).await?;
        row.map(|row| run(&row)).transpose()
    }

    /// The run, which must be there.
    pub async fn get_run(&self, id: &RunId) -> Result<Run, StoreError> {
        self.run_find(id).await?.ok_or_else(|| StoreError::NotFound { what: "run", id: id.to_string() })
    }

    /// Runs of one state, newest first, at most `limit`.
    pub async fn run_list(&self, state: RunState, limit: u32) -> Result<Vec<Run>, StoreError> {
        const LIST: &str = "SELECT id, kind, state, policy, outcome, created_at, finished_at, deadline_at, forgotten_at FROM run WHERE state = $1 ORDER BY created_at DESC, id DESC LIMIT $2";
        let rows =
            query(LIST).bind(state.as_str()).bind(i64::from(limit)).fetch_all(&self.inner.reader).await?;
        rows.iter().map(run).collect()
    }

    /// Whose data the run is about.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] once it was destroyed.
    pub async fn run_subject(&self, id: &RunId) -> Result<Secret<Vec<u8>>, StoreError> {
        let key = self.run_key(id).await?;
        if let Some(subject) = self.run_subject_with(id, &key).await? {
            return Ok(subject);
        }
        // The key that is kept in memory may be one that another process replaced.
        self.run_key_drop(id);
        let key = self.run_key(id).await?;
        self.run_subject_with(id, &key).await?.ok_or(StoreError::Damaged { what: "a run's subject" })
    }

    /// The same by a certain key; `None` if it is not the run's.
    pub(crate) async fn run_subject_with(
        &self,
        id: &RunId,
        key: &RunKey,
    ) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        const FIND: &str = "SELECT sealed_subject FROM run WHERE id = $1";
        let row = query(FIND).bind(id.as_str()).fetch_one(&self.inner.reader).await?;
        let sealed: Option<Vec<u8>> = row.try_get(0)?;
        let sealed = sealed.ok_or_else(|| StoreError::Forgotten { run: id.clone() })?;
        Ok(key.open(&subject_place(id), &sealed).ok().map(Secret::new))
    }

    /// Holds a run: no task of it starts. Tasks under way go on to their end.
    pub async fn run_pause(&self, id: &RunId, actor: Actor) -> Result<(), StoreError> {
        self.run_turn(id, Turn { from: "active", to: RunState::Paused, action: "run.paused", actor }).await
    }

    /// Lets a held run go on.
    pub async fn run_resume(&self, id: &RunId, actor: Actor) -> Result<(), StoreError> {
        self.run_turn(id, Turn { from: "paused", to: RunState::Active, action: "run.resumed", actor }).await
    }

    /// Stops a run for good. Tasks that wait end at once; tasks under way learn it with their next
    /// heartbeat. What was sent stays in the ledger.
    pub async fn run_cancel(&self, id: &RunId, actor: Actor) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        if !self.run_cancel_in(&mut tx, id, actor).await? {
            drop(tx);
            let state = self.get_run(id).await?.state;
            if state == RunState::Cancelled {
                return Ok(());
            }
            return Err(over(id, state));
        }
        tx.commit().await
    }

    /// The same as part of a larger change; says whether there was something to stop. From here on the
    /// run gets no intent: one that is being written now is either there to be seen by what comes next
    /// in this transaction, or is refused.
    pub(crate) async fn run_cancel_in(
        &self,
        tx: &mut Tx,
        id: &RunId,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const CANCEL: &str =
            "UPDATE run SET state = 'cancelled' WHERE id = $1 AND state IN ('active', 'paused')";
        // Tasks under way stay as they are, but are touched: intents are written under their lock.
        const TASKS: &str = "UPDATE task SET state = CASE WHEN state = 'ready' OR lease_until <= $2 THEN 'cancelled' ELSE state END WHERE run_id = $1 AND state IN ('ready', 'leased')";
        let changed = query(CANCEL).bind(id.as_str()).execute(tx.connection()).await?.rows_affected();
        if changed == 0 {
            return Ok(false);
        }
        let now = self.lease_now(tx.connection()).await?;
        query(TASKS).bind(id.as_str()).bind(now).execute(tx.connection()).await?;
        self.audit_enter_in(tx, &AuditEvent::new(actor, "run.cancelled", id.as_str())).await?;
        Ok(true)
    }

    /// Ends a run with what became of it. The first ending stands.
    pub async fn run_finish(&self, id: &RunId, outcome: Option<Outcome>) -> Result<(), StoreError> {
        let mut tx = self.begin_local().await?;
        if !self.run_finish_in(&mut tx, id, outcome).await? {
            drop(tx);
            return self.get_run(id).await.map(|_| ());
        }
        tx.commit().await
    }

    /// The same as part of a larger change; says whether there was something to end.
    pub(crate) async fn run_finish_in(
        &self,
        tx: &mut Tx,
        id: &RunId,
        outcome: Option<Outcome>,
    ) -> Result<bool, StoreError> {
        const FINISH: &str = "UPDATE run SET state = 'finished', outcome = $2, finished_at = $3 WHERE id = $1 AND state <> 'finished'";
        let changed = query(FINISH)
            .bind(id.as_str())
            .bind(outcome.map(outcome_text))
            .bind(self.now())
            .execute(tx.connection())
            .await?
            .rows_affected();
        if changed == 0 {
            return Ok(false);
        }
        let details = json!({"outcome": outcome.map(outcome_text)});
        let event = AuditEvent::new(Actor::system(), "run.finished", id.as_str()).with(details);
        self.audit_enter_in(tx, &event).await?;
        Ok(true)
    }

    /// Finished runs whose personal data is still there and which ended before `ended_before`.
    pub async fn run_list_to_forget(&self, ended_before: Timestamp) -> Result<Vec<RunId>, StoreError> {
        const LIST: &str = "SELECT id FROM run WHERE state = 'finished' AND forgotten_at IS NULL AND finished_at < $1 ORDER BY finished_at LIMIT 1000";
        let rows = query(LIST).bind(ended_before.as_microsecond()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| run_id(row, 0)).collect()
    }

    async fn run_turn(&self, id: &RunId, turn: Turn) -> Result<(), StoreError> {
        const TURN: &str = "UPDATE run SET state = $2 WHERE id = $1 AND state = $3";
        let mut tx = self.begin().await?;
        let changed = query(TURN)
            .bind(id.as_str())
            .bind(turn.to.as_str())
            .bind(turn.from)
            .execute(tx.connection())
            .await?
            .rows_affected();
        if changed == 0 {
            drop(tx);
            let state = self.get_run(id).await?.state;
            return if state == turn.to { Ok(()) } else { Err(over(id, state)) };
        }
        self.audit_enter_in(&mut tx, &AuditEvent::new(turn.actor, turn.action, id.as_str())).await?;
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }
}

/// A run that was made just now.
pub(crate) struct MadeRun {
    pub(crate) key: Arc<RunKey>,
    /// When, in microseconds.
    at: i64,
}

struct Turn {
    from: &'static str,
    to: RunState,
    action: &'static str,
    actor: Actor,
}

fn over(id: &RunId, state: RunState) -> StoreError {
    let needs = "a run that is over cannot be changed; make a new one";
    StoreError::Conflict { what: "run", id: id.to_string(), state: state.as_str().to_owned(), needs }
}

/// The place that a run's subject is bound to.
pub(crate) fn subject_place(run: &RunId) -> Vec<u8> {
    format!("run|{run}|subject").into_bytes()
}

/// The run id in a column.
pub(crate) fn run_id(row: &Row, column: usize) -> Result<RunId, StoreError> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|_| StoreError::Damaged { what: "the id of a run" })
}

fn run(row: &Row) -> Result<Run, StoreError> {
    Ok(Run {
        id: run_id(row, 0)?,
        kind: RunKind::parse(row.try_get(1)?)?,
        state: RunState::parse(row.try_get(2)?)?,
        policy: row.try_get(3)?,
        outcome: outcome_of(row.try_get(4)?)?,
        created_at: time(row.try_get(5)?)?,
        finished_at: time_or_none(row.try_get(6)?)?,
        deadline_at: time_or_none(row.try_get(7)?)?,
        forgotten_at: time_or_none(row.try_get(8)?)?,
    })
}
