//! Syncs: when they come, who carries them out, and what is left when somebody is killed.

use std::sync::Arc;
use std::time::Duration;

use engine::Canceller;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use governance::inventory::{At, KeepRequest, ShrinkGuard, confirm, find_state};
use governance::worker::{Connected, Known, OpenError, Opened, Worker, WorkerParts};
use governance::{Sync, SyncParts, SyncRequest};
use jiff::SignedDuration;
use model::{Clock as _, ConnectionKey, RandomIds, RunId};
use sandbox::segment::SegmentOptions;
use store::{
    Actor, ConnectionSync, PauseCategory, Store, StoreError, SyncResult, SyncSchedule, SyncSettled, Window,
};

use super::{LEASE, Line, World, segment};
use crate::change::options;
use crate::workspace::Workspace;

pub(super) const DAY: Duration = Duration::from_hours(24);

pub(super) fn begin_parts(world: &World) -> (SyncParts, SyncRequest) {
    let parts = SyncParts {
        connector: world.workspace.connector.clone(),
        store: world.store().clone(),
        limits: engine::Concurrency::new(engine::Limits::default()),
        clock: Arc::new(world.clock.clone()),
        cancellation: engine::Cancellation::never(),
    };
    let request =
        SyncRequest { basis: "1".to_owned(), worker: "dead".to_owned(), wait: None, actor: Actor::system() };
    (parts, request)
}

// rule: governance CON-18, CON-21
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_read_at_once_and_then_each_day() {
    let world = World::start(options()).await;

    let first = world.worker().work_off().await.unwrap();
    let after = world.workspace.calls();
    let nothing = world.worker().work_off().await.unwrap();
    let status = world.status().await;
    world.clock.advance(DAY);
    let second = world.worker().work_off().await.unwrap();

    assert_eq!((first, nothing, second), (1, 0, 1));
    assert!(world.workspace.calls() > after);
    assert_eq!((status.failures, status.last_error, status.lacks), (0, None, None));
    assert!(status.last_success_at.is_some() && !status.is_running);
    assert_eq!(status.next_at.duration_since(status.started_at.unwrap()), SignedDuration::from_hours(24));
    let state = find_state(world.store(), &segment(), &At::Now).await.unwrap().unwrap();
    assert_eq!(state.head.source.as_deref(), status.last_run.as_ref().map(RunId::as_str));
    let log = world.store().connection_sync_log_list(&segment(), None, Window::ALL).await.unwrap();
    assert!(
        log.items.iter().any(|line| line.line.starts_with("`user` is complete, 24 resources")),
        "{log:?}"
    );
}

/// A sync that is over, and whose process was killed before it noted that.
async fn killed_before_its_status(world: &World) -> RunId {
    world.store().connection_sync_connect(&segment(), "1").await.unwrap();
    let dead = world.store().connection_sync_claim("dead", LEASE).await.unwrap().unwrap();
    let (parts, request) = begin_parts(world);
    let sync = Sync::begin(parts, &request).await.unwrap();
    let run = sync.id().clone();
    world.store().connection_sync_begun(&dead.lease, &run).await.unwrap();
    let read = sync.read(&|_| {}).await.unwrap();
    let keep = KeepRequest {
        store: world.store(),
        connection: &segment(),
        guard: ShrinkGuard::On,
        actor: Actor::system(),
    };
    let (_, report) = read.keep(&keep).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    read.close(&report, None).await.unwrap();
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_sync_and_its_status_costs_no_call_and_no_second_sync() {
    let world = World::start(options()).await;
    let run = killed_before_its_status(&world).await;
    let calls = world.workspace.calls();

    world.clock.advance(LEASE);
    let done = world.worker().work_off().await.unwrap();

    assert_eq!((done, world.workspace.calls()), (1, calls));
    let status = world.status().await;
    assert_eq!(status.last_run, Some(run));
    assert!(status.last_success_at.is_some() && status.last_error.is_none());
    assert_eq!(world.worker().work_off().await.unwrap(), 0);
    assert_eq!(world.store().sync_list(&segment(), 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_after_a_sync_whose_status_is_not_noted_is_read() {
    let world = World::start(options()).await;
    let run = killed_before_its_status(&world).await;
    world.clock.advance(Duration::from_secs(1));
    world.store().connection_sync_ask(&segment(), Actor::person("pat")).await.unwrap();

    world.clock.advance(LEASE);
    let done = world.worker().work_off().await.unwrap();

    let status = world.status().await;
    assert_eq!((done, status.last_error), (1, None));
    assert_ne!(status.last_run, Some(run));
    assert_eq!(world.store().sync_list(&segment(), 10).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_ended_by_a_clock_that_was_ahead_does_not_stand_for_those_that_follow() {
    let world = World::start(options()).await;
    let now = world.clock.now();
    world.store().connection_sync_connect(&segment(), "1").await.unwrap();
    world.clock.advance(365 * DAY);
    let run = killed_before_its_status(&world).await;
    world.clock.set(now + LEASE);

    let done = world.worker().work_off().await.unwrap();

    assert_eq!(done, 1);
    assert_ne!(world.status().await.last_run, Some(run));
}

/// Sets another schedule as soon as a sync has begun.
#[derive(Debug)]
struct Changing {
    line: Arc<Line>,
    store: Store,
    schedule: SyncSchedule,
}

impl Connected for Changing {
    fn known(&self) -> BoxFuture<'_, Result<Vec<Known>, StoreError>> {
        self.line.known()
    }

    fn open<'a>(&'a self, connection: &'a ConnectionKey) -> BoxFuture<'a, Result<Opened, OpenError>> {
        let set = async move {
            let next = "2026-01-15T13:00:00Z".parse().unwrap();
            let schedule = Some((&self.schedule, next));
            self.store.connection_sync_set(connection, (schedule, None), Actor::system()).await?;
            self.line.open(connection).await
        };
        set.boxed()
    }
}

// rule: governance CON-21
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_is_set_during_a_sync_says_when_the_next_one_comes() {
    let world = World::start(options()).await;
    let schedule = SyncSchedule::Every(Duration::from_hours(1));
    let changing = Changing { line: world.line.clone(), store: world.store().clone(), schedule };
    let worker = Worker::new(WorkerParts {
        store: world.store().clone(),
        connected: Arc::new(changing),
        name: "w".to_owned(),
        slots: 2,
        guard: world.guard,
        clock: Arc::new(world.clock.clone()),
        ids: Arc::new(RandomIds),
    });

    worker.work_off().await.unwrap();

    let status = world.status().await;
    assert_eq!(status.next_at.duration_since(status.started_at.unwrap()), SignedDuration::from_hours(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_whose_process_was_killed_is_gone_on_with_by_another() {
    let world = World::start(options()).await;
    world.store().connection_sync_connect(&segment(), "1").await.unwrap();
    let dead = world.store().connection_sync_claim("dead", LEASE).await.unwrap().unwrap();
    let (parts, request) = begin_parts(&world);
    let sync = Sync::begin(parts, &request).await.unwrap();
    let run = sync.id().clone();
    world.store().connection_sync_begun(&dead.lease, &run).await.unwrap();
    drop(sync);

    let other = world.other("other").await;
    let early = other.work_off().await.unwrap();
    world.clock.advance(LEASE);
    let done = other.work_off().await.unwrap();

    assert_eq!((early, done), (0, 1));
    assert_eq!(world.status().await.last_run, Some(run));
    assert_eq!(world.store().sync_list(&segment(), 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_one_reads_a_connection() {
    let world = World::start(options()).await;
    let (one, other) = (world.worker(), world.other("other").await);

    let (first, second) = tokio::join!(one.work_off(), other.work_off());

    assert_eq!(first.unwrap() + second.unwrap(), 1);
    assert_eq!(world.store().sync_list(&segment(), 10).await.unwrap().len(), 1);
}

// rule: governance 3.3
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_lacks_something_is_not_called_and_is_read_as_soon_as_it_is_there() {
    let world = World::start(options()).await;
    let way = (world.workspace.connector.clone(), "2".to_owned());
    world.line.set(Err("the secret `access_token` is missing".to_owned()));

    let nothing = world.worker().work_off().await.unwrap();
    let lacking = world.status().await;
    world.line.set(Ok(way));
    world.touch().await;
    let done = world.worker().work_off().await.unwrap();

    assert_eq!((nothing, lacking.lacks.as_deref()), (0, Some("the secret `access_token` is missing")));
    assert_eq!((done, world.status().await.lacks), (1, None));
}

// rule: governance 3.3, CON-20
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_without_a_result_is_an_error_with_its_reason_and_is_tried_again_sooner() {
    let world = World::start(options()).await;
    let token = world.workspace.sandbox.description().tokens.member_token.clone();
    let World { workspace, clock, line, key, folder, guard } = world;
    let store = workspace.store.clone();
    let mut workspace = workspace.with_token(&token);
    workspace.store = store;
    line.set(Ok((workspace.connector.clone(), "2".to_owned())));
    let world = World { workspace, clock, line, guard, key, folder };

    world.worker().work_off().await.unwrap();
    let status = world.status().await;
    world.clock.advance(Duration::from_hours(1));
    let again = world.worker().work_off().await.unwrap();

    assert!(status.last_error.as_deref().unwrap().contains("Workspace Owner"), "{status:?}");
    assert_eq!((status.failures, status.last_success_at), (1, None));
    assert_eq!(status.next_at.duration_since(status.ended_at.unwrap()), SignedDuration::from_hours(1));
    assert_eq!((again, world.status().await.failures), (1, 2));
    assert!(find_state(world.store(), &segment(), &At::Now).await.unwrap().is_none());
    let log = world.store().connection_sync_log_list(&segment(), None, Window::ALL).await.unwrap();
    assert!(log.items.iter().all(|line| !line.line.contains(&token)));
}

// rule: governance CON-24
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_lost_half_is_held_back_until_a_person_confirms_it() {
    let world = World::start(SegmentOptions { users: 60, ..options() }).await;
    world.worker().work_off().await.unwrap();
    let few = Workspace::start(SegmentOptions { users: 12, ..options() }).await;
    world.line.set(Ok((few.connector.clone(), "2".to_owned())));
    world.touch().await;

    world.worker().work_off().await.unwrap();
    let held = world.status().await;
    world.clock.advance(DAY);
    let nothing = world.worker().work_off().await.unwrap();
    let shown = find_state(world.store(), &segment(), &At::Now).await.unwrap().unwrap();
    confirm(world.store(), &segment(), Actor::person("pat")).await.unwrap().expect("one is held");
    assert!(world.store().connection_sync_resume(&segment(), Actor::person("pat")).await.unwrap());
    let done = world.worker().work_off().await.unwrap();

    let pause = held.pause.expect("the guard stops the connection");
    assert_eq!(pause.category, PauseCategory::Anomaly);
    assert!(pause.reason.contains("where the one before had"), "{}", pause.reason);
    assert_eq!((nothing, done), (0, 1));
    assert_ne!(shown.head.source, held.last_run.map(|run| run.to_string()));
    assert!(world.status().await.pause.is_none());
}

/// The twin: it is the guard that holds it back, and one switch turns it off for all connections.
// rule: governance CON-24
#[tokio::test(flavor = "multi_thread")]
async fn where_the_guard_is_off_for_the_installation_what_is_gone_is_gone() {
    let mut world = World::start(SegmentOptions { users: 60, ..options() }).await;
    world.guard = ShrinkGuard::Off;
    world.worker().work_off().await.unwrap();
    let few = Workspace::start(SegmentOptions { users: 12, ..options() }).await;
    world.line.set(Ok((few.connector.clone(), "2".to_owned())));
    world.touch().await;

    world.worker().work_off().await.unwrap();

    let status = world.status().await;
    assert!(status.pause.is_none() && status.guard, "the connection's own setting stays");
    let shown = find_state(world.store(), &segment(), &At::Now).await.unwrap().unwrap();
    assert_eq!(shown.head.source, status.last_run.map(|run| run.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_planned_by_a_clock_that_was_ahead_comes_by_its_schedule_again() {
    let world = World::start(options()).await;
    let now = world.clock.now();
    world.store().connection_sync_connect(&segment(), "1").await.unwrap();
    world.clock.advance(365 * DAY);
    let taken = world.store().connection_sync_claim("w", LEASE).await.unwrap().unwrap();
    let next_at = world.clock.now() + DAY;
    let settled = SyncSettled { run: None, result: SyncResult::Taken, next_at };
    world.store().connection_sync_settle(&taken.lease, &settled).await.unwrap();

    world.clock.set(now);
    let early = world.worker().work_off().await.unwrap();
    let planned = world.status().await.next_at;
    world.clock.advance(DAY);
    let done = world.worker().work_off().await.unwrap();

    assert_eq!((early, planned, done), (0, now + DAY, 1));
}

impl World {
    /// Waits until the syncs of the connection stand so.
    async fn until(&self, is_so: impl Fn(&ConnectionSync) -> bool) -> ConnectionSync {
        for _ in 0..1_500 {
            let status = self.store().connection_sync_find(&segment()).await.unwrap();
            if let Some(status) = status.filter(&is_so) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it never came to that");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_worker_notices_a_clock_that_ran_ahead_and_was_set_back() {
    let world = World::start(options()).await;
    let (canceller, cancellation) = Canceller::new();
    let worker = world.worker();
    let running = tokio::spawn(async move { worker.run(cancellation).await });
    world.until(|status| status.last_success_at.is_some()).await;
    let right = world.clock.now();
    let ahead = right + 365 * DAY;

    world.clock.set(ahead);
    world.store().connection_sync_ask(&segment(), Actor::system()).await.unwrap();
    let first = world.until(|status| status.last_success_at >= Some(ahead)).await;
    // Whoever takes a second one has seen the clock ahead.
    world.store().connection_sync_ask(&segment(), Actor::system()).await.unwrap();
    world.until(|status| status.last_run != first.last_run && !status.is_running).await;
    world.clock.set(right);
    // Wakes it.
    world.store().connection_sync_set(&segment(), (None, Some(true)), Actor::system()).await.unwrap();
    let planned = world.until(|status| status.next_at < ahead).await.next_at;
    canceller.cancel();
    running.await.unwrap();

    assert!(planned <= world.clock.now() + DAY, "{planned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_hears_what_is_asked_for_and_ends_when_it_is_told() {
    let world = World::start(options()).await;
    let (canceller, cancellation) = Canceller::new();
    let worker = world.worker();
    let mut listener = world.store().wake_listener().await.unwrap();
    let running = tokio::spawn(async move { worker.run(cancellation).await });

    let mut status = None;
    for _ in 0..600 {
        status = world.store().connection_sync_find(&segment()).await.unwrap();
        if status.as_ref().is_some_and(|status| status.last_success_at.is_some()) {
            break;
        }
        listener.wait(Duration::from_millis(10)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    canceller.cancel();
    running.await.unwrap();

    assert!(status.unwrap().last_success_at.is_some());
}
