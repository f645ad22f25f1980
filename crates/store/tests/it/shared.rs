//! What processes share besides tasks: rate windows, pauses, tokens.

use crypto::{MasterKey, Secret};
use jiff::SignedDuration;
use model::Clock as _;
use rstest::rstest;
use store::{Actor, RateScope, RateWindow, StoreError};

use crate::bench::{Backend, LEASE, open, ring};

fn window(counter: &str, number: i64, rate: u64) -> RateWindow<'_> {
    RateWindow { counter, period_s: 60, number, rate }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_call_is_counted_in_all_windows_or_in_none(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let other = bench.again().await;
    let both = |number| [window("a", number, 2), window("b", number, 1)];

    let first = bench.store.rate_take(&both(7)).await.unwrap();
    let full = other.rate_take(&both(7)).await.unwrap();
    let only_a = [
        other.rate_take(&[window("a", 7, 2)]).await.unwrap(),
        bench.store.rate_take(&[window("a", 7, 2)]).await.unwrap(),
    ];
    let next_window = other.rate_take(&both(8)).await.unwrap();

    assert_eq!((first, full, next_window), (None, Some(1), None));
    assert_eq!(only_a, [None, Some(0)], "the call that did not fit into b was not counted in a");
}

/// Two hosts at the edge of a window, one a moment behind the other.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn clocks_that_differ_by_little_do_not_start_a_window_again(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let behind = bench.again().await;

    let mut full = Vec::new();
    for number in [7, 8, 7, 8, 7, 8] {
        let store = if number == 7 { &behind } else { &bench.store };
        full.push(store.rate_take(&[window("a", number, 3)]).await.unwrap());
    }

    // One call in window 7, three in window 8.
    assert_eq!(full, [None, None, None, None, Some(0), Some(0)]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_window_from_before_a_clock_went_back_is_forgotten(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let second = |number| RateWindow { period_s: 1, ..window("a", number, 1) };
    bench.store.rate_take(&[second(100)]).await.unwrap();

    let little = bench.store.rate_take(&[second(95)]).await.unwrap();
    let much = bench.store.rate_take(&[second(94)]).await.unwrap();

    assert_eq!((little, much), (Some(0), None));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_longer_pause_stands(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let connection = "acme".parse().unwrap();
    let scope = RateScope { connection: &connection, host: "api.example.com", endpoint: "users" };
    let now = bench.clock.now();
    let (short, long) = (now + SignedDuration::from_secs(5), now + SignedDuration::from_secs(50));

    for until in [short, long, short] {
        bench.store.rate_pause(scope, until).await.unwrap();
    }

    let other = RateScope { endpoint: "events", ..scope };
    assert_eq!(bench.again().await.rate_pause_find(scope).await.unwrap(), Some(long));
    assert_eq!(bench.store.rate_pause_find(other).await.unwrap(), None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_token_is_replaced_and_survives_a_change_of_keys(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let connection = "acme".parse().unwrap();
    for token in ["first", "second"] {
        let token = Secret::new(token.as_bytes().to_vec());
        bench.store.token_put((&connection, "api"), &token).await.unwrap();
    }

    let fresh = MasterKey::random().to_base64();
    let keys = ring(&fresh).with_older(MasterKey::from_base64(bench.key.expose()).unwrap());
    open(&bench.place, keys, &bench.clock).await.unwrap().keys_reseal(Actor::system()).await.unwrap();
    let later = open(&bench.place, ring(&fresh), &bench.clock).await.unwrap();

    let found = later.token_find(&connection, "api").await.unwrap().unwrap();
    assert_eq!(found.expose().as_slice(), b"second");
    assert!(later.token_find(&connection, "other").await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_token_is_kept_under_its_lease_or_in_place_of_the_one_it_was_got_with(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let connection = "acme".parse().unwrap();
    let place = (&connection, "api");
    let [old, new, late] = ["old", "new", "late"].map(|text| Secret::new(text.as_bytes().to_vec()));
    let lost = bench.store.lease_take("token|acme", "one", LEASE).await.unwrap().unwrap();
    bench.store.token_put_held(&lost, place, &old).await.unwrap();
    bench.clock.advance(LEASE);
    let held = bench.store.lease_take("token|acme", "two", LEASE).await.unwrap().unwrap();

    let fenced = bench.store.token_put_held(&lost, place, &late).await;
    let in_time = bench.store.token_replace(place, Some(&old), &late).await.unwrap();
    bench.store.token_put_held(&held, place, &new).await.unwrap();
    let too_late = [
        bench.store.token_replace(place, Some(&old), &late).await.unwrap(),
        bench.store.token_replace(place, None, &late).await.unwrap(),
    ];
    let first = bench.store.token_replace((&connection, "other"), None, &late).await.unwrap();

    assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "{fenced:?}");
    assert_eq!((in_time, too_late, first), (true, [false, false], true));
    assert_eq!(bench.store.token_find(&connection, "api").await.unwrap().unwrap().expose(), new.expose());
}
