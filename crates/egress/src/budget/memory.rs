use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use model::Clock;

use super::{BudgetError, BudgetScope, Budgets, RateSignal};
use crate::Limit;

/// Waits end a little after the window does, so that clocks may differ (saas-config 13.19).
const AFTER_WINDOW: Duration = Duration::from_millis(50);
/// Longest wait for a limit of the connector file.
const LONGEST_LIMIT_WAIT: Duration = Duration::from_mins(2);
/// Added to the longest period for the deadline.
const BEYOND_PERIOD: Duration = Duration::from_secs(5);
/// Longest pause one answer can ask for.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Longest time a call waits when answers to other calls prolong the pause again and again.
const LONGEST_PAUSED: Duration = Duration::from_mins(10);
/// Counters and pauses kept before those that are over are swept out.
const SWEEP_AT: usize = 1024;

/// Budgets of one process.
///
/// Windows are aligned to the epoch and counted per key and period. A call is counted in all of
/// its limits or in none. The wait for the next window is exact; the format's reference rounds
/// it up to whole seconds and says that less is enough.
pub struct MemoryBudgets {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    windows: HashMap<(String, u64), Window>,
    pauses: HashMap<BudgetScope, Timestamp>,
}

#[derive(Clone, Copy)]
struct Window {
    number: i64,
    count: u64,
}

impl MemoryBudgets {
    /// Empty counters, with the time of `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is made by calls that do not panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self, scope: &BudgetScope, limits: &[Limit]) -> Result<Duration, BudgetError> {
        let longest = limits.iter().map(|limit| limit.period_s).max().unwrap_or_default();
        let deadline = (Duration::from_secs(longest) + BEYOND_PERIOD).min(LONGEST_LIMIT_WAIT);
        let (mut paused, mut limited) = (Duration::ZERO, Duration::ZERO);
        loop {
            let step = self.state().step(scope, limits, self.clock.now());
            let wait = match step {
                Step::Go => return Ok(paused + limited),
                Step::Paused(wait) if paused >= LONGEST_PAUSED => {
                    tracing::info!(host = %scope.host, wait_s = wait.as_secs(), "pause of the server goes on");
                    return Err(BudgetError::PausedTooLong { waited_s: paused.as_secs() });
                }
                Step::Paused(wait) => {
                    paused += wait;
                    wait
                }
                Step::Full(limit, wait) if limited + wait > deadline => {
                    return Err(BudgetError::LimitUsedUp {
                        key: limit.key.clone(),
                        rate: limit.rate,
                        period_s: limit.period_s,
                    });
                }
                Step::Full(_, wait) => {
                    limited += wait;
                    wait
                }
            };
            tracing::info!(
                connection = %scope.connection,
                host = %scope.host,
                endpoint = %scope.endpoint,
                wait_ms = wait.as_millis(),
                "waiting for a rate limit"
            );
            self.clock.sleep(wait).await;
        }
    }
}

impl Budgets for MemoryBudgets {
    fn acquire<'a>(
        &'a self,
        scope: &'a BudgetScope,
        limits: &'a [Limit],
    ) -> BoxFuture<'a, Result<Duration, BudgetError>> {
        Box::pin(self.wait(scope, limits))
    }

    fn observe(&self, scope: &BudgetScope, signal: RateSignal) {
        let now = self.clock.now();
        let asked = signal.retry_after.and_then(|wait| now.checked_add(wait.min(LONGEST_PAUSE)).ok());
        let used_up = signal.reset.filter(|_| signal.remaining == Some(0));
        let latest = now.checked_add(LONGEST_PAUSE).ok();
        let until = asked.max(used_up).min(latest);
        if let Some(until) = until.filter(|until| *until > now) {
            let mut state = self.state();
            state.sweep(now);
            let pause = state.pauses.entry(scope.clone()).or_insert(until);
            *pause = until.max(*pause);
        }
    }
}

impl fmt::Debug for MemoryBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudgets").finish_non_exhaustive()
    }
}

/// What a call has to do now.
enum Step<'a> {
    Go,
    Paused(Duration),
    /// The exceeded limit with the longest period, and the time to its next window.
    Full(&'a Limit, Duration),
}

impl State {
    fn step<'a>(&mut self, scope: &BudgetScope, limits: &'a [Limit], now: Timestamp) -> Step<'a> {
        if !self.pauses.is_empty()
            && let Some(until) = self.pauses.get(scope)
        {
            match Duration::try_from(until.duration_since(now)) {
                // A pause never reaches further, unless the clock was set back.
                Ok(wait) if !wait.is_zero() && wait <= LONGEST_PAUSE => return Step::Paused(wait),
                Ok(_) | Err(_) => {
                    self.pauses.remove(scope);
                }
            }
        }
        let exceeded = limits
            .iter()
            .filter(|limit| self.count(limit, now) >= limit.rate)
            .max_by_key(|limit| limit.period_s);
        if let Some(limit) = exceeded {
            return Step::Full(limit, to_next_window(limit.period_s, now));
        }
        self.sweep(now);
        for (index, limit) in limits.iter().enumerate() {
            // Two limits with one counter count the call once.
            let same = |other: &Limit| other.key == limit.key && other.period_s == limit.period_s;
            if !limits.iter().take(index).any(same) {
                self.add(limit, now);
            }
        }
        Step::Go
    }

    fn count(&self, limit: &Limit, now: Timestamp) -> u64 {
        let number = window_number(limit.period_s, now);
        self.windows
            .get(&(limit.key.clone(), limit.period_s))
            .filter(|window| window.number == number)
            .map_or(0, |window| window.count)
    }

    fn add(&mut self, limit: &Limit, now: Timestamp) {
        let number = window_number(limit.period_s, now);
        let window =
            self.windows.entry((limit.key.clone(), limit.period_s)).or_insert(Window { number, count: 0 });
        if window.number != number {
            *window = Window { number, count: 0 };
        }
        window.count += 1;
    }

    /// Keeps memory in bounds: what is over is forgotten.
    fn sweep(&mut self, now: Timestamp) {
        if self.windows.len() > SWEEP_AT {
            self.windows.retain(|(_, period_s), window| window.number == window_number(*period_s, now));
        }
        if self.pauses.len() > SWEEP_AT {
            self.pauses.retain(|_, until| *until > now);
        }
    }
}

fn window_number(period_s: u64, now: Timestamp) -> i64 {
    now.as_second().div_euclid(i64::try_from(period_s.max(1)).unwrap_or(i64::MAX))
}

fn to_next_window(period_s: u64, now: Timestamp) -> Duration {
    let length_ms = i64::try_from(period_s.max(1).saturating_mul(1000)).unwrap_or(i64::MAX);
    let left = length_ms - now.as_millisecond().rem_euclid(length_ms);
    Duration::from_millis(left.unsigned_abs()) + AFTER_WINDOW
}

#[cfg(test)]
mod tests;
