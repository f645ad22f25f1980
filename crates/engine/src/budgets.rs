//! Rate budgets that all processes of an installation share through the store (architecture §6).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use egress::{BudgetError, BudgetScope, Budgets, Limit, MemoryBudgets, RateSignal};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use model::Clock;
use store::{RateScope, RateWindow, Store};

/// Waits end a little after the window does, so that clocks may differ (saas-config 13.19).
const AFTER_WINDOW: Duration = Duration::from_millis(50);
/// Longest wait for a limit of the connector file.
const LONGEST_LIMIT_WAIT: Duration = Duration::from_mins(2);
/// Added to the longest period for the deadline.
const BEYOND_PERIOD: Duration = Duration::from_secs(5);
/// Longest pause that a server can ask for.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// How long what is known of the pauses of other processes counts as fresh.
const FRESH: Duration = Duration::from_millis(500);
/// Scopes remembered before those that are no longer fresh are swept out.
const SWEEP_AT: usize = 1024;

/// Budgets of all processes on one store. Cheap to clone.
///
/// Calls are counted in the store. A pause that a server asked for counts here at once, and in other
/// processes within half a second. While the store does not answer, this process counts for itself.
#[derive(Clone)]
pub struct SharedBudgets {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    /// Pauses that this process knows; all counts while the store does not answer.
    own: MemoryBudgets,
    looked: Mutex<HashMap<BudgetScope, Timestamp>>,
}

impl SharedBudgets {
    /// The budgets of `store`, with the time of `clock`.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        let own = MemoryBudgets::new(Arc::clone(&clock));
        Self { inner: Arc::new(Inner { store, clock, own, looked: Mutex::default() }) }
    }
}

impl Inner {
    async fn wait(&self, scope: &BudgetScope, limits: &[Limit]) -> Result<Duration, BudgetError> {
        let longest = limits.iter().map(|limit| limit.period_s).max().unwrap_or_default();
        let deadline = (Duration::from_secs(longest) + BEYOND_PERIOD).min(LONGEST_LIMIT_WAIT);
        let (mut waited, mut limited) = (Duration::ZERO, Duration::ZERO);
        loop {
            self.learn_pause(scope).await;
            waited += self.own.acquire(scope, &[]).await?;
            if limits.is_empty() {
                return Ok(waited);
            }
            let now = self.clock.now();
            let full = match self.store.rate_take(&windows(limits, now)).await {
                Ok(None) => return Ok(waited),
                Ok(Some(full)) => full,
                Err(error) => {
                    tracing::warn!(%error, "rate limits are counted in this process only");
                    return Ok(waited + self.own.acquire(scope, limits).await?);
                }
            };
            let Some(limit) = distinct(limits).nth(full) else { continue };
            let wait = to_next_window(limit.period_s, now);
            if limited + wait > deadline {
                return Err(BudgetError::LimitUsedUp {
                    key: limit.key.clone(),
                    rate: limit.rate,
                    period_s: limit.period_s,
                });
            }
            tracing::info!(
                connection = %scope.connection, host = %scope.host, endpoint = %scope.endpoint,
                wait_ms = wait.as_millis() as u64, "waiting for a shared rate limit"
            );
            limited += wait;
            waited += wait;
            self.clock.sleep(wait).await;
        }
    }

    /// Takes over a pause that another process was asked for.
    async fn learn_pause(&self, scope: &BudgetScope) {
        let now = self.clock.now();
        if !self.is_stale(scope, now) {
            return;
        }
        match self.store.rate_pause_find(rate_scope(scope)).await {
            Ok(Some(until)) => {
                if let Ok(left) = Duration::try_from(until.duration_since(now))
                    && !left.is_zero()
                {
                    let signal =
                        RateSignal { retry_after: Some(left.min(LONGEST_PAUSE)), ..RateSignal::default() };
                    self.own.observe(scope, signal);
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "pauses of other processes are not known"),
        }
    }

    fn is_stale(&self, scope: &BudgetScope, now: Timestamp) -> bool {
        let is_fresh =
            |looked: &Timestamp| Duration::try_from(now.duration_since(*looked)).is_ok_and(|age| age < FRESH);
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.get(scope).is_some_and(is_fresh) {
            return false;
        }
        if looked.len() >= SWEEP_AT {
            looked.retain(|_, at| is_fresh(at));
        }
        looked.insert(scope.clone(), now);
        true
    }
}

impl Budgets for SharedBudgets {
    fn acquire<'a>(
        &'a self,
        scope: &'a BudgetScope,
        limits: &'a [Limit],
    ) -> BoxFuture<'a, Result<Duration, BudgetError>> {
        Box::pin(self.inner.wait(scope, limits))
    }

    fn observe(&self, scope: &BudgetScope, signal: RateSignal) {
        self.inner.own.observe(scope, signal);
        let now = self.inner.clock.now();
        let later = |wait: Duration| now.checked_add(SignedDuration::try_from(wait).ok()?).ok();
        let asked = signal.retry_after.and_then(|wait| later(wait.min(LONGEST_PAUSE)));
        let used_up = signal.reset.filter(|_| signal.remaining == Some(0));
        let until = asked.max(used_up).min(later(LONGEST_PAUSE));
        let Some(until) = until.filter(|until| *until > now) else { return };
        // The caller goes on; other processes may learn of it a moment later.
        let (inner, scope) = (Arc::clone(&self.inner), scope.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = inner.store.rate_pause(rate_scope(&scope), until).await {
                    tracing::warn!(%error, "a pause could not be told to other processes");
                }
            });
        }
    }
}

impl fmt::Debug for SharedBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBudgets").finish_non_exhaustive()
    }
}

fn rate_scope(scope: &BudgetScope) -> RateScope<'_> {
    RateScope { connection: &scope.connection, host: &scope.host, endpoint: &scope.endpoint }
}

/// Two limits with one counter count a call once; the tighter one counts.
fn distinct(limits: &[Limit]) -> impl Iterator<Item = &Limit> {
    limits.iter().enumerate().filter_map(|(at, limit)| {
        let same = |other: &Limit| other.key == limit.key && other.period_s == limit.period_s;
        let tighter = |(other_at, other): (usize, &Limit)| {
            same(other) && (other.rate < limit.rate || (other.rate == limit.rate && other_at < at))
        };
        (!limits.iter().enumerate().any(tighter)).then_some(limit)
    })
}

fn windows(limits: &[Limit], now: Timestamp) -> Vec<RateWindow<'_>> {
    distinct(limits)
        .map(|limit| RateWindow {
            counter: &limit.key,
            period_s: limit.period_s,
            number: now.as_second().div_euclid(i64::try_from(limit.period_s.max(1)).unwrap_or(i64::MAX)),
            rate: limit.rate,
        })
        .collect()
}

fn to_next_window(period_s: u64, now: Timestamp) -> Duration {
    let length_ms = i64::try_from(period_s.max(1).saturating_mul(1000)).unwrap_or(i64::MAX);
    let left = length_ms - now.as_millisecond().rem_euclid(length_ms);
    Duration::from_millis(left.unsigned_abs()) + AFTER_WINDOW
}
