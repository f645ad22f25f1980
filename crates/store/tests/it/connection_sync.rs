//! Syncs of connections that come by themselves: when, by whom, and who is told (governance 3.3, 3.4).

use std::time::Duration;

use jiff::Timestamp;
use model::{Clock as _, ConnectionKey, RandomIds, RunId};
use rstest::rstest;
use store::{
    Actor, BatonConnectorId, BatonContact, ClaimedSync, ConnectionAccess, ConnectionChange,
    ConnectionChanged, ConnectionStep, ConnectionUpdate, LoginId, MessageFilter, MessageKind, NewConnection,
    OwnersSet, PauseCategory, StoreError, SyncBeat, SyncLogLevel, SyncLogLine, SyncResult, SyncSchedule,
    SyncSettled, Window,
};

use crate::bench::{Backend, Bench, LEASE};
use crate::login::new_login;

const DAY: Duration = Duration::from_hours(24);

fn crm() -> ConnectionKey {
    "crm".parse().unwrap()
}

fn pat() -> Actor {
    Actor::person("pat")
}

impl Bench {
    /// A connection `crm` of the application `shop`, which can be read.
    async fn synced(&self) {
        let new = NewConnection {
            name: None,
            description: None,
            connection_type: "saas".to_owned(),
            access: ConnectionAccess::Read,
            disabled: false,
            system_key: Some("shop".to_owned()),
        };
        self.sync_change(ConnectionStep::Create(new)).await;
        assert!(self.store.connection_sync_connect(&crm(), "one").await.unwrap());
    }

    async fn sync_change(&self, step: ConnectionStep) {
        let change = ConnectionChange { key: &crm(), actor: pat(), steps: vec![step] };
        assert_eq!(self.store.connection_change(change).await.unwrap(), ConnectionChanged::Done);
    }

    async fn sync_take(&self) -> Option<ClaimedSync> {
        self.again().await.connection_sync_claim("w", LEASE).await.unwrap()
    }

    /// One sync from its claim to its end, and a day later the next may follow.
    async fn sync_ends(&self, result: SyncResult) {
        let taken = self.sync_take().await.expect("a sync is due");
        self.sync_settle(&taken, result).await.unwrap();
        self.clock.advance(DAY);
    }

    async fn sync_settle(&self, taken: &ClaimedSync, result: SyncResult) -> Result<(), StoreError> {
        let settled = SyncSettled { run: None, result, next_at: self.clock.now() + DAY };
        self.store.connection_sync_settle(&taken.lease, &settled).await
    }

    async fn sync_told(&self, kind: MessageKind) -> usize {
        let all = self.store.message_list(MessageFilter::default(), Window::ALL).await.unwrap().items;
        all.iter().filter(|message| message.kind == kind).count()
    }

    async fn owner(&self, name: &str) -> LoginId {
        self.login(new_login(name, &format!("{name}@example.com"))).await.id
    }
}

fn failed() -> SyncResult {
    SyncResult::Failed("the token is refused".to_owned())
}

// rule: governance CON-18, CON-21
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_connection_is_read_at_once_then_each_day_and_again_when_it_is_read_with_something_else(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;

    bench.sync_ends(SyncResult::Taken).await;
    let next = bench.store.connection_sync_next("other").await.unwrap();
    let second = bench.sync_take().await.expect("a day is over");
    bench.sync_settle(&second, SyncResult::Taken).await.unwrap();
    let nothing = bench.sync_take().await;
    let same = bench.store.connection_sync_connect(&crm(), "one").await.unwrap();
    let other = bench.store.connection_sync_connect(&crm(), "two").await.unwrap();
    let third = bench.sync_take().await;

    assert_eq!(next, Some(bench.clock.now()));
    assert_eq!(second.sync.schedule, SyncSchedule::Every(DAY));
    assert!(nothing.is_none() && !same && other && third.is_some());
}

// rule: governance 3.1
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_a_connector_elsewhere_reads_is_read_by_nobody_here(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    let id = BatonConnectorId::parse(&"0".repeat(27)).unwrap();

    bench.store.baton_connector_register(&id, &crm(), pat()).await.unwrap();
    let new = bench.store.connection_sync_find(&crm()).await.unwrap().unwrap();
    let connected = bench.store.connection_sync_connect(&crm(), "two").await.unwrap();
    bench.store.connection_sync_disconnect(&crm(), "a secret is missing").await.unwrap();
    let contact = BatonContact { host: "pod-1", display_name: None, capabilities: None, version: None };
    bench.store.baton_contact(&id, contact).await.unwrap();
    let heard = bench.store.connection_sync_find(&crm()).await.unwrap().unwrap();

    assert!(new.lacks.is_some_and(|lacks| lacks.contains("no process")) && !connected);
    assert_eq!(heard.lacks, None, "its first process has called");
    assert!(bench.store.baton_sync_is_due(&id).await.unwrap());
    assert!(bench.sync_take().await.is_none());
    assert_eq!(bench.store.connection_sync_next("w").await.unwrap(), None);
    bench.sync_change(ConnectionStep::Remove).await;
    assert!(!bench.store.baton_sync_is_due(&id).await.unwrap());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn one_process_has_the_syncs_of_a_connection_until_it_falls_silent(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    let run = RunId::new(&RandomIds);

    let silent = bench.sync_take().await.unwrap();
    bench.store.connection_sync_begun(&silent.lease, &run).await.unwrap();
    let second = bench.sync_take().await;
    bench.clock.advance(Duration::from_secs(3));
    let beat = bench.store.connection_sync_beat(&silent.lease, LEASE).await.unwrap();
    bench.clock.advance(Duration::from_secs(3));
    let held = bench.sync_take().await;
    let status = bench.store.connection_sync_find(&crm()).await.unwrap().unwrap();
    let look = bench.store.connection_sync_next("other").await.unwrap().unwrap();
    bench.clock.set(look);
    let taken = bench.sync_take().await.expect("whoever had it is gone");
    let late = bench.sync_settle(&silent, SyncResult::Taken).await.unwrap_err();
    let lost = bench.store.connection_sync_beat(&silent.lease, LEASE).await.unwrap_err();

    assert!(second.is_none() && held.is_none() && status.is_running);
    assert_eq!(beat, SyncBeat::GoOn);
    assert_eq!((taken.attempts, taken.sync.last_run), (2, Some(run)));
    assert!(matches!((late, lost), (StoreError::Fenced { .. }, StoreError::Fenced { .. })));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_lease_of_before_the_clock_went_back_is_free(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    let before = bench.clock.now();
    bench.clock.advance(DAY);
    bench.sync_take().await.unwrap();

    bench.clock.set(before + Duration::from_secs(1));

    assert!(bench.sync_take().await.is_some());
    // What was planned by the clock that was ahead comes when its schedule says.
    bench.store.connection_sync_replan(&crm(), before).await.unwrap();
    assert_eq!(bench.store.connection_sync_find(&crm()).await.unwrap().unwrap().next_at, before);
}

// rule: governance CON-20
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_third_failure_after_a_success_is_told_to_the_owners_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    let (ana, ben) = (bench.owner("ana").await, bench.owner("ben").await);
    let by = (Some(&ana), pat());
    let set = bench.store.connection_owner_set(&crm(), &[ana.clone(), ben.clone()], by).await.unwrap();

    for _ in 0..4 {
        bench.sync_ends(failed()).await;
    }
    let never_worked = bench.sync_told(MessageKind::SyncFailing).await;
    bench.sync_ends(SyncResult::Taken).await;
    for _ in 0..2 {
        bench.sync_ends(failed()).await;
    }
    let twice = bench.sync_told(MessageKind::SyncFailing).await;
    bench.sync_ends(failed()).await;
    let third = bench.sync_told(MessageKind::SyncFailing).await;
    for _ in 0..4 {
        bench.sync_ends(failed()).await;
    }

    assert_eq!(set, OwnersSet::Done);
    // Who named themselves is not told (CON-10).
    assert_eq!(bench.sync_told(MessageKind::OwnerNamed).await, 1);
    assert_eq!((never_worked, twice, third), (0, 0, 2));
    assert_eq!(bench.sync_told(MessageKind::SyncFailing).await, 2);
    let status = bench.store.connection_sync_find(&crm()).await.unwrap().unwrap();
    assert_eq!((status.failures, status.last_error.as_deref()), (7, Some("the token is refused")));
    assert!(status.last_success_at.is_some());
}

// rule: governance CON-20
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_connection_without_owners_tells_those_of_its_application_and_else_the_staff(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    let shop = store::NewApplication { key: "shop".to_owned(), name: String::new(), body: "{}".to_owned() };
    bench.store.application_put(&shop, store::PutMode::Create, pat()).await.unwrap();
    let held = || SyncResult::Held("half of the users are gone".to_owned());

    let first = bench.sync_take().await.unwrap();
    bench.sync_settle(&first, held()).await.unwrap();
    let staff = bench.store.message_claim("m", LEASE).await.unwrap().unwrap();
    let owner = bench.owner("ana").await;
    let by = (None, pat());
    let set = bench.store.application_owner_set("shop", std::slice::from_ref(&owner), by).await.unwrap();
    assert!(bench.store.connection_sync_resume(&crm(), pat()).await.unwrap());
    bench.clock.advance(Duration::from_secs(1));
    let second = bench.sync_take().await.unwrap();
    let run = RunId::new(&RandomIds);
    let settled = SyncSettled { run: Some(run), result: held(), next_at: bench.clock.now() + DAY };
    bench.store.connection_sync_settle(&second.lease, &settled).await.unwrap();

    assert_eq!((staff.kind, staff.to), (MessageKind::SyncHeld, store::MessageTo::Staff));
    assert_eq!(set, OwnersSet::Done);
    let owners = bench.store.application_owner_list("shop").await.unwrap();
    assert_eq!((owners.len(), &owners[0].login, owners[0].username.as_str()), (1, &owner, "ana"));
    assert_eq!(bench.sync_told(MessageKind::SyncHeld).await, 2);
    let pause = bench.store.connection_sync_find(&crm()).await.unwrap().unwrap().pause.unwrap();
    assert_eq!(
        (pause.category, pause.reason.as_str()),
        (PauseCategory::Anomaly, "half of the users are gone")
    );
}

// rule: governance CON-22, CON-25
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_pause_stops_what_is_under_way_and_going_on_begins_with_a_sync(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    let taken = bench.sync_take().await.unwrap();

    let paused = bench.store.connection_sync_pause(&crm(), "maintenance", pat()).await.unwrap();
    let beat = bench.store.connection_sync_beat(&taken.lease, LEASE).await.unwrap();
    bench.store.connection_sync_give_back(&taken.lease).await.unwrap();
    let (none, next) = (bench.sync_take().await, bench.store.connection_sync_next("other").await.unwrap());
    let refused = bench.store.connection_sync_ask(&crm(), pat()).await.unwrap_err();
    let resumed = bench.store.connection_sync_resume(&crm(), pat()).await.unwrap();
    let twice = bench.store.connection_sync_resume(&crm(), pat()).await.unwrap();
    let again = bench.sync_take().await;

    assert!(paused && beat == SyncBeat::Paused && none.is_none() && next.is_none());
    assert!(matches!(refused, StoreError::Conflict { .. }), "{refused}");
    assert!(resumed && !twice && again.is_some());
}

// rule: governance CON-22
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_sync_that_is_asked_for_during_another_follows_it(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    let taken = bench.sync_take().await.unwrap();

    bench.store.connection_sync_ask(&crm(), pat()).await.unwrap();
    let meanwhile = bench.sync_take().await;
    bench.sync_settle(&taken, SyncResult::Taken).await.unwrap();
    let second = bench.sync_take().await.expect("it was asked for");
    bench.sync_settle(&second, SyncResult::Taken).await.unwrap();

    assert!(meanwhile.is_none());
    assert!(bench.sync_take().await.is_none());
    let unknown = bench.store.connection_sync_ask(&"none".parse().unwrap(), pat()).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_schedule_that_is_set_during_a_sync_says_when_the_next_one_comes(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    let taken = bench.sync_take().await.unwrap();
    let next = bench.clock.now() + Duration::from_hours(1);

    let schedule = SyncSchedule::Every(Duration::from_hours(1));
    bench.store.connection_sync_set(&crm(), (Some((&schedule, next)), None), pat()).await.unwrap();
    bench.clock.advance(Duration::from_secs(1));
    bench.sync_settle(&taken, SyncResult::Taken).await.unwrap();

    assert_eq!(bench.store.connection_sync_find(&crm()).await.unwrap().unwrap().next_at, next);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn settings_hold_for_the_next_time_and_what_lacks_something_or_is_off_waits(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    bench.sync_ends(SyncResult::Taken).await;
    let night = SyncSchedule::Cron { expression: "0 3 * * *".to_owned(), zone: "Europe/Berlin".to_owned() };
    let next: Timestamp = bench.clock.now() + Duration::from_hours(5);

    let settings = (Some((&night, next)), Some(false));
    bench.store.connection_sync_set(&crm(), settings, pat()).await.unwrap();
    let early = bench.sync_take().await;
    let status = bench.store.connection_sync_find(&crm()).await.unwrap().unwrap();
    bench.clock.set(next);
    bench.store.connection_sync_disconnect(&crm(), "the secret `access_token` is missing").await.unwrap();
    let lacking = bench.sync_take().await;
    bench.store.connection_sync_connect(&crm(), "one").await.unwrap();
    let off = ConnectionUpdate { disabled: Some(true), ..ConnectionUpdate::default() };
    bench.sync_change(ConnectionStep::Update(off)).await;
    let switched_off = bench.sync_take().await;
    let on = ConnectionUpdate { disabled: Some(false), ..ConnectionUpdate::default() };
    bench.sync_change(ConnectionStep::Update(on)).await;

    assert!(early.is_none() && lacking.is_none() && switched_off.is_none());
    assert_eq!((status.schedule, status.guard, status.next_at), (night, false, next));
    assert!(bench.sync_take().await.is_some());
    bench.sync_change(ConnectionStep::Remove).await;
    assert!(bench.store.connection_sync_find(&crm()).await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_log_shows_the_newest_line_first_and_is_bounded(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    let run = RunId::new(&RandomIds);
    let line = |run: Option<&RunId>, text: &str| SyncLogLine {
        at: bench.clock.now(),
        level: SyncLogLevel::Info,
        run: run.cloned(),
        line: text.to_owned(),
    };

    let many: Vec<SyncLogLine> = (0..2_010).map(|number| line(None, &number.to_string())).collect();
    bench.store.connection_sync_log_add(&crm(), &many).await.unwrap();
    bench.store.connection_sync_log_add(&crm(), &[line(Some(&run), "the end")]).await.unwrap();

    let all =
        bench.store.connection_sync_log_list(&crm(), None, Window { offset: 0, limit: 2 }).await.unwrap();
    assert_eq!(
        (all.total, all.items[0].line.as_str(), all.items[1].line.as_str()),
        (2_000, "the end", "2009")
    );
    let one = bench.store.connection_sync_log_list(&crm(), Some(&run), Window::ALL).await.unwrap();
    assert_eq!((one.total, &one.items[0].run), (1, &Some(run)));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn owners_are_all_known_or_nothing_changes(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.synced().await;
    let (ana, nobody) = (bench.owner("ana").await, LoginId::parse("fid_nobody").unwrap());
    let set = async |owners: &[LoginId]| {
        bench.store.connection_owner_set(&crm(), owners, (None, pat())).await.unwrap()
    };

    let first = set(std::slice::from_ref(&ana)).await;
    let unknown = set(std::slice::from_ref(&nobody)).await;
    let kept = bench.store.connection_owner_list(&crm()).await.unwrap();
    let cleared = set(&[]).await;
    let absent =
        bench.store.connection_owner_set(&"none".parse().unwrap(), &[], (None, pat())).await.unwrap();

    assert_eq!((first, unknown), (OwnersSet::Done, OwnersSet::Unknown(nobody)));
    assert_eq!((kept.len(), &kept[0].login), (1, &ana));
    assert_eq!((cleared, absent), (OwnersSet::Done, OwnersSet::Absent));
    assert!(bench.store.connection_owner_list(&crm()).await.unwrap().is_empty());
    assert_eq!(bench.sync_told(MessageKind::OwnerNamed).await, 1);
}
