use super::{Finding, Lowering};
use crate::connector_file::{Period, RateLimit};
use crate::raw::{self, PeriodWord};

impl Lowering<'_> {
    /// The limits; none if they are switched off (saas-config 13.17).
    pub(super) fn rate_limits(&mut self, place: &str, raw: raw::RateLimitConfig) -> Vec<RateLimit> {
        let switched_on = raw.enabled.unwrap_or_else(|| !self.is_written(&format!("{place}.enabled")));
        let limits = raw.limits.unwrap_or_default();
        if switched_on && limits.is_empty() {
            let message = "limits must be set if rate limits are enabled";
            self.key_error(
                place,
                Finding::new("spec::no_limits", message, "add `limits: [{rate: …, period: second}]`"),
            );
        }
        if !switched_on && !limits.is_empty() {
            let message = "limits cannot be set if rate limits are disabled";
            let help = "remove the limits, or write `enabled: true`";
            self.key_error(&format!("{place}.limits"), Finding::new("spec::needless_limits", message, help));
        }
        let mut lowered = Vec::new();
        for (index, limit) in limits.into_iter().enumerate() {
            let (Some(rate), Some(period)) = (limit.rate, limit.period) else { continue };
            if let Ok(rate @ 1..) = u64::try_from(rate) {
                lowered.push(RateLimit { rate, period: lower_period(period), custom_key: limit.custom_key });
            } else {
                let help = "write the number of calls in one period";
                let finding = Finding::new("spec::bad_rate", "rate must be more than zero", help);
                self.error(&format!("{place}.limits[{index}].rate"), finding);
            }
        }
        if switched_on { lowered } else { Vec::new() }
    }
}

fn lower_period(word: PeriodWord) -> Period {
    match word {
        PeriodWord::Second => Period::Second,
        PeriodWord::Minute => Period::Minute,
        PeriodWord::Hour => Period::Hour,
        PeriodWord::Day => Period::Day,
    }
}
