//! What comes into force of what was read, and what stays of what was there.

mod bench;
mod file;
mod held;
mod hostile;
mod large;

use jiff::SignedDuration;
use store::{InventoryKindStatus, Window};

use crate::inventory::{At, find_state, list_states};
use crate::report::KindStatus::{Complete, Incomplete, Unavailable};
use bench::{Bench, CANARY, Facts};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Users that are members of groups, one of which holds a role.
fn facts() -> Facts {
    Facts::default()
        .with("user", &["ana", "ben", "cy"])
        .with("group", &["eng", "ops"])
        .with("role", &["admin"])
        .grant(("group", "eng"), ("user", "ana"))
        .grant(("group", "ops"), ("user", "ben"))
        .grant(("role", "admin"), ("group", "eng"))
        .grant(("role", "admin"), ("user", "cy"))
}

const ALL: [(&str, crate::report::KindStatus); 3] =
    [("user", Complete), ("group", Complete), ("role", Complete)];

// rule: architecture §4
#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_force_at_a_date_is_what_was_read_then() {
    let bench = Bench::new().await;
    let later = facts().without("user", "cy").grant(("group", "ops"), ("user", "ana"));
    bench.sync(&ALL, &facts()).await;
    let first_day = bench.now();
    bench.advance(DAY);
    bench.sync(&ALL, &later).await;

    bench.advance(DAY);

    assert_eq!(bench.rows(&At::Time(first_day)).await, facts().seen());
    assert_eq!(bench.rows(&At::Time(first_day + DAY - SignedDuration::from_secs(1))).await, facts().seen());
    assert_eq!(bench.rows(&At::Now).await, later.seen());
    assert_eq!(bench.rows(&At::Time(bench.now())).await, later.seen());
    assert!(bench.state(&At::Time(first_day - DAY)).await.is_none(), "nothing was known before");
}

// rule: architecture §4
#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_kind_keeps_its_last_good_part_and_the_grants_at_both_of_its_ends() {
    let bench = Bench::new().await;
    bench.sync(&ALL, &facts()).await;
    let first = bench.now();
    bench.advance(DAY);
    // Users changed, groups could not be read: neither their members nor what they hold are known.
    let now = facts().with("user", &["dan"]).without("user", "cy").without("group", "ops");

    let kept = bench.sync(&[("user", Complete), ("group", Incomplete), ("role", Complete)], &now).await;

    assert_eq!(kept.changed, [("role", "user"), ("user", "")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    let state = bench.state(&At::Now).await.unwrap();
    let of = |kind: &str| {
        let found = state.head.kinds.iter().find(|known| known.kind == kind).unwrap();
        (found.status, found.as_of)
    };
    assert_eq!(of("user"), (InventoryKindStatus::Complete, Some(first + DAY)));
    assert_eq!(of("group"), (InventoryKindStatus::Incomplete, Some(first)));
    let as_of = |kind: &str, holder: &str| {
        let found = state.parts.iter().find(|part| part.kind == kind && part.holder == holder);
        found.map(|part| part.as_of)
    };
    for old in [("group", ""), ("group", "user"), ("role", "group")] {
        assert_eq!(as_of(old.0, old.1), Some(first), "{old:?}");
    }
    assert_eq!((as_of("user", ""), as_of("role", "")), (Some(first + DAY), Some(first + DAY)));
    let rows = bench.rows(&At::Now).await;
    assert!(rows.contains("group:ops") && rows.contains("group:ops <- user:ben"), "{rows:?}");
    assert!(rows.contains("role:admin <- group:eng") && rows.contains("user:dan"), "{rows:?}");
    assert!(!rows.contains("user:cy") && !rows.contains("role:admin <- user:cy"), "{rows:?}");

    // Planted: a kind that was not read to its end passes for one that has nothing.
    let twin = Bench::new().await;
    twin.sync(&ALL, &facts()).await;
    let lost = now.clone().without("group", "eng");
    twin.sync(&ALL, &lost).await;
    assert!(!twin.rows(&At::Now).await.contains("role:admin <- group:eng"), "the check would notice");

    bench.advance(DAY);
    bench.sync(&ALL, &now).await;
    assert_eq!(bench.rows(&At::Now).await, now.seen(), "read to its end, it is as it is");
}

// rule: architecture §4
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_was_never_read_to_its_end_shows_nothing() {
    let bench = Bench::new().await;

    bench.sync(&[("user", Complete), ("group", Incomplete), ("role", Complete)], &facts()).await;

    let rows = bench.rows(&At::Now).await;
    assert!(rows.contains("user:ana") && !rows.iter().any(|row| row.contains("group")), "{rows:?}");
    let state = bench.state(&At::Now).await.unwrap();
    assert_eq!(
        (state.head.kinds[1].status, state.head.kinds[1].as_of),
        (InventoryKindStatus::Incomplete, None)
    );
}

// rule: architecture §4
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_is_known_as_that_and_not_shown() {
    let bench = Bench::new().await;
    bench.sync(&ALL, &facts()).await;
    bench.advance(DAY);

    bench.sync(&[("user", Complete), ("group", Unavailable), ("role", Complete)], &facts()).await;

    let state = bench.state(&At::Now).await.unwrap();
    assert_eq!(
        (state.head.kinds[1].status, state.head.kinds[1].as_of),
        (InventoryKindStatus::Unavailable, None)
    );
    assert!(!bench.rows(&At::Now).await.iter().any(|row| row.contains("group")));
    // Not allowed and then broken: what was before is not brought back.
    bench.sync(&[("user", Complete), ("group", Incomplete), ("role", Complete)], &facts()).await;
    assert!(!bench.rows(&At::Now).await.iter().any(|row| row.contains("group")));
}

// rule: governance CON-28
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_is_not_listed_any_more_is_removed_and_remembered() {
    let bench = Bench::new().await;
    bench.sync(&ALL, &facts()).await;
    let first = bench.now();
    bench.advance(DAY);

    let two = [("user", Complete), ("role", Complete)];
    bench.sync(&two, &facts()).await;
    bench.advance(DAY);
    let again = bench.sync(&two, &facts()).await;

    assert!(again.changed.is_empty(), "{again:?}");
    let state = bench.state(&At::Now).await.unwrap();
    let gone = state.head.kinds.last().unwrap();
    assert_eq!(
        (gone.kind.as_str(), gone.status, gone.as_of),
        ("group", InventoryKindStatus::Removed, Some(first))
    );
    assert!(!bench.rows(&At::Now).await.iter().any(|row| row.contains("group")));
    assert_eq!(bench.rows(&At::Time(first)).await, facts().seen());

    bench.advance(DAY);
    bench.sync(&ALL, &facts()).await;
    assert_eq!(bench.rows(&At::Now).await, facts().seen());
}

// rule: architecture §4
#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_is_not_written_again_and_is_as_of_now() {
    let bench = Bench::new().await;
    let first = bench.sync(&ALL, &facts()).await;
    assert!(first.written_bytes > 0 && first.changed.len() == 6, "{first:?}");
    let read = bench.now();
    bench.advance(DAY);

    let second = bench.sync(&ALL, &facts()).await;

    assert_eq!((second.state.clone(), second.written_bytes), (first.state.clone(), 0));
    assert!(second.changed.is_empty());
    let state = bench.state(&At::Now).await.unwrap();
    assert!(state.parts.iter().all(|part| part.as_of == read + DAY));
    assert!(state.head.kinds.iter().all(|kind| kind.as_of == Some(read + DAY)));
    assert_eq!((state.head.seen_at, state.head.taken_at), (read + DAY, Some(read)));
    let then = bench.state(&At::Time(read + SignedDuration::from_hours(1))).await.unwrap();
    assert!(
        then.head.kinds.iter().all(|kind| kind.as_of == Some(read + SignedDuration::from_hours(1))),
        "nobody knows of a time that is still to come"
    );
    let hour = read + SignedDuration::from_hours(1);
    assert_eq!((then.head.read_at, then.head.seen_at), (hour, hour), "nor does the whole");
    let all = list_states(&bench.store, &bench.connection, Window::ALL).await.unwrap();
    assert_eq!(all.total, 1);

    // That a kind could not be read is news, though no row is another.
    let third = bench.sync(&[("user", Complete), ("group", Incomplete), ("role", Complete)], &facts()).await;
    assert!(third.state != first.state && third.changed.is_empty() && third.written_bytes == 0, "{third:?}");
}

// rule: architecture §4, law 3
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_while_keeping_leaves_what_was_in_force() {
    let bench = Bench::new().await;
    bench.sync(&ALL, &facts()).await;
    let later = facts().with("user", &["dan"]).grant(("group", "eng"), ("user", "dan"));

    bench.give_up(&ALL, &later).await;

    assert_eq!(bench.rows(&At::Now).await, facts().seen());
    let kept = bench.sync(&ALL, &later).await;
    assert_eq!(bench.rows(&At::Now).await, later.seen());
    assert_eq!(kept.changed.len(), 2, "{kept:?}");
}

// rule: architecture §13.7
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_named_in_clear_in_the_state_database() {
    let bench = Bench::new().await;
    bench.sync(&ALL, &facts().with("user", &[CANARY])).await;
    bench.sync(&ALL, &facts()).await;

    assert!(bench.rows(&At::Now).await.contains("user:ana"));
    let names = ["ana@example.com".to_owned(), CANARY.to_owned()];
    for (file, bytes) in bench.files() {
        for name in &names {
            let is_there = bytes.windows(name.len()).any(|window| window == name.as_bytes());
            assert!(!is_there, "{name} in {}", file.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_from_grants_is_left_out_of_a_sync_of_ours() {
    let bench = Bench::new().await;
    let expanded = facts().inherited(("role", "admin"), ("user", "ana"), ("group", "eng"));

    bench.sync(&ALL, &expanded).await;

    assert_eq!(bench.rows(&At::Now).await, facts().seen());
    let found = find_state(&bench.store, &bench.connection, &At::Now).await.unwrap().unwrap();
    assert_eq!(found.head.counts.grants, 4);
}
