//! Events of use, kept beside the inventory: of each use the newest time, and of which time all was read.

use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use model::ConnectionKey;
use serde::{Deserialize, Serialize};
use store::{ActivityState, ActivityUse, NewActivity, Store, StoreError};
use thiserror::Error;

use super::{ActivityError, ActivityLog, ActivityOutcome, ActivityReport, ActivitySpan, LastUse};
use crate::change::ResourceName;

/// How far back is read at first, if the application keeps events so long.
const FIRST: SignedDuration = SignedDuration::from_hours(90 * 24);
/// What is read once more each time: events may be listed a while after they happened.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);
/// What an application is about to forget is not asked for.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);
/// Most uses of things, and most accounts, of a connection.
const MOST_USES: u64 = 500_000;

/// What became of a reading that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptActivity {
    /// How it ended.
    pub report: ActivityReport,
    /// What is known now, with what was read before.
    pub state: ActivityState,
}

/// Why events were not kept.
#[derive(Debug, Error)]
pub enum KeepActivityError {
    /// Nothing could be read. That it was tried is kept.
    #[error(transparent)]
    Activity(#[from] ActivityError),
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who used what, in the form in which it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptUse {
    pub(crate) actor: KeptActor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<ResourceName>,
}

/// Who used something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeptActor {
    /// An account by its id.
    Account(ResourceName),
    /// By its address in lower case, where no id is known.
    Address(String),
}

impl ActivityLog {
    /// Reads on from where the last reading ended, or from `since`, and keeps what was used when. Of a time that was
    /// not read whole the uses count, and nothing follows from those that are not there.
    ///
    /// # Errors
    /// [`KeepActivityError`] if nothing could be read or kept.
    ///
    /// # Cancel safety
    /// Dropped while it reads, nothing is kept. The next call reads the same.
    pub async fn keep(
        &self,
        store: &Store,
        since: Option<Timestamp>,
    ) -> Result<KeptActivity, KeepActivityError> {
        let connection = &self.connector.connection().key;
        let now = self.clock.now();
        let known = store.activity_find(connection).await?.and_then(|state| state.span);
        // One that ends later than now was kept by a clock that was ahead: nobody knows what it stands for.
        let known = known.filter(|span| span.until <= now);
        let wanted = since.or(known.map(|span| before(span.until, OVERLAP))).unwrap_or(before(now, FIRST));
        let kept = self.section().and_then(|section| section.kept).and_then(|kept| self.oldest(kept));
        let floor = kept.map(|oldest| oldest.saturating_add(MARGIN).unwrap_or(oldest));
        let since = floor.map_or(wanted, |floor| floor.max(wanted)).min(before(now, MARGIN));
        let mut last = LastUse::default();
        let mut note = |event| {
            last.note(&event);
            ControlFlow::Continue(())
        };
        let read = self.read(ActivitySpan { since, until: Some(now) }, &mut note).await;
        let report = match read {
            Ok(report) => report,
            Err(error @ ActivityError::Read(_)) => {
                let nothing = LastUse::default();
                keep_last_use(store, connection, (&nothing, None), Some(&error.to_string())).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let span = match report.outcome {
            ActivityOutcome::Complete => Some(store::ActivitySpan {
                from: report.read_from,
                until: report.until,
                resources_from: if last.is_cut() { report.until } else { report.read_from },
            }),
            ActivityOutcome::Incomplete => None,
        };
        let state = keep_last_use(store, connection, (&last, span), report.reason.as_deref()).await?;
        Ok(KeptActivity { report, state })
    }
}

/// Keeps what was used last, beside what is known already; `span` is the time of which all was read, and `reason` what
/// was not.
///
/// # Errors
/// [`StoreError::NotFound`] if the connection was removed meanwhile.
pub async fn keep_last_use(
    store: &Store,
    connection: &ConnectionKey,
    (last, span): (&LastUse, Option<store::ActivitySpan>),
    reason: Option<&str>,
) -> Result<ActivityState, StoreError> {
    let key = store.inventory_key_get(connection).await?;
    let uses = uses(last);
    let new = NewActivity { key: &key, uses: &uses, span, reason, most_uses: MOST_USES };
    store.activity_put(&new).await
}

fn before(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// Each use once.
fn uses(last: &LastUse) -> Vec<ActivityUse> {
    let mut uses = Vec::new();
    let mut add = |actor: &KeptActor, resource: Option<ResourceName>, last_at: Timestamp| {
        let of_resource = resource.is_some();
        let kept = KeptUse { actor: actor.clone(), resource };
        let subject = serde_json::to_vec(&kept).expect("names are always JSON");
        uses.push(ActivityUse { subject, of_resource, last_at });
    };
    for used in last.accounts() {
        let actor = match (used.account, used.email) {
            (Some(account), _) => KeptActor::Account(account),
            (None, Some(address)) => KeptActor::Address(address),
            (None, None) => continue,
        };
        add(&actor, None, used.last_used);
        for one in used.resources {
            add(&actor, Some(one.resource), one.last_used);
        }
    }
    uses
}
