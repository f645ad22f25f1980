use std::time::Duration;

use jiff::Timestamp;
use model::{Clock as _, RunId};
use rstest::rstest;
use sqlx::Row as _;
use store::{
    Actor, NewPage, NewPlan, PackedRows, PlanDigest, RowCount, RunState, StoreError, TaskLease, TaskName,
};

use crate::bench::{Backend, Bench, CANARY, LEASE};

const DAY: Duration = Duration::from_hours(24);

async fn run_with_rows(bench: &Bench, name: &str) -> (RunId, PlanDigest) {
    let run = bench.run(&[name]).await;
    let task = TaskName { run: &run, kind: "read", name };
    let claimed = bench.store.task_claim_named(task, "w", LEASE).await.unwrap().unwrap();
    let row = serde_json::from_str(&format!("{{\"email\":\"{CANARY}\"}}")).unwrap();
    let rows = PackedRows::pack(&[row]).unwrap();
    let page = NewPage { unit: 0, page: 0, rows: &rows, mark: None, state: Some(b"cursor") };
    bench.store.page_append(&claimed.lease, &[page]).await.unwrap();
    bench.store.task_finish(&claimed.lease, None).await.unwrap();
    let digest = PlanDigest::of(run.as_str().as_bytes());
    let body = CANARY.as_bytes();
    let plan =
        NewPlan { digest: digest.clone(), run: run.clone(), body, operations: 1, actor: Actor::system() };
    bench.store.plan_put(&plan).await.unwrap();
    (run, digest)
}

fn ago(bench: &Bench, days: i32) -> Timestamp {
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

    bench.clock.advance(8 * DAY);

    let forgotten = bench.store.run_forget_rows(&run, ago(&bench, 7), Actor::system()).await.unwrap();
    let twice = bench.store.run_forget_rows(&run, ago(&bench, 7), Actor::system()).await.unwrap();

    assert!(forgotten && !twice);
    assert!(pages().await.unwrap().is_none());
    assert_eq!(bench.store.get_run(&run).await.unwrap().state, RunState::Cancelled);
    assert!(matches!(bench.store.plan_find(&digest).await.unwrap_err(), StoreError::Forgotten { .. }));
    let subject = bench.again().await.run_subject(&run).await.unwrap();
    assert!(String::from_utf8_lossy(subject.expose()).contains(CANARY));
    bench.store.run_forget(&run, Actor::system()).await.unwrap();
    bench.store.run_forget_rows(&run, ago(&bench, 7), Actor::system()).await.unwrap_err();
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
    bench.store.run_forget_rows(&idle, ago(&bench, 7), Actor::system()).await.unwrap();

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

/// A run in which `pages` pages of one row were read, and the task that is still held.
async fn reading(bench: &Bench, pages: u64) -> TaskLease {
    bench.run(&["a"]).await;
    let lease = bench.claim().await.lease;
    let row = serde_json::from_str(&format!("{{\"email\":\"{CANARY}\"}}")).unwrap();
    let rows = PackedRows::pack(&[row]).unwrap();
    for page in 0..pages {
        let page = NewPage { unit: 0, page, rows: &rows, mark: None, state: Some(b"cursor") };
        bench.store.page_append(&lease, &[page]).await.unwrap();
    }
    lease
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_run_that_somebody_works_on_or_went_on_with_is_not_due(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["a"]).await;
    bench.clock.advance(40 * DAY);
    let lease = bench.claim().await.lease;
    let rows = PackedRows::pack(&[]).unwrap();
    let page = NewPage { unit: 0, page: 0, rows: &rows, mark: None, state: Some(b"cursor") };
    bench.store.page_append(&lease, &[page]).await.unwrap();
    let lists = async |before| {
        let rows = bench.store.run_list_rows_due(before).await.unwrap();
        (rows, bench.store.run_list_due(before).await.unwrap())
    };

    let recent = lists(ago(&bench, 7)).await;
    let held = lists(ago(&bench, -1)).await;
    let refused = [
        bench.store.run_forget_rows(&lease.run, ago(&bench, 7), Actor::system()).await.unwrap(),
        bench.store.run_forget_due(&lease.run, ago(&bench, 7), Actor::system()).await.unwrap(),
        bench.store.run_forget_due(&lease.run, ago(&bench, -1), Actor::system()).await.unwrap(),
    ];
    bench.clock.advance(LEASE);
    let silent = lists(ago(&bench, -1)).await;

    assert_eq!((recent, held), Default::default());
    assert_eq!(refused, [false; 3]);
    assert_eq!(silent, (vec![lease.run.clone()], vec![lease.run]));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn rows_forgotten_under_a_reader_are_not_the_end_of_its_list(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (run, _) = run_with_rows(&bench, "a").await;
    let task = bench.store.task_list(&run).await.unwrap()[0].id.clone();
    let other = bench.again().await;
    let mut begun = other.page_list(&run, &task);
    begun.next_page().await.unwrap().unwrap();
    bench.clock.advance(8 * DAY);

    bench.store.run_forget_rows(&run, ago(&bench, 7), Actor::system()).await.unwrap();

    let ends = [
        begun.next_text().await.unwrap_err(),
        other.page_list(&run, &task).expecting(RowCount::Exactly(1)).next_page().await.unwrap_err(),
    ];
    assert!(ends.iter().all(|end| matches!(end, StoreError::Forgotten { .. })), "{ends:?}");
    assert!(String::from_utf8_lossy(other.run_subject(&run).await.unwrap().expose()).contains(CANARY));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn whoever_reads_a_run_that_is_forgotten_keeps_nothing_more(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let lease = reading(&bench, 1).await;
    let other = bench.again().await;
    other.run_subject(&lease.run).await.unwrap();

    bench.store.run_forget(&lease.run, Actor::system()).await.unwrap();

    let rows = PackedRows::pack(&[]).unwrap();
    let page = NewPage { unit: 0, page: 1, rows: &rows, mark: None, state: Some(b"cursor") };
    let refused = other.page_append(&lease, &[page]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Fenced { .. }), "{refused:?}");
    let again = other.task_claim("w", LEASE).await.unwrap().unwrap();
    let refused = other.page_append(&again.lease, &[page]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Forgotten { .. }), "{refused:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_key_goes_first_then_pages_a_few_at_a_time_and_what_was_cut_off_is_finished(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let lease = reading(&bench, 100).await;
    let sql = bench.sql().await;
    let in_the_way: &[&str] = match backend {
        Backend::Sqlite => &[
            "CREATE TRIGGER in_the_way BEFORE DELETE ON page WHEN (SELECT COUNT(*) FROM page) <= 40 BEGIN SELECT RAISE(ABORT, 'no'); END",
        ],
        Backend::Postgres => &[
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF (SELECT COUNT(*) FROM page) <= 40 THEN RAISE EXCEPTION ''no''; END IF; RETURN OLD; END'",
            "CREATE TRIGGER in_the_way BEFORE DELETE ON page FOR EACH ROW EXECUTE FUNCTION refuse()",
        ],
    };
    let out_of_the_way = match backend {
        Backend::Sqlite => "DROP TRIGGER in_the_way",
        Backend::Postgres => "DROP TRIGGER in_the_way ON page",
    };
    let pages =
        async || -> i64 { sqlx::query("SELECT COUNT(*) FROM page").fetch_one(&sql).await.unwrap().get(0) };
    for statement in in_the_way {
        sqlx::query(*statement).execute(&sql).await.unwrap();
    }

    bench.store.run_forget(&lease.run, Actor::system()).await.unwrap_err();
    let left = pages().await;
    sqlx::query(out_of_the_way).execute(&sql).await.unwrap();
    let due = bench.store.run_list_due(ago(&bench, 30)).await.unwrap();
    let finished = bench.store.run_forget_due(&lease.run, ago(&bench, 30), Actor::system()).await.unwrap();

    let subject = bench.again().await.run_subject(&lease.run).await.unwrap_err();
    assert!(matches!(subject, StoreError::Forgotten { .. }), "{subject:?}");
    assert!((40..100).contains(&left), "{left} pages were left");
    assert_eq!(due, std::slice::from_ref(&lease.run));
    assert!(finished);
    assert_eq!(pages().await, 0);
    assert!(bench.store.run_list_due(ago(&bench, 30)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_reader_of_another_process_does_not_hold_up_forgetting() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let lease = reading(&bench, 1).await;
    let sql = bench.sql().await;
    let mut reader = sql.begin().await.unwrap();
    sqlx::query("SELECT COUNT(*) FROM page").fetch_one(&mut *reader).await.unwrap();

    let forgotten = bench.store.run_forget(&lease.run, Actor::system());

    tokio::time::timeout(Duration::from_secs(10), forgotten).await.unwrap().unwrap();
}
