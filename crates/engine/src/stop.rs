//! Why a reading ends before its end.

use jiff::Timestamp;
use model::{CollectionAddress, Completeness, IncompleteReason};
use store::{RunState, TaskState};
use tokio::sync::watch;

use crate::{Cancellation, RowsError, WaitsFor};

/// What asked a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The caller.
    Asked,
    /// The run's deadline has passed.
    Deadline,
    /// One of its collections cannot go on, so that the run cannot.
    Broken,
}

/// What the collections of a run listen to; clones hear the same.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    asked: Cancellation,
    inner: watch::Receiver<Option<Why>>,
}

/// Why the reading of a collection gave no outcome.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Rows cannot be kept.
    Rows(RowsError),
    /// Another worker took the collection over.
    Lost,
    /// The run was stopped for good.
    Cancelled,
    /// The run does not go on now.
    NotActive(RunState),
    /// What was kept of a collection rests on something else than what is given now.
    Changed(CollectionAddress),
    /// Rows of the collection are waited for until then.
    Waits(Timestamp, WaitsFor),
    /// The task of a collection is over, and nothing says what was read.
    Unread(CollectionAddress, TaskState),
}

impl Why {
    pub(crate) fn completeness(self) -> Completeness {
        let detail = match self {
            Self::Asked | Self::Broken => "stopped before it was read to its end",
            Self::Deadline => "stopped before it was read to its end, because the run's deadline has passed",
        };
        Completeness::incomplete(IncompleteReason::Cancelled, detail)
    }
}

impl Stop {
    pub(crate) fn new(asked: Cancellation) -> (watch::Sender<Option<Why>>, Self) {
        let (sender, inner) = watch::channel(None);
        (sender, Self { asked, inner })
    }

    /// Why to stop, if something asked for it.
    pub(crate) fn now(&self) -> Option<Why> {
        if self.asked.is_cancelled() { Some(Why::Asked) } else { *self.inner.borrow() }
    }

    /// Completes when something asks to stop.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub(crate) async fn wait(&self) -> Why {
        let mut inner = self.inner.clone();
        let from_inside = async {
            match inner.wait_for(Option::is_some).await.map(|why| *why) {
                Ok(Some(why)) => why,
                // The run is over and takes the readers with it.
                Ok(None) | Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.asked.cancelled() => Why::Asked,
            why = from_inside => why,
        }
    }
}

impl<E: Into<RowsError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Rows(error.into())
    }
}
