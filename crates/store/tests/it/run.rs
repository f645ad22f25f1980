use jiff::SignedDuration;
use model::{Clock as _, Outcome, RandomIds, RunId};
use rstest::rstest;
use store::{Actor, Heartbeat, NewPage, PackedRows, RunState, StoreError, TaskState};

use crate::bench::{Backend, CANARY, LEASE, new_run, task};

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_run_keeps_its_subject_sealed_and_its_first_ending(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;

    bench.store.run_finish(&run, Some(Outcome::Erased)).await.unwrap();
    bench.store.run_finish(&run, Some(Outcome::Failed)).await.unwrap();

    let found = bench.store.get_run(&run).await.unwrap();
    assert_eq!((found.state, found.outcome), (RunState::Finished, Some(Outcome::Erased)));
    let subject = bench.again().await.run_subject(&run).await.unwrap();
    assert!(String::from_utf8_lossy(subject.expose()).contains(CANARY));
    assert_eq!(bench.store.run_list(RunState::Finished, 10).await.unwrap(), [found]);
    assert!(bench.store.run_find(&RunId::new(&RandomIds)).await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn making_a_run_twice_makes_it_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = RunId::new(&RandomIds);

    bench.store.run_create(new_run(&run), &[task("a", &[])]).await.unwrap();
    bench.store.run_create(new_run(&run), &[task("b", &[])]).await.unwrap();

    assert_eq!(bench.store.task_list(&run).await.unwrap().len(), 1);
    assert!(bench.store.run_subject(&run).await.is_ok());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_held_run_starts_nothing_until_it_goes_on(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;

    bench.store.run_pause(&run, Actor::person("pat")).await.unwrap();
    let held = bench.store.task_claim("w", LEASE).await.unwrap();
    bench.store.run_resume(&run, Actor::person("pat")).await.unwrap();

    assert!(held.is_none());
    assert!(bench.store.task_claim("w", LEASE).await.unwrap().is_some());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn cancelling_ends_waiting_tasks_and_tells_workers(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a", "b"]).await;
    let claimed = bench.claim().await;

    bench.store.run_cancel(&run, Actor::person("pat")).await.unwrap();

    assert_eq!(bench.store.task_heartbeat(&claimed.lease, LEASE).await.unwrap(), Heartbeat::Cancelled);
    bench.store.task_cancel(&claimed.lease).await.unwrap();
    let states: Vec<_> =
        bench.store.task_list(&run).await.unwrap().into_iter().map(|task| task.state).collect();
    assert_eq!(states, [TaskState::Cancelled, TaskState::Cancelled]);
    let resumed = bench.store.run_resume(&run, Actor::person("pat")).await;
    assert!(matches!(resumed, Err(StoreError::Conflict { .. })));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn forgetting_a_run_destroys_rows_plan_and_subject_and_keeps_the_ledger(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, digest) = bench.applying(2).await;
    let run = claimed.lease.run.clone();
    let rows = [serde_json::Map::from_iter([("email".to_owned(), CANARY.into())])];
    let rows = PackedRows::pack(&rows).unwrap();
    let mark = Some(CANARY.as_bytes());
    let page = NewPage { unit: 0, page: 0, rows: &rows, mark, state: Some(CANARY.as_bytes()) };
    bench.store.page_append(&claimed.lease, &[page]).await.unwrap();
    bench.store.task_finish(&claimed.lease, None).await.unwrap();
    bench.store.run_finish(&run, None).await.unwrap();
    let later = bench.clock.now() + SignedDuration::from_hours(1);
    let listed = bench.store.run_list_to_forget(later).await.unwrap();

    bench.store.run_forget(&run, Actor::system()).await.unwrap();
    bench.store.run_forget(&run, Actor::system()).await.unwrap();

    assert_eq!(listed, std::slice::from_ref(&run));
    assert!(bench.store.run_list_to_forget(later).await.unwrap().is_empty());
    assert!(matches!(bench.store.run_subject(&run).await, Err(StoreError::Forgotten { .. })));
    assert!(matches!(bench.store.plan_find(&digest).await, Err(StoreError::Forgotten { .. })));
    let mut pages = bench.store.page_list(&run, &claimed.lease.task);
    assert!(matches!(pages.next_page().await, Err(StoreError::Forgotten { .. })));
    assert_eq!(bench.store.ledger_list(&digest).await.unwrap().len(), 2);
}

#[tokio::test]
async fn no_byte_of_a_persons_data_or_of_a_key_lies_readable_in_the_files() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let (claimed, _) = bench.applying(1).await;
    let rows = [serde_json::Map::from_iter([("email".to_owned(), CANARY.into())])];
    let rows = PackedRows::pack(&rows).unwrap();
    let mark = Some(CANARY.as_bytes());
    let page = NewPage { unit: 0, page: 0, rows: &rows, mark, state: Some(CANARY.as_bytes()) };
    bench.store.page_append(&claimed.lease, &[page]).await.unwrap();

    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    }
}

#[tokio::test]
async fn forgotten_rows_give_their_room_on_the_disk_back() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let (claimed, _) = bench.applying(1).await;
    let noise = || -> String { (0..4000).map(|_| RunId::new(&RandomIds).to_string()).collect() };
    let size = || std::fs::metadata(bench.folder.path().join("state of tutela.db")).unwrap().len();
    let truncate = || async {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&bench.sql().await).await.unwrap();
        size()
    };
    let empty = truncate().await;
    for page in 0..60 {
        let row = serde_json::Map::from_iter([("noise".to_owned(), noise().into())]);
        let rows = PackedRows::pack(&[row]).unwrap();
        let page = NewPage { unit: 0, page, rows: &rows, mark: None, state: Some(b"") };
        bench.store.page_append(&claimed.lease, &[page]).await.unwrap();
    }
    let full = truncate().await;

    bench.store.run_forget(&claimed.lease.run, Actor::system()).await.unwrap();

    let left = size() - empty;
    assert!(left < (full - empty) / 4, "{left} of {} bytes are left", full - empty);
}
