use model::ConnectionKey;
use store::{Actor, InventoryStanding, StoreError, Window};

use super::bench::{Bench, Facts, Seen};
use super::{ALL, DAY, facts};
use crate::inventory::{At, LoadError, ShrinkGuard, confirm, dismiss, list_states, load, load_parts};
use crate::report::KindStatus::{Complete, Incomplete, Unavailable};

/// So many members of a group.
fn members(count: usize) -> Facts {
    let names: Vec<String> = (0..count).map(|number| format!("u{number}")).collect();
    let mut facts = facts();
    for name in &names {
        facts = facts.with("user", &[name]).grant(("group", "eng"), ("user", name));
    }
    facts
}

// rule: governance CON-24
#[tokio::test(flavor = "multi_thread")]
async fn when_half_of_something_is_gone_nothing_of_the_sync_is_in_force_until_a_person_says_so() {
    let bench = Bench::new().await;
    bench.sync(&ALL, &members(40)).await;
    bench.advance(DAY);

    let held = bench.sync(&ALL, &members(10)).await;

    let why = held.held.clone().expect("it is held back").to_string();
    assert!(why.contains("13 resources of `user`") || why.contains("grants on `group`"), "{why}");
    assert_eq!(bench.rows(&At::Now).await, members(40).seen());
    assert_eq!(bench.rows(&At::Held).await, members(10).seen(), "a person can look at it");
    let state = bench.state(&At::Held).await.unwrap();
    assert_eq!((state.head.id, state.head.reason.as_deref()), (held.state.clone(), Some(why.as_str())));

    bench.advance(DAY);
    let confirmed = confirm(&bench.store, &bench.connection, Actor::person("pat")).await.unwrap();
    assert_eq!(confirmed, Some(held.state));
    assert_eq!(bench.rows(&At::Now).await, members(10).seen());
    assert_eq!(bench.rows(&At::Time(bench.now() - DAY)).await, members(40).seen());
    bench.advance(DAY);
    let next = bench.sync(&ALL, &members(9)).await;
    assert!(next.held.is_none(), "it is measured by what was confirmed: {next:?}");

    // Twin: without the guard it is in force at once.
    let twin = Bench::new().await;
    twin.sync(&ALL, &members(40)).await;
    let taken = twin.try_sync(&ALL, &members(10), ShrinkGuard::Off).await.unwrap();
    assert!(taken.held.is_none());
    assert_eq!(twin.rows(&At::Now).await, members(10).seen());
}

// rule: governance CON-24
#[tokio::test(flavor = "multi_thread")]
async fn what_is_dismissed_goes_and_what_came_back_replaces_it() {
    let bench = Bench::new().await;
    bench.sync(&ALL, &members(40)).await;

    bench.sync(&ALL, &members(10)).await;
    let dismissed = dismiss(&bench.store, &bench.connection, Actor::person("pat")).await.unwrap();
    let none = dismiss(&bench.store, &bench.connection, Actor::person("pat")).await.unwrap();
    bench.sync(&ALL, &members(10)).await;
    let back = bench.sync(&ALL, &members(40)).await;

    assert!(dismissed.is_some() && none.is_none());
    assert!(back.held.is_none() && back.changed.is_empty(), "{back:?}");
    assert!(bench.state(&At::Held).await.is_none());
    assert!(confirm(&bench.store, &bench.connection, Actor::person("pat")).await.unwrap().is_none());
    let all = list_states(&bench.store, &bench.connection, Window::ALL).await.unwrap();
    let mut standings: Vec<&str> = all.items.iter().map(|state| state.standing.as_str()).collect();
    standings.sort_unstable();
    let [dismissed, replaced, taken] =
        [InventoryStanding::Dismissed, InventoryStanding::Replaced, InventoryStanding::Taken];
    assert_eq!(standings, [dismissed.as_str(), replaced.as_str(), taken.as_str()]);
    assert_eq!(bench.rows(&At::Now).await, members(40).seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_whose_rows_went_is_an_error_and_not_an_empty_inventory() {
    let bench = Bench::new().await;
    bench.sync(&ALL, &members(40)).await;
    let held = bench.sync(&ALL, &members(10)).await;
    dismiss(&bench.store, &bench.connection, Actor::person("pat")).await.unwrap();
    let dismissed = bench.state(&At::State(held.state)).await.unwrap();
    let now = bench.state(&At::Now).await.unwrap();
    let nobody: ConnectionKey = "other".parse().unwrap();

    let refused = [
        load(&bench.store, &dismissed, Seen::default()).await.unwrap_err(),
        load_parts(&bench.store, &nobody, &now.parts, Seen::default()).await.unwrap_err(),
    ];

    for error in refused {
        assert!(matches!(error, LoadError::Store(StoreError::NotFound { .. })), "{error}");
    }
    assert!(load_parts(&bench.store, &nobody, &[], Seen::default()).await.unwrap().0.is_empty());
}

// rule: governance CON-24
#[tokio::test(flavor = "multi_thread")]
async fn each_part_is_measured_by_itself_and_only_where_it_was_read() {
    // All members of one small group of twelve left; of all grants that is little.
    let bench = Bench::new().await;
    let mut many = members(200);
    for number in 0..12 {
        many = many.grant(("role", "admin"), ("user", &format!("u{number}")));
    }
    bench.sync(&ALL, &many).await;
    let held = bench.sync(&ALL, &members(200)).await;
    assert!(held.held.unwrap().to_string().contains("grants on `role` that `user` holds"));

    // A list that broke, and one that is not allowed any more, are no shrink.
    for status in [Incomplete, Unavailable] {
        let bench = Bench::new().await;
        bench.sync(&ALL, &many).await;
        let kept = bench.sync(&[("user", Complete), ("group", Complete), ("role", status)], &many).await;
        assert!(kept.held.is_none(), "{status:?}: {kept:?}");
    }
}

// rule: governance CON-24
#[tokio::test(flavor = "multi_thread")]
async fn of_kinds_that_come_and_go_nothing_is_measured() {
    let kinds = [("user", Complete), ("invite", Complete)];
    let names: Vec<String> = (0..30).map(|number| format!("i{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let few = Facts::default().with("user", &["ana"]);

    let bench = Bench::new().await;
    bench.sync(&kinds, &few.clone().with("invite", &names).unsteady("invite")).await;
    let kept = bench.sync(&kinds, &few.clone().unsteady("invite")).await;
    assert!(kept.held.is_none(), "{kept:?}");

    // Twin: without the mark it is a shrink.
    let twin = Bench::new().await;
    twin.sync(&kinds, &few.clone().with("invite", &names)).await;
    assert!(twin.sync(&kinds, &few).await.held.is_some());
}
