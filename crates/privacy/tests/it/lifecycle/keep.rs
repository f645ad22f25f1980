use std::time::Duration;

use crypto::PublicKey;
use engine::Cancellation;
use jiff::Timestamp;
use privacy::{ApplyError, CHECKPOINTS_FILE, Retention, SIGNING_KEY_FILE, StatusError};
use rstest::rstest;
use store::Checkpoint;

use super::bench::{Backend, actor, apply, verify};

const DAY: Duration = Duration::from_hours(24);

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_holds_each_erasure_once_and_replay_plans_it_again(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let none = bench.journal().since(&bench.keys(), Timestamp::MIN).unwrap();
    for _ in 0..3 {
        apply(&bench.process().await, &plan).await.unwrap();
    }
    bench.crm.state().end_jobs("FINISHED");
    let run = &plan.contents().run;
    assert!(verify(&bench.process().await, run).await.unwrap().is_proven());
    sqlx::query("UPDATE customers SET name = 'Ana', email = 'ana@example.com' WHERE id = 7")
        .execute(&bench.shop)
        .await
        .unwrap();
    let sent = bench.crm.writes().len();

    let service = bench.process().await;
    let replay = service.replay(Timestamp::MIN, actor(), Cancellation::never(), &|_| {}).await.unwrap();

    let entries = bench.journal().since(&bench.keys(), Timestamp::MIN).unwrap().entries;
    assert!(none.entries.is_empty(), "a plan is no erasure");
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].run.as_str(), replay.replayed.len()), (run.as_str(), 1));
    assert_eq!(replay.cut_lines, 0);
    let again = replay.replayed[0].plan.as_ref().unwrap();
    assert_eq!(again.contents().operations.len(), 1, "what the backup brought back: one customer");
    assert_eq!(again.contents().operations[0].collections[0].to_string(), "shop:customers");
    assert_eq!(bench.crm.writes().len(), sent, "nothing is applied");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn without_its_line_in_the_journal_nothing_is_sent(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let in_the_way = bench.data_folder().join("erasures.journal");
    std::fs::create_dir(&in_the_way).unwrap();

    let error = apply(&bench.process().await, &plan).await.unwrap_err();
    let sent = bench.crm.writes();
    std::fs::remove_dir(&in_the_way).unwrap();
    apply(&bench.process().await, &plan).await.unwrap();

    assert!(matches!(error, ApplyError::Journal(_)) && !error.is_refusal(), "{error}");
    assert!(sent.is_empty(), "{sent:?}");
    let names = bench.shop_rows("SELECT name FROM customers ORDER BY id").await;
    assert_eq!(names, [None, Some("Ben".into())], "the second time all is sent");
    assert_eq!(bench.journal().since(&bench.keys(), Timestamp::MIN).unwrap().entries.len(), 1);
}

/// As after a process that was killed between its last write and the journal.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_missing_is_written_once_anything_has_begun(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    apply(&bench.process().await, &plan).await.unwrap();
    std::fs::remove_file(bench.data_folder().join("erasures.journal")).unwrap();

    apply(&bench.process().await, &plan).await.unwrap();

    let entries = bench.journal().since(&bench.keys(), Timestamp::MIN).unwrap().entries;
    assert_eq!(entries.len(), 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn status_outlives_the_personal_data_and_the_plan(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let run = &plan.contents().run;
    let before = apply(&bench.process().await, &plan).await.unwrap();
    bench.crm.state().end_jobs("FAILED");
    bench.process().await.status(run).await.unwrap();
    bench.clock.advance(40 * DAY);

    let service = bench.process().await;
    let gone = service.forget_expired(Retention::default()).await.unwrap();
    let again = service.forget_expired(Retention::default()).await.unwrap();
    let after = service.status(run).await.unwrap();

    assert_eq!(gone.runs, std::slice::from_ref(run));
    assert!(again.runs.is_empty() && again.rows.is_empty());
    assert!(bench.store().await.run_subject(run).await.is_err());
    assert_eq!(after.operations.len(), before.operations.len());
    assert_eq!(after.outcome, Some(model::Outcome::Failed));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn key_and_checkpoints_stand_in_the_data_folder_for_others_to_check(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    apply(&bench.process().await, &plan).await.unwrap();
    apply(&bench.process().await, &plan).await.unwrap();
    bench.process().await.publish().await.unwrap();

    let key = std::fs::read_to_string(bench.data_folder().join(SIGNING_KEY_FILE)).unwrap();
    let key: PublicKey = key.trim().parse().unwrap();
    let text = std::fs::read_to_string(bench.data_folder().join(CHECKPOINTS_FILE)).unwrap();
    let open = |line: &str| Checkpoint::open(line.as_bytes(), std::slice::from_ref(&key)).unwrap();
    let checkpoints: Vec<Checkpoint> = text.split_inclusive('\n').map(open).collect();

    assert!(!checkpoints.is_empty());
    assert!(checkpoints.windows(2).all(|pair| pair[0].size < pair[1].size), "each once, in order");
    let report = bench.store().await.audit_verify(&[key], &checkpoints).await.unwrap();
    assert_eq!(report.unsigned, 0);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_run_has_no_status(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let other = "run_0197a6a0-0000-7000-8000-000000000000".parse().unwrap();

    let error = bench.process().await.status(&other).await.unwrap_err();

    assert!(matches!(error, StatusError::NotKnownHere { .. }), "{error}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_takes_no_checkpoint_is_told_and_stops_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let path = bench.data_folder().join(CHECKPOINTS_FILE);
    std::fs::create_dir(&path).unwrap();

    let told = apply(&bench.process().await, &plan).await.unwrap();
    std::fs::remove_dir(&path).unwrap();
    let later = apply(&bench.process().await, &plan).await.unwrap();

    assert!(told.problems[0].contains(CHECKPOINTS_FILE), "{:?}", told.problems);
    assert!(later.problems.is_empty(), "{:?}", later.problems);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1, "the checkpoint that was not taken before");
}
