//! A sync of something that is not behind a connector file: one reading, from its beginning to its end.

use std::sync::Arc;
use std::time::Duration;

use engine::{Cancellation, HoldRequest, TaskHold};
use model::{Outcome, RandomIds, RunId, kill_point};
use store::{Actor, NewSync, SYNC_TASK, StoreError, SyncEnd, SyncLogLevel, SyncResult, SyncState};

use super::{Ended, WAIT, Work};
use crate::inventory::{self, KeepRequest, ShrinkGuard};
use crate::report::{SyncOutcome, SyncReport};
use crate::source::{Source, SourceError, SourceReading};

/// One that a crash left behind is begun anew, with its run.
const RESUME_WITHIN: Duration = Duration::from_hours(7 * 24);

impl Work<'_> {
    pub(super) async fn carry_out_of_source(
        &self,
        source: &Arc<dyn Source>,
        stop: Cancellation,
    ) -> Result<Ended, StoreError> {
        let parts = self.worker.parts();
        let new = NewSync {
            connection: &self.sync.connection,
            basis: source.basis(),
            resume_within: RESUME_WITHIN,
            actor: Actor::system(),
        };
        let run = parts.store.sync_begin(&new, &RandomIds).await?.run;
        let (kind, name) = SYNC_TASK;
        let request = HoldRequest {
            run: run.clone(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            worker: parts.name.clone(),
            wait: Some(WAIT),
        };
        let hold = match TaskHold::claim(&parts.store, &request).await {
            Ok(hold) => hold,
            Err(error) => return Ok(Ended::Over(None, SyncResult::Failed(error.to_string()))),
        };
        parts.store.connection_sync_begun(self.lease, &run).await?;
        self.say(SyncLogLevel::Info, Some(&run), "the sync begins".to_owned());
        match source.read(stop.clone()).await {
            // Whoever has it next begins it anew.
            Err(_) if stop.is_cancelled() => {
                hold.release().await?;
                Ok(Ended::Still)
            }
            Err(error) => self.fail(hold, (&run, &error)).await,
            Ok(reading) => self.keep_reading(hold, (&run, &reading)).await,
        }
    }

    async fn fail(&self, hold: TaskHold, (run, error): (&RunId, &SourceError)) -> Result<Ended, StoreError> {
        let store = &self.worker.parts().store;
        let report =
            SyncReport { sync_id: None, outcome: SyncOutcome::Unfinished, requests: 0, kinds: Vec::new() };
        let reason = error.to_string();
        end(store, hold, (&report, Some(&reason))).await?;
        Ok(Ended::Over(Some(run.clone()), SyncResult::Failed(reason)))
    }

    async fn keep_reading(
        &self,
        hold: TaskHold,
        (run, reading): (&RunId, &SourceReading),
    ) -> Result<Ended, StoreError> {
        let store = &self.worker.parts().store;
        let request = KeepRequest {
            store,
            connection: &self.sync.connection,
            guard: if self.sync.guard { ShrinkGuard::On } else { ShrinkGuard::Off },
            actor: Actor::system(),
        };
        let kept = match inventory::keep_reading(&request, reading, run).await {
            Ok(kept) => kept,
            Err(error) => {
                let reason = error.to_string();
                end(store, hold, (reading.report(), Some(&reason))).await?;
                return Ok(Ended::Over(Some(run.clone()), SyncResult::Failed(reason)));
            }
        };
        kill_point!("access_sync.kept");
        end(store, hold, (reading.report(), None)).await?;
        kill_point!("access_sync.closed");
        self.say_kinds(run, reading.report());
        Ok(Ended::Over(Some(run.clone()), self.result(run, &kept)))
    }
}

/// Notes how the sync ended, and gives it out of hand.
async fn end(
    store: &store::Store,
    hold: TaskHold,
    (report, error): (&SyncReport, Option<&str>),
) -> Result<(), StoreError> {
    let state = match (report.outcome, error) {
        (SyncOutcome::Unfinished, _) | (_, Some(_)) => SyncState::Failed,
        (SyncOutcome::Complete, None) => SyncState::Complete,
        (SyncOutcome::Incomplete, None) => SyncState::Incomplete,
    };
    let json = serde_json::to_value(report).expect("a report has text keys and plain values");
    let end = SyncEnd { state, sync_id: report.sync_id.as_deref(), report: &json, error };
    store.sync_end(hold.lease(), &end).await?;
    let run = hold.lease().run.clone();
    hold.finish(None).await?;
    store.run_finish(&run, error.map(|_| Outcome::Failed)).await?;
    store.run_forget(&run, Actor::system()).await
}
