use std::collections::BTreeSet;
use std::time::Duration;

use governance::inventory;
use model::Clock as _;
use protos::c1::connector::v2::{AccountInfo, Capability, Entitlement, Resource, ResourceId};
use protos::c1::connectorapi::baton::v1::task::TaskType;
use store::{BatonTaskState, ConnectionAccess, ConnectionUpdate, MessageKind, SyncSchedule};
use tonic::Code;

use super::plane::{Bench, Process, SILENCE, bench_for, pat};
use crate::control::{ConnectorLabel, ControlError};

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);

impl Bench {
    async fn set(&self, schedule: Option<SyncSchedule>, guard: Option<bool>) {
        let (connection, now) = ("segment".parse().unwrap(), self.clock.now());
        let next = schedule.as_ref().map(|schedule| (schedule, governance::worker::next_sync(schedule, now)));
        self.plane.inner.store.connection_sync_set(&connection, (next, guard), pat()).await.unwrap();
    }

    async fn failures(&self) -> u64 {
        let connection = "segment".parse().unwrap();
        self.plane.inner.store.connection_sync_find(&connection).await.unwrap().unwrap().failures
    }
}

/// The sync that is due is brought by this process.
async fn brings(bench: &Bench, process: &Process<'_>, users: usize) {
    let task = process.ask().await.expect("a sync is due");
    process.upload(&task.id, &bench.file(users)).await.unwrap();
    process.done(&task.id, None).await.unwrap();
}

/// The sync that is due fails.
async fn fails(process: &Process<'_>) {
    let task = process.ask().await.expect("a sync is due");
    process.failed(&task.id, Code::PermissionDenied).await.unwrap();
}

// rule: governance CON-21, CON-22
#[tokio::test]
async fn first_sync_comes_with_the_first_process_and_the_next_one_a_day_later() {
    let bench = bench_for(ConnectionAccess::Write).await;
    let process = bench.process("pod-1").await;

    let first = process.ask().await.unwrap();
    let meanwhile = process.ask().await;
    process.upload(&first.id, &bench.file(20)).await.unwrap();
    process.done(&first.id, None).await.unwrap();
    bench.clock.advance(DAY / 2);
    let early = process.ask().await;
    bench.clock.advance(DAY / 2);
    let next = process.ask().await.unwrap();

    assert!(matches!(first.task_type, Some(TaskType::SyncFull(_))));
    assert!(meanwhile.is_none() && early.is_none());
    assert_ne!(next.id, first.id);
    process.failed(&next.id, Code::Unavailable).await.unwrap();
    bench.plane.pause(&bench.connector, "moving", pat()).await.unwrap();
    bench.clock.advance(DAY);
    assert!(process.ask().await.is_none(), "a paused connector gets no work");
}

// rule: governance CON-21
#[tokio::test]
async fn syncs_come_by_the_schedule_of_the_connection() {
    let bench = bench_for(ConnectionAccess::Write).await;
    let process = bench.process("pod-1").await;
    brings(&bench, &process, 20).await;

    bench.set(Some(SyncSchedule::Every(HOUR)), None).await;
    bench.clock.advance(HOUR);
    brings(&bench, &process, 21).await;
    // It is 06:25 in UTC, 07:25 in Berlin.
    let (expression, zone) = ("30 8 * * *".to_owned(), "Europe/Berlin".to_owned());
    bench.set(Some(SyncSchedule::Cron { expression, zone }), None).await;
    bench.clock.advance(HOUR);
    let early = process.ask().await;
    bench.clock.advance(Duration::from_mins(5));
    let timely = process.ask().await;

    assert!(early.is_none() && timely.is_some());
}

// rule: governance CON-20
#[tokio::test]
async fn syncs_that_fail_are_tried_again_sooner_and_the_third_failure_is_told_once() {
    let bench = bench_for(ConnectionAccess::Write).await;
    let process = bench.process("pod-1").await;
    fails(&process).await;
    bench.clock.advance(HOUR);
    brings(&bench, &process, 20).await;
    bench.clock.advance(DAY);

    let mut told = Vec::new();
    for hours in [1, 2, 4, 8] {
        fails(&process).await;
        told.push(bench.told(MessageKind::SyncFailing).await);
        bench.clock.advance(HOUR * (hours - 1) + HOUR / 2);
        assert!(process.ask().await.is_none(), "{hours}");
        bench.clock.advance(HOUR / 2);
    }

    assert_eq!((told, bench.failures().await), (vec![0, 0, 1, 1], 4));
    brings(&bench, &process, 20).await;
    assert_eq!(bench.failures().await, 0);
}

// rule: governance CON-20
#[tokio::test]
async fn sync_whose_processes_fall_silent_counts_as_failed_and_a_cancelled_one_as_nothing() {
    let bench = bench_for(ConnectionAccess::Write).await;
    let process = bench.process("pod-1").await;
    for _ in 0..5 {
        assert!(process.ask().await.is_some());
        bench.clock.advance(SILENCE);
    }
    assert!(process.ask().await.is_none(), "its next try is an hour away");
    assert_eq!(bench.failures().await, 1);
    bench.clock.advance(HOUR);
    let task = process.ask().await.unwrap().id;
    let id = store::BatonTaskId::parse(&task).unwrap();

    bench.plane.cancel(&id, pat()).await.unwrap();
    process.failed(&task, Code::Cancelled).await.unwrap();

    assert_eq!(bench.failures().await, 1);
    assert!(process.ask().await.is_none(), "the next one comes by the schedule");
}

// rule: governance CON-24
#[tokio::test]
async fn file_that_is_held_is_told_to_the_owners_and_none_is_where_the_connection_has_no_guard() {
    let bench = bench_for(ConnectionAccess::Write).await;
    let process = bench.process("pod-1").await;
    brings(&bench, &process, 20).await;
    bench.clock.advance(DAY);

    brings(&bench, &process, 5).await;

    let shown = bench.plane.status(&bench.connector).await.unwrap();
    assert_eq!((shown.label, shown.is_held), (ConnectorLabel::Paused, true));
    assert_eq!((bench.told(MessageKind::SyncHeld).await, bench.failures().await), (1, 0));
    bench.set(None, Some(false)).await;
    bench.clock.advance(HOUR);
    bench.plane.resume(&bench.connector, pat()).await.unwrap();
    brings(&bench, &process, 5).await;
    let shown = bench.plane.status(&bench.connector).await.unwrap();
    assert_eq!((shown.label, shown.is_held), (ConnectorLabel::Connected, false));
}

// rule: governance CON-27
#[tokio::test]
async fn kind_that_is_switched_off_is_not_there_although_a_file_has_it() {
    let bench = bench_for(ConnectionAccess::Write).await;
    let process = bench.process("pod-1").await;
    brings(&bench, &process, 20).await;
    let (store, connection) = (&bench.plane.inner.store, "segment".parse().unwrap());

    let off = BTreeSet::from(["user".to_owned()]);
    store.connection_kinds_off_set(&connection, &off, pat()).await.unwrap();
    bench.clock.advance(DAY);
    brings(&bench, &process, 20).await;

    let now = inventory::find_state(store, &connection, &inventory::At::Now).await.unwrap().unwrap().head;
    assert_eq!(now.counts.resources, 0, "and nobody is asked whether they are gone");
    assert_eq!(now.kinds[0].reason.as_deref(), Some("switched off for this connection"));
    store.connection_kinds_off_set(&connection, &BTreeSet::default(), pat()).await.unwrap();
    bench.clock.advance(DAY);
    brings(&bench, &process, 20).await;
    let now = inventory::find_state(store, &connection, &inventory::At::Now).await.unwrap().unwrap().head;
    assert_eq!(now.counts.resources, 20);
}

#[tokio::test]
async fn connection_that_is_switched_off_gives_no_work() {
    let bench = bench_for(ConnectionAccess::Write).await;
    let process = bench.process("pod-1").await;

    bench.update(ConnectionUpdate { disabled: Some(true), ..ConnectionUpdate::default() }).await;

    assert!(process.ask().await.is_none());
    let asked = bench.plane.queue_sync(&bench.connector, pat()).await;
    assert!(matches!(asked, Err(ControlError::SwitchedOff { .. })), "{asked:?}");
    bench.update(ConnectionUpdate { disabled: Some(false), ..ConnectionUpdate::default() }).await;
    assert!(process.ask().await.is_some());
}

fn member() -> (Entitlement, Resource) {
    let id = |kind: &str, id: &str| ResourceId {
        resource_type: kind.to_owned(),
        resource: id.to_owned(),
        ..ResourceId::default()
    };
    let of = |id| Resource { id: Some(id), ..Resource::default() };
    let entitlement = Entitlement {
        id: "group:g1:member".to_owned(),
        resource: Some(of(id("group", "g1"))),
        ..Entitlement::default()
    };
    (entitlement, of(id("user", "u1")))
}

// rule: baton P-17
#[tokio::test]
async fn changes_need_a_connection_that_may_change_something() {
    let bench = bench_for(ConnectionAccess::Write).await;
    let process = bench.process("pod-1").await;
    process.hello(&[Capability::Sync, Capability::Provision]).await;
    brings(&bench, &process, 20).await;
    let queued = bench.plane.queue_grant(&bench.connector, member(), pat()).await.unwrap();

    let reading = ConnectionUpdate { access: Some(ConnectionAccess::Read), ..ConnectionUpdate::default() };
    bench.update(reading).await;

    let refused = bench.plane.queue_grant(&bench.connector, member(), pat()).await;
    assert!(matches!(refused, Err(ControlError::ForReading { .. })), "{refused:?}");
    assert!(process.ask().await.is_none(), "one that waits goes on waiting");
    let writing = ConnectionUpdate { access: Some(ConnectionAccess::Write), ..ConnectionUpdate::default() };
    bench.update(writing).await;
    assert_eq!(process.ask().await.unwrap().id, queued.id.as_str());
}

// rule: baton P-16, P-17, governance CON-2
#[tokio::test]
async fn accounts_are_made_and_removed_by_connectors_that_said_so() {
    let bench = bench_for(ConnectionAccess::Write).await;
    let process = bench.process("pod-1").await;
    process.hello(&[Capability::Sync, Capability::Provision, Capability::ResourceDelete]).await;
    brings(&bench, &process, 20).await;
    let account = AccountInfo { login: "ana".to_owned(), ..AccountInfo::default() };
    let id = member().1.id.unwrap();

    let create = |of: Option<&str>| {
        bench.plane.queue_account(&bench.connector, (account.clone(), of.map(str::to_owned)), pat())
    };
    let early = create(None).await;
    let delete = bench.plane.queue_delete(&bench.connector, (id.clone(), None), pat()).await.unwrap();
    let removal = process.ask().await.unwrap();
    process.hello(&[Capability::Sync, Capability::AccountProvisioning]).await;
    let made = create(Some("invite")).await.unwrap();
    let creation = process.ask().await.unwrap();

    assert!(matches!(early, Err(ControlError::NotCapable { kind: "create_account" })), "{early:?}");
    assert_eq!((removal.id.as_str(), creation.id.as_str()), (delete.id.as_str(), made.id.as_str()));
    let Some(TaskType::DeleteResource(removal)) = removal.task_type else { panic!("another task") };
    let Some(TaskType::CreateAccount(creation)) = creation.task_type else { panic!("another task") };
    assert_eq!((removal.resource_id, removal.parent_resource_id), (Some(id), None));
    assert_eq!((creation.account_info, creation.resource_type_id.as_str()), (Some(account), "invite"));
    assert!(creation.credential_options.is_none() && creation.encryption_configs.is_empty());
    process.failed(made.id.as_str(), Code::AlreadyExists).await.unwrap();
    let outcome = bench.plane.outcome(&made.id).await.unwrap().unwrap();
    assert_eq!(outcome.task.state, BatonTaskState::Failed);
}
