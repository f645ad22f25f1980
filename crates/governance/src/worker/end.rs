//! Taking access whose time has come.

use std::sync::Arc;
use std::time::Duration;

use engine::Cancellation;
use jiff::Timestamp;
use store::{
    AccessEndFilter, AccessEndLease, AccessEndState, Actor, ClaimedAccessEnd, StoreError, SyncLogLevel,
    SyncLogLine, Window,
};
use tokio::time::Instant;

use super::hold::{Hold, Said};
use super::{LEASE, OpenError, Worker, after};
use crate::change::{AccessChanges, ChangeError, ChangePlace, ChangeReport, ChangeResult, TimedEnd};

/// How soon an end that failed is tried again; twice as long after each further failure.
const RETRY: Duration = Duration::from_mins(1);
/// The longest wait between two tries.
const LONGEST_RETRY: Duration = Duration::from_hours(1);
/// So long the application may go on showing what it took, before somebody is told.
const SHOWN: u64 = 3;

/// What became of an end whose time had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndReport {
    /// The end as it was.
    pub end: store::AccessEnd,
    /// What became of it.
    pub outcome: EndOutcome,
}

/// What became of an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndOutcome {
    /// The access was taken, or was gone already.
    Taken(ChangeReport),
    /// Nothing had been given.
    NothingGiven,
    /// It is still there.
    Stays {
        /// Why; without values.
        reason: String,
        /// When it is tried again.
        next_at: Timestamp,
    },
}

impl Worker {
    /// Ends access; none if somebody else has taken that over, or if the end has not come any more.
    pub(super) async fn end(self, (claimed, asked): (ClaimedAccessEnd, Instant)) -> Option<EndReport> {
        let ClaimedAccessEnd { end, lease } = claimed;
        let hold = self.hold_end((&lease, asked));
        let ended = Box::pin(self.end_in(&end)).await;
        let outcome = match ended {
            Ok(Some(outcome)) => outcome,
            Ok(None) => return None,
            Err(Failed { reason, is_told }) => {
                let doubled = u32::try_from(end.attempts.min(10)).unwrap_or(0);
                let wait = RETRY.saturating_mul(2_u32.saturating_pow(doubled)).min(LONGEST_RETRY);
                let next_at = after(self.parts().clock.now(), wait);
                let retry = store::AccessEndRetry { error: &reason, next_at, is_told };
                match self.parts().store.access_end_retry(&lease, &retry).await {
                    Ok(()) => EndOutcome::Stays { reason, next_at },
                    // Somebody else ended it, or goes on with it.
                    Err(StoreError::Fenced { .. }) => return None,
                    Err(error) => {
                        tracing::warn!(end = %end.id, %error, "an end of access that failed was not noted");
                        return None;
                    }
                }
            }
        };
        drop(hold);
        self.tell_end(&end, &outcome).await;
        Some(EndReport { end, outcome })
    }

    /// Ends that failed by a clock that was ahead are tried again now.
    pub(super) async fn replan_ends(&self, now: Timestamp) -> Result<(), StoreError> {
        let (store, latest) = (&self.parts().store, after(now, LONGEST_RETRY));
        let open = AccessEndFilter { connection: None, open_only: true };
        for end in store.access_end_list(open, Window::ALL).await?.items {
            let is_late = end.next_at > latest && end.next_at > end.due_at;
            // One that is pending is open only if something was given.
            if is_late && (end.state == AccessEndState::Open || store.run_has_sent(&end.run).await?) {
                store.access_end_open(&end.id, end.due_at, Actor::system()).await?;
            }
        }
        Ok(())
    }

    fn hold_end(&self, (lease, asked): (&AccessEndLease, Instant)) -> Hold {
        let (store, lease) = (self.parts().store.clone(), lease.clone());
        let beat = move || {
            let (store, lease) = (store.clone(), lease.clone());
            async move { store.access_end_beat(&lease, LEASE).await.map(|()| Said::GoOn) }
        };
        Hold::keep(beat, (asked, Cancellation::never()))
    }

    async fn end_in(&self, end: &store::AccessEnd) -> Result<Option<EndOutcome>, Failed> {
        let parts = self.parts();
        let failed = |error: &dyn std::fmt::Display| Failed { reason: error.to_string(), is_told: true };
        let pause = parts.store.connection_pause_of_person(&end.connection).await;
        // A person's pause stops writes too (governance CON-25); the guard against odd syncs does not.
        if let Some(reason) = pause.map_err(|error| failed(&error))? {
            return Err(failed(&format!("the connection is paused: {reason}")));
        }
        let opened = parts.connected.open(&end.connection).await.map_err(|error| match error {
            OpenError::Lacking { reason } => failed(&reason),
            OpenError::Store(error) => failed(&error),
        })?;
        let place = ChangePlace {
            store: parts.store.clone(),
            clock: Arc::clone(&parts.clock),
            ids: Arc::clone(&parts.ids),
            worker: parts.name.clone(),
        };
        let changes = AccessChanges::of(opened.way, place).map_err(|error| failed(&error))?;
        let ended = Box::pin(changes.end(end, &Actor::system())).await.map_err(|error| Failed {
            // One that waits for its turn has not failed yet.
            is_told: !matches!(error, ChangeError::Busy { .. }) || end.attempts >= SHOWN,
            reason: error.to_string(),
        })?;
        let report = match ended {
            TimedEnd::Taken(report) => report,
            TimedEnd::NothingGiven => return Ok(Some(EndOutcome::NothingGiven)),
            TimedEnd::PutOff => return Ok(None),
        };
        match report.result {
            ChangeResult::Already | ChangeResult::Confirmed | ChangeResult::StillReachable => {
                Ok(Some(EndOutcome::Taken(report)))
            }
            ChangeResult::DoneButNotVisible => Err(Failed {
                reason: "the application took the change and does not show it yet".to_owned(),
                is_told: end.attempts >= SHOWN,
            }),
            ChangeResult::Failed | ChangeResult::Unknown => {
                let note = report.note.unwrap_or_else(|| report.result.as_str().to_owned());
                let detail = report.detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
                Err(failed(&format!("{note}{detail}")))
            }
        }
    }

    async fn tell_end(&self, end: &store::AccessEnd, outcome: &EndOutcome) {
        let (level, line) = match outcome {
            EndOutcome::Taken(report) => {
                tracing::info!(end = %end.id, connection = %end.connection, result = report.result.as_str(), "access whose time was over was taken");
                let still = if report.result == ChangeResult::StillReachable {
                    "; it is still reachable in another way"
                } else {
                    ""
                };
                (SyncLogLevel::Info, format!("{}: access whose time was over was taken{still}", end.id))
            }
            EndOutcome::NothingGiven => {
                (SyncLogLevel::Info, format!("{}: nothing had been given, so nothing was taken", end.id))
            }
            EndOutcome::Stays { reason, next_at } => {
                tracing::error!(end = %end.id, connection = %end.connection, %reason, "access whose time is over could not be taken; it is tried again");
                let line = format!(
                    "{}: access whose time is over could not be taken: {reason}; tried again at {next_at}",
                    end.id
                );
                (SyncLogLevel::Error, line)
            }
        };
        let line = SyncLogLine { at: self.parts().clock.now(), level, run: None, line };
        if let Err(error) = self.parts().store.connection_sync_log_add(&end.connection, &[line]).await {
            tracing::warn!(%error, "a line of a connection's log was not written");
        }
    }
}

struct Failed {
    reason: String,
    is_told: bool,
}
