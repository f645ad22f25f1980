use std::time::Duration;

use jiff::Timestamp;
use model::{Clock as _, RunId};
use rstest::rstest;
use store::{Actor, NewPage, NewPlan, PackedRows, PlanDigest, StoreError, TaskName};

use crate::bench::{Backend, Bench, CANARY, LEASE};

const DAY: Duration = Duration::from_hours(24);

async fn run_with_rows(bench: &Bench, name: &str) -> (RunId, PlanDigest) {
    let run = bench.run(&[name]).await;
    let task = TaskName { run: &run, kind: "read", name };
    let claimed = bench.store.task_claim_named(task, "w", LEASE).await.unwrap().unwrap();
    let row = serde_json::from_str(&format!("{{\"email\":\"{CANARY}\"}}")).unwrap();
    let rows = PackedRows::pack(&[row]).unwrap();
    let page = NewPage { unit: 0, page: 0, rows: &rows, mark: None, state: b"cursor" };
    bench.store.page_append(&claimed.lease, &page).await.unwrap();
    bench.store.task_finish(&claimed.lease, None).await.unwrap();
    let digest = PlanDigest::of(run.as_str().as_bytes());
    let body = CANARY.as_bytes();
    let plan =
        NewPlan { digest: digest.clone(), run: run.clone(), body, operations: 1, actor: Actor::system() };
    bench.store.plan_put(&plan).await.unwrap();
    (run, digest)
}

fn ago(bench: &Bench, days: u32) -> Timestamp {
    Timestamp::from_second(bench.clock.now().as_second() - i64::from(days) * 86_400).unwrap()
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn rows_go_and_the_subject_stays(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (run, digest) = run_with_rows(&bench, "a").await;
    let pages = || async {
        let task = bench.store.task_list(&run).await.unwrap()[0].id.clone();
        bench.store.page_list(&run, &task).next_page().await
    };
    assert!(pages().await.unwrap().is_some());

    bench.store.run_forget_rows(&run, Actor::system()).await.unwrap();
    bench.store.run_forget_rows(&run, Actor::system()).await.unwrap();

    assert!(pages().await.unwrap().is_none());
    assert!(matches!(bench.store.plan_find(&digest).await.unwrap_err(), StoreError::Forgotten { .. }));
    let subject = bench.again().await.run_subject(&run).await.unwrap();
    assert!(String::from_utf8_lossy(subject.expose()).contains(CANARY));
    bench.store.run_forget(&run, Actor::system()).await.unwrap();
    bench.store.run_forget_rows(&run, Actor::system()).await.unwrap_err();
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn rows_are_due_after_their_time_unless_the_plan_was_approved(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (idle, _) = run_with_rows(&bench, "a").await;
    let (approved, digest) = run_with_rows(&bench, "b").await;
    bench.store.plan_approve(&digest, Actor::person("pat")).await.unwrap();

    let early = bench.store.run_list_rows_due(ago(&bench, 7)).await.unwrap();
    bench.clock.advance(8 * DAY);
    let due = bench.store.run_list_rows_due(ago(&bench, 7)).await.unwrap();
    bench.store.run_forget_rows(&idle, Actor::system()).await.unwrap();

    assert!(early.is_empty());
    assert_eq!(due, [idle]);
    assert!(bench.store.run_list_rows_due(ago(&bench, 7)).await.unwrap().is_empty());
    assert!(bench.store.plan_find(&digest).await.unwrap().is_some(), "{approved} keeps its plan");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn everything_is_due_once_nothing_happened_for_long(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (old, _) = run_with_rows(&bench, "a").await;
    let (approved, digest) = run_with_rows(&bench, "b").await;
    bench.clock.advance(20 * DAY);
    bench.store.plan_approve(&digest, Actor::person("pat")).await.unwrap();
    bench.clock.advance(20 * DAY);

    let due = bench.store.run_list_due(ago(&bench, 30)).await.unwrap();
    bench.clock.advance(20 * DAY);
    let later = bench.store.run_list_due(ago(&bench, 30)).await.unwrap();

    assert_eq!(due, std::slice::from_ref(&old));
    assert_eq!(later, [old, approved]);
}
