use testkit::TestClock;

use super::*;

fn scope(endpoint: &str) -> BudgetScope {
    BudgetScope {
        connection: "shop".parse().unwrap(),
        host: "api.example.com".into(),
        endpoint: endpoint.into(),
    }
}

fn limit(key: &str, rate: u64, period_s: u64) -> Limit {
    Limit { key: key.into(), rate, period_s }
}

/// 10.1 s after a full day began.
fn clock() -> TestClock {
    TestClock::at("2026-01-15T00:00:10.1Z".parse().unwrap())
}

fn budgets(clock: &TestClock) -> MemoryBudgets {
    MemoryBudgets::new(Arc::new(clock.clone()))
}

// rule: saas-config 13.16
// rule: saas-config 13.19
#[tokio::test]
async fn third_call_of_two_a_second_waits_for_the_next_window() {
    let clock = clock();
    let budgets = budgets(&clock);
    let limits = [limit("shop", 2, 1)];

    let mut waited = Vec::new();
    for _ in 0..3 {
        waited.push(budgets.acquire(&scope("users"), &limits).await.unwrap());
    }

    let window_and_margin = Duration::from_millis(900 + 50);
    assert_eq!(waited, [Duration::ZERO, Duration::ZERO, window_and_margin]);
    assert_eq!(clock.sleeps(), [window_and_margin]);
}

// rule: saas-config 13.19
#[tokio::test]
async fn calls_with_one_key_share_a_counter_and_others_do_not() {
    let clock = clock();
    let budgets = budgets(&clock);
    let shared = [limit("k", 1, 60)];

    budgets.acquire(&scope("users"), &shared).await.unwrap();
    let other_key = budgets.acquire(&scope("users"), &[limit("other", 1, 60)]).await;
    let same_key = budgets.acquire(&scope("orders"), &shared).await;

    assert_eq!(other_key, Ok(Duration::ZERO));
    assert_eq!(same_key, Ok(Duration::from_millis(49_900 + 50)));
}

// rule: saas-config 13.19
#[tokio::test]
async fn call_that_does_not_fit_counts_in_no_limit() {
    let clock = clock();
    let budgets = budgets(&clock);
    let second_and_minute = [limit("shop", 1, 1), limit("shop", 3, 60)];

    for _ in 0..3 {
        budgets.acquire(&scope("users"), &second_and_minute).await.unwrap();
    }

    // Each refusal by the second's limit left the minute's counter alone, so three fitted in.
    assert_eq!(clock.slept(), Duration::from_millis(950 + 1000));
}

// rule: saas-config 13.19
#[tokio::test]
async fn longest_exceeded_limit_decides_the_wait() {
    let clock = clock();
    let budgets = budgets(&clock);
    let limits = [limit("shop", 1, 1), limit("shop", 1, 60)];

    budgets.acquire(&scope("users"), &limits).await.unwrap();
    let waited = budgets.acquire(&scope("users"), &limits).await;

    assert_eq!(waited, Ok(Duration::from_millis(49_950)));
}

// rule: saas-config 13.19
#[tokio::test]
async fn used_up_day_fails_with_the_limit_and_does_not_wait_for_tomorrow() {
    let clock = clock();
    let budgets = budgets(&clock);
    let limits = [limit("shop", 1, 86_400)];

    budgets.acquire(&scope("users"), &limits).await.unwrap();
    let error = budgets.acquire(&scope("users"), &limits).await.unwrap_err();

    assert_eq!(error, BudgetError::LimitUsedUp { key: "shop".into(), rate: 1, period_s: 86_400 });
    assert!(clock.slept() <= Duration::from_mins(2));
}

// rule: saas-config 13.19
#[tokio::test]
async fn hour_that_ends_within_the_deadline_is_waited_for() {
    let clock = TestClock::at("2026-01-15T00:58:30Z".parse().unwrap());
    let budgets = budgets(&clock);
    let limits = [limit("shop", 1, 3600)];

    budgets.acquire(&scope("users"), &limits).await.unwrap();
    let waited = budgets.acquire(&scope("users"), &limits).await;

    assert_eq!(waited, Ok(Duration::from_millis(90_050)));
}

#[tokio::test]
async fn server_that_asks_for_a_pause_gets_it_for_that_endpoint_only() {
    let clock = clock();
    let budgets = budgets(&clock);
    let signal = RateSignal { retry_after: Some(Duration::from_secs(7)), ..RateSignal::default() };

    budgets.observe(&scope("users"), signal);
    let other = budgets.acquire(&scope("orders"), &[]).await;
    let same = budgets.acquire(&scope("users"), &[]).await;
    let after = budgets.acquire(&scope("users"), &[]).await;

    assert_eq!((other, same, after), (Ok(Duration::ZERO), Ok(Duration::from_secs(7)), Ok(Duration::ZERO)));
}

// rule: segment-api A13
#[tokio::test]
async fn nothing_left_means_a_pause_until_the_reset_and_something_left_does_not() {
    let clock = clock();
    let budgets = budgets(&clock);
    let reset = Some(clock.now() + Duration::from_secs(20));

    budgets.observe(&scope("some"), RateSignal { remaining: Some(1), reset, retry_after: None });
    budgets.observe(&scope("none"), RateSignal { remaining: Some(0), reset, retry_after: None });

    assert_eq!(budgets.acquire(&scope("some"), &[]).await, Ok(Duration::ZERO));
    assert_eq!(budgets.acquire(&scope("none"), &[]).await, Ok(Duration::from_secs(20)));
}

#[tokio::test]
async fn no_server_can_stop_us_for_more_than_five_minutes_at_once() {
    let clock = clock();
    let budgets = budgets(&clock);
    let signal = RateSignal { retry_after: Some(Duration::from_hours(24)), ..RateSignal::default() };

    budgets.observe(&scope("users"), signal);

    assert_eq!(budgets.acquire(&scope("users"), &[]).await, Ok(Duration::from_mins(5)));
}

/// A clock whose sleepers wake up to yet another pause.
#[derive(Debug)]
struct Nagging {
    time: TestClock,
    budgets: Mutex<Option<Arc<MemoryBudgets>>>,
}

impl Clock for Nagging {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn sleep(&self, duration: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            self.time.advance(duration);
            let budgets = self.budgets.lock().unwrap().clone();
            let signal = RateSignal { retry_after: Some(Duration::from_secs(200)), ..RateSignal::default() };
            budgets.unwrap().observe(&scope("users"), signal);
        })
    }
}

#[tokio::test]
async fn pauses_without_end_become_an_error() {
    let clock = Arc::new(Nagging { time: clock(), budgets: Mutex::default() });
    let budgets = Arc::new(MemoryBudgets::new(clock.clone()));
    *clock.budgets.lock().unwrap() = Some(Arc::clone(&budgets));
    let signal = RateSignal { retry_after: Some(Duration::from_secs(200)), ..RateSignal::default() };
    budgets.observe(&scope("users"), signal);

    let error = budgets.acquire(&scope("users"), &[]).await.unwrap_err();

    assert_eq!(error, BudgetError::PausedTooLong { waited_s: 600 });
}

#[tokio::test]
async fn clock_set_back_does_not_prolong_a_pause() {
    let clock = clock();
    let budgets = budgets(&clock);
    let signal = RateSignal { retry_after: Some(Duration::from_secs(7)), ..RateSignal::default() };
    budgets.observe(&scope("users"), signal);

    clock.set("2020-01-01T00:00:00Z".parse().unwrap());

    assert_eq!(budgets.acquire(&scope("users"), &[limit("shop", 1, 1)]).await, Ok(Duration::ZERO));
}

#[tokio::test]
async fn counters_and_pauses_that_are_over_are_forgotten() {
    let clock = clock();
    let budgets = budgets(&clock);

    for round in 0..5_000 {
        let key = format!("key-{round}");
        budgets.acquire(&scope("users"), &[limit(&key, 1, 1)]).await.unwrap();
        let signal = RateSignal { retry_after: Some(Duration::from_secs(1)), ..RateSignal::default() };
        budgets.observe(&scope(&key), signal);
        clock.advance(Duration::from_secs(1));
    }

    let state = budgets.state();
    assert!(state.windows.len() <= SWEEP_AT + 1, "{}", state.windows.len());
    assert!(state.pauses.len() <= SWEEP_AT + 1, "{}", state.pauses.len());
}

#[tokio::test]
async fn many_callers_at_once_never_exceed_the_rate() {
    let clock = clock();
    let budgets = budgets(&clock);
    let limits = [limit("shop", 10, 1)];
    let scope = scope("users");
    let starts = Mutex::new(HashMap::<i64, u64>::new());

    let calls = (0..50).map(|_| async {
        if budgets.acquire(&scope, &limits).await.is_ok() {
            *starts.lock().unwrap().entry(clock.now().as_second()).or_default() += 1;
        }
    });
    futures::future::join_all(calls).await;

    let starts = starts.into_inner().unwrap();
    assert!(starts.values().all(|count| *count <= 10), "{starts:?}");
    assert!(!starts.is_empty());
}
