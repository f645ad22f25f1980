//! What becomes of an inventory whose connection is gone, and of rows that nothing has.

use std::time::Duration;

use model::Clock;
use rstest::rstest;
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, InventoryKindStatus,
    InventoryOrigin, NewConnection, NewInventoryState, StoreError,
};

use crate::bench::{Backend, Bench, LEASE};
use crate::inventory::{connection, now, part, put, rows};

const DAY: Duration = Duration::from_hours(24);

impl Bench {
    pub(crate) async fn inventory_step(&self, step: ConnectionStep) {
        let change = ConnectionChange { key: &connection(), actor: Actor::person("pat"), steps: vec![step] };
        assert_eq!(self.store.connection_change(change).await.unwrap(), ConnectionChanged::Done);
    }

    pub(crate) async fn inventory_connection(&self) {
        let new = NewConnection {
            name: None,
            description: None,
            connection_type: "saas".to_owned(),
            access: ConnectionAccess::Read,
            disabled: false,
            system_key: None,
        };
        self.inventory_step(ConnectionStep::Create(new)).await;
    }
}

// rule: governance CON-28, architecture §13.7
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn of_a_removed_connection_nothing_is_in_force_and_its_history_goes_with_time(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    bench.inventory_connection().await;
    let first = put(&bench, None, (&["a"], None)).await.unwrap();
    let held = put(&bench, Some(&first), (&["b"], Some("half is gone"))).await.unwrap();
    bench.clock.advance(DAY);

    bench.inventory_step(ConnectionStep::Remove).await;
    let state = bench.store.inventory_state_now(&connection()).await.unwrap().unwrap();
    let history = rows(&bench.store, &first).await.unwrap();
    bench.clock.advance(2 * DAY);
    let gone = bench.store.inventory_forget(bench.clock.now(), Actor::system()).await.unwrap();

    assert_eq!((state.origin, state.changed, state.counts.resources), (InventoryOrigin::Removal, 1, 0));
    let kinds: Vec<_> = state.kinds.iter().map(|kind| (kind.kind.as_str(), kind.status)).collect();
    assert_eq!(kinds, [("user", InventoryKindStatus::Removed)]);
    assert_eq!(history, ["a"]);
    assert!(bench.store.inventory_state_held(&connection()).await.unwrap().is_none());
    assert_eq!((gone.states, gone.parts, gone.chunks), (2, 2, 2));
    for id in [first, held] {
        assert!(bench.store.inventory_state_find(&connection(), &id).await.unwrap().is_none());
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_was_still_read_of_a_removed_connection_does_not_come_into_force(
    #[case] backend: Backend,
    #[values(false, true)] is_first: bool,
) {
    let Some(bench) = backend.start().await else { return };
    bench.inventory_connection().await;
    let base = if is_first { None } else { put(&bench, None, (&["a"], None)).await };
    let late = [part(&bench, &["b"]).await];
    bench.inventory_step(ConnectionStep::Remove).await;

    let connection = connection();
    let removed = now(&bench.store).await.unwrap();
    let new = |base| NewInventoryState {
        connection: &connection,
        base,
        origin: InventoryOrigin::Sync,
        source: None,
        read_at: bench.clock.now(),
        kinds: &[],
        parts: &late,
        changed: 1,
        held: None,
        actor: Actor::system(),
    };
    let overtaken = bench.store.inventory_state_put(&new(base.as_ref())).await.unwrap();
    let refused = bench.store.inventory_state_put(&new(Some(&removed))).await.unwrap_err();
    let still = now(&bench.store).await;
    bench.inventory_connection().await;
    let anew = bench.store.inventory_state_put(&new(Some(&removed))).await.unwrap();

    assert_eq!((overtaken, still), (None, Some(removed)));
    assert!(matches!(refused, StoreError::NotFound { what: "connection", .. }), "{refused}");
    assert!(anew.is_some(), "its history goes on under the same key");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_first_sync_that_ends_when_its_connection_was_removed_keeps_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.inventory_connection().await;
    bench.store.connection_sync_connect(&connection(), "one").await.unwrap();
    let reading = bench.store.connection_sync_claim("w", LEASE).await.unwrap();

    bench.inventory_step(ConnectionStep::Remove).await;
    let late = put(&bench, None, (&["a"], None)).await;

    assert!(reading.is_some());
    assert_eq!(late, None);
    let state = bench.store.inventory_state_now(&connection()).await.unwrap().unwrap();
    assert_eq!((state.origin, state.changed), (InventoryOrigin::Removal, 0));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn rows_that_are_kept_once_more_stay_for_whoever_keeps_them(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    // Kept for a state that was dismissed, and found again by the sync that follows.
    let first = put(&bench, None, (&["a"], None)).await.unwrap();
    put(&bench, Some(&first), (&["b"], Some("half is gone"))).await.unwrap();
    bench.store.inventory_dismiss(&connection(), Actor::person("pat")).await.unwrap();
    bench.clock.advance(2 * DAY);
    let again = [part(&bench, &["b"]).await];

    let gone = bench.store.inventory_forget(bench.clock.now(), Actor::system()).await.unwrap();

    assert_eq!((gone.parts, gone.chunks), (1, 0));
    let connection = connection();
    let new = NewInventoryState {
        connection: &connection,
        base: Some(&first),
        origin: InventoryOrigin::Sync,
        source: None,
        read_at: bench.clock.now(),
        kinds: &[],
        parts: &again,
        changed: 1,
        held: None,
        actor: Actor::system(),
    };
    let second = bench.store.inventory_state_put(&new).await.unwrap().unwrap();
    assert_eq!(rows(&bench.store, &second).await.unwrap(), ["b"]);
}
