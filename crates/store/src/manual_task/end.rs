use crypto::Secret;
use model::{ConnectionKey, Outcome};
use serde_json::{Value, json};

use super::find::{select, task_of};
use super::{ManualTask, ManualTaskId, ManualTaskState, place};
use crate::sql::query;
use crate::store::Tx;
use crate::words::outcome_text;
use crate::{
    Actor, AuditEvent, LoginId, ManualAction, NewMessage, NewRequestLog, PrivacyRequest,
    PrivacyRequestChange, PrivacyRequestStatus, RequestLease, Store, StoreError,
};

/// What requests wait for whose tasks people are to do: a fixed word.
const ATTENTION: &str = "manual_task";

/// A task to be made.
#[derive(Debug, Clone)]
pub struct NewManualTask {
    /// The connection that it stands for.
    pub connection: ConnectionKey,
    /// Its type.
    pub connection_type: String,
    /// What it is for.
    pub action: ManualAction,
    /// What is asked, as it is now.
    pub document: Value,
    /// Who is to do it.
    pub assigned: Vec<LoginId>,
    /// Open, or skipped from the beginning.
    pub state: ManualTaskState,
    /// Why: a fixed text.
    pub note: Option<String>,
    /// What becomes of the data, for one that is skipped.
    pub outcome: Option<Outcome>,
}

/// How a task ends.
#[derive(Debug)]
pub struct ManualTaskEnd<'a> {
    /// Which.
    pub id: &'a ManualTaskId,
    /// How far it is then.
    pub state: ManualTaskState,
    /// Why: a fixed text.
    pub note: Option<String>,
    /// What became of the data.
    pub outcome: Option<Outcome>,
    /// What a person wrote, as bytes that only the caller reads; kept sealed.
    pub answer: Option<Secret<Vec<u8>>>,
    /// What is entered in the request's log.
    pub log: NewRequestLog,
    /// Who ended it, as requests name people.
    pub by: Option<String>,
}

impl Store {
    /// Makes tasks of a request that a worker holds; those that are there already stay as they are.
    /// Returns the request as it is now.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the worker does not hold the request any more.
    pub async fn manual_task_create(
        &self,
        lease: &RequestLease,
        tasks: &[NewManualTask],
        (logs, messages): (Vec<NewRequestLog>, Vec<NewMessage>),
    ) -> Result<PrivacyRequest, StoreError> {
        const PUT: &str = "INSERT INTO manual_task (id, request, connection, connection_type, action, document, state, note, outcome, created_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (request, connection, action) DO NOTHING";
        const PERSON: &str =
            "INSERT INTO manual_task_person (task, login) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let mut locked = self.request_lock(&lease.request).await?;
        locked.check(lease)?;
        for task in tasks {
            let id = format!("mtk_{}", self.inner.ids.next_uuid());
            let ended = (task.state != ManualTaskState::Open).then(|| self.now());
            let put = query(PUT)
                .bind(id.as_str())
                .bind(lease.request.as_str())
                .bind(task.connection.as_str())
                .bind(task.connection_type.as_str())
                .bind(task.action.as_str())
                .bind(task.document.to_string())
                .bind(task.state.as_str())
                .bind(task.note.as_deref())
                .bind(task.outcome.map(outcome_text))
                .bind(self.now())
                .bind(ended)
                .execute(locked.tx.connection())
                .await?;
            if put.rows_affected() == 0 {
                continue;
            }
            for login in &task.assigned {
                let put = query(PERSON).bind(id.as_str()).bind(login.as_str());
                put.execute(locked.tx.connection()).await?;
            }
            let details = json!({
                "request": lease.request.as_str(),
                "connection": task.connection.as_str(),
                "action": task.action.as_str(),
                "state": task.state.as_str(),
            });
            let event = AuditEvent::new(Actor::system(), "manual_task.created", &id).with(details);
            self.audit_enter_in(&mut locked.tx, &event).await?;
        }
        let mut change = PrivacyRequestChange::of(&locked.request);
        change.logs = logs;
        change.messages = messages;
        self.request_change(locked, change, (Actor::system(), "privacy_request.asked_people")).await
    }

    /// Ends a task. The last one puts a request that waits for its tasks in line again, in the same
    /// transaction. Returns the request as it is now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such a task; [`StoreError::Conflict`] of a `manual task` that
    /// has ended, or of a `privacy request` that is over or holds nothing any more.
    pub async fn manual_task_end(
        &self,
        end: ManualTaskEnd<'_>,
        actor: Actor,
    ) -> Result<PrivacyRequest, StoreError> {
        const END: &str = "UPDATE manual_task SET state = $2, note = $3, outcome = $4, sealed = $5, ended_by = $6, ended_at = $7 WHERE id = $1 AND state = 'open'";
        let ManualTaskEnd { id, state, note, outcome, answer, log, by } = end;
        let missing = || StoreError::NotFound { what: "manual task", id: id.to_string() };
        let task = self.manual_task_find(id).await?.ok_or_else(missing)?;
        let mut locked = self.request_lock(&task.request).await?;
        takes_input(&locked.request)?;
        // Looked at again: the request's row keeps others from it from here on.
        let task = self.task_in(&mut locked.tx, id).await?.ok_or_else(missing)?;
        if task.state != ManualTaskState::Open {
            return Err(StoreError::Conflict {
                what: "manual task",
                id: id.to_string(),
                state: task.state.as_str().to_owned(),
                needs: "a task is ended once",
            });
        }
        let sealed = answer.map(|answer| self.inner.keys.seal(&place(id.as_str()), answer.expose()));
        query(END)
            .bind(id.as_str())
            .bind(state.as_str())
            .bind(note.as_deref())
            .bind(outcome.map(outcome_text))
            .bind(sealed)
            .bind(by.as_deref())
            .bind(self.now())
            .execute(locked.tx.connection())
            .await?;
        let details = json!({
            "request": task.request.as_str(),
            "connection": task.connection.as_str(),
            "action": task.action.as_str(),
            "outcome": outcome.map(outcome_text),
        });
        let name = match state {
            ManualTaskState::Complete => "manual_task.completed",
            ManualTaskState::Open | ManualTaskState::Skipped => "manual_task.skipped",
        };
        let event = AuditEvent::new(actor.clone(), name, id.as_str()).with(details);
        self.audit_enter_in(&mut locked.tx, &event).await?;
        let mut change = PrivacyRequestChange::of(&locked.request);
        change.logs.push(log);
        let goes_on = self.people_may_have_answered(&mut locked.tx, &mut change).await?;
        let action = if goes_on { "privacy_request.resumed" } else { "privacy_request.people_answered" };
        self.request_change(locked, change, (actor, action)).await
    }

    /// Puts a request that waits for people in line, unless one of them still has something to do; says
    /// whether it did. A worker that lets go of a request looks, too: the last of them may have answered
    /// after it had looked for open tasks.
    pub(crate) async fn people_may_have_answered(
        &self,
        tx: &mut Tx,
        change: &mut PrivacyRequestChange,
    ) -> Result<bool, StoreError> {
        const OPEN: &str = "SELECT COUNT(*) FROM manual_task WHERE request = $1 AND state = 'open'";
        if !waits_for_people(&change.request) {
            return Ok(false);
        }
        let row = query(OPEN).bind(change.request.id.as_str()).fetch_one(tx.connection()).await?;
        if row.try_get::<i64>(0)? > 0 {
            return Ok(false);
        }
        change.request.status = PrivacyRequestStatus::InProcessing;
        change.request.attention = None;
        change.request.work_at = Some(self.clock().now());
        Ok(true)
    }

    async fn task_in(&self, tx: &mut Tx, id: &ManualTaskId) -> Result<Option<ManualTask>, StoreError> {
        const FIND: &str = select!("WHERE t.id = $1");
        let row = query(FIND).bind(id.as_str()).fetch_optional(tx.connection()).await?;
        row.as_ref().map(task_of).transpose()
    }
}

fn waits_for_people(request: &PrivacyRequest) -> bool {
    let is_waiting =
        matches!(request.status, PrivacyRequestStatus::RequiresInput | PrivacyRequestStatus::PendingExternal);
    is_waiting && request.attention.as_deref() == Some(ATTENTION)
}

/// Fails for a request that is over: what people bring then would be kept for nothing.
pub(crate) fn takes_input(request: &PrivacyRequest) -> Result<(), StoreError> {
    let is_over = matches!(
        request.status,
        PrivacyRequestStatus::Complete | PrivacyRequestStatus::Denied | PrivacyRequestStatus::Canceled
    );
    if is_over || request.deleted_at.is_some() || request.forgotten_at.is_some() {
        return Err(StoreError::Conflict {
            what: "privacy request",
            id: request.id.to_string(),
            state: request.status.as_str().to_owned(),
            needs: "people are asked while a request is carried out",
        });
    }
    Ok(())
}
