use crypto::Secret;
use model::{ConnectionKey, PrivacyRequestId};

use super::{ManualTask, ManualTaskId, ManualTaskState, place};
use crate::sql::{Row, query};
use crate::store::{Tx, count, signed, time, time_or_none};
use crate::words::outcome_of;
use crate::{Listed, LoginId, ManualAction, Store, StoreError, Window};

/// Which tasks; everything that is none matches all.
#[derive(Debug, Clone, Default)]
pub struct ManualTaskFilter {
    /// How far they are.
    pub state: Option<ManualTaskState>,
    /// For which request.
    pub request: Option<PrivacyRequestId>,
    /// Of which connection.
    pub connection: Option<ConnectionKey>,
    /// For what.
    pub action: Option<ManualAction>,
    /// Who is to do them.
    pub assignee: Option<LoginId>,
}

/// What is read of a task, in the order of [`task_of`].
macro_rules! select {
    ($rest:expr) => {
        concat!(
            "SELECT t.id, t.request, t.connection, t.connection_type, t.action, t.document, t.state, t.note, ",
            "t.outcome, t.created_at, t.ended_by, t.ended_at FROM manual_task t ",
            $rest
        )
    };
}
pub(super) use select;

/// Which tasks a filter means: each of its values, or `''`.
macro_rules! matching {
    () => {
        "WHERE ($1 = '' OR t.state = $1) AND ($2 = '' OR t.request = $2) AND ($3 = '' OR t.connection = $3) AND ($4 = '' OR t.action = $4) AND ($5 = '' OR EXISTS (SELECT 1 FROM manual_task_person p WHERE p.task = t.id AND p.login = $5))"
    };
}

impl Store {
    /// Tasks, the oldest first.
    pub async fn manual_task_list(
        &self,
        filter: &ManualTaskFilter,
        window: Window,
    ) -> Result<Listed<ManualTask>, StoreError> {
        const COUNT: &str = concat!("SELECT COUNT(*) FROM manual_task t ", matching!());
        const LIST: &str = select!(concat!(matching!(), " ORDER BY t.created_at, t.id LIMIT $6 OFFSET $7"));
        let state = filter.state.map_or("", ManualTaskState::as_str);
        let request = filter.request.as_ref().map_or("", PrivacyRequestId::as_str);
        let connection = filter.connection.as_ref().map_or("", ConnectionKey::as_str);
        let action = filter.action.map_or("", ManualAction::as_str);
        let assignee = filter.assignee.as_ref().map_or("", LoginId::as_str);
        let reader = &self.inner.reader;
        let counted = query(COUNT).bind(state).bind(request).bind(connection).bind(action);
        let total = count(counted.bind(assignee).fetch_one(reader).await?.try_get(0)?)?;
        let rows = query(LIST)
            .bind(state)
            .bind(request)
            .bind(connection)
            .bind(action)
            .bind(assignee)
            .bind(i64::from(window.limit))
            .bind(signed(window.offset))
            .fetch_all(reader)
            .await?;
        let mut items = rows.iter().map(task_of).collect::<Result<Vec<_>, _>>()?;
        self.assigned_to(&mut items).await?;
        Ok(Listed { items, total })
    }

    /// All tasks of a request, the oldest first.
    pub async fn manual_task_list_of(
        &self,
        request: &PrivacyRequestId,
    ) -> Result<Vec<ManualTask>, StoreError> {
        const LIST: &str = select!("WHERE t.request = $1 ORDER BY t.created_at, t.id");
        let rows = query(LIST).bind(request.as_str()).fetch_all(&self.inner.reader).await?;
        let mut items = rows.iter().map(task_of).collect::<Result<Vec<_>, _>>()?;
        self.assigned_to(&mut items).await?;
        Ok(items)
    }

    /// The task, if there is one.
    pub async fn manual_task_find(&self, id: &ManualTaskId) -> Result<Option<ManualTask>, StoreError> {
        const FIND: &str = select!("WHERE t.id = $1");
        let row = query(FIND).bind(id.as_str()).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let mut items = vec![task_of(&row)?];
        self.assigned_to(&mut items).await?;
        Ok(items.pop())
    }

    /// What a person wrote into a task, as the bytes it was ended with.
    pub async fn manual_task_answer(&self, id: &ManualTaskId) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        const FIND: &str = "SELECT sealed FROM manual_task WHERE id = $1";
        let row = query(FIND).bind(id.as_str()).fetch_optional(&self.inner.reader).await?;
        let sealed: Option<Vec<u8>> = row.map(|row| row.try_get(0)).transpose()?.flatten();
        let open = |sealed: Vec<u8>| self.inner.keys.open(&place(id.as_str()), &sealed);
        let opened = sealed.map(open).transpose();
        opened.map_err(|source| StoreError::Sealed { what: "a manual task", source })
    }

    async fn assigned_to(&self, tasks: &mut [ManualTask]) -> Result<(), StoreError> {
        const LIST: &str = "SELECT login FROM manual_task_person WHERE task = $1 ORDER BY login";
        for task in tasks {
            let rows = query(LIST).bind(task.id.as_str()).fetch_all(&self.inner.reader).await?;
            let login = |row: &Row| {
                let damaged = StoreError::Damaged { what: "who is to do a manual task" };
                LoginId::parse(&row.try_get::<String>(0)?).ok_or(damaged)
            };
            task.assigned = rows.iter().map(login).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    /// Destroys all that people did for a request by hand.
    pub(crate) async fn manual_task_forget_in(
        &self,
        tx: &mut Tx,
        request: &PrivacyRequestId,
    ) -> Result<(), StoreError> {
        const FORGET: &str = "UPDATE manual_task SET sealed = NULL WHERE request = $1";
        query(FORGET).bind(request.as_str()).execute(tx.connection()).await?;
        self.manual_attachment_forget_in(tx, request).await
    }

    /// Ends the open tasks of a request that nobody works on any more.
    pub(crate) async fn manual_task_stop_in(
        &self,
        tx: &mut Tx,
        request: &PrivacyRequestId,
    ) -> Result<(), StoreError> {
        const STOP: &str = "UPDATE manual_task SET state = 'skipped', note = 'the request was stopped', ended_at = $2 WHERE request = $1 AND state = 'open'";
        query(STOP).bind(request.as_str()).bind(self.now()).execute(tx.connection()).await?;
        Ok(())
    }

    /// Removes the tasks of a request that begins anew.
    pub(crate) async fn manual_task_remove_in(
        &self,
        tx: &mut Tx,
        request: &PrivacyRequestId,
    ) -> Result<(), StoreError> {
        const PEOPLE: &str =
            "DELETE FROM manual_task_person WHERE task IN (SELECT id FROM manual_task WHERE request = $1)";
        const TASKS: &str = "DELETE FROM manual_task WHERE request = $1";
        const FILES: &str = "DELETE FROM manual_attachment WHERE request = $1 AND owner LIKE 'task|%'";
        for statement in [PEOPLE, TASKS, FILES] {
            query(statement).bind(request.as_str()).execute(tx.connection()).await?;
        }
        Ok(())
    }

    /// Brings what people wrote under the current master key.
    pub(crate) async fn reseal_manual_tasks(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT id, sealed FROM manual_task WHERE sealed IS NOT NULL";
        const PUT: &str = "UPDATE manual_task SET sealed = $2 WHERE id = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (id, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(new) = self.inner.keys.reseal(&place(&id), &sealed)? {
                query(PUT).bind(id).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}

pub(super) fn task_of(row: &Row) -> Result<ManualTask, StoreError> {
    let damaged = || StoreError::Damaged { what: "a manual task" };
    Ok(ManualTask {
        id: row.try_get::<String>(0)?.parse().map_err(|_| damaged())?,
        request: row.try_get::<String>(1)?.parse().map_err(|_| damaged())?,
        connection: row.try_get::<String>(2)?.parse().map_err(|_| damaged())?,
        connection_type: row.try_get(3)?,
        action: ManualAction::parse(&row.try_get::<String>(4)?)?,
        document: serde_json::from_str(&row.try_get::<String>(5)?).map_err(|_| damaged())?,
        assigned: Vec::new(),
        state: ManualTaskState::parse(&row.try_get::<String>(6)?)?,
        note: row.try_get(7)?,
        outcome: outcome_of(row.try_get(8)?)?,
        created_at: time(row.try_get(9)?)?,
        ended_by: row.try_get(10)?,
        ended_at: time_or_none(row.try_get(11)?)?,
    })
}
