//! One sync that was due, from its claim to its status.

mod activity;
mod kinds;
mod of_source;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::Cancellation;
use model::RunId;
use store::{
    Actor, ClaimedSync, ConnectionSync, StoreError, SyncBeat, SyncLease, SyncLogLevel, SyncLogLine,
    SyncResult, SyncSettled, SyncState,
};
use tokio::time::Instant;

use super::hold::{Hold, Said, Standing};
use super::schedule::{next_after_failure, next_sync};
use super::{LEASE, OpenError, Worker};
use crate::finish::ReadSync;
use crate::inventory::{self, At, KeepRequest, Kept, ShrinkGuard};
use crate::report::{KindStatus, SyncReport};
use crate::source::Way;
use crate::sync::{Sync, SyncError, SyncParts, SyncProgress, SyncRequest};

/// How often a sync is taken up whose holders fell silent.
const MOST_ATTEMPTS: u64 = 10;
/// How long a program outside of the server that reads the same connection is waited for.
const WAIT: Duration = Duration::from_secs(10);

/// How work on a sync ended.
enum Ended {
    /// It is over.
    Over(Option<RunId>, SyncResult),
    /// It stands still, and goes on with whoever takes it next.
    Still,
}

type Lines = Arc<Mutex<Vec<SyncLogLine>>>;

impl Worker {
    /// Carries out a sync and notes how it ended.
    pub(super) async fn sync(self, (claimed, asked): (ClaimedSync, Instant), stop: Cancellation) {
        let ClaimedSync { mut sync, attempts, lease } = claimed;
        sync.guard &= self.parts().guard == ShrinkGuard::On;
        let lines: Lines = Arc::default();
        let hold = self.hold_sync((&lease, asked, stop), &lines);
        let work = Work { worker: &self, sync: &sync, lease: &lease, lines: &lines };
        let ended = if attempts > MOST_ATTEMPTS {
            let reason = format!(
                "the processes that read it ended {MOST_ATTEMPTS} times before it was done; look at their memory and logs"
            );
            Ok(Ended::Over(None, SyncResult::Failed(reason)))
        } else {
            Box::pin(work.carry_out(hold.cancellation())).await
        };
        let noted = match (ended, hold.standing()) {
            (_, Standing::Lost) => Ok(()),
            (Ok(Ended::Over(run, result)), _) => work.settle(run, result).await,
            (Ok(Ended::Still), _) | (Err(_), Standing::Stopped) => {
                self.parts().store.connection_sync_give_back(&lease).await
            }
            (Err(error), Standing::Held) => Err(error),
        };
        drop(hold);
        if let Err(error) = noted {
            // Its lease runs out by itself, and whoever takes it then sees how far it came.
            tracing::warn!(connection = %sync.connection, %error, "how a sync ended was not noted");
        }
        self.tell(&sync, &lines).await;
    }

    fn hold_sync(&self, (lease, asked, stop): (&SyncLease, Instant, Cancellation), lines: &Lines) -> Hold {
        let (worker, lease, lines) = (self.clone(), lease.clone(), Arc::clone(lines));
        let beat = move || {
            let (worker, lease, lines) = (worker.clone(), lease.clone(), Arc::clone(&lines));
            async move {
                let store = &worker.parts().store;
                let beat = store.connection_sync_beat(&lease, LEASE).await?;
                let told = taken(&lines);
                store.connection_sync_log_add(&lease.connection, &told).await?;
                Ok(match beat {
                    SyncBeat::GoOn => Said::GoOn,
                    SyncBeat::Paused => Said::Stop,
                })
            }
        };
        Hold::keep(beat, (asked, stop))
    }

    /// Writes what is to be said and was not yet.
    async fn tell(&self, sync: &ConnectionSync, lines: &Lines) {
        let told = taken(lines);
        if let Err(error) = self.parts().store.connection_sync_log_add(&sync.connection, &told).await {
            tracing::warn!(connection = %sync.connection, %error, "the log of a sync was not written");
        }
    }
}

/// A sync in hand.
struct Work<'a> {
    worker: &'a Worker,
    sync: &'a ConnectionSync,
    lease: &'a SyncLease,
    lines: &'a Lines,
}

impl Work<'_> {
    async fn carry_out(&self, cancellation: Cancellation) -> Result<Ended, StoreError> {
        let parts = self.worker.parts();
        if let Some(ended) = self.unsettled().await? {
            return Ok(ended);
        }
        let connection = &self.sync.connection;
        let opened = match parts.connected.open(connection).await {
            Ok(opened) => opened,
            Err(OpenError::Store(error)) => return Err(error),
            Err(OpenError::Lacking { reason }) => {
                self.say(SyncLogLevel::Warning, None, format!("not read: {reason}"));
                parts.store.connection_sync_disconnect(connection, &reason).await?;
                return Ok(Ended::Still);
            }
        };
        let (connector, limits) = match opened.way {
            Way::File { connector, limits } => (connector, limits),
            Way::Source(source) => return self.carry_out_of_source(&source, cancellation).await,
        };
        let calls = (connector.clone(), limits.clone());
        let Some(part) = kinds::part(&connector, &self.sync.kinds_off) else {
            return Ok(Ended::Over(None, SyncResult::Failed(kinds::NOTHING.to_owned())));
        };
        let sync_parts = SyncParts {
            connector,
            store: parts.store.clone(),
            limits,
            clock: Arc::clone(&parts.clock),
            cancellation: cancellation.clone(),
        };
        let request = SyncRequest {
            basis: opened.basis,
            worker: parts.name.clone(),
            wait: Some(WAIT),
            actor: Actor::system(),
        };
        let begun = match Sync::begin_part(sync_parts, &request, part).await {
            Ok(begun) => begun,
            Err(error) => return Ok(ended(None, &error)),
        };
        let run = begun.id().clone();
        parts.store.connection_sync_begun(self.lease, &run).await?;
        let words = if begun.is_resumed() { "goes on where it stopped" } else { "begins" };
        self.say(SyncLogLevel::Info, Some(&run), format!("the sync {words}"));
        match self.read_and_keep(begun, &run, &cancellation).await {
            Ok(ended) => {
                if let Ended::Over(_, SyncResult::Taken | SyncResult::Held(_)) = &ended {
                    self.read_activity(&run, calls, &cancellation).await;
                }
                Ok(ended)
            }
            Err(Broken::Store(error)) => Err(error),
            Err(Broken::Sync(SyncError::Store(error))) => Err(error),
            Err(Broken::Sync(error)) => Ok(ended(Some(run), &error)),
            Err(Broken::Keep(reason)) => Ok(Ended::Over(Some(run), SyncResult::Failed(reason))),
        }
    }

    async fn read_and_keep(
        &self,
        begun: Sync,
        run: &RunId,
        cancellation: &Cancellation,
    ) -> Result<Ended, Broken> {
        let parts = self.worker.parts();
        let request = &KeepRequest {
            store: &parts.store,
            connection: &self.sync.connection,
            guard: if self.sync.guard { ShrinkGuard::On } else { ShrinkGuard::Off },
            actor: Actor::system(),
        };
        let tell = |progress| {
            if let SyncProgress::Ended { kind } = progress {
                self.say(SyncLogLevel::Info, Some(run), format!("a list of `{kind}` is read"));
            }
        };
        let keep = |read: ReadSync| async move { read.keep(request).await };
        let (read, made) = begun.read_and(&tell, keep).await?;
        if let Some((report, error)) = read.unfinished() {
            self.say_kinds(run, &report);
            if cancellation.is_cancelled() {
                return Ok(Ended::Still);
            }
            read.close(&report, Some(&error)).await?;
            return Ok(Ended::Over(Some(run.clone()), SyncResult::Failed(error)));
        }
        let (kept, report) = match made {
            Some(made) => made,
            None => read.keep(request).await.map_err(|error| Broken::Keep(error.to_string()))?,
        };
        model::kill_point!("access_sync.kept");
        read.close(&report, None).await?;
        model::kill_point!("access_sync.closed");
        self.say_kinds(run, &report);
        Ok(Ended::Over(Some(run.clone()), self.result(run, &kept)))
    }

    fn result(&self, run: &RunId, kept: &Kept) -> SyncResult {
        let Some(shrink) = &kept.held else {
            let line = match kept.changed.len() {
                0 => "the sync is over; all is as it was".to_owned(),
                parts => format!("the sync is over; {parts} parts are others than they were"),
            };
            self.say(SyncLogLevel::Info, Some(run), line);
            return SyncResult::Taken;
        };
        let reason = shrink.to_string();
        self.say(SyncLogLevel::Warning, Some(run), format!("what was read is held back: {reason}"));
        SyncResult::Held(reason)
    }

    /// How the newest sync ended, if whoever carried it out was killed before they could say so.
    async fn unsettled(&self) -> Result<Option<Ended>, StoreError> {
        let (store, Some(run)) = (&self.worker.parts().store, &self.sync.last_run) else { return Ok(None) };
        let Some(ended) = store.sync_find(run).await? else { return Ok(None) };
        // What was asked for or planned since is another sync; and of one that ended later than now nobody knows
        // whether it was noted, since a clock was set.
        let is_noted = ended.ended_at <= self.sync.ended_at;
        let is_older = ended.ended_at < Some(self.sync.next_at);
        if is_noted || is_older || ended.ended_at > Some(self.worker.parts().clock.now()) {
            return Ok(None);
        }
        let result = match ended.state {
            SyncState::Running | SyncState::Failed | SyncState::Replaced => return Ok(None),
            SyncState::Complete | SyncState::Incomplete => {
                let held = inventory::find_state(store, &self.sync.connection, &At::Held).await?;
                let held = held.filter(|held| held.head.source.as_deref() == Some(run.as_str()));
                match held {
                    Some(held) => SyncResult::Held(held.head.reason.unwrap_or_default()),
                    None => SyncResult::Taken,
                }
            }
        };
        self.say(
            SyncLogLevel::Info,
            Some(run),
            "the sync is over; its status was still to be noted".to_owned(),
        );
        Ok(Some(Ended::Over(Some(run.clone()), result)))
    }

    async fn settle(&self, run: Option<RunId>, result: SyncResult) -> Result<(), StoreError> {
        let parts = self.worker.parts();
        let (now, sync) = (parts.clock.now(), self.sync);
        // As it is now: somebody may have set another one meanwhile.
        let set = parts.store.connection_sync_find(&sync.connection).await?;
        let schedule = set.as_ref().map_or(&sync.schedule, |set| &set.schedule);
        let next_at = match &result {
            SyncResult::Taken | SyncResult::Held(_) => {
                // From its beginning, so that intervals do not grow by what a sync takes; unless a clock was set.
                let begun = sync.started_at.filter(|begun| *begun <= now).unwrap_or(now);
                next_sync(schedule, begun).max(now)
            }
            SyncResult::Failed(reason) => {
                self.say(SyncLogLevel::Error, run.as_ref(), format!("the sync failed: {reason}"));
                next_after_failure(schedule, now, sync.failures + 1)
            }
        };
        let word = match &result {
            SyncResult::Taken => "taken",
            SyncResult::Held(_) => "held",
            SyncResult::Failed(_) => "failed",
        };
        let settled = SyncSettled { run, result, next_at };
        parts.store.connection_sync_settle(self.lease, &settled).await?;
        tracing::info!(connection = %sync.connection, result = word, next = %next_at, "a sync is over");
        Ok(())
    }

    fn say_kinds(&self, run: &RunId, report: &SyncReport) {
        for kind in &report.kinds {
            let (level, status) = match kind.status {
                KindStatus::Complete => (SyncLogLevel::Info, "complete"),
                KindStatus::Incomplete => (SyncLogLevel::Warning, "incomplete"),
                KindStatus::Unavailable => (SyncLogLevel::Warning, "unavailable"),
            };
            let reason = kind.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let line = format!(
                "`{}` is {status}, {} resources, {} entitlements, {} grants{reason}",
                kind.kind, kind.resources, kind.entitlements, kind.grants
            );
            self.say(level, Some(run), line);
        }
    }

    fn say(&self, level: SyncLogLevel, run: Option<&RunId>, line: String) {
        let at = self.worker.parts().clock.now();
        let line = SyncLogLine { at, level, run: run.cloned(), line };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

/// Why a sync that had begun has no result.
enum Broken {
    Store(StoreError),
    Sync(SyncError),
    /// What was read could not be kept; it is kept anew with the next try, without a call.
    Keep(String),
}

impl From<SyncError> for Broken {
    fn from(source: SyncError) -> Self {
        Self::Sync(source)
    }
}

impl From<StoreError> for Broken {
    fn from(source: StoreError) -> Self {
        Self::Store(source)
    }
}

/// A sync that could not go on.
fn ended(run: Option<RunId>, error: &SyncError) -> Ended {
    match error {
        // Asked to stop, or somebody else has it.
        SyncError::Stopped { .. } | SyncError::Lost { .. } => Ended::Still,
        SyncError::NoGovernance { .. }
        | SyncError::NotHere { .. }
        | SyncError::Hold(_)
        | SyncError::Store(_)
        | SyncError::Expression(_)
        | SyncError::Item(_)
        | SyncError::EmptyId(_)
        | SyncError::BrokenOff
        | SyncError::Sink(_) => Ended::Over(run, SyncResult::Failed(error.to_string())),
    }
}

fn taken(lines: &Lines) -> Vec<SyncLogLine> {
    std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner))
}
