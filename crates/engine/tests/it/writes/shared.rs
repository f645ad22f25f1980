//! Rate budgets and access tokens of several processes on one store.

use std::sync::Arc;
use std::time::Duration;

use connector::{TokenKey, TokenStore, Tokens};
use crypto::Secret;
use egress::{BudgetScope, Budgets, Limit, MemoryBudgets, RateSignal};
use engine::{SharedBudgets, StoredTokens, StoredTokensParts};
use futures::FutureExt;
use rstest::rstest;
use store::Store;
use testkit::TestClock;

use super::bench::{Backend, Bench};

fn scope() -> BudgetScope {
    BudgetScope {
        connection: "acme".parse().unwrap(),
        host: "api.example.com".to_owned(),
        endpoint: "users".to_owned(),
    }
}

fn limit(rate: u64, period_s: u64) -> Limit {
    Limit { key: "acme".to_owned(), rate, period_s }
}

fn budgets(store: &Store, clock: &TestClock) -> SharedBudgets {
    SharedBudgets::new(store.clone(), Arc::new(clock.clone()))
}

async fn two(bench: &Bench) -> (SharedBudgets, SharedBudgets) {
    (budgets(&bench.store, &bench.clock), budgets(&bench.again().await, &bench.clock))
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn processes_count_their_calls_together(#[case] backend: Backend) {
    let Some(bench) = backend.start(0).await else { return };
    let (one, two) = two(&bench).await;
    let limits = [limit(3, 60), limit(100, 3600)];

    let mut waits = Vec::new();
    for turn in [&one, &two, &one, &two] {
        waits.push(turn.acquire(&scope(), &limits).await.unwrap());
    }

    assert_eq!(waits[..3], [Duration::ZERO; 3]);
    assert!(waits[3] > Duration::from_secs(50) && waits[3] < Duration::from_secs(61), "{waits:?}");
}

/// The twin: budgets of one process each let twice as much through.
#[tokio::test]
async fn planted_defect_counters_of_their_own_let_too_much_through() {
    let clock: Arc<dyn model::Clock> = Arc::new(TestClock::new());
    let (one, two) = (MemoryBudgets::new(Arc::clone(&clock)), MemoryBudgets::new(clock));

    let mut waited = Duration::ZERO;
    for turn in [&one, &two, &one, &two, &one, &two] {
        waited += turn.acquire(&scope(), &[limit(3, 60)]).await.unwrap();
    }

    assert_eq!(waited, Duration::ZERO);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_call_counts_in_all_of_its_limits_or_in_none(#[case] backend: Backend) {
    let Some(bench) = backend.start(0).await else { return };
    let (one, _) = two(&bench).await;
    let day = Limit { key: "day".to_owned(), rate: 1, period_s: 86_400 };
    one.acquire(&scope(), std::slice::from_ref(&day)).await.unwrap();

    let used_up = one.acquire(&scope(), &[limit(1, 60), day]).await;
    let minute = one.acquire(&scope(), &[limit(1, 60)]).await;

    assert!(used_up.unwrap_err().to_string().contains("used up"));
    assert_eq!(minute.unwrap(), Duration::ZERO);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_pause_that_one_process_was_asked_for_is_kept_by_all(#[case] backend: Backend) {
    let Some(bench) = backend.start(0).await else { return };
    let (one, two) = two(&bench).await;
    one.observe(&scope(), RateSignal { retry_after: Some(Duration::from_secs(20)), ..RateSignal::default() });
    let place = store::RateScope {
        connection: &scope().connection,
        host: &scope().host,
        endpoint: &scope().endpoint,
    };
    while bench.store.rate_pause_find(place).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }

    let waited = two.acquire(&scope(), &[]).await.unwrap();
    let other = two.acquire(&BudgetScope { endpoint: "events".to_owned(), ..scope() }, &[]).await.unwrap();

    assert!(waited > Duration::from_secs(19) && waited < Duration::from_secs(21), "{waited:?}");
    assert_eq!(other, Duration::ZERO);
}

#[tokio::test]
async fn without_the_store_a_process_counts_for_itself() {
    let bench = Backend::Sqlite.start(0).await.unwrap();
    let (one, _) = two(&bench).await;
    bench.store.close().await;

    let first = one.acquire(&scope(), &[limit(1, 60)]).await.unwrap();
    let second = one.acquire(&scope(), &[limit(1, 60)]).await.unwrap();

    assert!(first.is_zero() && !second.is_zero());
}

fn tokens(store: &Store, worker: &str, fingerprint: &str) -> StoredTokens {
    StoredTokens::new(StoredTokensParts {
        store: store.clone(),
        worker: worker.to_owned(),
        fingerprints: [("acme".parse().unwrap(), fingerprint.to_owned())].into(),
    })
}

fn token(access: &str) -> Tokens {
    Tokens {
        access_token: Arc::new(Secret::new(access.to_owned())),
        refresh_token: Some(Arc::new(Secret::new("canary-refresh".to_owned()))),
        expires_at: Some(1_800_000_000),
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_token_is_found_by_other_processes_and_not_with_other_secrets(#[case] backend: Backend) {
    let Some(bench) = backend.start(0).await else { return };
    let key = TokenKey { connection: "acme".parse().unwrap(), slot: "api.example.com".to_owned() };
    let again = bench.again().await;

    tokens(&bench.store, "one", "a").save(&key, token("canary-access")).await.unwrap();
    let found = tokens(&again, "two", "a").load(&key).await.unwrap().unwrap();
    let other_host = TokenKey { slot: "other.example.com".to_owned(), ..key.clone() };

    assert_eq!(found.access_token.expose(), "canary-access");
    assert_eq!(found.refresh_token.unwrap().expose(), "canary-refresh");
    assert_eq!(found.expires_at, Some(1_800_000_000));
    assert!(tokens(&again, "two", "b").load(&key).await.unwrap().is_none());
    assert!(tokens(&again, "two", "a").load(&other_host).await.unwrap().is_none());
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!testkit::holds(&bytes, "canary-access") && !testkit::holds(&bytes, "canary-refresh"));
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn one_process_at_a_time_refreshes_a_token(#[case] backend: Backend) {
    let Some(bench) = backend.start(0).await else { return };
    let acme = "acme".parse().unwrap();
    let (one, two) = (tokens(&bench.store, "one", ""), tokens(&bench.again().await, "two", ""));

    let held = one.lock(&acme).await.unwrap();
    let mut waiting = two.lock(&acme);
    let during = tokio::time::timeout(Duration::from_millis(250), &mut waiting).await;
    drop(held);
    let after = tokio::time::timeout(Duration::from_secs(20), waiting).await;

    assert!(during.is_err() && after.is_ok_and(|taken| taken.is_ok()));
    assert!(one.lock(&"other".parse().unwrap()).now_or_never().is_none_or(|taken| taken.is_ok()));
}

/// One process slept while it refreshed a token, and another one took the lock.
#[rstest]
#[case::and_kept_a_newer_one(Backend::Sqlite, true, "newer")]
#[case::and_kept_a_newer_one(Backend::Postgres, true, "newer")]
#[case::twin_and_kept_none(Backend::Sqlite, false, "late")]
#[case::twin_and_kept_none(Backend::Postgres, false, "late")]
#[tokio::test]
async fn one_that_lost_the_lock_of_a_token_replaces_no_newer_one(
    #[case] backend: Backend,
    #[case] keeps: bool,
    #[case] expected: &str,
) {
    let Some(bench) = backend.start(0).await else { return };
    let key = TokenKey { connection: "acme".parse().unwrap(), slot: "api.example.com".to_owned() };
    let (one, two) = (tokens(&bench.store, "one", ""), tokens(&bench.again().await, "two", ""));
    one.save(&key, token("first")).await.unwrap();
    let lost = one.lock(&key.connection).await.unwrap();
    one.load(&key).await.unwrap();
    bench.clock.advance(Duration::from_secs(10));
    let held = two.lock(&key.connection).await.unwrap();
    if keeps {
        two.save(&key, token("newer")).await.unwrap();
    }

    one.save(&key, token("late")).await.unwrap();

    let found = one.load(&key).await.unwrap().unwrap();
    assert_eq!(found.access_token.expose(), expected);
    drop((lost, held));
}

/// The lock was lost and is free again: it is not taken back on the way.
#[tokio::test]
async fn a_lost_lock_of_a_token_does_not_hold_up_others() {
    let bench = Backend::Sqlite.start(0).await.unwrap();
    let acme = "acme".parse().unwrap();
    let (one, two) = (tokens(&bench.store, "one", ""), tokens(&bench.again().await, "two", ""));
    let lost = one.lock(&acme).await.unwrap();
    bench.clock.advance(Duration::from_secs(10));
    drop(two.lock(&acme).await.unwrap());
    // A sign of life of the first one falls into this time.
    tokio::time::timeout(Duration::from_millis(1500), std::future::pending::<()>()).await.unwrap_err();

    let again = tokio::time::timeout(Duration::from_millis(900), two.lock(&acme)).await;

    assert!(again.is_ok_and(|taken| taken.is_ok()));
    drop(lost);
}
