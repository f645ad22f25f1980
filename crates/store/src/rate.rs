//! Rate budgets that all processes share.

use jiff::Timestamp;
use model::ConnectionKey;

use crate::sql::query;
use crate::store::{signed, time};
use crate::{Store, StoreError};

/// One limit and the window that a call falls into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateWindow<'a> {
    /// Name of the counter.
    pub counter: &'a str,
    /// Length of the window in seconds.
    pub period_s: u64,
    /// Which window since the epoch.
    pub number: i64,
    /// Calls that fit into it.
    pub rate: u64,
}

/// How far the clocks of processes that share a counter may differ.
const CLOCKS_DIFFER_S: u64 = 5;

impl RateWindow<'_> {
    /// The last window that another process can have reached by its clock.
    fn furthest(&self) -> i64 {
        self.number.saturating_add(signed(CLOCKS_DIFFER_S.div_ceil(self.period_s.max(1))))
    }
}

/// What a server's pause applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateScope<'a> {
    /// The connection.
    pub connection: &'a ConnectionKey,
    /// The host.
    pub host: &'a str,
    /// The endpoint.
    pub endpoint: &'a str,
}

impl Store {
    /// Counts one call in all of these windows, or in none; then the position of one that is full.
    ///
    /// A call whose clock is a little behind counts in the window that others have reached. Only what is
    /// further ahead than clocks may differ was counted before the clock went back, and is forgotten.
    ///
    /// May be lost in a power failure: what counts is that processes that run at the same time see it.
    pub async fn rate_take(&self, windows: &[RateWindow<'_>]) -> Result<Option<usize>, StoreError> {
        const TAKE: &str = "INSERT INTO rate_window (counter, period_s, number, used) VALUES ($1, $2, $3, 1) ON CONFLICT (counter, period_s) DO UPDATE SET used = CASE WHEN rate_window.number BETWEEN excluded.number AND $5 THEN rate_window.used + 1 ELSE 1 END, number = CASE WHEN rate_window.number BETWEEN excluded.number AND $5 THEN rate_window.number ELSE excluded.number END WHERE rate_window.number NOT BETWEEN excluded.number AND $5 OR rate_window.used < $4";
        // One order for all processes, so that none waits for another that waits for it; the longest
        // period first, so that the longest wait is found first.
        let mut order: Vec<usize> = (0..windows.len()).collect();
        order.sort_by_key(|at| {
            windows.get(*at).map(|window| (std::cmp::Reverse(window.period_s), window.counter))
        });
        let mut tx = self.begin_relaxed().await?;
        for at in order {
            let Some(window) = windows.get(at) else { continue };
            let taken = query(TAKE)
                .bind(window.counter)
                .bind(signed(window.period_s))
                .bind(window.number)
                .bind(signed(window.rate))
                .bind(window.furthest())
                .execute(tx.connection())
                .await?;
            if taken.rows_affected() == 0 {
                return Ok(Some(at));
            }
        }
        tx.commit().await?;
        Ok(None)
    }

    /// Notes that a server asked for silence; the longer pause stands.
    pub async fn rate_pause(&self, scope: RateScope<'_>, until: Timestamp) -> Result<(), StoreError> {
        const PAUSE: &str = "INSERT INTO rate_pause (connection, host, endpoint, until_at) VALUES ($1, $2, $3, $4) ON CONFLICT (connection, host, endpoint) DO UPDATE SET until_at = CASE WHEN rate_pause.until_at > excluded.until_at THEN rate_pause.until_at ELSE excluded.until_at END";
        let mut tx = self.begin_relaxed().await?;
        query(PAUSE)
            .bind(scope.connection.as_str())
            .bind(scope.host)
            .bind(scope.endpoint)
            .bind(until.as_microsecond())
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// Until when a server asked for silence, if it did.
    pub async fn rate_pause_find(&self, scope: RateScope<'_>) -> Result<Option<Timestamp>, StoreError> {
        const FIND: &str =
            "SELECT until_at FROM rate_pause WHERE connection = $1 AND host = $2 AND endpoint = $3";
        let row = query(FIND)
            .bind(scope.connection.as_str())
            .bind(scope.host)
            .bind(scope.endpoint)
            .fetch_optional(&self.inner.reader)
            .await?;
        row.map(|row| time(row.try_get(0)?)).transpose()
    }
}
