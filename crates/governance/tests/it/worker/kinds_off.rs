//! Kinds that are switched off (governance CON-27).

use std::collections::{BTreeMap, BTreeSet};

use c1z::Expansion;
use governance::inventory::{At, KeepRequest, ShrinkGuard, find_state};
use governance::{Sync, SyncPart};
use sandbox::segment::SegmentOptions;
use store::{Actor, InventoryKindStatus};

use super::syncs::{DAY, begin_parts};
use super::{World, segment};
use crate::change::options;

// rule: governance CON-27
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_is_switched_off_is_not_read_and_not_shown_and_nobody_is_asked_whether_it_is_gone() {
    let world = World::start(SegmentOptions { users: 60, ..options() }).await;
    world.worker().work_off().await.unwrap();
    let kinds = async |world: &World| {
        let now = find_state(world.store(), &segment(), &At::Now).await.unwrap().unwrap().head;
        let kinds = now.kinds.into_iter().map(|kind| (kind.kind, kind.status)).collect::<BTreeMap<_, _>>();
        (kinds, now.counts.resources)
    };
    let (before, all) = kinds(&world).await;
    let off = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<BTreeSet<String>>();
    let set = async |kinds: BTreeSet<String>| {
        world.store().connection_kinds_off_set(&segment(), &kinds, Actor::system()).await.unwrap();
        world.clock.advance(DAY);
        world.worker().work_off().await.unwrap();
    };

    set(off(&["user"])).await;
    let (without, fewer) = kinds(&world).await;
    let status = world.status().await;
    set(before.keys().cloned().collect()).await;
    let none = world.status().await;
    set(off(&[])).await;

    assert_eq!(before["user"], InventoryKindStatus::Complete);
    assert_eq!(
        (without["user"], without["group"]),
        (InventoryKindStatus::Unavailable, InventoryKindStatus::Complete)
    );
    assert!(all - fewer >= 60, "{all} and {fewer}");
    assert_eq!((status.pause, status.last_error), (None, None));
    assert!(none.last_error.is_some_and(|error| error.contains("switched off")));
    assert_eq!(kinds(&world).await, (before, all));
}

// rule: governance CON-27
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_is_switched_off_is_not_read_for_what_it_brings_others() {
    let world = World::start(options()).await;
    let off = BTreeSet::from(["group".to_owned()]);
    world.store().connection_kinds_off_set(&segment(), &off, Actor::system()).await.unwrap();

    world.worker().work_off().await.unwrap();

    assert_eq!(world.status().await.last_error, None);
    let log = world.workspace.sandbox.log();
    let asked_for = |of: &str| {
        let mut paths = log["calls"].as_array().unwrap().iter().map(|call| call["path"].as_str().unwrap());
        paths.any(|path| path.split('/').any(|part| part == of))
    };
    assert!(asked_for("users") && asked_for("roles") && !asked_for("groups"), "{log}");
}

// rule: governance CON-27
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_is_switched_on_again_during_a_sync_without_it_is_not_empty_but_unread() {
    let world = World::start(options()).await;
    let (parts, request) = begin_parts(&world);
    let governance = parts.connector.connection().file.governance.as_deref().unwrap();
    let kinds = governance.resource_types.iter().map(|kind| kind.id.clone());
    let kinds: BTreeSet<String> = kinds.filter(|kind| kind != "role").collect();
    let part = SyncPart { kinds, expansion: Expansion::Left, ..SyncPart::default() };

    // The store says that none is switched off; roles were read all the same, for what they are of sources.
    let read = Sync::begin_part(parts, &request, part).await.unwrap().read(&|_| {}).await.unwrap();
    let connection = segment();
    let keep = KeepRequest {
        store: world.store(),
        connection: &connection,
        guard: ShrinkGuard::On,
        actor: Actor::system(),
    };
    read.keep(&keep).await.unwrap();

    let now = find_state(world.store(), &segment(), &At::Now).await.unwrap().unwrap().head;
    let status = |id: &str| now.kinds.iter().find(|kind| kind.kind == id).map(|kind| kind.status);
    assert_eq!(
        (status("role"), status("source")),
        (Some(InventoryKindStatus::Unavailable), Some(InventoryKindStatus::Complete))
    );
}
