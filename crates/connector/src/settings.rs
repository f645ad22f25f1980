use std::time::Duration;

use spec::DomainValidation;

/// How reads are tried again and where they stop (architecture §13.15).
#[derive(Debug, Clone)]
pub struct Settings {
    /// Most attempts of one request, at least 1.
    pub attempts: u32,
    /// First wait between attempts; doubles each time.
    pub retry_wait: Duration,
    /// Longest wait that an answer may ask for.
    pub max_retry_after: Duration,
    /// Most pages of one reading.
    pub page_cap: u64,
    /// Longest time of one reading.
    pub time_cap: Duration,
    /// What happens when a host is not among a connector's `allowed_values` (saas-config 13.6).
    pub domain_validation: DomainValidation,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            attempts: 4,
            retry_wait: Duration::from_secs(2),
            max_retry_after: Duration::from_mins(5),
            page_cap: 100_000,
            time_cap: Duration::from_hours(24),
            domain_validation: DomainValidation::Monitor,
        }
    }
}
