//! What was used last: the newest time of each use, the time of which all was read, and what is forgotten.

use std::time::Duration;

use crypto::MasterKey;
use jiff::{SignedDuration, Timestamp};
use model::Clock as _;
use rstest::rstest;
use store::{
    ActivitySpan, ActivityState, ActivityUse, Actor, ConnectionStep, NewActivity, Store, StoreError,
};

use crate::bench::{Backend, Bench, CANARY, open, ring};
use crate::inventory::{connection, put};

const DAY: Duration = Duration::from_hours(24);

fn ago(bench: &Bench, days: i64) -> Timestamp {
    bench.clock.now() - SignedDuration::from_hours(24 * days)
}

fn used(subject: &str, of_resource: bool, last_at: Timestamp) -> ActivityUse {
    ActivityUse { subject: subject.as_bytes().to_vec(), of_resource, last_at }
}

fn span(from: Timestamp, until: Timestamp) -> ActivitySpan {
    ActivitySpan { from, until, resources_from: from }
}

/// Keeps uses and a span, of at most so many.
async fn keep(
    bench: &Bench,
    uses: &[ActivityUse],
    (span, most_uses): (Option<ActivitySpan>, u64),
) -> Result<ActivityState, StoreError> {
    let key = bench.store.inventory_key_get(&connection()).await.unwrap();
    let reason = span.is_none().then_some("the list answered 500");
    let new = NewActivity { key: &key, uses, span, reason, most_uses };
    bench.store.activity_put(&new).await
}

/// All uses that are kept, by what they are of.
async fn uses(store: &Store) -> Result<Vec<(String, bool, Timestamp)>, StoreError> {
    let mut all = Vec::new();
    let Some(key) = store.inventory_key_find(&connection()).await? else { return Ok(all) };
    let mut take = |found: ActivityUse| {
        all.push((String::from_utf8(found.subject).unwrap(), found.of_resource, found.last_at));
    };
    store.activity_use_each(&key, &mut take).await?;
    all.sort();
    Ok(all)
}

// rule: governance AUT-2
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_newest_use_stays_whatever_the_order_and_the_span_grows_without_gaps(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let at = |days| ago(&bench, days);
    let subject = |number: usize| format!("{CANARY} {number:03}");
    let many: Vec<_> = (0..40).map(|number| used(&subject(number), number % 2 == 1, at(5))).collect();
    assert_eq!(bench.store.activity_find(&connection()).await.unwrap(), None);

    let first = keep(&bench, &many, (Some(span(at(9), at(4))), 100)).await.unwrap();
    let older = [used(&subject(0), false, at(8)), used(&subject(1), true, at(2))];
    let failed = keep(&bench, &older, (None, 100)).await.unwrap();
    let grown = keep(&bench, &[], (Some(span(at(4), at(1))), 100)).await.unwrap();

    assert_eq!((first.span, first.reason), (Some(span(at(9), at(4))), None));
    assert_eq!(failed.span, first.span, "what was not read whole is not in the span");
    assert_eq!(failed.reason.as_deref(), Some("the list answered 500"));
    assert_eq!((grown.span, grown.reason.as_deref()), (Some(span(at(9), at(1))), None));
    let other = bench.again().await;
    let kept = uses(&other).await.unwrap();
    assert_eq!((kept.len(), kept[0].2, kept[1].2, kept[2].2), (40, at(5), at(2), at(5)));
    assert_eq!(other.activity_find(&connection()).await.unwrap(), Some(grown));
    let rows: Vec<(String, Vec<u8>)> =
        sqlx::query_as("SELECT id, sealed FROM activity_use").fetch_all(&bench.sql().await).await.unwrap();
    let canary = CANARY.as_bytes();
    assert!(rows.iter().all(|(id, sealed)| {
        !id.contains(CANARY) && !sealed.windows(canary.len()).any(|part| part == canary)
    }));
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_kept_does_not_stand_for_the_time_that_follows() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let (before, now) = (ago(&bench, 1), ago(&bench, 0));
    bench.clock.advance(30 * DAY);
    let ahead = span(before, bench.clock.now());
    keep(&bench, &[], (Some(ahead), 100)).await.unwrap();

    bench.clock.set(now);
    let kept = keep(&bench, &[], (Some(span(before, now)), 100)).await.unwrap();

    assert_eq!(kept.span, Some(span(before, now)));
}

// rule: architecture §13.7
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_is_forgotten_does_not_pass_for_what_never_was(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let at = |days| ago(&bench, days);
    let all = [used("old", false, at(8)), used("old thing", true, at(7)), used("new", false, at(2))];
    keep(&bench, &all, (Some(span(at(9), at(1))), 100)).await.unwrap();

    let gone = bench.store.activity_forget(at(5)).await.unwrap();
    let state = bench.store.activity_find(&connection()).await.unwrap().unwrap();
    let left = uses(&bench.store).await.unwrap();
    let again = bench.store.activity_forget(at(5)).await.unwrap();
    bench.store.activity_forget(at(0)).await.unwrap();

    assert_eq!((gone, again), (2, 0));
    assert_eq!(state.span, Some(span(at(5), at(1))));
    assert_eq!(left, [("new".to_owned(), false, at(2))]);
    let nothing = bench.store.activity_find(&connection()).await.unwrap().unwrap();
    assert_eq!((nothing.span, uses(&bench.store).await.unwrap().len()), (None, 0));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn of_too_much_what_was_used_longest_ago_goes_and_the_span_says_so(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let at = |days| ago(&bench, days);
    let thing = |days: i64| used(&format!("thing {days}"), true, at(days));
    let things: Vec<_> = (2..8).map(thing).collect();
    let moment = SignedDuration::from_micros(1);

    let bounded = keep(&bench, &things, (Some(span(at(9), at(1))), 4)).await.unwrap();
    let accounts: Vec<_> = (2..8).map(|days| used(&format!("anything {days}"), false, at(days))).collect();
    let later = keep(&bench, &accounts, (Some(span(at(1), at(0))), 4)).await.unwrap();

    let wanted = ActivitySpan { resources_from: at(6) + moment, ..span(at(9), at(1)) };
    assert_eq!(bounded.span, Some(wanted));
    let wanted = ActivitySpan { from: at(6) + moment, until: at(0), resources_from: at(6) + moment };
    assert_eq!(later.span, Some(wanted));
    let left: Vec<_> = uses(&bench.store).await.unwrap().into_iter().map(|(what, ..)| what).collect();
    let kept = |what: &str| (2..6).map(|days| format!("{what} {days}")).collect::<Vec<_>>();
    assert_eq!(left, [kept("anything"), kept("thing")].concat());
}

// rule: governance CON-28
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn of_a_removed_connection_nothing_is_kept_until_it_is_there_anew(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.inventory_connection().await;
    put(&bench, None, (&["a"], None)).await.unwrap();
    let (at, all) = (ago(&bench, 1), [used("a", false, ago(&bench, 1))]);
    keep(&bench, &all, (Some(span(at, at)), 100)).await.unwrap();

    bench.inventory_step(ConnectionStep::Remove).await;
    let gone = (bench.store.activity_find(&connection()).await.unwrap(), uses(&bench.store).await.unwrap());
    let late = keep(&bench, &all, (Some(span(at, at)), 100)).await;
    bench.clock.advance(DAY);
    bench.inventory_connection().await;
    let anew = keep(&bench, &all, (None, 100)).await.unwrap();

    assert_eq!(gone, (None, Vec::new()));
    assert!(matches!(late, Err(StoreError::NotFound { .. })), "{late:?}");
    assert_eq!((anew.span, uses(&bench.store).await.unwrap().len()), (None, 1));
}

#[rstest]
#[case("UPDATE activity_use SET of_resource = 1 - of_resource")]
#[case("UPDATE activity_use SET sealed = (SELECT MAX(sealed) FROM activity_use)")]
#[case("UPDATE activity_use SET id = 'f' || id")]
#[tokio::test]
async fn a_use_that_was_moved_or_changed_is_damage(#[case] tampering: &'static str) {
    let bench = Backend::Sqlite.start().await.unwrap();
    let at = ago(&bench, 1);
    keep(&bench, &[used("a", false, at), used("b", true, at)], (None, 100)).await.unwrap();
    assert_eq!(uses(&bench.store).await.unwrap().len(), 2);

    sqlx::query(tampering).execute(&bench.sql().await).await.unwrap();

    let damaged = uses(&bench.store).await.unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");
}

#[tokio::test]
async fn uses_are_read_under_another_master_key() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let at = ago(&bench, 1);
    keep(&bench, &[used(CANARY, true, at)], (None, 100)).await.unwrap();
    let new = MasterKey::random().to_base64();

    let both = ring(&new).with_older(MasterKey::from_base64(bench.key.expose()).unwrap());
    let store = open(&bench.place, both, &bench.clock).await.unwrap();
    store.keys_reseal(Actor::person("pat")).await.unwrap();
    let store = open(&bench.place, ring(&new), &bench.clock).await.unwrap();

    assert_eq!(uses(&store).await.unwrap(), [(CANARY.to_owned(), true, at)]);
}
