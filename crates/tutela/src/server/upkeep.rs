use std::time::Duration;

use model::SystemClock;
use store::Store;

use crate::service::{forget_expired_of, worker};
use crate::state::StateSettings;

/// How often new entries of the audit log are numbered and signed.
const SIGN_EVERY: Duration = Duration::from_secs(1);
/// How often personal data past its time, and packages past theirs, are destroyed.
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// Does what has to be done beside the calls, without end: numbers and signs the audit log, destroys
/// what is past its time. What goes wrong is told and tried again.
pub(crate) async fn keep_up(store: Store, place: StateSettings) {
    let mut sign = tokio::time::interval(SIGN_EVERY);
    sign.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut forget = tokio::time::interval(FORGET_EVERY);
    let holder = worker();
    loop {
        tokio::select! {
            _ = sign.tick() => sign_log(&store, &place, &holder).await,
            _ = forget.tick() => {
                forget_expired_of(&store).await;
                place.clean(&SystemClock);
            }
        }
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
