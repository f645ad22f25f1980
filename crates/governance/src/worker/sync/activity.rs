//! Events of use, read once a sync is over.

use std::sync::Arc;

use connector::Connector;
use engine::{Cancellation, Concurrency};
use model::RunId;
use store::SyncLogLevel;

use super::Work;
use crate::activity::{ActivityError, ActivityLog, ActivityOutcome};

impl Work<'_> {
    /// Reads the events since the sync before, if the application lists any, and keeps what was used when. Whatever
    /// goes wrong stands in the log and with what is known of use, and the sync is over all the same.
    pub(super) async fn read_activity(
        &self,
        run: &RunId,
        (connector, limits): (Connector, Concurrency),
        cancellation: &Cancellation,
    ) {
        let parts = self.worker.parts();
        let log = match ActivityLog::new(connector, limits, Arc::clone(&parts.clock)) {
            Ok(log) => log,
            Err(ActivityError::NoActivity { .. } | ActivityError::NotHere { .. }) => return,
            Err(error) => {
                self.say(SyncLogLevel::Warning, Some(run), format!("events of use were not read: {error}"));
                return;
            }
        };
        let kept = tokio::select! {
            kept = log.keep(&parts.store, None) => kept,
            () = cancellation.cancelled() => {
                self.say(SyncLogLevel::Warning, Some(run), "the reading of events of use was stopped".to_owned());
                return;
            }
        };
        let (level, line) = match kept {
            Ok(kept) => {
                let events = kept.report.events;
                match kept.report.outcome {
                    ActivityOutcome::Complete => {
                        (SyncLogLevel::Info, format!("{events} events of use were read"))
                    }
                    ActivityOutcome::Incomplete => {
                        let reason = kept.report.reason.unwrap_or_default();
                        (
                            SyncLogLevel::Warning,
                            format!("{events} events of use were read, not all: {reason}"),
                        )
                    }
                }
            }
            Err(error) => (SyncLogLevel::Warning, format!("events of use were not read: {error}")),
        };
        self.say(level, Some(run), line);
    }
}
