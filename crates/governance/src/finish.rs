//! A sync from its lists to its end.

use std::sync::Arc;

use engine::HoldError;
use store::{Actor, StoreError, SyncEnd, SyncState};
use tokio::runtime::Handle;

use crate::assembly;
use crate::report::{KindReport, SyncOutcome, SyncReport};
use crate::sink::SyncSink;
use crate::sync::{Lists, Sync, SyncError, SyncProgress};

/// A sync whose lists were read, as far as that can be.
///
/// It is over when [`ReadSync::close`] has said so: until then a crash repeats no page, and its rows can be
/// put together again, as often as they are wanted.
#[derive(Debug)]
pub struct ReadSync {
    sync: Arc<Sync>,
    lists: Arc<Lists>,
}

impl Sync {
    /// Reads what is left of the lists. What the application refuses is part of the report.
    ///
    /// # Errors
    /// [`SyncError`] if this process cannot go on.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: pages that were read stay.
    pub async fn read(
        self,
        progress: &(dyn Fn(SyncProgress) + Send + std::marker::Sync),
    ) -> Result<ReadSync, SyncError> {
        let lists = self.read_lists(progress).await?;
        Ok(ReadSync { sync: Arc::new(self), lists: Arc::new(lists) })
    }
}

impl ReadSync {
    /// The sync.
    pub fn sync(&self) -> &Sync {
        &self.sync
    }

    /// What is to be said if there can be no result: a kind without which nothing is shown is missing. With
    /// the reason in a sentence.
    pub fn unfinished(&self) -> Option<(SyncReport, String)> {
        let (kinds, error) = assembly::missing(&self.sync, &self.lists.ends)?;
        Some((self.report(SyncOutcome::Unfinished, kinds), error))
    }

    /// Hands the rows to `sink`, in the same order every time, and says what they are.
    ///
    /// # Errors
    /// [`SyncError`] if they cannot be read again, or not be kept.
    pub async fn assemble<S: SyncSink + 'static>(&self, mut sink: S) -> Result<(S, SyncReport), SyncError> {
        let (sync, lists, runtime) = (Arc::clone(&self.sync), Arc::clone(&self.lists), Handle::current());
        let work = move || {
            let assembled = assembly::assemble(&sync, &lists.ends, (runtime, &mut sink))?;
            Ok::<_, SyncError>((assembled, sink))
        };
        let (assembled, sink) = match tokio::task::spawn_blocking(work).await {
            Ok(ended) => ended?,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going down and takes this task with it.
                Err(_) => std::future::pending().await,
            },
        };
        Ok((sink, self.report(assembled.outcome, assembled.kinds)))
    }

    /// Notes how the sync ended, and gives it out of hand. What was kept of it is destroyed once it is over;
    /// an unfinished one keeps its pages, and the same request goes on with it.
    ///
    /// # Errors
    /// [`SyncError`] if that cannot be noted: then it is not over.
    ///
    /// # Panics
    /// Never: a report can always be written as JSON.
    pub async fn close(self, report: &SyncReport, error: Option<&str>) -> Result<(), SyncError> {
        let store = self.sync.parts.store.clone();
        let state = match report.outcome {
            SyncOutcome::Complete => SyncState::Complete,
            SyncOutcome::Incomplete => SyncState::Incomplete,
            SyncOutcome::Unfinished => SyncState::Running,
        };
        let json = serde_json::to_value(report).expect("a report has text keys and plain values");
        let end = SyncEnd { state, sync_id: report.sync_id.as_deref(), report: &json, error };
        store.sync_end(self.sync.hold.lease(), &end).await?;
        let run = self.sync.id().clone();
        // Whoever puts rows together has given its part back by now.
        let sync = Arc::into_inner(self.sync).ok_or(StoreError::Damaged { what: "a sync in use" })?;
        if state == SyncState::Running {
            sync.hold.release().await?;
            return Ok(());
        }
        sync.hold.finish(None).await?;
        store.run_finish(&run, None).await?;
        store.run_forget(&run, Actor::system()).await?;
        Ok(())
    }

    fn report(&self, outcome: SyncOutcome, kinds: Vec<KindReport>) -> SyncReport {
        SyncReport { sync_id: None, outcome, requests: self.lists.requests, kinds }
    }
}

impl From<protos::EmptyPart> for SyncError {
    fn from(source: protos::EmptyPart) -> Self {
        Self::EmptyId(source)
    }
}

impl From<spec::expression::ExpressionError> for SyncError {
    fn from(source: spec::expression::ExpressionError) -> Self {
        Self::Expression(source)
    }
}

impl From<crate::MappingError> for SyncError {
    fn from(source: crate::MappingError) -> Self {
        Self::Item(source)
    }
}

impl From<HoldError> for SyncError {
    fn from(source: HoldError) -> Self {
        Self::Hold(source)
    }
}
