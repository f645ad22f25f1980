//! How far the reading of lists is, for whoever makes rows of them meanwhile.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::watch;

use super::{ListEnds, Lists, SyncError};
use crate::listing::UnitNumber;

#[derive(Debug, Default)]
struct News {
    left: Option<Arc<Left>>,
    /// Numbers of the lists that have ended.
    over: HashSet<u32>,
    /// Whether one of them ended in another way than was told.
    is_broken: bool,
    /// All lists, once they are read.
    lists: Option<Arc<Lists>>,
}

/// What is left to be read.
#[derive(Debug)]
pub(super) struct Left {
    /// The unit whose pages are worth a look as they come.
    pub(super) unit: UnitNumber,
    /// Its kind.
    pub(super) kind: String,
    /// Numbers of other lists that have not ended yet.
    pub(super) others: HashSet<u32>,
    /// How all lists end if all of it is read to its end.
    pub(super) ends: ListEnds,
}

/// Where it is told.
#[derive(Debug, Default)]
pub(crate) struct Announcer(watch::Sender<News>);

/// Where it is heard.
#[derive(Debug)]
pub(crate) struct Listener(watch::Receiver<News>);

/// The unit that is still being read, or was until just now, and perhaps lists that nothing follows from.
#[derive(Debug, Clone)]
pub(crate) struct Unread {
    told: Arc<Left>,
    news: watch::Receiver<News>,
}

impl Announcer {
    /// Somebody who hears it.
    pub(crate) fn listener(&self) -> Listener {
        Listener(self.0.subscribe())
    }

    /// A page of a kind was kept: worth a look for whoever waits for one.
    pub(super) fn page(&self, kind: &str) {
        self.0.send_if_modified(|news| news.left.as_ref().is_some_and(|left| left.kind == kind));
    }

    /// One unit is left, and perhaps lists that nothing follows from.
    pub(super) fn left(&self, left: Left) {
        self.0.send_modify(|news| news.left = Some(Arc::new(left)));
    }

    /// A list has ended.
    pub(super) fn list_over(&self, list: u32, is_whole: bool) {
        self.0.send_modify(|news| {
            news.over.insert(list);
            news.is_broken |= news.left.is_some() && !is_whole;
        });
    }

    /// All lists are read.
    pub(crate) fn over(&self, lists: Arc<Lists>) {
        self.0.send_modify(|news| news.lists = Some(lists));
    }
}

impl Listener {
    /// Waits until one unit is left, and at most lists that nothing follows from. Nothing if that never comes.
    pub(crate) async fn unread(mut self) -> Option<Unread> {
        let news = self.0.wait_for(|news| news.left.is_some() || news.lists.is_some()).await.ok()?;
        let told = news.left.clone()?;
        drop(news);
        Some(Unread { told, news: self.0 })
    }
}

impl Unread {
    /// The unit whose pages are worth a look as they come.
    pub(crate) fn followed(&self) -> UnitNumber {
        self.told.unit
    }

    /// How all lists end if what is left is read to its end.
    pub(crate) fn ends(&self) -> &ListEnds {
        &self.told.ends
    }

    /// Waits until a list has ended, if it had not when this was told.
    ///
    /// # Errors
    /// As [`Unread::is_over`].
    pub(crate) async fn list_over(&mut self, list: u32) -> Result<(), SyncError> {
        if !self.told.others.contains(&list) {
            return Ok(());
        }
        let has_ended = |news: &News| news.over.contains(&list) || news.is_broken || news.lists.is_some();
        self.news.wait_for(has_ended).await.map_err(|_| SyncError::BrokenOff)?;
        self.check()
    }

    /// Whether all its pages are kept by now; others may still be read.
    ///
    /// # Errors
    /// [`SyncError::BrokenOff`] if the lists do not end as [`Unread::ends`] has it, or nobody reads them any more.
    pub(crate) fn is_over(&mut self) -> Result<bool, SyncError> {
        self.news.mark_unchanged();
        self.standing()
    }

    /// Fails once what was made of its rows is worth nothing.
    ///
    /// # Errors
    /// As [`Unread::is_over`].
    pub(crate) fn check(&self) -> Result<(), SyncError> {
        self.standing().map(|_| ())
    }

    fn standing(&self) -> Result<bool, SyncError> {
        // Asked first: what was said before nobody read any more is seen below.
        let is_closed = self.news.has_changed().is_err();
        let news = self.news.borrow();
        match &news.lists {
            Some(lists) if lists.ends == *self.ends() => Ok(true),
            None if !is_closed && !news.is_broken => Ok(news.over.contains(&self.followed().listing())),
            Some(_) | None => Err(SyncError::BrokenOff),
        }
    }

    /// Waits until there may be more of it than there was when [`Unread::is_over`] was asked.
    ///
    /// # Errors
    /// [`SyncError::BrokenOff`] if nobody reads it any more.
    pub(crate) async fn more(&mut self) -> Result<(), SyncError> {
        self.news.changed().await.map_err(|_| SyncError::BrokenOff)
    }

    /// All lists, once they are read.
    ///
    /// # Errors
    /// [`SyncError::BrokenOff`] if they do not end as [`Unread::ends`] has it.
    pub(crate) async fn lists(&mut self) -> Result<Arc<Lists>, SyncError> {
        let news = self.news.wait_for(|news| news.lists.is_some()).await;
        let lists = news.ok().and_then(|news| news.lists.clone());
        lists.filter(|lists| lists.ends == *self.ends()).ok_or(SyncError::BrokenOff)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use model::IncompleteReason;

    use super::*;
    use crate::sync::UnitEnd;

    /// A list of accounts with the number 0 is followed, one of members with the number 1 is read beside it.
    async fn told() -> (Announcer, Unread) {
        let announcer = Announcer::default();
        let listener = announcer.listener();
        announcer.left(Left {
            unit: UnitNumber::new(0, 0),
            kind: "user".to_owned(),
            others: HashSet::from([1]),
            ends: ends(),
        });
        (announcer, listener.unread().await.unwrap())
    }

    fn ends() -> ListEnds {
        vec![Some(UnitEnd::Complete), Some(UnitEnd::Complete)]
    }

    fn broken_off(result: &Result<impl Sized, SyncError>) -> bool {
        matches!(result, Err(SyncError::BrokenOff))
    }

    // Half of a list would pass for the whole (architecture law 4).
    #[tokio::test]
    async fn a_list_is_waited_for_until_it_has_ended() {
        let (announcer, unread) = told().await;

        let (mut of_known, mut of_other) = (unread.clone(), unread.clone());
        let mut waiting = Box::pin(of_other.list_over(1));

        of_known.list_over(7).now_or_never().expect("it had ended before").unwrap();
        assert!(waiting.as_mut().now_or_never().is_none());
        announcer.list_over(0, true);
        assert!(waiting.as_mut().now_or_never().is_none(), "another one has ended");
        announcer.list_over(1, true);
        waiting.now_or_never().expect("it has ended").unwrap();
    }

    #[tokio::test]
    async fn pages_are_all_there_when_their_own_list_has_ended() {
        let (announcer, mut unread) = told().await;

        assert!(!unread.is_over().unwrap());
        announcer.list_over(1, true);
        assert!(!unread.is_over().unwrap());
        announcer.list_over(0, true);
        assert!(unread.is_over().unwrap());
        assert!(unread.lists().now_or_never().is_none(), "all lists are not read by that");
    }

    #[tokio::test]
    async fn a_list_that_ends_otherwise_breaks_off_whatever_is_made() {
        let (announcer, mut unread) = told().await;
        let mut other = unread.clone();
        let waiting = other.list_over(1);

        announcer.list_over(1, false);

        assert!(broken_off(&waiting.now_or_never().unwrap()));
        assert!(broken_off(&unread.check()) && broken_off(&unread.is_over()));
        announcer.list_over(0, true);
        assert!(broken_off(&unread.is_over()));
    }

    #[tokio::test]
    async fn other_ends_than_told_and_nobody_who_reads_break_off_too() {
        let (announcer, mut unread) = told().await;
        let incomplete = UnitEnd::Incomplete {
            reason: IncompleteReason::Upstream,
            status: None,
            detail: "it failed".to_owned(),
        };
        let mut other = ends();
        other[1] = Some(incomplete);
        announcer.over(Arc::new(Lists { ends: other, requests: 1 }));
        assert!(broken_off(&unread.list_over(1).await) && broken_off(&unread.lists().await));

        let (announcer, mut unread) = told().await;
        drop(announcer);
        assert!(broken_off(&unread.list_over(1).await) && broken_off(&unread.is_over()));

        let (announcer, mut unread) = told().await;
        announcer.over(Arc::new(Lists { ends: ends(), requests: 1 }));
        drop(announcer);
        unread.list_over(1).await.unwrap();
        assert!(unread.is_over().unwrap());
        unread.lists().await.unwrap();
    }

    // Thousands of short lists may be read beside the one that is followed.
    #[tokio::test]
    async fn pages_of_other_kinds_wake_nobody() {
        let (announcer, mut unread) = told().await;
        assert!(!unread.is_over().unwrap());
        let mut more = Box::pin(unread.more());

        announcer.page("group");
        assert!(more.as_mut().now_or_never().is_none());
        announcer.page("user");
        more.now_or_never().expect("there is more").unwrap();
    }
}
