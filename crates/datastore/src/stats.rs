use std::ops::{Add, AddAssign};
use std::time::Duration;

/// What reading cost: counted per page, added up per collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallStats {
    /// Statements that were sent to read rows.
    pub requests: u64,
    /// Those among them that repeated an earlier attempt.
    pub retries: u64,
    /// Time spent waiting for rate limits: databases have none.
    pub rate_limit_wait: Duration,
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
