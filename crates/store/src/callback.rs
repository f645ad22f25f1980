//! What applications answer later, by a call of their own (saas-config 23.5 to 23.7).

mod answer;

use std::fmt;

use crypto::{Secret, constant_time_eq, hex};
use jiff::Timestamp;
use model::{PrivacyRequestId, Row, RunId};

use crate::page::unpacked_rows;
use crate::run::run_id;
use crate::sql::query;
use crate::store::{count, signed, time};
use crate::words::text_enum;
use crate::{Store, StoreError, TaskLease};

pub use answer::CallbackAnswer;

/// What requests wait for that an application is to call back about: a fixed word.
const ATTENTION: &str = "callback";
/// What requests wait for whose writes go on in applications: a fixed word.
const JOB_OPEN: &str = "job_open";

/// Id of an answer that is waited for, `cbk_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallbackId(String);

impl CallbackId {
    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallbackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_enum! {
    /// How far an answer is.
    CallbackState "the state of a callback" {
        /// It is waited for.
        Asked = "asked",
        /// It came, and is to be taken over.
        Answered = "answered",
        /// It was taken over.
        Taken = "taken",
    }
}

text_enum! {
    /// What an answer is about.
    CallbackAction "what a callback is about" {
        /// Rows of a person.
        Access = "access",
        /// A write.
        Erasure = "erasure",
    }
}

/// An answer that is going to be waited for.
#[derive(Debug, Clone, Copy)]
pub struct NewCallback<'a> {
    /// The request that it is asked for.
    pub request: &'a PrivacyRequestId,
    /// The task of a reading, or the digest of a plan.
    pub owner: &'a str,
    /// The unit of the reading, or the operation of the plan.
    pub number: u64,
    /// What it is about.
    pub action: CallbackAction,
    /// The collection, or the place of the write in the connector file.
    pub name: &'a str,
    /// Stands for what is asked; another question gets an answer of its own.
    pub basis: &'a str,
    /// Until when it may come.
    pub expires_at: Timestamp,
}

/// An answer that is or was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Its id.
    pub id: CallbackId,
    /// The request that it is asked for.
    pub request: PrivacyRequestId,
    /// The run.
    pub run: RunId,
    /// The task of a reading, or the digest of a plan.
    pub owner: String,
    /// The unit of the reading, or the operation of the plan.
    pub number: u64,
    /// What it is about.
    pub action: CallbackAction,
    /// The collection, or the place of the write in the connector file.
    pub name: String,
    /// Stands for what is asked.
    pub basis: String,
    /// How far it is.
    pub state: CallbackState,
    /// Whether the application took the question.
    pub is_sent: bool,
    /// Until when it may come.
    pub expires_at: Timestamp,
    /// How many rows the application says it masked.
    pub rows_masked: Option<u64>,
}

macro_rules! columns {
    () => {
        "id, request, run_id, owner, number, action, name, state, sent_at, expires_at, rows_masked, basis"
    };
}

impl Store {
    /// Keeps that an answer is waited for, before the question is sent. The same question that is waited
    /// for already stays as it is. `None` if there is no such request here: nobody could take the answer.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task.
    pub async fn callback_open(
        &self,
        lease: &TaskLease,
        new: NewCallback<'_>,
    ) -> Result<Option<Callback>, StoreError> {
        const REQUEST: &str = "SELECT id FROM privacy_request WHERE id = $1";
        const OPEN: &str = "INSERT INTO callback (id, request, run_id, owner, number, action, name, basis, state, made_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'asked', $9, $10) ON CONFLICT (owner, number) DO UPDATE SET id = excluded.id, request = excluded.request, name = excluded.name, basis = excluded.basis, state = 'asked', made_at = excluded.made_at, expires_at = excluded.expires_at, sent_at = NULL, answered_at = NULL, row_count = NULL, rows_masked = NULL, sealed = NULL WHERE callback.basis <> excluded.basis";
        const FIND: &str = concat!("SELECT ", columns!(), " FROM callback WHERE owner = $1 AND number = $2");
        let mut tx = self.begin().await?;
        self.fence_check(&mut tx, lease).await?;
        let request = query(REQUEST).bind(new.request.as_str()).fetch_optional(tx.connection()).await?;
        if request.is_none() {
            return Ok(None);
        }
        query(OPEN)
            .bind(format!("cbk_{}", self.inner.ids.next_uuid()))
            .bind(new.request.as_str())
            .bind(lease.run.as_str())
            .bind(new.owner)
            .bind(signed(new.number))
            .bind(new.action.as_str())
            .bind(new.name)
            .bind(new.basis)
            .bind(self.now())
            .bind(new.expires_at.as_microsecond())
            .execute(tx.connection())
            .await?;
        let find = query(FIND).bind(new.owner).bind(signed(new.number));
        let found = find.fetch_optional(tx.connection()).await?;
        tx.commit().await?;
        found.as_ref().map(callback).transpose()
    }

    /// Keeps that the application took the question: it is not sent again.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task.
    pub async fn callback_sent(&self, lease: &TaskLease, id: &CallbackId) -> Result<(), StoreError> {
        const SENT: &str = "UPDATE callback SET sent_at = $2 WHERE id = $1 AND sent_at IS NULL";
        let mut tx = self.begin().await?;
        self.fence_check(&mut tx, lease).await?;
        query(SENT).bind(id.as_str()).bind(self.now()).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Waits for an answer no longer: whoever brings it is refused.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task.
    pub async fn callback_drop(&self, lease: &TaskLease, id: &CallbackId) -> Result<(), StoreError> {
        const DROP: &str = "DELETE FROM callback WHERE id = $1";
        let mut tx = self.begin().await?;
        self.fence_check(&mut tx, lease).await?;
        query(DROP).bind(id.as_str()).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Keeps that what came was taken over, and forgets it here. Doing it twice changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task.
    pub async fn callback_take(
        &self,
        lease: &TaskLease,
        (owner, number): (&str, u64),
    ) -> Result<(), StoreError> {
        const TAKE: &str = "UPDATE callback SET state = 'taken', sealed = NULL WHERE owner = $1 AND number = $2 AND state = 'answered'";
        let mut tx = self.begin().await?;
        self.fence_check(&mut tx, lease).await?;
        query(TAKE).bind(owner).bind(signed(number)).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// What is or was waited for under this owner and number, as it is now.
    pub async fn callback_find(&self, owner: &str, number: u64) -> Result<Option<Callback>, StoreError> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM callback WHERE owner = $1 AND number = $2");
        let find = query(FIND).bind(owner).bind(signed(number));
        find.fetch_optional(&self.inner.reader).await?.as_ref().map(callback).transpose()
    }

    /// Everything that a run waits or waited for, in the order of owners and numbers.
    pub async fn callback_list(&self, run: &RunId) -> Result<Vec<Callback>, StoreError> {
        const LIST: &str =
            concat!("SELECT ", columns!(), " FROM callback WHERE run_id = $1 ORDER BY owner, number");
        let rows = query(LIST).bind(run.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(callback).collect()
    }

    /// The rows that came.
    pub async fn callback_rows(&self, callback: &Callback) -> Result<Vec<Row>, StoreError> {
        const FIND: &str = "SELECT sealed FROM callback WHERE id = $1";
        let key = self.run_key(&callback.run).await?;
        let row = query(FIND).bind(callback.id.as_str()).fetch_optional(&self.inner.reader).await?;
        let sealed: Option<Vec<u8>> = row.map(|row| row.try_get(0)).transpose()?.flatten();
        let Some(sealed) = sealed else { return Ok(Vec::new()) };
        let damaged = |_| StoreError::Damaged { what: "the rows of a callback" };
        unpacked_rows(&key.open(&place(callback), &sealed).map_err(damaged)?)
    }

    /// The token that the answer has to bring: signed by this installation, for this answer alone. It is
    /// the same whenever it is made.
    pub fn callback_token(&self, callback: &Callback) -> Secret<String> {
        Secret::new(format!("{}.{}", callback.id, hex(&self.callback_signature(callback))))
    }

    /// The answer that a token was made for, whether it is still waited for or not.
    pub async fn callback_of_token(&self, token: &str) -> Result<Option<Callback>, StoreError> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM callback WHERE id = $1");
        let Some((id, signature)) = token.split_once('.') else { return Ok(None) };
        let row = query(FIND).bind(id).fetch_optional(&self.inner.reader).await?;
        let found = row.as_ref().map(callback).transpose()?;
        let signed = |found: &Callback| {
            let right = hex(&self.callback_signature(found));
            constant_time_eq(right.as_bytes(), signature.as_bytes())
        };
        Ok(found.filter(signed))
    }

    fn callback_signature(&self, callback: &Callback) -> [u8; 32] {
        let Callback { id, request, run, owner, number, expires_at, .. } = callback;
        let until = expires_at.as_microsecond();
        self.keyed_hash(format!("callback|{id}|{request}|{run}|{owner}|{number}|{until}").as_bytes())
    }
}

/// The place that the rows are bound to.
fn place(callback: &Callback) -> Vec<u8> {
    format!("callback|{}|{}|{}|{}", callback.run, callback.owner, callback.number, callback.id).into_bytes()
}

fn callback(row: &crate::sql::Row) -> Result<Callback, StoreError> {
    let text = |column| row.try_get::<String>(column);
    let request: PrivacyRequestId =
        text(1)?.parse().map_err(|_| StoreError::Damaged { what: "the request of a callback" })?;
    Ok(Callback {
        id: CallbackId(text(0)?),
        request,
        run: run_id(row, 2)?,
        owner: text(3)?,
        number: count(row.try_get(4)?)?,
        action: CallbackAction::parse(&text(5)?)?,
        name: text(6)?,
        basis: text(11)?,
        state: CallbackState::parse(&text(7)?)?,
        is_sent: row.try_get::<Option<i64>>(8)?.is_some(),
        expires_at: time(row.try_get(9)?)?,
        rows_masked: row.try_get::<Option<i64>>(10)?.map(count).transpose()?,
    })
}
