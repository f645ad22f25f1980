pub(crate) mod memory;

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use model::ConnectionKey;
use thiserror::Error;

use crate::Limit;

/// Who may call how often: limits from connector files and signals from servers.
///
/// In memory here ([`MemoryBudgets`](crate::MemoryBudgets)); shared between workers elsewhere.
/// The door asks before every call, so each retry counts (saas-config 13.16).
pub trait Budgets: Send + Sync + fmt::Debug {
    /// Waits until one more call fits into every limit and no server asked for silence; returns
    /// how long that took.
    ///
    /// # Errors
    /// [`BudgetError`] if no call fits in time (saas-config 13.19).
    fn acquire<'a>(
        &'a self,
        scope: &'a BudgetScope,
        limits: &'a [Limit],
    ) -> BoxFuture<'a, Result<Duration, BudgetError>>;

    /// Takes note of what a server said about its own limit.
    fn observe(&self, scope: &BudgetScope, signal: RateSignal);
}

/// What a server's limit applies to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BudgetScope {
    /// The connection.
    pub connection: ConnectionKey,
    /// The host of the call, as the connector file names it.
    pub host: String,
    /// The endpoint.
    pub endpoint: String,
}

/// What one answer says about the server's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateSignal {
    /// Wait this long before the next call.
    pub retry_after: Option<Duration>,
    /// Calls left until `reset`.
    pub remaining: Option<u64>,
    /// When the server's count starts anew.
    pub reset: Option<Timestamp>,
}

impl RateSignal {
    /// Whether the answer said nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// No call fitted into the limits in time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BudgetError {
    /// A limit of the connector file is used up for longer than a call may wait.
    #[error(
        "limit of {rate} calls in {period_s} s under key `{key}` is used up; raise it in `rate_limit_config` or try later"
    )]
    LimitUsedUp {
        /// Key of the counter.
        key: String,
        /// Calls allowed.
        rate: u64,
        /// Window in seconds.
        period_s: u64,
    },
    /// The server keeps asking for silence.
    #[error("the server has asked for a pause again and again for {waited_s} s; try later")]
    PausedTooLong {
        /// Seconds waited in vain.
        waited_s: u64,
    },
}
