//! Access that ends by itself (governance GRA-3): who holds what until when.
//!
//! An end is kept before the access is given, so that no crash leaves access behind that nobody ends. Which
//! access it is lies sealed.

mod claim;
mod settle;

use crypto::Secret;
use jiff::Timestamp;
use model::{ConnectionKey, RunId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::sql::{Row, query};
use crate::store::{Tx, count, signed, time, time_or_none};
use crate::words::text_enum;
use crate::{Actor, AuditEvent, Listed, Store, StoreError, Window};

pub use claim::{AccessEndLease, ClaimedAccessEnd};
pub use settle::AccessEndRetry;

text_enum! {
    /// How far an end is.
    AccessEndState "the state of an end of access" {
        /// The access is being given; nobody knows yet whether it was.
        Pending = "pending",
        /// It is there until its time.
        Open = "open",
        /// It was taken.
        Ended = "ended",
        /// There is nothing to be taken: it was not given, or it stays.
        Void = "void",
        /// It was not taken, and will not be: its connection is gone.
        Abandoned = "abandoned",
    }
}

/// Who holds what. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldAccess {
    /// Id of the entitlement.
    pub entitlement: String,
    /// Kind of who holds it.
    pub principal_kind: String,
    /// Their id, in the application's words.
    pub principal_id: String,
}

impl std::fmt::Debug for HeldAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HeldAccess(…)")
    }
}

/// An end of access, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEnd {
    /// Its id, `end_` + UUID v7.
    pub id: String,
    /// The connection.
    pub connection: ConnectionKey,
    /// What ends.
    pub access: HeldAccess,
    /// How far it is.
    pub state: AccessEndState,
    /// The run that gives the access.
    pub run: RunId,
    /// When it ends.
    pub due_at: Timestamp,
    /// When its end is tried next.
    pub next_at: Timestamp,
    /// How often that was tried in vain.
    pub attempts: u64,
    /// Why it was, the last time; without values.
    pub last_error: Option<String>,
    /// When it was noted.
    pub created_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// An end to be noted.
#[derive(Debug, Clone)]
pub struct NewAccessEnd<'a> {
    /// The connection.
    pub connection: &'a ConnectionKey,
    /// What ends.
    pub access: &'a HeldAccess,
    /// The run that gives the access.
    pub run: &'a RunId,
    /// When it ends.
    pub due_at: Timestamp,
    /// Who asks for it.
    pub actor: Actor,
}

/// Which ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessEndFilter<'a> {
    /// Of this connection only.
    pub connection: Option<&'a ConnectionKey>,
    /// Those that are not over only.
    pub open_only: bool,
}

/// What is read of a row, in the order of [`Store::access_end_of`].
macro_rules! columns {
    () => {
        "id, connection, sealed, state, run_id, due_at, next_at, attempts, last_error, created_at, ended_at"
    };
}
use columns;

impl Store {
    /// Notes an end before its access is given, in the state [`AccessEndState::Pending`]. An open one for the same
    /// access, which is not there any more, becomes this one; whoever tries to end that one just now has nothing to
    /// say about this.
    pub async fn access_end_put(&self, new: &NewAccessEnd<'_>) -> Result<AccessEnd, StoreError> {
        const PUT: &str = concat!(
            "INSERT INTO access_end (id, connection, subject_hash, sealed, state, run_id, due_at, next_at, attempts, created_at, fence) VALUES ($1, $2, $3, $4, 'pending', $5, $6, $6, 0, $7, 0) ON CONFLICT (subject_hash) WHERE state IN ('pending', 'open') DO UPDATE SET state = 'pending', run_id = excluded.run_id, due_at = excluded.due_at, next_at = excluded.next_at, attempts = 0, last_error = NULL, told_at = NULL, holder = NULL, fence = access_end.fence + 1, lease_from = NULL, lease_until = NULL RETURNING ",
            columns!()
        );
        let id = format!("end_{}", self.inner.ids.next_uuid());
        let mut tx = self.begin().await?;
        let row = query(PUT)
            .bind(id.as_str())
            .bind(new.connection.as_str())
            .bind(self.access_hash(new.connection, new.access))
            .bind(self.access_seal(&id, new.access))
            .bind(new.run.as_str())
            .bind(new.due_at.as_microsecond())
            .bind(self.now())
            .fetch_one(tx.connection())
            .await?;
        let end = self.access_end_of(&row)?;
        let details = json!({"connection": new.connection.as_str(), "due_at": new.due_at.to_string(), "run": new.run.as_str()});
        let event = AuditEvent::new(new.actor.clone(), "access_end.noted", &end.id).with(details);
        self.audit_enter_in(&mut tx, &event).await?;
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(end)
    }

    /// The end that is not over for this access, if there is one.
    pub async fn access_end_find_open(
        &self,
        connection: &ConnectionKey,
        access: &HeldAccess,
    ) -> Result<Option<AccessEnd>, StoreError> {
        const FIND: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM access_end WHERE subject_hash = $1 AND state IN ('pending', 'open')"
        );
        let query = query(FIND).bind(self.access_hash(connection, access));
        let row = query.fetch_optional(&self.inner.reader).await?;
        row.map(|row| self.access_end_of(&row)).transpose()
    }

    /// The end with this id, if there is one.
    pub async fn access_end_find(&self, id: &str) -> Result<Option<AccessEnd>, StoreError> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM access_end WHERE id = $1");
        if id.contains('\0') {
            return Ok(None);
        }
        let row = query(FIND).bind(id).fetch_optional(&self.inner.reader).await?;
        row.map(|row| self.access_end_of(&row)).transpose()
    }

    /// Ends, the one that comes first first.
    pub async fn access_end_list(
        &self,
        filter: AccessEndFilter<'_>,
        window: Window,
    ) -> Result<Listed<AccessEnd>, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM access_end WHERE (CAST($1 AS TEXT) IS NULL OR connection = $1) AND ($2 = 0 OR state IN ('pending', 'open'))";
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM access_end WHERE (CAST($1 AS TEXT) IS NULL OR connection = $1) AND ($2 = 0 OR state IN ('pending', 'open')) ORDER BY due_at, id LIMIT $3 OFFSET $4"
        );
        let connection = filter.connection.map(ConnectionKey::as_str);
        let open = i64::from(filter.open_only);
        let total = query(COUNT).bind(connection).bind(open).fetch_one(&self.inner.reader).await?;
        let rows = query(LIST)
            .bind(connection)
            .bind(open)
            .bind(i64::from(window.limit))
            .bind(signed(window.offset))
            .fetch_all(&self.inner.reader)
            .await?;
        let items = rows.iter().map(|row| self.access_end_of(row)).collect::<Result<_, _>>()?;
        Ok(Listed { items, total: count(total.try_get(0)?)? })
    }

    /// Whether a run has sent anything that may have had an effect: what it was to give may be there then. What was
    /// refused certainly had none, and somebody else may have given the same.
    pub async fn run_has_sent(&self, run: &RunId) -> Result<bool, StoreError> {
        const SENT: &str = "SELECT 1 FROM ledger WHERE run_id = $1 AND intent_at IS NOT NULL AND NOT (state IN ('outcome', 'resolved') AND COALESCE(effect, '') = 'not_applied') LIMIT 1";
        Ok(query(SENT).bind(run.as_str()).fetch_optional(&self.inner.reader).await?.is_some())
    }

    /// Stands for one access of one connection, and says nothing elsewhere.
    fn access_hash(&self, connection: &ConnectionKey, access: &HeldAccess) -> Vec<u8> {
        let text = json!([
            "access_end",
            connection.as_str(),
            access.entitlement,
            access.principal_kind,
            access.principal_id
        ]);
        self.keyed_hash(&crypto::canonical_json(&text)).to_vec()
    }

    fn access_seal(&self, id: &str, access: &HeldAccess) -> Vec<u8> {
        let plain = Secret::new(serde_json::to_vec(access).expect("texts are always JSON"));
        self.inner.keys.seal(&place(id), plain.expose())
    }

    fn access_end_of(&self, row: &Row) -> Result<AccessEnd, StoreError> {
        let damaged = |what| StoreError::Damaged { what };
        let (id, connection): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let sealed: Vec<u8> = row.try_get(2)?;
        let plain = self.inner.keys.open(&place(&id), &sealed);
        let plain = plain.map_err(|source| StoreError::Sealed { what: "an end of access", source })?;
        let access = serde_json::from_slice(plain.expose());
        Ok(AccessEnd {
            access: access.map_err(|_| damaged("an end of access"))?,
            id,
            connection: connection.parse().map_err(|_| damaged("the connection of an end"))?,
            state: AccessEndState::parse(row.try_get(3)?)?,
            run: crate::run::run_id(row, 4)?,
            due_at: time(row.try_get(5)?)?,
            next_at: time(row.try_get(6)?)?,
            attempts: count(row.try_get(7)?)?,
            last_error: row.try_get(8)?,
            created_at: time(row.try_get(9)?)?,
            ended_at: time_or_none(row.try_get(10)?)?,
        })
    }

    /// Brings ends under the current master key.
    pub(crate) async fn reseal_access_ends(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT id, sealed FROM access_end";
        const PUT: &str = "UPDATE access_end SET sealed = $2 WHERE id = $1";
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

/// The place that an end is bound to.
fn place(id: &str) -> Vec<u8> {
    format!("access_end|{id}").into_bytes()
}
