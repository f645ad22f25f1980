//! Self-hosted connectors: credentials, tasks under leases, uploads, lines of what happened.

use std::time::Duration;

use crypto::MasterKey;
use jiff::{SignedDuration, Timestamp};
use model::Clock as _;
use rstest::rstest;
use store::{
    Actor, BatonAsk, BatonAssertionTaken, BatonConnectorId, BatonContact, BatonCounts, BatonCredentialId,
    BatonHeartbeat, BatonTaskEnd, BatonTaskEnded, BatonTaskId, BatonTaskState, BatonUploadState,
    FinishedBatonTask, LeasedBatonTask, NewBatonCredential, NewBatonTask, NewBatonUpload,
    ShownBatonAssertion, Store, StoreError,
};

use crate::bench::{Backend, Bench, CANARY, open, ring};

const LEASE: Duration = Duration::from_mins(1);

fn id(number: u32) -> String {
    format!("{number:027}")
}

fn connector_id() -> BatonConnectorId {
    BatonConnectorId::parse(&id(1)).unwrap()
}

fn task_id(number: u32) -> BatonTaskId {
    BatonTaskId::parse(&id(number)).unwrap()
}

fn pat() -> Actor {
    Actor::person("pat")
}

fn ask_of<'a>(connector: &'a BatonConnectorId, host: &'a str, kinds: &'a [&'a str]) -> BatonAsk<'a> {
    BatonAsk { connector, host, kinds, once: &[], known: &[], is_idle: true, lease: LEASE, most_attempts: 3 }
}

impl Bench {
    async fn connector(&self) -> BatonConnectorId {
        let connection = "segment".parse().unwrap();
        self.store.baton_connector_register(&connector_id(), &connection, pat()).await.unwrap().id
    }

    async fn queue(&self, number: u32, kind: &str) -> BatonTaskId {
        let (id, connector) = (task_id(number), connector_id());
        let payload = CANARY.as_bytes();
        let new =
            NewBatonTask { id: &id, connector: &connector, kind, payload, next_sync: None, actor: pat() };
        self.store.baton_task_queue(new).await.unwrap().id
    }

    async fn ask(&self, host: &str) -> Option<LeasedBatonTask> {
        self.ask_for(host, &["sync_full", "grant"]).await
    }

    async fn ask_for(&self, host: &str, kinds: &[&str]) -> Option<LeasedBatonTask> {
        let connector = connector_id();
        self.store.baton_task_claim(ask_of(&connector, host, kinds)).await.unwrap().0
    }

    async fn beat(&self, host: &str, task: &BatonTaskId) -> BatonHeartbeat {
        let connector = connector_id();
        self.store.baton_task_heartbeat(ask_of(&connector, host, &[]), task).await.unwrap()
    }

    async fn finish(&self, host: &str, id: &BatonTaskId, end: BatonTaskEnd<'_>) -> BatonTaskEnded {
        let connector = connector_id();
        let finished = FinishedBatonTask { id, connector: &connector, host, end };
        self.store.baton_task_finish(finished).await.unwrap()
    }

    async fn state(&self, id: &BatonTaskId) -> BatonTaskState {
        self.store.baton_task_find(id).await.unwrap().unwrap().state
    }
}

async fn credential(store: &Store, number: u32) -> BatonCredentialId {
    rotated(store, number, Duration::from_hours(24)).await
}

fn shown<'a>(credential: &'a BatonCredentialId, nonce: &'a str, until: Timestamp) -> ShownBatonAssertion<'a> {
    ShownBatonAssertion { credential, nonce, until }
}

async fn rotated(store: &Store, number: u32, overlap: Duration) -> BatonCredentialId {
    let (connector, id) = (connector_id(), BatonCredentialId::parse(&id(number)).unwrap());
    let client_id = format!("connector-{number}@tutela.example.com/tutela");
    let new = NewBatonCredential {
        id: &id,
        connector: &connector,
        client_id: &client_id,
        public_key: &[7; 32],
        overlap,
        actor: pat(),
    };
    store.baton_credential_rotate(new).await.unwrap();
    id
}

// rule: baton P-6
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn of_servers_to_which_an_assertion_is_shown_at_once_one_takes_it(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connector().await;
    let (first, second) = (credential(&bench.store, 2).await, credential(&bench.store, 3).await);
    let servers = [bench.again().await, bench.again().await, bench.again().await];
    let until = bench.clock.now() + SignedDuration::from_mins(3);

    for number in 0..20 {
        let nonce = format!("nonce \u{0} {number}");
        let takes =
            servers.iter().map(|server| server.baton_assertion_take(shown(&first, &nonce, until), 100));
        let taken = futures::future::try_join_all(takes).await.unwrap();
        let count = |wanted| taken.iter().filter(|one| **one == wanted).count();
        assert_eq!((count(BatonAssertionTaken::Taken), count(BatonAssertionTaken::Repeated)), (1, 2));
    }

    let of_another =
        bench.store.baton_assertion_take(shown(&second, "nonce \u{0} 1", until), 100).await.unwrap();
    assert_eq!(of_another, BatonAssertionTaken::Taken, "another credential");
}

// rule: baton P-6
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn assertions_are_bounded_and_forgotten_when_nobody_can_show_them_any_more(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connector().await;
    let (busy, other) = (credential(&bench.store, 2).await, credential(&bench.store, 3).await);
    let until = bench.clock.now() + SignedDuration::from_mins(3);
    let take = async |credential: &BatonCredentialId, nonce: &str, until: Timestamp| {
        bench.store.baton_assertion_take(shown(credential, nonce, until), 2).await.unwrap()
    };
    for (nonce, expected) in [
        ("first", BatonAssertionTaken::Taken),
        ("second", BatonAssertionTaken::Taken),
        ("third", BatonAssertionTaken::TooMany),
        ("first", BatonAssertionTaken::Repeated),
    ] {
        assert_eq!(take(&busy, nonce, until).await, expected, "{nonce}");
    }
    assert_eq!(take(&other, "third", until).await, BatonAssertionTaken::Taken, "nobody keeps another out");
    assert_eq!(bench.store.baton_assertion_forget().await.unwrap(), 0);

    bench.clock.advance(Duration::from_mins(4));
    let later = bench.clock.now() + SignedDuration::from_mins(3);
    assert_eq!(take(&busy, "third", later).await, BatonAssertionTaken::Taken);
    assert_eq!(take(&busy, "first", later).await, BatonAssertionTaken::Taken, "that of another assertion");
    assert_eq!(
        bench.store.baton_assertion_forget().await.unwrap(),
        0,
        "a clock of another server may be behind"
    );
    bench.clock.advance(Duration::from_hours(1));
    assert_eq!(bench.store.baton_assertion_forget().await.unwrap(), 2);
    assert!(bench.store.baton_credential_revoke(&connector_id(), &busy, pat()).await.unwrap());
}

// rule: governance CON-15
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn rotation_keeps_the_one_before_for_a_while_and_revoking_ends_it_at_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let connector = bench.connector().await;
    let (other, connection) = (BatonConnectorId::parse(&id(9)).unwrap(), "segment".parse().unwrap());
    let again = bench.store.baton_connector_register(&other, &connection, pat()).await.unwrap();
    assert_eq!(again.id, connector, "a connection has one");
    let first = rotated(&bench.store, 2, Duration::ZERO).await;
    bench.clock.advance(Duration::from_secs(1));
    let second = credential(&bench.store, 3).await;
    bench.store.baton_credential_used(&second).await.unwrap();

    let all = bench.again().await.baton_credential_list(&connector).await.unwrap();

    let now = bench.clock.now();
    assert_eq!(all.iter().map(|one| &one.id).collect::<Vec<_>>(), [&second, &first]);
    assert!(all.iter().all(|one| one.is_good(now)));
    assert!(
        !all[1].is_good(now + SignedDuration::from_hours(24))
            && all[0].is_good(now + SignedDuration::from_hours(24))
    );
    assert_eq!((all[0].last_used_at, all[0].public_key.clone()), (Some(now), vec![7; 32]));
    assert!(bench.store.baton_credential_revoke(&connector, &first, pat()).await.unwrap());
    assert!(!bench.store.baton_credential_revoke(&connector, &first, pat()).await.unwrap());
    let found = bench.store.baton_credential_find("connector-2@tutela.example.com/tutela").await.unwrap();
    assert!(!found.unwrap().is_good(now));
    assert_eq!(
        bench.told(connector.as_str()).await,
        [
            "baton_connector.registered",
            "baton_connector.rotated",
            "baton_connector.rotated",
            "baton_connector.credential_revoked"
        ]
    );
}

// rule: governance CON-3
// rule: baton P-22
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn one_sync_at_a_time_goes_to_any_process_and_to_another_when_its_holder_is_silent(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    bench.connector().await;
    let sync = bench.queue(2, "sync_full").await;
    assert_eq!(bench.queue(3, "sync_full").await, sync, "a sync that waits is that one");

    let held = bench.ask("pod-1").await.unwrap();
    assert_eq!((held.task.id.clone(), held.task.attempts), (sync.clone(), 1));
    assert_eq!(held.payload.expose(), CANARY.as_bytes());
    assert!(bench.ask("pod-2").await.is_none());
    bench.clock.advance(LEASE / 2);
    assert_eq!(bench.beat("pod-1", &sync).await, BatonHeartbeat::Held);
    bench.clock.advance(LEASE / 2);
    assert!(bench.ask("pod-2").await.is_none(), "it gave a sign of life");
    bench.clock.advance(LEASE / 2);
    let again = bench.ask("pod-2").await.unwrap();

    assert_eq!((again.task.id, again.task.attempts), (sync.clone(), 2));
    assert_eq!(bench.beat("pod-1", &sync).await, BatonHeartbeat::Lost);
    assert_eq!(bench.finish("pod-1", &sync, BatonTaskEnd::Done(b"x")).await, BatonTaskEnded::Lost);
    assert_eq!(bench.finish("pod-2", &sync, BatonTaskEnd::Done(b"y")).await, BatonTaskEnded::Noted);
    assert_eq!(bench.finish("pod-2", &sync, BatonTaskEnd::Done(b"z")).await, BatonTaskEnded::Already);
    assert_eq!(bench.store.baton_task_result(&sync).await.unwrap().unwrap().expose(), b"y");
    assert_eq!(bench.finish("pod-2", &task_id(99), BatonTaskEnd::Done(b"")).await, BatonTaskEnded::Unknown);
    assert_eq!(bench.told(sync.as_str()).await, ["baton_task.queued", "baton_task.finished"]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_task_that_kills_its_holders_is_handed_out_so_often_and_no_more(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connector().await;
    let grant = bench.queue(2, "grant").await;
    for attempt in 1..=3 {
        assert_eq!(bench.ask("pod-1").await.unwrap().task.attempts, attempt);
        bench.clock.advance(LEASE);
    }

    assert!(bench.ask("pod-1").await.is_none());

    let task = bench.store.baton_task_find(&grant).await.unwrap().unwrap();
    assert_eq!((task.state, task.attempts, task.code), (BatonTaskState::Failed, 3, Some(4)));
    assert!(task.error.unwrap().contains("fell silent"));
    assert_eq!(bench.told(grant.as_str()).await, ["baton_task.queued", "baton_task.finished"]);
}

// rule: architecture law 3
// rule: baton P-22
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_is_handed_out_once_ends_when_its_holder_is_silent_and_stays_in_its_name(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let connector = bench.connector().await;
    let kinds = ["create_account", "grant"];
    let ask = BatonAsk { once: &["create_account"], ..ask_of(&connector, "pod-1", &kinds) };
    let claim = async |ask: BatonAsk<'_>| {
        let (leased, unheard) = bench.store.baton_task_claim(ask).await.unwrap();
        let ended: Vec<_> =
            unheard.into_iter().map(|task| (task.id, task.attempts, task.holder.unwrap())).collect();
        (leased.map(|leased| (leased.task.id, leased.task.attempts)), ended)
    };
    let holder = || "pod-1".to_owned();
    let lost = bench.queue(2, "create_account").await;
    let known = [bench.queue(3, "create_account").await];
    let grant = bench.queue(4, "grant").await;
    for id in [&lost, &known[0], &grant] {
        assert_eq!(claim(ask).await, (Some((id.clone(), 1)), vec![]));
    }
    assert_eq!(claim(ask).await, (None, vec![]), "all of them have a holder");
    bench.clock.advance(LEASE);

    let of_holder = claim(BatonAsk { known: &known, ..ask }).await;
    let of_another = claim(BatonAsk { host: "pod-2", ..ask }).await;

    assert_eq!(of_holder, (Some((known[0].clone(), 2)), vec![(lost.clone(), 1, holder())]));
    assert_eq!(of_another, (Some((grant, 2)), vec![]), "a kind that may be done twice");
    let task = bench.store.baton_task_find(&lost).await.unwrap().unwrap();
    assert_eq!((task.state, task.code), (BatonTaskState::Failed, Some(4)));
    assert_eq!((task.attempts, task.holder), (1, Some(holder())));
    assert!(task.error.unwrap().contains("may have done it"));
    assert_eq!(bench.finish("pod-1", &lost, BatonTaskEnd::Done(b"")).await, BatonTaskEnded::Already);
    assert_eq!(bench.told(lost.as_str()).await, ["baton_task.queued", "baton_task.finished"]);
    let bodies: Vec<(String,)> =
        sqlx::query_as("SELECT body FROM audit_entry").fetch_all(&bench.sql().await).await.unwrap();
    let is_end = |body: &str| body.contains("baton_task.finished") && body.contains(lost.as_str());
    let (end,) = bodies.iter().find(|(body,)| is_end(body)).unwrap();
    assert!(end.contains(r#""actor":"system""#), "{end}");

    // Whoever asks ends it, also when they are given nothing.
    bench.clock.advance(LEASE);
    assert!(bench.store.baton_connector_pause(&connector, "a move", pat()).await.unwrap());
    let of_reader = claim(BatonAsk { host: "pod-2", kinds: &["sync_full"], ..ask }).await;
    assert_eq!(of_reader, (None, vec![(known[0].clone(), 2, holder())]));
    assert!(bench.store.baton_connector_resume(&connector, pat()).await.unwrap());

    // One that is busy would keep it in a line, and might begin it when nobody waits for it any more.
    let fresh = bench.queue(6, "create_account").await;
    assert_eq!(claim(BatonAsk { is_idle: false, kinds: &["create_account"], ..ask }).await, (None, vec![]));
    assert_eq!(claim(BatonAsk { kinds: &["create_account"], ..ask }).await, (Some((fresh, 1)), vec![]));

    // One that went back to those that wait was handed out, too.
    let back = bench.queue(5, "create_account").await;
    let accounts = BatonAsk { kinds: &["create_account"], ..ask };
    assert_eq!(claim(accounts).await, (Some((back.clone(), 1)), vec![]));
    let end = BatonTaskEnd::Again { code: 14, error: "not now", due_at: bench.clock.now() };
    assert_eq!(bench.finish("pod-1", &back, end).await, BatonTaskEnded::Noted);
    assert_eq!(claim(accounts).await, (None, vec![(back, 1, holder())]));
}

// rule: baton P-17
// rule: governance CON-25
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn unknown_kinds_wait_and_so_does_all_of_a_paused_connector(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let connector = bench.connector().await;
    let grant = bench.queue(2, "grant").await;
    assert!(bench.ask_for("pod-1", &["sync_full"]).await.is_none());
    assert!(bench.store.baton_connector_pause(&connector, "a move", pat()).await.unwrap());
    assert!(bench.ask("pod-1").await.is_none());
    assert!(bench.store.baton_connector_resume(&connector, pat()).await.unwrap());

    assert_eq!(bench.ask("pod-1").await.unwrap().task.id, grant);

    let due_at = bench.clock.now() + SignedDuration::from_secs(30);
    let end = BatonTaskEnd::Again { code: 14, error: "not now", due_at };
    assert_eq!(bench.finish("pod-1", &grant, end).await, BatonTaskEnded::Noted);
    assert!(bench.ask("pod-1").await.is_none());
    bench.clock.advance(Duration::from_secs(30));
    assert_eq!(bench.ask("pod-1").await.unwrap().task.attempts, 2);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_cancelled_task_ends_at_once_or_with_the_next_sign_of_life_or_with_its_lease(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    bench.connector().await;
    let waiting = bench.queue(2, "grant").await;
    let cancel = |id: BatonTaskId| {
        let store = bench.store.clone();
        async move { store.baton_task_cancel(&id, pat()).await.unwrap() }
    };
    assert_eq!(cancel(waiting).await.unwrap().state, BatonTaskState::Cancelled);
    assert!(bench.ask("pod-1").await.is_none());
    assert!(cancel(task_id(99)).await.is_none());

    let held = bench.queue(3, "sync_full").await;
    bench.ask("pod-1").await.unwrap();
    assert_eq!(cancel(held.clone()).await.unwrap().state, BatonTaskState::Leased);
    assert_eq!(bench.beat("pod-1", &held).await, BatonHeartbeat::Cancelled);
    let end = BatonTaskEnd::Failed { code: 1, error: "task was cancelled" };
    assert_eq!(bench.finish("pod-1", &held, end).await, BatonTaskEnded::Noted);
    assert_eq!(bench.state(&held).await, BatonTaskState::Cancelled);

    let silent = bench.queue(4, "sync_full").await;
    bench.ask("pod-1").await.unwrap();
    cancel(silent.clone()).await.unwrap();
    bench.clock.advance(LEASE);
    assert!(bench.ask("pod-2").await.is_none());
    assert_eq!(bench.state(&silent).await, BatonTaskState::Cancelled);
}

// rule: governance CON-24
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_held_upload_pauses_until_a_person_confirms_it(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let connector = bench.connector().await;
    let sync = bench.queue(2, "sync_full").await;
    bench.ask("pod-1").await.unwrap();
    let upload = |checksum: &'static str, state, resources| NewBatonUpload {
        task: &sync,
        attempt: 1,
        connector: &connector,
        host: "pod-1",
        checksum,
        bytes: 10,
        state,
        reason: Some("half is gone"),
        counts: BatonCounts { resources, ..BatonCounts::default() },
    };
    let foreign = NewBatonUpload { host: "pod-2", ..upload("aa", BatonUploadState::Accepted, 100) };
    let fenced = bench.store.baton_upload_put(foreign).await;
    assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "{fenced:?}");
    bench.store.baton_upload_put(upload("aa", BatonUploadState::Accepted, 100)).await.unwrap();
    bench.clock.advance(Duration::from_secs(1));

    bench.store.baton_upload_put(upload("bb", BatonUploadState::Held, 5)).await.unwrap();

    let paused = bench.store.baton_connector_find(&connector).await.unwrap().unwrap();
    assert_eq!(paused.paused_reason.as_deref(), Some("half is gone"));
    assert!(bench.store.baton_upload_confirm(&connector, pat()).await.unwrap());
    assert!(!bench.store.baton_upload_confirm(&connector, pat()).await.unwrap());
    assert_eq!(bench.store.baton_connector_find(&connector).await.unwrap().unwrap().paused_at, None);
    let sent = bench.store.baton_upload_list(&sync).await.unwrap();
    let states: Vec<_> =
        sent.iter().map(|one| (one.checksum.as_str(), one.state, one.counts.resources)).collect();
    assert_eq!(states, [("aa", BatonUploadState::Accepted, 100), ("bb", BatonUploadState::Confirmed, 5)]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn processes_lines_and_what_a_connector_says_of_itself_are_kept_and_bounded(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let connector = bench.connector().await;
    let poll = BatonContact { host: "pod-1", display_name: None, capabilities: None, version: None };
    bench.store.baton_contact(&connector, poll).await.unwrap();
    let first = bench.store.baton_connector_of(&"segment".parse().unwrap()).await.unwrap().unwrap();
    bench.clock.advance(Duration::from_secs(1));
    let hello =
        BatonContact { display_name: Some("Segment"), capabilities: Some("{}"), version: Some("v1"), ..poll };
    bench.store.baton_contact(&connector, hello).await.unwrap();
    for number in 0..510 {
        bench.store.baton_log_add(&connector, Some("pod-1"), &format!("line {number}")).await.unwrap();
    }

    let later = bench.store.baton_connector_find(&connector).await.unwrap().unwrap();

    assert!(first.first_seen_at.is_some() && first.first_seen_at == later.first_seen_at);
    assert_eq!((later.display_name.as_deref(), later.capabilities.as_deref()), (Some("Segment"), Some("{}")));
    let hosts = bench.store.baton_host_list(&connector).await.unwrap();
    assert_eq!((hosts.len(), hosts[0].version.as_deref()), (1, Some("v1")));
    let lines = bench.store.baton_log_list(&connector, 1000).await.unwrap();
    assert_eq!(lines.len(), 500);
}

// rule: architecture law 8
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_a_task_asks_for_is_sealed_and_survives_a_change_of_keys(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connector().await;
    let grant = bench.queue(2, "grant").await;
    bench.ask("pod-1").await.unwrap();
    bench.finish("pod-1", &grant, BatonTaskEnd::Done(CANARY.as_bytes())).await;
    let waiting = bench.queue(3, "grant").await;
    let rows: Vec<(Vec<u8>,)> =
        sqlx::query_as("SELECT sealed FROM baton_task").fetch_all(&bench.sql().await).await.unwrap();
    assert!(rows.iter().all(|(sealed,)| !sealed.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())));

    let fresh = MasterKey::random().to_base64();
    let keys = ring(&fresh).with_older(MasterKey::from_base64(bench.key.expose()).unwrap());
    open(&bench.place, keys, &bench.clock).await.unwrap().keys_reseal(Actor::system()).await.unwrap();
    let later = open(&bench.place, ring(&fresh), &bench.clock).await.unwrap();

    assert_eq!(later.baton_task_result(&grant).await.unwrap().unwrap().expose(), CANARY.as_bytes());
    let connector = connector_id();
    let (again, _) = later.baton_task_claim(ask_of(&connector, "h", &["grant"])).await.unwrap();
    let again = again.unwrap();
    assert_eq!((again.task.id, again.payload.expose().as_slice()), (waiting, CANARY.as_bytes()));
}
