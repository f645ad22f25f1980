//! The inventory: states, their parts, and what is left of them.

use std::time::Duration;

use crypto::MasterKey;
use jiff::{SignedDuration, Timestamp};
use model::{Clock as _, ConnectionKey};
use rstest::rstest;
use store::{
    Actor, InventoryCounts, InventoryKind, InventoryKindStatus, InventoryOrigin, InventoryPart,
    InventoryStanding, InventoryStateId, NewInventoryPart, NewInventoryState, SeenInventory, Store,
    StoreError, Window,
};

use crate::bench::{Backend, Bench, CANARY, open, ring};

const DAY: Duration = Duration::from_hours(24);

pub(crate) fn connection() -> ConnectionKey {
    "segment".parse().unwrap()
}

/// A part of kind `user` with these pieces, which are kept.
pub(crate) async fn part(bench: &Bench, pieces: &[&str]) -> NewInventoryPart {
    let key = bench.store.inventory_key_get(&connection()).await.unwrap();
    let sealed: Vec<_> =
        pieces.iter().map(|rows| key.seal(key.chunk_id(rows.as_bytes()), rows.as_bytes()).unwrap()).collect();
    bench.store.inventory_chunk_put(&sealed).await.unwrap();
    let chunks: Vec<_> = sealed.iter().map(|chunk| chunk.id().clone()).collect();
    let part = InventoryPart {
        id: key.part_id(("user", ""), &chunks),
        kind: "user".to_owned(),
        holder: String::new(),
        as_of: bench.clock.now(),
        counts: InventoryCounts { resources: pieces.len() as u64, entitlements: 0, grants: 0 },
    };
    NewInventoryPart { part, chunks: Some(chunks) }
}

fn kinds(now: Timestamp) -> Vec<InventoryKind> {
    let user = InventoryKind {
        kind: "user".to_owned(),
        status: InventoryKindStatus::Complete,
        as_of: Some(now),
        reason: None,
    };
    let role = InventoryKind {
        kind: "role".to_owned(),
        status: InventoryKindStatus::Incomplete,
        as_of: None,
        reason: Some("503".to_owned()),
    };
    vec![user, role]
}

/// Keeps a state of one part over `base`.
pub(crate) async fn put(
    bench: &Bench,
    base: Option<&InventoryStateId>,
    (pieces, held): (&[&str], Option<&str>),
) -> Option<InventoryStateId> {
    let (parts, kinds, connection) = ([part(bench, pieces).await], kinds(bench.clock.now()), connection());
    let new = NewInventoryState {
        connection: &connection,
        base,
        origin: InventoryOrigin::Sync,
        source: Some("run_1"),
        read_at: bench.clock.now(),
        kinds: &kinds,
        parts: &parts,
        changed: 1,
        held,
        actor: Actor::system(),
    };
    bench.store.inventory_state_put(&new).await.unwrap()
}

pub(crate) async fn now(store: &Store) -> Option<InventoryStateId> {
    store.inventory_state_now(&connection()).await.unwrap().map(|state| state.id)
}

pub(crate) async fn rows(store: &Store, id: &InventoryStateId) -> Result<Vec<String>, StoreError> {
    let Some(key) = store.inventory_key_find(&connection()).await? else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for part in store.inventory_part_list(id).await? {
        let mut chunks = store.inventory_chunk_list(&key, &part);
        while let Some(piece) = chunks.next().await? {
            rows.push(String::from_utf8(piece).unwrap());
        }
    }
    Ok(rows)
}

fn ago(bench: &Bench, hours: i64) -> Timestamp {
    bench.clock.now() - SignedDuration::from_hours(hours)
}

// rule: architecture §4
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_was_in_force_at_a_time_is_found_and_equal_rows_are_kept_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let pieces: Vec<String> = (0..20).map(|number| format!("{CANARY} {number}")).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let first = put(&bench, None, (&pieces, None)).await.unwrap();
    bench.clock.advance(DAY);
    let second = put(&bench, Some(&first), (&["b"], None)).await.unwrap();
    bench.clock.advance(DAY);
    let third = put(&bench, Some(&second), (&pieces, None)).await.unwrap();

    let other = bench.again().await;
    let at = |hours| {
        let (store, time) = (&other, ago(&bench, hours));
        async move { store.inventory_state_at(&connection(), time).await.unwrap().map(|state| state.id) }
    };
    assert_eq!(
        [at(49).await, at(48).await, at(1).await, at(0).await],
        [None, Some(first.clone()), Some(second.clone()), Some(third.clone())]
    );
    assert_eq!(now(&other).await, Some(third.clone()));
    assert_eq!(rows(&other, &first).await.unwrap(), pieces);
    assert_eq!(rows(&other, &second).await.unwrap(), ["b"]);
    let (one, two) = (bench_parts(&other, &first).await, bench_parts(&other, &third).await);
    assert_eq!(one, two, "equal rows are the same part");
    let state = other.inventory_state_find(&connection(), &third).await.unwrap().unwrap();
    assert_eq!((state.kinds, state.counts.resources), (kinds(bench.clock.now()), 20));
    assert_eq!(state.source.as_deref(), Some("run_1"));
    let listed = other.inventory_state_list(&connection(), Window { offset: 1, limit: 1 }).await.unwrap();
    assert_eq!((listed.items[0].id.clone(), listed.total), (second, 3));
    assert_eq!(other.inventory_list().await.unwrap(), [connection()]);
}

async fn bench_parts(store: &Store, id: &InventoryStateId) -> Vec<store::InventoryPartId> {
    store.inventory_part_list(id).await.unwrap().into_iter().map(|part| part.id).collect()
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn of_two_who_keep_at_the_same_time_one_begins_anew(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let first = put(&bench, None, (&["a"], None)).await.unwrap();
    let second = put(&bench, Some(&first), (&["b"], None)).await.unwrap();

    let late = put(&bench, Some(&first), (&["c"], None)).await;
    let (kinds, connection) = (kinds(bench.clock.now()), connection());
    let seen = SeenInventory {
        connection: &connection,
        state: &first,
        read_at: bench.clock.now(),
        kinds: &kinds,
        parts: &[],
    };
    let late_again = bench.store.inventory_state_seen(&seen).await.unwrap();

    assert_eq!((late, late_again), (None, false));
    assert_eq!(now(&bench.store).await, Some(second.clone()));
    let [first, second] = [first, second].map(|id| {
        let store = bench.store.clone();
        async move { store.inventory_state_find(&"segment".parse().unwrap(), &id).await.unwrap().unwrap() }
    });
    let (first, second) = (first.await.taken_at, second.await.taken_at);
    assert!(first < second, "no two of a connection come into force at one time: {first:?} {second:?}");
}

// rule: governance CON-24
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_is_held_back_is_not_in_force_until_a_person_says_so(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let first = put(&bench, None, (&["a"], None)).await.unwrap();

    let held = put(&bench, Some(&first), (&["b"], Some("half is gone"))).await.unwrap();
    let replacing = put(&bench, Some(&first), (&["c"], Some("half is gone"))).await.unwrap();
    assert_eq!(now(&bench.store).await, Some(first.clone()));
    assert_eq!(rows(&bench.store, &held).await.unwrap(), Vec::<String>::new(), "nothing is kept of it");
    let found = bench.store.inventory_state_held(&connection()).await.unwrap().unwrap();
    assert_eq!((found.id, found.reason.as_deref()), (replacing.clone(), Some("half is gone")));

    bench.clock.advance(DAY);
    let confirmed = bench.store.inventory_confirm(&connection(), Actor::person("pat")).await.unwrap();
    let again = bench.store.inventory_confirm(&connection(), Actor::person("pat")).await.unwrap();
    assert_eq!((confirmed, again), (Some(replacing.clone()), None));
    assert_eq!(now(&bench.store).await, Some(replacing.clone()));
    let yesterday = bench.store.inventory_state_at(&connection(), ago(&bench, 1)).await.unwrap().unwrap();
    assert_eq!(yesterday.id, first, "it is in force from when it was confirmed");

    let third = put(&bench, Some(&replacing), (&["d"], Some("half is gone"))).await.unwrap();
    let dismissed = bench.store.inventory_dismiss(&connection(), Actor::person("pat")).await.unwrap();
    assert_eq!((dismissed, now(&bench.store).await), (Some(third.clone()), Some(replacing)));
    let standing = |id| {
        let store = &bench.store;
        async move { store.inventory_state_find(&connection(), id).await.unwrap().unwrap().standing }
    };
    assert_eq!(standing(&held).await, InventoryStanding::Replaced);
    assert_eq!(standing(&third).await, InventoryStanding::Dismissed);
    assert_eq!(rows(&bench.store, &third).await.unwrap(), Vec::<String>::new());
}

// rule: architecture §13.7
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_is_past_its_time_goes_and_what_was_in_force_then_stays(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let first = put(&bench, None, (&["a", "shared"], None)).await.unwrap();
    bench.clock.advance(DAY);
    let second = put(&bench, Some(&first), (&["b", "shared"], None)).await.unwrap();
    bench.clock.advance(DAY);
    let third = put(&bench, Some(&second), (&["c"], None)).await.unwrap();
    // Whoever kept these was killed before there was a state.
    part(&bench, &["nobody's"]).await;
    bench.clock.advance(2 * DAY);

    let forget = |hours| {
        let (store, before) = (&bench.store, ago(&bench, hours));
        async move { store.inventory_forget(before, Actor::system()).await.unwrap() }
    };
    let early = forget(73).await;
    assert_eq!((early.states, early.parts, early.chunks), (0, 0, 1), "only what nothing has");
    let gone = forget(71).await;
    assert_eq!((gone.states, gone.parts, gone.chunks, gone.has_more), (1, 1, 1, false));
    assert!(bench.store.inventory_state_find(&connection(), &first).await.unwrap().is_none());
    assert_eq!(rows(&bench.store, &second).await.unwrap(), ["b", "shared"], "it was in force then");
    let all = forget(0).await;
    assert_eq!((all.states, all.parts, all.chunks), (1, 1, 2));
    assert_eq!(rows(&bench.store, &third).await.unwrap(), ["c"], "what is in force stays");
    assert_eq!(forget(0).await, store::InventoryForgotten::default());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn chunks_that_somebody_may_be_about_to_need_stay_for_a_day(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let kept = part(&bench, &["a"]).await;
    bench.clock.advance(Duration::from_mins(24 * 60 - 1));

    let gone = bench.store.inventory_forget(bench.clock.now(), Actor::system()).await.unwrap();

    assert_eq!(gone.chunks, 0);
    let (kinds, connection) = (kinds(bench.clock.now()), connection());
    let new = NewInventoryState {
        connection: &connection,
        base: None,
        origin: InventoryOrigin::File,
        source: None,
        read_at: bench.clock.now(),
        kinds: &kinds,
        parts: &[kept],
        changed: 1,
        held: None,
        actor: Actor::system(),
    };
    let state = bench.store.inventory_state_put(&new).await.unwrap().unwrap();
    assert_eq!(rows(&bench.store, &state).await.unwrap(), ["a"]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_state_whose_chunks_are_not_there_is_not_kept_at_all(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let first = put(&bench, None, (&["a"], None)).await.unwrap();
    let lost = part(&bench, &["b"]).await;
    bench.clock.advance(2 * DAY);
    bench.store.inventory_forget(bench.clock.now(), Actor::system()).await.unwrap();

    let (kinds, connection) = (kinds(bench.clock.now()), connection());
    let new = NewInventoryState {
        connection: &connection,
        base: Some(&first),
        origin: InventoryOrigin::Sync,
        source: None,
        read_at: bench.clock.now(),
        kinds: &kinds,
        parts: &[lost],
        changed: 1,
        held: None,
        actor: Actor::system(),
    };
    bench.store.inventory_state_put(&new).await.unwrap_err();

    assert_eq!(now(&bench.store).await, Some(first.clone()));
    assert_eq!(bench.store.inventory_state_list(&connection, Window::ALL).await.unwrap().total, 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn rows_survive_a_change_of_keys_without_being_written_anew(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let first = put(&bench, None, (&["a", "b"], None)).await.unwrap();

    let fresh = MasterKey::random().to_base64();
    let keys = ring(&fresh).with_older(MasterKey::from_base64(bench.key.expose()).unwrap());
    let turned = open(&bench.place, keys, &bench.clock).await.unwrap();
    turned.keys_reseal(Actor::system()).await.unwrap();
    let later = open(&bench.place, ring(&fresh), &bench.clock).await.unwrap();

    assert_eq!(rows(&later, &first).await.unwrap(), ["a", "b"]);
    assert!(rows(&bench.store, &first).await.is_err(), "the old key opens nothing any more");
}

// rule: architecture §13.7
#[tokio::test]
async fn the_file_has_no_name_in_clear_and_a_backup_has_the_inventory() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let first = put(&bench, None, (&[CANARY, &CANARY.repeat(100)], None)).await.unwrap();
    let copy = bench.folder.path().join("copy.db");
    Store::backup(&bench.place, &copy).await.unwrap();
    bench.store.close().await;

    let files: Vec<_> =
        std::fs::read_dir(bench.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{}", file.display());
    }
    let restored = open(&store::StorePlace::File(copy), ring(&bench.key), &bench.clock).await.unwrap();
    assert_eq!(rows(&restored, &first).await.unwrap().len(), 2);
}

#[rstest]
#[case("DELETE FROM inventory_part_chunk WHERE number = 1")]
#[case("DELETE FROM inventory_part_chunk WHERE number = 2")]
#[case("UPDATE inventory_part_chunk SET number = 5 - number")]
#[case("UPDATE inventory_chunk SET sealed = (SELECT MAX(sealed) FROM inventory_chunk)")]
#[tokio::test]
async fn a_piece_that_was_taken_out_moved_or_changed_is_damage_and_not_fewer_rows(
    #[case] tampering: &'static str,
) {
    let bench = Backend::Sqlite.start().await.unwrap();
    let first = put(&bench, None, (&["a", "b", "c"], None)).await.unwrap();
    assert_eq!(rows(&bench.store, &first).await.unwrap(), ["a", "b", "c"]);

    sqlx::query(tampering).execute(&bench.sql().await).await.unwrap();

    let damaged = rows(&bench.store, &first).await.unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");
}
