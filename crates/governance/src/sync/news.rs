//! How far the reading of lists is, for whoever makes rows of the last one meanwhile.

use std::sync::Arc;

use tokio::sync::watch;

use super::{ListEnds, Lists, SyncError};
use crate::listing::UnitNumber;

#[derive(Debug, Clone, Default)]
struct News {
    /// The unit that is left, and how all lists end if it is read to its end.
    last: Option<Arc<(UnitNumber, ListEnds)>>,
    /// All lists, once they are read.
    lists: Option<Arc<Lists>>,
}

/// Where it is told.
#[derive(Debug, Default)]
pub(crate) struct Announcer(watch::Sender<News>);

/// Where it is heard.
#[derive(Debug)]
pub(crate) struct Listener(watch::Receiver<News>);

/// The only unit that is still being read, or was until just now.
#[derive(Debug, Clone)]
pub(crate) struct LastUnit {
    told: Arc<(UnitNumber, ListEnds)>,
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

    /// One unit is left.
    pub(super) fn last(&self, unit: UnitNumber, ends: ListEnds) {
        self.0.send_modify(|news| news.last = Some(Arc::new((unit, ends))));
    }

    /// All lists are read.
    pub(crate) fn over(&self, lists: Arc<Lists>) {
        self.0.send_modify(|news| news.lists = Some(lists));
    }
}

impl Listener {
    /// Waits until one unit is left. Nothing if there is never just one.
    pub(crate) async fn last(mut self) -> Option<LastUnit> {
        let news = self.0.wait_for(|news| news.last.is_some() || news.lists.is_some()).await.ok()?;
        let told = news.last.clone()?;
        drop(news);
        Some(LastUnit { told, news: self.0 })
    }
}

impl LastUnit {
    pub(crate) fn unit(&self) -> UnitNumber {
        self.told.0
    }

    /// How all lists end if this one is read to its end.
    pub(crate) fn ends(&self) -> &ListEnds {
        &self.told.1
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
        match &self.news.borrow().lists {
            Some(lists) if lists.ends == *self.ends() => Ok(true),
            None if !is_closed => Ok(false),
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
