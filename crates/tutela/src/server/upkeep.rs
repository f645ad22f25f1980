use std::sync::Arc;
use std::time::Duration;

use baton::control::ControlPlane;
use jiff::{SignedDuration, Timestamp};
use model::SystemClock;
use privacy::Retention;
use privacy::request::PrivacyRequests;
use privacy::worker::Services;
use store::Store;

use crate::service::{forget_past, worker};
use crate::state::StateSettings;

/// How often new entries of the audit log are numbered and signed.
const SIGN_EVERY: Duration = Duration::from_secs(1);
/// How often personal data past its time, and packages past theirs, are destroyed.
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// How often deadlines are looked at, and what holds that have ended left over.
const KEEP_EVERY: Duration = Duration::from_mins(5);
/// How often it is looked at which messages to vendors left.
const SETTLE_EVERY: Duration = Duration::from_secs(10);
/// How long one process alone does that.
const KEEP_LEASE: Duration = Duration::from_mins(2);

/// What people and laws were promised.
#[derive(Debug)]
pub(crate) struct Promises {
    /// The requests of people.
    pub(crate) requests: PrivacyRequests,
    /// What vendors that stand in a dataset are looked up with.
    pub(crate) services: Arc<dyn Services>,
    /// How long before a deadline those who are responsible are told.
    pub(crate) remind_before: Duration,
    /// How long personal data stays.
    pub(crate) retention: Retention,
    /// How long it stays known who had access.
    pub(crate) inventory: Duration,
    /// What connectors that run elsewhere upload to, where they do.
    pub(crate) control: Option<ControlPlane>,
}

impl Promises {
    /// Tells of deadlines that are near, and completes what was left until a hold ended. One process at a
    /// time does it.
    async fn keep(&self, store: &Store, holder: &str) {
        let lease = match store.lease_take("promises", holder, KEEP_LEASE).await {
            Ok(Some(lease)) => lease,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "deadlines were not looked at"),
        };
        if let Err(error) = self.requests.remind(self.remind_before).await {
            tracing::warn!(%error, "nobody was told of deadlines that are near");
        }
        match self.requests.vendor_mail_on_time(&*self.services).await {
            Ok(sent) => {
                if sent.requests > 0 {
                    tracing::info!(
                        messages = sent.messages,
                        requests = sent.requests,
                        "vendors are written to"
                    );
                }
                if sent.held_up > 0 {
                    tracing::error!(
                        requests = sent.held_up,
                        "requests wait for vendors that cannot be written to"
                    );
                }
            }
            Err(error) => tracing::warn!(%error, "vendors were not written to"),
        }
        match privacy::hold::complete_rests(&self.requests, store).await {
            Ok(0) => {}
            Ok(made) => tracing::info!(made, "holds ended: what they kept is erased now"),
            Err(error) => tracing::warn!(%error, "what holds left over was not completed"),
        }
        if let Err(error) = store.lease_release(&lease).await {
            tracing::warn!(%error, "a lease ends by itself");
        }
    }
}

/// Does what has to be done beside the calls, without end: numbers and signs the audit log, destroys
/// what is past its time. What goes wrong is told and tried again.
pub(crate) async fn keep_up(store: Store, place: StateSettings, promises: Promises) {
    let mut sign = tokio::time::interval(SIGN_EVERY);
    sign.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut forget = tokio::time::interval(FORGET_EVERY);
    let mut keep = tokio::time::interval(KEEP_EVERY);
    keep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut settle = tokio::time::interval(SETTLE_EVERY);
    settle.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let holder = worker();
    loop {
        tokio::select! {
            _ = settle.tick() => {
                if let Err(error) = promises.requests.vendor_mail_settle().await {
                    tracing::warn!(%error, "requests that wait for messages to vendors were not looked at");
                }
            }
            _ = sign.tick() => sign_log(&store, &place, &holder).await,
            _ = forget.tick() => {
                forget_past(&store, promises.retention).await;
                forget_inventory(&store, promises.inventory).await;
                forget_assertions(&store).await;
                remove_left_uploads(promises.control.as_ref()).await;
                place.clean(&SystemClock);
            }
            _ = keep.tick() => promises.keep(&store, &holder).await,
        }
    }
}

/// Destroys states of the inventory that were in force too long ago, one bounded pass each time.
async fn forget_inventory(store: &Store, history: Duration) {
    let history = SignedDuration::try_from(history).unwrap_or(SignedDuration::MAX);
    let before = store.clock().now().checked_sub(history).unwrap_or(Timestamp::MIN);
    match governance::inventory::forget(store, before).await {
        Ok(gone) if gone.states == 0 => {}
        Ok(gone) => tracing::info!(states = gone.states, "old states of the inventory were destroyed"),
        Err(error) => tracing::warn!(%error, "old states of the inventory were not destroyed"),
    }
}

/// Forgets assertions of connectors that nobody could show again.
async fn forget_assertions(store: &Store) {
    match store.baton_assertion_forget().await {
        Ok(gone) => tracing::debug!(gone, "assertions that have ended are forgotten"),
        Err(error) => tracing::warn!(%error, "assertions that have ended were not forgotten"),
    }
}

/// Removes files of uploads whose process was killed. They lie in the folder of this process alone.
async fn remove_left_uploads(control: Option<&ControlPlane>) {
    let Some(control) = control.cloned() else { return };
    let removed = tokio::task::spawn_blocking(move || control.remove_left_files()).await;
    match removed {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "files of uploads that broke off stay"),
        Err(error) => tracing::error!(%error, "files of uploads that broke off were not looked for"),
    }
}

pub(super) async fn sign_log(store: &Store, place: &StateSettings, holder: &str) {
    match store.audit_waiting().await {
        Ok(0) => {}
        Ok(_) => {
            if let Err(error) = privacy::publish(store, &place.folder, holder).await {
                tracing::warn!(%error, "new entries of the audit log were not signed");
            }
        }
        Err(error) => tracing::warn!(%error, "the audit log was not looked at"),
    }
}
