use super::{ATTENTION, Callback, CallbackAction, CallbackState, JOB_OPEN, place};
use crate::run::RunState;
use crate::sql::query;
use crate::store::{Tx, signed};
use crate::{
    Actor, NewRequestLog, PackedRows, PrivacyRequest, PrivacyRequestChange, PrivacyRequestStatus, Store,
    StoreError,
};

/// What an application brings.
#[derive(Debug)]
pub struct CallbackAnswer<'a> {
    /// Rows of the person.
    pub rows: &'a PackedRows,
    /// How many rows it masked.
    pub rows_masked: Option<u64>,
    /// What is entered in the request's log.
    pub log: NewRequestLog,
}

impl Store {
    /// Keeps what an application brings, once, and puts its request in line again if it waits for it, in
    /// one transaction. Returns the request as it is now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of a `privacy request` that is not carried out now, or of a `request task`
    /// that does not wait for it; then `state` says how it is. [`StoreError::Forgotten`] if what belongs to
    /// its run was destroyed.
    pub async fn callback_answer(
        &self,
        callback: &Callback,
        answer: CallbackAnswer<'_>,
    ) -> Result<PrivacyRequest, StoreError> {
        const STATE: &str = "SELECT callback.state, run.state FROM callback JOIN run ON run.id = callback.run_id WHERE callback.id = $1";
        const ANSWER: &str = "UPDATE callback SET state = 'answered', answered_at = $2, row_count = $3, rows_masked = $4, sealed = $5 WHERE id = $1 AND state = 'asked'";
        const LOOK: &str = "UPDATE job SET next_poll_at = $4 WHERE plan_digest = $1 AND operation = $2 AND external_id = $3 AND state = 'open'";
        let key = self.run_key(&callback.run).await?;
        let mut locked = self.request_lock(&callback.request).await?;
        let status = locked.request.status;
        let is_carried_out =
            matches!(status, PrivacyRequestStatus::InProcessing | PrivacyRequestStatus::Approved);
        if !is_carried_out || locked.request.deleted_at.is_some() || locked.request.forgotten_at.is_some() {
            return Err(StoreError::Conflict {
                what: "privacy request",
                id: callback.request.to_string(),
                state: status.as_str().to_owned(),
                needs: "answers are taken while a request is carried out",
            });
        }
        // The request's row keeps others from it from here on.
        let found = query(STATE).bind(callback.id.as_str());
        let found = found.fetch_optional(locked.tx.connection()).await?;
        let state = match &found {
            None => Some("error"),
            Some(row) => match (CallbackState::parse(row.try_get(0)?)?, RunState::parse(row.try_get(1)?)?) {
                (CallbackState::Answered | CallbackState::Taken, _) => Some("complete"),
                (CallbackState::Asked, RunState::Cancelled) => Some("canceled"),
                (CallbackState::Asked, RunState::Finished) => Some("error"),
                (CallbackState::Asked, RunState::Active | RunState::Paused) => None,
            },
        };
        if let Some(state) = state {
            return Err(StoreError::Conflict {
                what: "request task",
                id: callback.owner.clone(),
                state: state.to_owned(),
                needs: "an answer is taken once, while it is waited for",
            });
        }
        let CallbackAnswer { rows, rows_masked, log } = answer;
        query(ANSWER)
            .bind(callback.id.as_str())
            .bind(self.now())
            .bind(signed(rows.len()))
            .bind(rows_masked.map(signed))
            .bind(key.seal(&place(callback), rows.bytes()))
            .execute(locked.tx.connection())
            .await?;
        if callback.action == CallbackAction::Erasure {
            // Whoever follows the write looks at once.
            query(LOOK)
                .bind(callback.owner.as_str())
                .bind(signed(callback.number))
                .bind(callback.id.as_str())
                .bind(self.now())
                .execute(locked.tx.connection())
                .await?;
        }
        let mut change = PrivacyRequestChange::of(&locked.request);
        change.logs.push(log);
        self.callbacks_may_have_come(&mut locked.tx, &mut change).await?;
        self.request_change(locked, change, (Actor::system(), "privacy_request.called_back")).await
    }

    /// Puts a request that waits for applications in line if something came that was not taken over. A
    /// worker that lets go of a request looks, too: it may have come after the worker had looked for it.
    pub(crate) async fn callbacks_may_have_come(
        &self,
        tx: &mut Tx,
        change: &mut PrivacyRequestChange,
    ) -> Result<(), StoreError> {
        const COME: &str = "SELECT COUNT(*) FROM callback WHERE request = $1 AND state = 'answered' AND (run_id = $2 OR run_id = $3) AND (action = 'access' OR EXISTS (SELECT 1 FROM job WHERE job.plan_digest = callback.owner AND job.operation = callback.number AND job.state = 'open') OR EXISTS (SELECT 1 FROM ledger WHERE ledger.plan_digest = callback.owner AND ledger.operation = callback.number AND ledger.state = 'unknown'))";
        let request = &mut change.request;
        let waits = |word| request.attention.as_deref() == Some(word);
        if request.status != PrivacyRequestStatus::InProcessing || !(waits(ATTENTION) || waits(JOB_OPEN)) {
            return Ok(());
        }
        let run = |run: &Option<model::RunId>| run.as_ref().map_or("", model::RunId::as_str).to_owned();
        let row = query(COME)
            .bind(request.id.as_str())
            .bind(run(&request.access_run))
            .bind(run(&request.change_run))
            .fetch_one(tx.connection())
            .await?;
        if row.try_get::<i64>(0)? > 0 {
            request.attention = None;
            request.work_at = Some(self.clock().now());
        }
        Ok(())
    }
}
