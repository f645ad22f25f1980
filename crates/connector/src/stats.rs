use std::ops::{Add, AddAssign};
use std::time::Duration;

/// What reading cost: counted per page, added up per collection.
///
/// Calls for tokens are not counted: they serve the connection, not one collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallStats {
    /// Attempts that were put on the wire.
    pub requests: u64,
    /// Those among them that repeated an earlier attempt.
    pub retries: u64,
    /// Time spent waiting for rate limits, our own and the application's.
    pub rate_limit_wait: Duration,
}

impl CallStats {
    /// What came on top of `before`, an earlier state of the same count.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(before.requests),
            retries: self.retries.saturating_sub(before.retries),
            rate_limit_wait: self.rate_limit_wait.saturating_sub(before.rate_limit_wait),
        }
    }
}

impl Add for CallStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            retries: self.retries + other.retries,
            rate_limit_wait: self.rate_limit_wait + other.rate_limit_wait,
        }
    }
}

impl AddAssign for CallStats {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
