use schemars::JsonSchema;
use serde::Deserialize;

/// Limits on the number of calls.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct RateLimitConfig {
    /// `false` switches limits off; then no `limits` may stand beside it.
    pub(crate) enabled: Option<bool>,
    /// The limits; all of them hold.
    pub(crate) limits: Option<Vec<RateLimit>>,
}

/// At most so many calls in so long.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct RateLimit {
    /// Calls in one period, at least 1.
    #[schemars(required)]
    pub(crate) rate: Option<i64>,
    /// The period.
    #[schemars(required)]
    pub(crate) period: Option<PeriodWord>,
    /// Limits with the same key count together, across connections.
    pub(crate) custom_key: Option<String>,
}

/// Length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PeriodWord {
    /// One second.
    Second,
    /// One minute.
    Minute,
    /// One hour.
    Hour,
    /// One day.
    Day,
}
