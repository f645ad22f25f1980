//! The queue of trials: it is the rows themselves.

use std::time::Duration;

use crypto::Secret;
use model::PrivacyRequestId;

use super::{DatasetTrial, DatasetTrialLog, DatasetTrialState, place, trial};
use crate::row_lease::row_is_free;
use crate::sql::query;
use crate::store::{count, signed};
use crate::{Store, StoreError};

/// A worker's hold on a trial. What it writes names it, and is refused once somebody else has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetTrialLease {
    /// The trial.
    pub trial: PrivacyRequestId,
    /// Grows with every holder.
    pub fence: i64,
}

/// A trial that a worker took.
#[derive(Debug)]
pub struct ClaimedDatasetTrial {
    /// The trial.
    pub trial: DatasetTrial,
    /// Who is to be read, as the bytes it was made with.
    pub identities: Secret<Vec<u8>>,
    /// How often it was taken without having ended.
    pub attempts: u64,
    /// The hold.
    pub lease: DatasetTrialLease,
}

/// How a trial ended.
#[derive(Debug)]
pub struct DatasetTrialEnd {
    /// [`DatasetTrialState::Complete`] or [`DatasetTrialState::Error`].
    pub state: DatasetTrialState,
    /// What was found, as bytes that only the caller reads; kept sealed.
    pub results: Secret<Vec<u8>>,
    /// Whether rows were left out.
    pub is_cut: bool,
    /// What happened, in order.
    pub logs: Vec<DatasetTrialLog>,
    /// How long it stays from now on.
    pub life: Duration,
}

/// It waits, its time is not over at `$4`, and nobody holds it at `$1`.
macro_rules! free {
    () => {
        concat!("state IN ('pending', 'in_processing') AND expires_at > $4 AND ", row_is_free!())
    };
}

impl Store {
    /// Takes the trial that waits for the longest time, for `lease` from now; one whose holder fell silent
    /// is taken again. `None` if there is nothing to do.
    pub async fn dataset_trial_claim(
        &self,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedDatasetTrial>, StoreError> {
        const ANY: &str = "SELECT id FROM dataset_trial WHERE state IN ('pending', 'in_processing') LIMIT 1";
        const CLAIM: &str = concat!(
            "UPDATE dataset_trial SET state = 'in_processing', worker = $2, fence = fence + 1, lease_from = $1, lease_until = $3, attempts = attempts + 1 WHERE id = (SELECT id FROM dataset_trial WHERE ",
            free!(),
            " ORDER BY made_at, id LIMIT 1) AND ",
            free!(),
            " RETURNING fence, attempts, data_key, sealed_identities, id, connection, dataset, policy, state, is_cut, made_at, ended_at"
        );
        // Most looks find nothing, and need not keep the writers waiting.
        if query(ANY).fetch_optional(&self.inner.reader).await?.is_none() {
            return Ok(None);
        }
        let Some(row) = self.row_claim(CLAIM, worker, lease).await? else { return Ok(None) };
        let trial = trial(&row, 4)?;
        Ok(Some(ClaimedDatasetTrial {
            identities: self.trial_open(
                trial.id.as_str(),
                "identities",
                (row.try_get(2)?, row.try_get(3)?),
            )?,
            attempts: count(row.try_get(1)?)?,
            lease: DatasetTrialLease { trial: trial.id.clone(), fence: row.try_get(0)? },
            trial,
        }))
    }

    /// Holds on to a trial for `extension` more, from now.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has it, or its time is over.
    pub async fn dataset_trial_beat(
        &self,
        lease: &DatasetTrialLease,
        extension: Duration,
    ) -> Result<(), StoreError> {
        const BEAT: &str = "UPDATE dataset_trial SET lease_from = $3, lease_until = $4 WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL RETURNING fence";
        let beaten = self.row_beat(BEAT, (lease.trial.as_str(), lease.fence), extension).await?;
        beaten.map(|_| ()).ok_or_else(|| fenced(lease))
    }

    /// Gives a trial back unread, for another worker.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has it.
    pub async fn dataset_trial_give_back(&self, lease: &DatasetTrialLease) -> Result<(), StoreError> {
        const BACK: &str = "UPDATE dataset_trial SET state = 'pending', lease_from = NULL, lease_until = NULL, attempts = 0 WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL";
        let mut tx = self.begin().await?;
        let query = query(BACK).bind(lease.trial.as_str()).bind(lease.fence);
        if query.execute(tx.connection()).await?.rows_affected() == 0 {
            return Err(fenced(lease));
        }
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// Ends a trial. Who was read is not kept any more.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has it, or its time is over.
    pub async fn dataset_trial_end(
        &self,
        lease: &DatasetTrialLease,
        end: DatasetTrialEnd,
    ) -> Result<(), StoreError> {
        const KEY: &str = "SELECT data_key FROM dataset_trial WHERE id = $1";
        const END: &str = "UPDATE dataset_trial SET state = $3, sealed_results = $4, sealed_identities = NULL, is_cut = $5, ended_at = $6, expires_at = $7, lease_from = NULL, lease_until = NULL WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL";
        const LOG: &str = "INSERT INTO dataset_trial_log (trial, number, at, level, place, message) VALUES ($1, $2, $3, $4, $5, $6)";
        let id = lease.trial.as_str();
        let mut tx = self.begin().await?;
        let row = query(KEY).bind(id).fetch_optional(tx.connection()).await?;
        let wrapped: Vec<u8> = row.ok_or_else(|| fenced(lease))?.try_get(0)?;
        let sealed = self.trial_key(id, &wrapped)?.seal(&place(id, "results"), end.results.expose());
        let ended = query(END)
            .bind(id)
            .bind(lease.fence)
            .bind(end.state.as_str())
            .bind(sealed)
            .bind(i64::from(end.is_cut))
            .bind(self.now())
            .bind(self.after(end.life).as_microsecond())
            .execute(tx.connection())
            .await?;
        if ended.rows_affected() == 0 {
            return Err(fenced(lease));
        }
        for (number, entry) in (0_u64..).zip(&end.logs) {
            query(LOG)
                .bind(id)
                .bind(signed(number))
                .bind(entry.at.as_microsecond())
                .bind(entry.level.as_str())
                .bind(entry.place.as_str())
                .bind(entry.message.as_str())
                .execute(tx.connection())
                .await?;
        }
        tx.commit().await
    }
}

fn fenced(lease: &DatasetTrialLease) -> StoreError {
    StoreError::Fenced { what: format!("trial {}", lease.trial) }
}
