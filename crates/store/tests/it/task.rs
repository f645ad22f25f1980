use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use model::{Clock as _, Outcome, RandomIds, RunId, SystemClock};
use rstest::rstest;
use store::{Heartbeat, Store, StoreError, StoreParts, TaskFailure, TaskState};

use crate::bench::{Backend, LEASE, new_run, parts, ring, task};

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn second_worker_does_not_get_a_leased_task(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["a"]).await;

    let first = bench.store.task_claim("one", LEASE).await.unwrap();
    let second = bench.again().await.task_claim("two", LEASE).await.unwrap();

    assert!(first.is_some_and(|task| task.attempt == 1 && task.name == "a"));
    assert!(second.is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn eight_workers_share_forty_tasks_without_doubles(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let names: Vec<String> = (0..40).map(|number| format!("task-{number}")).collect();
    bench.run(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;

    let worker = |number: usize| {
        let store = bench.store.clone();
        async move {
            let mut taken = Vec::new();
            while let Some(task) = store.task_claim(&format!("w{number}"), LEASE).await.unwrap() {
                store.task_finish(&task.lease, Some(Outcome::Erased)).await.unwrap();
                taken.push(task.name);
            }
            taken
        }
    };
    let taken: Vec<String> = futures::future::join_all((0..8).map(worker)).await.concat();

    assert_eq!(taken.len(), 40);
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>(), names.into_iter().collect());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_silent_workers_task_is_taken_over_and_the_silent_worker_is_fenced(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["a"]).await;
    let silent = bench.claim().await;

    bench.clock.advance(LEASE);
    let taker = bench.claim().await;

    assert_eq!((taker.lease.task.clone(), taker.attempt), (silent.lease.task.clone(), 2));
    assert!(taker.lease.fence > silent.lease.fence);
    let refused = [
        bench.store.task_heartbeat(&silent.lease, LEASE).await.map(|_| ()),
        bench.store.task_finish(&silent.lease, None).await,
        bench.store.task_fail(&silent.lease, TaskFailure { class: "timeout", retry_at: None }).await,
        bench.store.task_pause(&silent.lease, bench.clock.now()).await,
        bench.store.task_cancel(&silent.lease).await,
    ];
    for result in refused {
        assert!(matches!(result, Err(StoreError::Fenced { .. })), "{result:?}");
    }
    bench.store.task_finish(&taker.lease, None).await.unwrap();
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_heartbeat_keeps_the_task(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["a"]).await;
    let claimed = bench.claim().await;

    bench.clock.advance(Duration::from_secs(4));
    let beat = bench.store.task_heartbeat(&claimed.lease, LEASE).await.unwrap();
    bench.clock.advance(Duration::from_secs(4));

    assert_eq!(beat, Heartbeat::GoOn);
    assert!(bench.store.task_claim("other", LEASE).await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_clock_that_goes_back_holds_no_task_and_no_lease(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["a"]).await;
    bench.claim().await;
    bench.store.lease_take("sequencer", "one", LEASE).await.unwrap().unwrap();

    bench.clock.set(bench.clock.now() - SignedDuration::from_hours(1));

    assert!(bench.store.task_claim("other", LEASE).await.unwrap().is_some());
    assert!(bench.store.lease_take("sequencer", "two", LEASE).await.unwrap().is_some());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_small_step_back_of_the_clock_takes_no_task_away(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["a"]).await;
    bench.claim().await;

    bench.clock.set(bench.clock.now() - SignedDuration::from_secs(2));

    assert!(bench.store.task_claim("other", LEASE).await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_child_starts_when_all_its_parents_are_over_even_failed(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = RunId::new(&RandomIds);
    let (one, two) = (task("one", &[]), task("two", &[]));
    let child = task("child", &[&one.id, &two.id]);
    // Given in an order in which the child comes before its parents.
    bench.store.run_create(new_run(&run), &[child.clone(), one, two]).await.unwrap();

    let (first, second) = (bench.claim().await, bench.claim().await);
    assert!(bench.store.task_claim("w", LEASE).await.unwrap().is_none());
    bench.store.task_finish(&first.lease, None).await.unwrap();
    assert!(bench.store.task_claim("w", LEASE).await.unwrap().is_none());
    bench.store.task_fail(&second.lease, TaskFailure { class: "http_5xx", retry_at: None }).await.unwrap();

    let third = bench.claim().await;
    assert_eq!(third.lease.task, child.id);
    let late = task("late", &[&first.lease.task, &child.id]);
    bench.store.task_add(&run, std::slice::from_ref(&late)).await.unwrap();
    let blocked_by = bench
        .store
        .task_list(&run)
        .await
        .unwrap()
        .into_iter()
        .find(|task| task.id == late.id)
        .unwrap()
        .blocked_by;
    assert_eq!(blocked_by, 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_task_that_waits_holds_no_worker_and_is_due_at_its_time_or_when_woken(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["poll"]).await;
    let claimed = bench.claim().await;
    let tomorrow = bench.clock.now() + SignedDuration::from_hours(24);

    bench.store.task_pause(&claimed.lease, tomorrow).await.unwrap();
    assert!(bench.store.task_claim("w", LEASE).await.unwrap().is_none());
    assert_eq!(bench.store.task_wake(&run).await.unwrap(), 1);
    let again = bench.claim().await;
    let failure = TaskFailure { class: "http_429", retry_at: Some(tomorrow) };
    bench.store.task_fail(&again.lease, failure).await.unwrap();
    assert!(bench.store.task_claim("w", LEASE).await.unwrap().is_none());
    bench.clock.set(tomorrow);

    assert_eq!(bench.claim().await.attempt, 3);
    let listed = bench.store.task_list(&run).await.unwrap();
    assert_eq!((listed[0].state, listed[0].failure.as_deref()), (TaskState::Leased, Some("http_429")));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn listeners_hear_of_new_work_long_before_their_sweep(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let real_time =
        StoreParts { clock: Arc::new(SystemClock), ..parts(&bench.place, ring(&bench.key), &bench.clock) };
    let listening = Store::open(real_time).await.unwrap();
    let mut listener = listening.wake_listener().await.unwrap();

    // PostgreSQL wakes other processes; a file's processes find each other's work with their sweep.
    let maker = if backend == Backend::Postgres { &bench.store } else { &listening };
    maker.run_create(new_run(&RunId::new(&RandomIds)), &[task("a", &[])]).await.unwrap();
    let woken = tokio::time::timeout(Duration::from_secs(30), listener.wait(Duration::from_hours(1))).await;

    assert!(woken.is_ok());
    assert!(listening.task_claim("w", LEASE).await.unwrap().is_some());
}
