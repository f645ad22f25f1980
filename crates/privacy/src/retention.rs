//! Personal data goes when its time is over (architecture §13.7).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{PrivacyRequestId, RunId};
use store::{Actor, Store, StoreError};
use thiserror::Error;

use crate::PrivacyService;

/// How long personal data stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Rows of runs that ended, and of plans that nobody approved.
    pub rows: Duration,
    /// Everything, identities too, after the last thing that happened in a run.
    pub identities: Duration,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for Retention {
    /// 7 and 30 days.
    fn default() -> Self {
        Self { rows: 7 * DAY, identities: 30 * DAY }
    }
}

/// What was destroyed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Runs that lost their rows and their plan.
    pub rows: Vec<RunId>,
    /// Runs that lost everything.
    pub runs: Vec<RunId>,
    /// Requests that lost all that was about the person.
    pub requests: Vec<PrivacyRequestId>,
    /// How many trial runs on datasets went with all that was theirs.
    pub trials: u64,
}

/// Why something that is due was not destroyed.
#[derive(Debug, Error)]
pub enum RetentionError {
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyService {
    /// Destroys personal data whose time is over. To be called now and then; doing it twice changes
    /// nothing.
    ///
    /// # Errors
    /// [`RetentionError`]; what was destroyed before stays destroyed.
    pub async fn forget_expired(&self, retention: Retention) -> Result<Forgotten, RetentionError> {
        forget_expired(&self.parts().store, self.parts().clock.now(), retention).await
    }
}

/// The same for a command that has the state and no service.
///
/// # Errors
/// As [`PrivacyService::forget_expired`].
pub async fn forget_expired(
    store: &Store,
    now: Timestamp,
    retention: Retention,
) -> Result<Forgotten, RetentionError> {
    let trials = store.dataset_trial_forget_due(Actor::system()).await?;
    let mut forgotten = Forgotten { trials, ..Forgotten::default() };
    let all_before = before(now, retention.identities);
    for request in store.privacy_request_list_to_forget(all_before).await? {
        if store.privacy_request_forget_due(&request, all_before, Actor::system()).await? {
            forgotten.requests.push(request);
        }
    }
    for run in store.run_list_due(all_before).await? {
        // Somebody may have gone on with it meanwhile.
        if store.run_forget_due(&run, all_before, Actor::system()).await? {
            forgotten.runs.push(run);
        }
    }
    store.access_end_forget(all_before).await?;
    let rows_before = before(now, retention.rows);
    for run in store.run_list_rows_due(rows_before).await? {
        if store.run_forget_rows(&run, rows_before, Actor::system()).await? {
            forgotten.rows.push(run);
        }
    }
    Ok(forgotten)
}

/// The moment `length` before `now`.
fn before(now: Timestamp, length: Duration) -> Timestamp {
    let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
    now.checked_sub(length).unwrap_or(Timestamp::MIN)
}
