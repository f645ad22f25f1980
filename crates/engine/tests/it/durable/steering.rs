//! Stopping, holding and limiting runs in the store.

use std::time::Duration;

use engine::{Canceller, Progress, RunError, Status};
use jiff::SignedDuration;
use model::{Clock as _, IncompleteReason};
use rstest::rstest;
use sandbox::server::Answer;
use serde_json::json;
use store::{Actor, RunState, TaskState};

use super::{Keep, shop, told};
use crate::stage::outcome;
use crate::writes::bench::Backend;

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_run_that_was_stopped_keeps_what_it_read_and_goes_on_at_once(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let expected = Keep::unbroken(&stage).await;
    let run = keep.run(None).await;
    let (canceller, cancellation) = Canceller::new();
    let mut plan = keep.plan(&stage, &run);
    plan.cancellation = cancellation;

    let on_first_page = |event| {
        if matches!(event, Progress::Page { .. }) {
            canceller.cancel();
        }
    };
    let stopped = engine::run(plan, &on_first_page).await.unwrap();
    let goes_on = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();

    assert!(!stopped.is_complete());
    assert!(stopped.collections.values().any(|read| read.reason() == Some(IncompleteReason::Cancelled)));
    assert_eq!(told(goes_on).await, expected);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_paused_run_starts_nothing_and_goes_on_when_it_is_resumed(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let expected = Keep::unbroken(&stage).await;
    let run = keep.run(None).await;
    assert!(keep.until(keep.plan(&stage, &run), 5).await.is_none());
    keep.store.run_pause(&run, Actor::person("pat")).await.unwrap();
    // Not by the calls that arrive: some of the run that vanished may still be on their way.
    let tasks = keep.store.task_list(&run).await.unwrap();

    let held = engine::run(keep.plan(&stage, &run), &|_| {}).await;

    assert!(matches!(held, Err(RunError::NotActive { state: RunState::Paused, .. })), "{held:?}");
    let attempts = |tasks: &[store::Task]| tasks.iter().map(|task| task.attempts).collect::<Vec<_>>();
    assert_eq!(attempts(&keep.store.task_list(&run).await.unwrap()), attempts(&tasks), "none was taken");
    keep.store.run_resume(&run, Actor::person("pat")).await.unwrap();
    let outcome = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();
    assert_eq!(told(outcome).await, expected);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_cancelled_run_stops_while_it_waits_for_an_answer(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    stage.saas.on("GET", "/visits").with(|_| {
        let page = json!({"data": [], "paging": {}});
        Answer::json(200, &page).after(Duration::from_mins(1))
    });
    let run = keep.run(None).await;
    let ended_others = |event| match event {
        Progress::Ended { collection, .. } => collection.collection() == "orders",
        Progress::Started { .. } | Progress::Page { .. } | Progress::Waits { .. } => false,
    };
    let others = tokio::sync::Notify::new();

    let on_progress = |event| {
        if ended_others(event) {
            others.notify_one();
        }
    };
    let reading = Box::pin(engine::run(keep.plan(&stage, &run), &on_progress));
    let cancel = async {
        others.notified().await;
        keep.store.run_cancel(&run, Actor::person("pat")).await.unwrap();
    };
    let limit = tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(reading, cancel) });
    let (ended, ()) = limit.await.expect("a heartbeat tells that the run was cancelled");

    assert!(matches!(ended, Err(RunError::NotActive { state: RunState::Cancelled, .. })), "{ended:?}");
    let tasks = keep.store.task_list(&run).await.unwrap();
    let visits = tasks.iter().find(|task| task.name == "acme:visits").unwrap();
    assert_eq!(visits.state, TaskState::Cancelled);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_run_past_its_deadline_reads_nothing_more_and_says_so(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let deadline = keep.clock.now() + SignedDuration::from_secs(10);
    let run = keep.run(Some(deadline)).await;
    keep.clock.advance(Duration::from_secs(11));

    let ended = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();

    assert!(stage.saas.calls().is_empty());
    let people = outcome(&ended, "people");
    assert_eq!(people.status, Status::Skipped);
    assert!(format!("{:?}", people.completeness).contains("deadline"), "{:?}", people.completeness);
    let tasks = keep.store.task_list(&run).await.unwrap();
    assert!(tasks.iter().all(|task| task.state == TaskState::Ready), "nothing counts as read");
}
