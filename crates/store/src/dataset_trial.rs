//! Trial runs on one dataset: who is to be read, what was found, and for how long it stays. They are no
//! requests of people and share nothing with them but the form of their ids.

mod claim;
mod forget;

use std::time::Duration;

use crypto::{RunKey, Secret};
use jiff::{SignedDuration, Timestamp};
use model::{ConnectionKey, PrivacyRequestId};
use serde_json::json;

pub(crate) use forget::trials_destroy;

pub use claim::{ClaimedDatasetTrial, DatasetTrialEnd, DatasetTrialLease};

use crate::sql::{Row, query};
use crate::store::{time, time_or_none};
use crate::words::text_enum;
use crate::{Actor, AuditEvent, Store, StoreError};

text_enum! {
    /// How far a trial is.
    DatasetTrialState "the state of a trial" {
        /// It waits for a worker.
        Pending = "pending",
        /// A worker reads.
        InProcessing = "in_processing",
        /// Everything was read, up to what a trial reads at most.
        Complete = "complete",
        /// Something could not be read.
        Error = "error",
    }
}

text_enum! {
    /// How much an entry of a trial's log matters.
    DatasetTrialLevel "the level of an entry of a trial's log" {
        /// It is as it should be.
        Info = "INFO",
        /// Something may be missing.
        Warning = "WARNING",
        /// Something is missing.
        Error = "ERROR",
    }
}

/// A trial to be made.
#[derive(Debug)]
pub struct NewDatasetTrial {
    /// Its id.
    pub id: PrivacyRequestId,
    /// The connection.
    pub connection: ConnectionKey,
    /// Key of the dataset.
    pub dataset: String,
    /// Key of the policy that says what is shown.
    pub policy: String,
    /// Who is to be read, as bytes that only the caller reads; kept sealed until the trial has ended.
    pub identities: Secret<Vec<u8>>,
    /// How long it stays if nobody takes it.
    pub life: Duration,
    /// Who asked for it.
    pub actor: Actor,
}

/// A trial as the store knows it; holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetTrial {
    /// Its id.
    pub id: PrivacyRequestId,
    /// Key of the connection; it may be gone.
    pub connection: String,
    /// Key of the dataset.
    pub dataset: String,
    /// Key of the policy.
    pub policy: String,
    /// How far it is.
    pub state: DatasetTrialState,
    /// Whether rows were left out because a trial reads and keeps only so much.
    pub is_cut: bool,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it had ended.
    pub ended_at: Option<Timestamp>,
}

/// An entry of a trial's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetTrialLog {
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: DatasetTrialLevel,
    /// What it is about: a collection, or a part of the work.
    pub place: String,
    /// What happened; never anything of a person.
    pub message: String,
}

impl Store {
    /// Makes a trial, which waits for a worker.
    pub async fn dataset_trial_create(&self, new: NewDatasetTrial) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO dataset_trial (id, connection, dataset, policy, state, data_key, sealed_identities, is_cut, made_at, expires_at, fence, attempts) VALUES ($1, $2, $3, $4, 'pending', $5, $6, 0, $7, $8, 0, 0)";
        let id = new.id.as_str();
        let key = RunKey::random();
        let mut tx = self.begin().await?;
        query(INSERT)
            .bind(id)
            .bind(new.connection.as_str())
            .bind(new.dataset.as_str())
            .bind(new.policy.as_str())
            .bind(key.wrap(&self.inner.keys, &place(id, "data-key")))
            .bind(key.seal(&place(id, "identities"), new.identities.expose()))
            .bind(self.now())
            .bind(self.after(new.life).as_microsecond())
            .execute(tx.connection())
            .await?;
        let details =
            json!({"connection": new.connection.as_str(), "dataset": new.dataset, "policy": new.policy});
        let event = AuditEvent::new(new.actor, "dataset_trial.created", id).with(details);
        self.audit_enter_in(&mut tx, &event).await?;
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// The trial, if there is one whose time is not over.
    pub async fn dataset_trial_find(
        &self,
        id: &PrivacyRequestId,
    ) -> Result<Option<DatasetTrial>, StoreError> {
        const FIND: &str = "SELECT id, connection, dataset, policy, state, is_cut, made_at, ended_at FROM dataset_trial WHERE id = $1 AND expires_at > $2";
        let query = query(FIND).bind(id.as_str()).bind(self.now());
        let row = query.fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(|row| trial(row, 0)).transpose()
    }

    /// What a trial found, as the bytes it was ended with; `None` if nothing is kept. Who looked stands in
    /// the audit log.
    pub async fn dataset_trial_results(
        &self,
        id: &PrivacyRequestId,
        actor: Actor,
    ) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        const FIND: &str = "SELECT data_key, sealed_results FROM dataset_trial WHERE id = $1 AND expires_at > $2 AND sealed_results IS NOT NULL";
        let mut tx = self.begin().await?;
        let query = query(FIND).bind(id.as_str()).bind(self.now());
        let Some(row) = query.fetch_optional(tx.connection()).await? else { return Ok(None) };
        let results = self.trial_open(id.as_str(), "results", (row.try_get(0)?, row.try_get(1)?))?;
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "dataset_trial.shown", id.as_str())).await?;
        tx.commit().await?;
        Ok(Some(results))
    }

    /// What happened in a trial, in order.
    pub async fn dataset_trial_log_list(
        &self,
        id: &PrivacyRequestId,
    ) -> Result<Vec<DatasetTrialLog>, StoreError> {
        const LIST: &str =
            "SELECT at, level, place, message FROM dataset_trial_log WHERE trial = $1 ORDER BY number";
        let rows = query(LIST).bind(id.as_str()).fetch_all(&self.inner.reader).await?;
        let entry = |row: &Row| {
            Ok(DatasetTrialLog {
                at: time(row.try_get(0)?)?,
                level: DatasetTrialLevel::parse(row.try_get(1)?)?,
                place: row.try_get(2)?,
                message: row.try_get(3)?,
            })
        };
        rows.iter().map(entry).collect()
    }

    /// Opens a sealed column of a trial with the trial's own key.
    fn trial_open(
        &self,
        id: &str,
        column: &str,
        (wrapped, sealed): (Vec<u8>, Vec<u8>),
    ) -> Result<Secret<Vec<u8>>, StoreError> {
        let key = self.trial_key(id, &wrapped)?;
        let opened = key.open(&place(id, column), &sealed);
        opened.map(Secret::new).map_err(|_| StoreError::Damaged { what: "what a trial holds of a person" })
    }

    fn trial_key(&self, id: &str, wrapped: &[u8]) -> Result<RunKey, StoreError> {
        RunKey::unwrap(&self.inner.keys, &place(id, "data-key"), wrapped)
            .map_err(|source| StoreError::Sealed { what: "the data key of a trial", source })
    }

    fn after(&self, length: Duration) -> Timestamp {
        let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
        self.inner.clock.now().saturating_add(length).unwrap_or(Timestamp::MAX)
    }
}

/// The place that a sealed column of a trial is bound to.
fn place(id: &str, column: &str) -> Vec<u8> {
    format!("dataset-trial|{id}|{column}").into_bytes()
}

fn trial(row: &Row, first: usize) -> Result<DatasetTrial, StoreError> {
    let id: String = row.try_get(first)?;
    Ok(DatasetTrial {
        id: id.parse().map_err(|_| StoreError::Damaged { what: "the id of a trial" })?,
        connection: row.try_get(first + 1)?,
        dataset: row.try_get(first + 2)?,
        policy: row.try_get(first + 3)?,
        state: DatasetTrialState::parse(row.try_get(first + 4)?)?,
        is_cut: row.try_get::<i64>(first + 5)? != 0,
        made_at: time(row.try_get(first + 6)?)?,
        ended_at: time_or_none(row.try_get(first + 7)?)?,
    })
}
