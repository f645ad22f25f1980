use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::json;

use super::claim::{AccessEndLease, fenced};
use super::{AccessEnd, AccessEndState, HeldAccess, columns};
use crate::connection_sync::About;
use crate::sql::query;
use crate::store::Tx;
use crate::{Actor, AuditEvent, MessageKind, Store, StoreError};

/// An end that failed.
#[derive(Debug, Clone, Copy)]
pub struct AccessEndRetry<'a> {
    /// Why; without values.
    pub error: &'a str,
    /// When it is tried again.
    pub next_at: Timestamp,
    /// Whether owners are told, if they were not yet.
    pub is_told: bool,
}

impl Store {
    /// The access was given: it is there until its time, at which it ends. A later call sets another time
    /// (governance GRA-3), which holds too if somebody tries to end it just now and cannot. Says whether the end
    /// was not over.
    pub async fn access_end_open(
        &self,
        id: &str,
        due_at: Timestamp,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const OPEN: &str = "UPDATE access_end SET state = 'open', due_at = $2, next_at = $2, attempts = 0, last_error = NULL, told_at = NULL, holder = NULL, fence = fence + 1, lease_from = NULL, lease_until = NULL WHERE id = $1 AND state IN ('pending', 'open') RETURNING connection";
        let mut tx = self.begin().await?;
        let opened =
            query(OPEN).bind(id).bind(due_at.as_microsecond()).fetch_optional(tx.connection()).await?;
        let Some(row) = opened else { return Ok(false) };
        let connection: String = row.try_get(0)?;
        let details = json!({"connection": connection, "due_at": due_at.to_string()});
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "access_end.opened", id).with(details)).await?;
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(true)
    }

    /// Closes an end: what it was for is taken, or will not be. Says whether it was not over.
    pub async fn access_end_close(
        &self,
        id: &str,
        state: AccessEndState,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let closed = self.access_end_close_in(&mut tx, id, (state, actor)).await?;
        tx.commit().await?;
        Ok(closed)
    }

    /// Closes the end of this access, if there is one: somebody took it, or gave it for good. Access that was taken
    /// while somebody is about to give it anew keeps its end: nothing was sent yet, so that one is of what comes.
    pub async fn access_end_close_of(
        &self,
        connection: &ConnectionKey,
        access: &HeldAccess,
        (state, actor): (AccessEndState, Actor),
    ) -> Result<Option<AccessEnd>, StoreError> {
        const FIND: &str = concat!(
            "UPDATE access_end SET id = id WHERE subject_hash = $1 AND state IN ('pending', 'open') AND ($2 <> 'ended' OR state = 'open' OR EXISTS (SELECT 1 FROM ledger l WHERE l.run_id = access_end.run_id AND l.intent_at IS NOT NULL)) RETURNING ",
            columns!()
        );
        let mut tx = self.begin().await?;
        let query = query(FIND).bind(self.access_hash(connection, access)).bind(state.as_str());
        let Some(row) = query.fetch_optional(tx.connection()).await? else { return Ok(None) };
        let end = self.access_end_of(&row)?;
        self.access_end_close_in(&mut tx, &end.id, (state, actor)).await?;
        tx.commit().await?;
        Ok(Some(end))
    }

    async fn access_end_close_in(
        &self,
        tx: &mut Tx,
        id: &str,
        (state, actor): (AccessEndState, Actor),
    ) -> Result<bool, StoreError> {
        const CLOSE: &str = "UPDATE access_end SET state = $2, ended_at = $3, last_error = CASE WHEN $2 = 'abandoned' THEN 'its connection is gone' ELSE NULL END, lease_from = NULL, lease_until = NULL WHERE id = $1 AND state IN ('pending', 'open') RETURNING connection";
        let closed = query(CLOSE)
            .bind(id)
            .bind(state.as_str())
            .bind(self.now())
            .fetch_optional(tx.connection())
            .await?;
        let Some(row) = closed else { return Ok(false) };
        let connection: String = row.try_get(0)?;
        let details = json!({"connection": connection, "state": state.as_str()});
        self.audit_enter_in(tx, &AuditEvent::new(actor, "access_end.closed", id).with(details)).await?;
        Ok(true)
    }

    /// The access could not be taken: it is tried again, and the owners of the connection are told once of each time
    /// at which it was to end.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has it, or it is over.
    pub async fn access_end_retry(
        &self,
        lease: &AccessEndLease,
        retry: &AccessEndRetry<'_>,
    ) -> Result<(), StoreError> {
        const RETRY: &str = "UPDATE access_end SET lease_from = NULL, lease_until = NULL, attempts = attempts + 1, last_error = $3, next_at = $4, told_at = CASE WHEN $5 = 1 THEN COALESCE(told_at, $6) ELSE told_at END WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL RETURNING connection, due_at";
        let mut tx = self.begin().await?;
        let row = query(RETRY)
            .bind(lease.end.as_str())
            .bind(lease.fence)
            .bind(retry.error)
            .bind(retry.next_at.as_microsecond())
            .bind(i64::from(retry.is_told))
            .bind(self.now())
            .fetch_optional(tx.connection())
            .await?;
        let row = row.ok_or_else(|| fenced(lease))?;
        let (connection, due_at): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        if retry.is_told {
            let connection =
                connection.parse().map_err(|_| StoreError::Damaged { what: "an end of access" })?;
            let about = About { kind: MessageKind::AccessStays, connection: &connection };
            let values = [("end", json!(lease.end)), ("reason", json!(retry.error))];
            // An end that is put off and fails again then is told again.
            let once = format!("access_stays|{}|{due_at}", lease.end);
            self.owners_tell(&mut tx, about, (&values, &once)).await?;
        }
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// The connection goes on: ends whose time came while it was paused come now.
    pub(crate) async fn access_ends_hasten_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
    ) -> Result<(), StoreError> {
        const HASTEN: &str = "UPDATE access_end SET next_at = due_at WHERE connection = $1 AND state IN ('pending', 'open') AND next_at > due_at";
        query(HASTEN).bind(connection.as_str()).execute(tx.connection()).await?;
        Ok(())
    }

    /// Its connection is gone: nobody can take the access any more. Says how many there were.
    pub(crate) async fn access_ends_abandon_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
        actor: &Actor,
    ) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT id FROM access_end WHERE connection = $1 AND state IN ('pending', 'open')";
        let mut abandoned = 0;
        for row in query(LIST).bind(connection.as_str()).fetch_all(tx.connection()).await? {
            let id: String = row.try_get(0)?;
            let state = AccessEndState::Abandoned;
            self.access_end_close_in(tx, &id, (state, actor.clone())).await?;
            abandoned += 1;
        }
        Ok(abandoned)
    }

    /// Forgets ends that were over before this time, and with them who held what; says how many there were.
    pub async fn access_end_forget(&self, before: Timestamp) -> Result<u64, StoreError> {
        const FORGET: &str = "DELETE FROM access_end WHERE ended_at < $1";
        let mut tx = self.begin().await?;
        let forgotten =
            query(FORGET).bind(before.as_microsecond()).execute(tx.connection()).await?.rows_affected();
        tx.commit().await?;
        Ok(forgotten)
    }
}
