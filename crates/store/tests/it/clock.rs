//! Hosts that share a database and disagree about the time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{Clock, SystemClock};
use store::{Actor, Heartbeat, LedgerState, NewIntent, Store, StoreParts, TaskName};

use crate::bench::{Backend, Bench, LEASE, parts, ring};

/// The clock of a host that is ahead of the others.
#[derive(Debug)]
struct Ahead(SignedDuration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        SystemClock.sleep(duration)
    }

    fn is_hosts_own(&self) -> bool {
        SystemClock.is_hosts_own()
    }
}

async fn host(bench: &Bench, ahead: SignedDuration) -> Store {
    let parts = parts(&bench.place, ring(&bench.key), &bench.clock);
    Store::open(StoreParts { clock: Arc::new(Ahead(ahead)), ..parts }).await.unwrap()
}

#[tokio::test]
async fn a_host_whose_clock_is_wrong_takes_no_task_away() {
    let Some(bench) = Backend::Postgres.start().await else { return };
    let hour = SignedDuration::from_hours(1);
    let right = host(&bench, SignedDuration::ZERO).await;
    for ahead in [hour, -hour] {
        let wrong = host(&bench, ahead).await;
        let run = bench.run(&["a"]).await;
        let task = TaskName { run: &run, kind: "read", name: "a" };
        let held = right.task_claim_named(task, "right", LEASE).await.unwrap().unwrap();

        let others = [
            wrong.task_claim_named(task, "wrong", LEASE).await.unwrap(),
            wrong.task_claim("wrong", LEASE).await.unwrap(),
        ];
        wrong.run_cancel(&run, Actor::system()).await.unwrap();

        assert!(others.iter().all(Option::is_none), "{ahead:#}: {others:?}");
        let beat = right.task_heartbeat(&held.lease, LEASE).await.unwrap();
        assert_eq!(beat, Heartbeat::Cancelled, "{ahead:#}: it is told, not fenced");
    }
}

#[tokio::test]
async fn what_a_host_with_a_wrong_clock_holds_is_free_when_its_lease_is_over() {
    let Some(bench) = Backend::Postgres.start().await else { return };
    let wrong = host(&bench, SignedDuration::from_hours(1)).await;
    let right = host(&bench, SignedDuration::ZERO).await;
    let run = bench.run(&["a", "b"]).await;
    let task = |name| TaskName { run: &run, kind: "read", name };

    let over = wrong.task_claim_named(task("a"), "wrong", Duration::ZERO).await.unwrap().unwrap();
    let held = wrong.task_claim_named(task("b"), "wrong", LEASE).await.unwrap().unwrap();
    let taken = right.task_claim("right", LEASE).await.unwrap().unwrap();

    assert_ne!(held.lease.task, taken.lease.task);
    assert_eq!(over.lease.task, taken.lease.task);
    assert!(right.task_claim("right", LEASE).await.unwrap().is_none());
}

#[tokio::test]
async fn a_host_whose_clock_is_wrong_gets_no_named_lease_of_another() {
    let Some(bench) = Backend::Postgres.start().await else { return };
    let right = host(&bench, SignedDuration::ZERO).await;
    let ahead = host(&bench, SignedDuration::from_hours(1)).await;
    let behind = host(&bench, SignedDuration::from_hours(-1)).await;

    let held = right.lease_take("audit", "right", LEASE).await.unwrap();

    assert!(held.is_some());
    assert_eq!(ahead.lease_take("audit", "ahead", LEASE).await.unwrap(), None);
    assert_eq!(behind.lease_take("audit", "behind", LEASE).await.unwrap(), None);
}

#[tokio::test]
async fn a_host_whose_clock_is_wrong_gives_up_no_write_that_another_waits_for() {
    let Some(bench) = Backend::Postgres.start().await else { return };
    let right = host(&bench, SignedDuration::ZERO).await;
    let ahead = host(&bench, SignedDuration::from_hours(1)).await;
    let (before, digest) = bench.applying(1).await;
    let run = before.lease.run.clone();
    bench.store.task_pause(&before.lease, Timestamp::UNIX_EPOCH).await.unwrap();
    let task = TaskName { run: &run, kind: "read", name: "apply" };
    let held = right.task_claim_named(task, "right", LEASE).await.unwrap().unwrap();
    let new = NewIntent { lease: held.lease, plan: digest.clone(), operation: 0, attempt: 1 };
    right.ledger_intent(new).await.unwrap();

    let unknown = ahead.ledger_unknown(&run).await.unwrap();

    assert!(unknown.is_empty());
    let entry = &right.ledger_list(&digest).await.unwrap()[0];
    assert_eq!(entry.state, LedgerState::Intent);
}
