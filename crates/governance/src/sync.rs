//! One sync of a connection: its lists are read page by page, and what is kept of them is put together.
//!
//! A sync is a run of the store with one task, whose pages are its checkpoints: each is durable before the
//! next one of its unit, so that whoever goes on after a crash repeats none. Lists are read at the same
//! time, as far as they do not need one another, and within the limits of the connection. The order of what
//! comes out is that of the file and of the application's lists, whatever came first.

mod begin;
mod error;
mod known;
mod news;
mod progress;
mod reading;
mod singles;
mod unit;
mod unit_state;

use std::sync::Arc;

use connector::Connector;
use engine::{Cancellation, Concurrency};
use model::Clock;
use store::Store;

pub use begin::{Sync, SyncRequest};
pub use error::SyncError;
pub(crate) use news::{Announcer, Unread};
pub use progress::SyncProgress;
pub(crate) use reading::{ListEnds, Lists};
pub(crate) use unit_state::UnitEnd;

/// What a sync is made of.
#[derive(Debug, Clone)]
pub struct SyncParts {
    /// The connection; its file has a section `governance`.
    pub connector: Connector,
    /// Where pages are kept until the sync is put together.
    pub store: Store,
    /// Calls in flight, shared with whatever else calls the connection.
    pub limits: Concurrency,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Stops it; what was read stays, and the same sync goes on when it is asked for again.
    pub cancellation: Cancellation,
}
