use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// Counts calls in fixed windows of time.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    windows: HashMap<(&'static str, String), Window>,
}

#[derive(Debug)]
struct Window {
    started: Timestamp,
    used: u64,
}

/// A limit: so many calls in so many seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LimitRule {
    pub(crate) name: &'static str,
    pub(crate) calls: u64,
    pub(crate) per_s: i64,
}

/// Where a caller stands after one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) consumed: u64,
    pub(crate) remaining: u64,
    pub(crate) reset: Timestamp,
    /// Time until the next call is allowed; `None` if this one was.
    pub(crate) wait: Option<SignedDuration>,
}

impl LimitRule {
    pub(crate) const fn new(name: &'static str, calls: u64, per_s: i64) -> Self {
        Self { name, calls, per_s }
    }
}

impl Limiter {
    /// Counts one call of `caller` under `rule`.
    pub(crate) fn count(&mut self, rule: LimitRule, caller: &str, now: Timestamp) -> Usage {
        let length = SignedDuration::from_secs(rule.per_s);
        let window =
            self.windows.entry((rule.name, caller.to_owned())).or_insert(Window { started: now, used: 0 });
        if now >= window.started + length {
            *window = Window { started: now, used: 0 };
        }
        let reset = window.started + length;
        let allowed = window.used < rule.calls;
        if allowed {
            window.used += 1;
        }
        Usage {
            consumed: window.used,
            remaining: rule.calls - window.used,
            reset,
            wait: (!allowed).then(|| reset.duration_since(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_after_the_last_waits_for_the_window_to_end() {
        let rule = LimitRule::new("test", 2, 60);
        let start: Timestamp = "2026-01-15T12:00:00Z".parse().unwrap();
        let mut limiter = Limiter::default();

        let waits: Vec<_> = (0..3).map(|_| limiter.count(rule, "a", start).wait).collect();
        let other = limiter.count(rule, "b", start).wait;
        let later = limiter.count(rule, "a", start + SignedDuration::from_secs(60)).wait;

        assert_eq!(waits, [None, None, Some(SignedDuration::from_secs(60))]);
        assert_eq!((other, later), (None, None));
    }
}
