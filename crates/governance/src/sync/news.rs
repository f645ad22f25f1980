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
pub(crate) struct LastUnit {
    told: Arc<Left>,
    news: watch::Receiver<News>,
}

impl Announcer {
    /// Somebody who hears it.
    pub(crate) fn listener(&self) -> Listener {
        Listener(self.0.subscribe())
    }

    /// A page was kept: it is worth a look.
    pub(super) fn page(&self) {
        self.0.send_modify(|_| {});
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
    pub(crate) async fn last(mut self) -> Option<LastUnit> {
        let news = self.0.wait_for(|news| news.left.is_some() || news.lists.is_some()).await.ok()?;
        let told = news.left.clone()?;
        drop(news);
        Some(LastUnit { told, news: self.0 })
    }
}

impl LastUnit {
    pub(crate) fn unit(&self) -> UnitNumber {
        self.told.unit
    }

    /// How all lists end if what is left is read to its end.
    pub(crate) fn ends(&self) -> &ListEnds {
        &self.told.ends
    }

    /// Waits until a list has ended, if it had not when this was told.
    ///
    /// # Errors
    /// As [`LastUnit::is_over`].
    pub(crate) async fn list_over(&mut self, list: u32) -> Result<(), SyncError> {
        if !self.told.others.contains(&list) {
            return Ok(());
        }
        let has_ended = |news: &News| news.over.contains(&list) || news.is_broken || news.lists.is_some();
        self.news.wait_for(has_ended).await.map_err(|_| SyncError::BrokenOff)?;
        self.check()
    }

    /// Whether all its pages are kept by now.
    ///
    /// # Errors
    /// [`SyncError::BrokenOff`] if the lists do not end as [`LastUnit::ends`] has it, or nobody reads them any more.
    pub(crate) fn is_over(&mut self) -> Result<bool, SyncError> {
        self.news.mark_unchanged();
        self.standing()
    }

    /// Fails once what was made of its rows is worth nothing.
    ///
    /// # Errors
    /// As [`LastUnit::is_over`].
    pub(crate) fn check(&self) -> Result<(), SyncError> {
        self.standing().map(|_| ())
    }

    fn standing(&self) -> Result<bool, SyncError> {
        // Asked first: what was said before nobody read any more is seen below.
        let is_closed = self.news.has_changed().is_err();
        let news = self.news.borrow();
        match &news.lists {
            Some(lists) if lists.ends == *self.ends() => Ok(true),
            None if !is_closed && !news.is_broken => Ok(false),
            Some(_) | None => Err(SyncError::BrokenOff),
        }
    }

    /// Waits until there may be more of it than there was when [`LastUnit::is_over`] was asked.
    ///
    /// # Errors
    /// [`SyncError::BrokenOff`] if nobody reads it any more.
    pub(crate) async fn more(&mut self) -> Result<(), SyncError> {
        self.news.changed().await.map_err(|_| SyncError::BrokenOff)
    }

    /// All lists, once they are read.
    ///
    /// # Errors
    /// [`SyncError::BrokenOff`] if they do not end as [`LastUnit::ends`] has it.
    pub(crate) async fn lists(&mut self) -> Result<Arc<Lists>, SyncError> {
        let news = self.news.wait_for(|news| news.lists.is_some()).await;
        let lists = news.ok().and_then(|news| news.lists.clone());
        lists.filter(|lists| lists.ends == *self.ends()).ok_or(SyncError::BrokenOff)
    }
}
