use std::ops::{Add, AddAssign};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What reading cost: counted per page, added up per collection.
///
/// Calls for tokens are not counted: they serve the connection, not one collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallStats {
    /// Calls that were put on the wire, or statements that were sent.
    pub requests: u64,
    /// Those among them that repeated an earlier attempt.
    pub retries: u64,
    /// Time spent waiting for rate limits, our own and the application's; databases have none.
    pub rate_limit_wait: Duration,
}

impl CallStats {
    /// What came on top of `before`, an earlier state of the same count.
    pub fn since(self, before: Self) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_what_came_on_top() {
        let before = CallStats { requests: 3, retries: 1, rate_limit_wait: Duration::from_millis(5) };
        let cost = CallStats { requests: 2, retries: 0, rate_limit_wait: Duration::from_millis(7) };

        assert_eq!((before + cost).since(before), cost);
    }
}
