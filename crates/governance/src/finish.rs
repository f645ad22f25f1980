//! A sync from its lists to its end.

use std::fmt::Display;
use std::sync::Arc;

use engine::HoldError;
use futures::future::join;
use store::{Actor, StoreError, SyncEnd, SyncState};
use tokio::runtime::Handle;

use crate::aside::aside;
use crate::assembly::{self, Assembled};
use crate::outlet::Outlet;
use crate::report::{KindReport, SyncOutcome, SyncReport};
use crate::sink::SyncSink;
use crate::sync::{Announcer, Lists, Sync, SyncError, SyncProgress, Unread};

/// A sync whose lists were read, as far as that can be.
///
/// It is over when [`ReadSync::close`] has said so: until then a crash repeats no page, and its rows can be
/// put together again, as often as they are wanted.
#[derive(Debug)]
pub struct ReadSync {
    sync: Arc<Sync>,
    lists: Arc<Lists>,
    /// What is still being read.
    unread: Option<Unread>,
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
        let lists = self.read_lists(progress, &Announcer::default()).await?;
        Ok(ReadSync { sync: Arc::new(self), lists: Arc::new(lists), unread: None })
    }

    /// The same, and has `with_rows` make something of the rows while the last lists are still being read, as far as that can
    /// be: it gets a sync whose rows end only when those have ended, and fail if one was not read to its end. What was
    /// made is as good as what is made of the sync that was read; nothing if that did not work out, for whatever reason,
    /// and nothing is begun if a result lacks something already.
    ///
    /// # Errors
    /// As [`Sync::read`].
    ///
    /// # Cancel safety
    /// As [`Sync::read`]; but threads that make rows hold the sync until they look at the next page.
    pub async fn read_and<T, E: Display, F: Future<Output = Result<T, E>>>(
        self,
        progress: &(dyn Fn(SyncProgress) + Send + std::marker::Sync),
        with_rows: impl FnOnce(ReadSync) -> F,
    ) -> Result<(ReadSync, Option<T>), SyncError> {
        let (sync, news) = (Arc::new(self), Announcer::default());
        let heard = news.listener();
        let reading = {
            let sync = &sync;
            // Takes the announcer along: when it has ended, whoever makes rows learns that nobody reads any more.
            async move {
                let lists = Arc::new(sync.read_lists(progress, &news).await?);
                news.over(Arc::clone(&lists));
                Ok::<_, SyncError>(lists)
            }
        };
        let making = async {
            let unread = heard.unread().await?;
            let lists = Arc::new(Lists { ends: unread.ends().clone(), requests: 0 });
            let read = ReadSync { sync: Arc::clone(&sync), lists, unread: Some(unread) };
            if read.unfinished().is_some() {
                return None;
            }
            let made = with_rows(read).await;
            if let Err(error) = &made {
                tracing::debug!(%error, "rows are put together when all lists are read");
            }
            made.ok()
        };
        // Waited for also when the reading fails: its threads would go on, and hold the sync.
        let (lists, made) = join(reading, making).await;
        Ok((ReadSync { sync, lists: lists?, unread: None }, made))
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

    /// Hands the rows of its part to `sink`, in the same order every time, and says what was read.
    ///
    /// # Errors
    /// [`SyncError`] if they cannot be read again, or not be kept.
    pub async fn assemble<S: SyncSink + 'static>(&self, sink: S) -> Result<(S, SyncReport), SyncError> {
        let mut outlet = self.outlet();
        let inlet = outlet.inlet();
        both_ends(join(aside(move || inlet.give_to(sink)), self.hand_out(outlet)).await)
    }

    /// Where the rows of its part are handed out.
    pub(crate) fn outlet(&self) -> Outlet {
        Outlet::new(self.sync.part.clone())
    }

    /// Hands out the rows of its part, in the same order every time, and says what was read.
    pub(crate) async fn hand_out(&self, mut outlet: Outlet) -> Result<SyncReport, SyncError> {
        let (sync, lists, runtime) = (Arc::clone(&self.sync), Arc::clone(&self.lists), Handle::current());
        let unread = self.unread.clone();
        let work = move || {
            let assembled =
                assembly::assemble(&sync, &lists.ends, unread.clone(), (runtime.clone(), &mut outlet))?;
            // Before the word that these are all rows.
            let lists = match unread {
                Some(mut unread) => runtime.block_on(unread.lists())?,
                None => lists,
            };
            outlet.end()?;
            Ok::<_, SyncError>((assembled, lists.requests))
        };
        let (Assembled { outcome, kinds }, requests) = aside(work).await?;
        Ok(SyncReport { sync_id: None, outcome, requests, kinds })
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

/// What came of rows at both ends of their way: who took them, and who handed them out. Whoever took them and
/// stopped is the reason why the other did.
pub(crate) fn both_ends<T, R, E, F, G>(
    (taken, handed_out): (Result<Option<T>, G>, Result<R, F>),
) -> Result<(T, R), E>
where
    E: From<F> + From<G>,
{
    let taken = taken?;
    let handed_out = handed_out?;
    Ok((taken.expect("rows that were handed out to their end were taken to their end"), handed_out))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Why(&'static str);

    fn come_of(taken: Result<Option<u8>, Why>, handed_out: Result<u8, Why>) -> Result<(u8, u8), Why> {
        both_ends((taken, handed_out))
    }

    // A full disk is told as that, not as somebody who stopped.
    #[test]
    fn whoever_stopped_first_says_why() {
        assert_eq!(come_of(Ok(Some(1)), Ok(2)), Ok((1, 2)));
        assert_eq!(come_of(Err(Why("full")), Err(Why("nobody there"))), Err(Why("full")));
        assert_eq!(come_of(Ok(None), Err(Why("the store"))), Err(Why("the store")));
    }
}
