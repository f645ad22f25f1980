//! Writes whose end the application keeps to itself: time-outs, resets, faults of its own.

use std::time::Duration;

use model::{Clock as _, Outcome};
use rstest::rstest;
use sandbox::server::Answer;
use serde_json::json;
use store::LedgerState;

use super::bench::{Backend, Signal};

#[rstest]
#[case::fault(Backend::Sqlite, Answer::status(500))]
#[case::gateway(Backend::Postgres, Answer::status(504))]
#[case::reset(Backend::Sqlite, Answer::reset())]
#[case::cut(Backend::Postgres, Answer::text(200, "done").delivered(sandbox::server::Delivery::CutAt(1)))]
#[tokio::test]
async fn without_a_way_to_find_out_it_stays_unknown_and_is_not_sent_again(
    #[case] backend: Backend,
    #[case] answer: Answer,
) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("DELETE", "/plain/1").then(answer);
    let process = bench.process().await;
    let order = bench.order(0, "plain");

    let first = process.writer.settle(&process.hold, &order).await.unwrap();
    drop(process);
    let process = bench.restarted().await;
    let second = process.writer.settle(&process.hold, &order).await.unwrap();

    assert_eq!((first.outcome, second.outcome), (Outcome::Unknown, Outcome::Unknown));
    assert_eq!(bench.writes().len(), 1);
    assert_eq!(bench.ledger().await[0].state, LedgerState::Unknown);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_harmless_one_is_sent_again_and_then_gone_means_erased(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("DELETE", "/repeatable/1").then(Answer::status(500)).then(Answer::status(404));
    let process = bench.process().await;

    let report = process.writer.settle(&process.hold, &bench.order(0, "repeatable")).await.unwrap();

    assert_eq!((report.outcome, report.attempts), (Outcome::Erased, 2));
    assert_eq!(bench.ledger().await[0].resolution.as_deref(), Some("repeat"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn one_that_never_gets_an_answer_is_given_up_as_unknown(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("DELETE", "/repeatable/1").then(Answer::status(500));
    let process = bench.process().await;

    let report = process.writer.settle(&process.hold, &bench.order(0, "repeatable")).await.unwrap();

    assert_eq!((report.outcome, report.attempts, bench.writes().len()), (Outcome::Unknown, 4, 4));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_equal_job_is_found_and_followed_instead_of_a_second_one(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("POST", "/jobs").then(Answer::status(500));
    let listed = json!({"data": [{"id": "job_7", "ids": ["usr_ana"], "at": "2026-01-15T12:00:00Z"}]});
    bench.saas.on("GET", "/jobs").then(Answer::json(200, &listed));
    let process = bench.process().await;

    let report = process.writer.settle(&process.hold, &bench.order(0, "jobs")).await.unwrap();

    let job = bench.store.job_find(&bench.plan, 0).await.unwrap().unwrap();
    assert_eq!((report.outcome, report.job.as_ref()), (Outcome::Accepted, Some(&job.id)));
    assert_eq!(job.external_id, "job_7");
    assert_eq!(bench.writes(), ["POST /jobs"]);
    assert_eq!(bench.ledger().await[0].resolution.as_deref(), Some("read"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn where_no_equal_job_exists_it_is_made_again_once(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let made = Answer::json(202, &json!({"data": {"id": "job_8"}}));
    bench.saas.on("POST", "/jobs").then(Answer::status(503)).then(made);
    // Somebody else's, and one of last year.
    let others = json!({"data": [
        {"id": "job_1", "ids": ["usr_bob"], "at": "2026-01-15T12:00:00Z"},
        {"id": "job_2", "ids": ["usr_ana"], "at": "2025-01-15T12:00:00Z"},
    ]});
    bench.saas.on("GET", "/jobs").then(Answer::json(200, &others));
    let process = bench.process().await;

    let report = process.writer.settle(&process.hold, &bench.order(0, "jobs")).await.unwrap();

    assert_eq!((report.outcome, report.attempts, bench.writes().len()), (Outcome::Accepted, 2, 2));
}

/// The other side is slow: what was sent takes effect after it was looked for the first time.
#[rstest]
#[case::of_this_process(Backend::Sqlite, false)]
#[case::of_this_process(Backend::Postgres, false)]
#[case::of_one_that_is_gone(Backend::Sqlite, true)]
#[case::of_one_that_is_gone(Backend::Postgres, true)]
#[tokio::test]
async fn a_job_that_shows_late_is_followed_and_not_made_twice(#[case] backend: Backend, #[case] crash: bool) {
    let Some(bench) = backend.start(1).await else { return };
    let arrived = Signal::default();
    let signal = arrived.clone();
    bench.saas.on("POST", "/jobs").with(move |_| {
        signal.give();
        Answer::status(500).after(Duration::from_millis(if crash { 500 } else { 0 }))
    });
    let listed = json!({"data": [{"id": "job_7", "ids": ["usr_ana"], "at": "2026-01-15T12:00:00Z"}]});
    let nothing = Answer::json(200, &json!({"data": []}));
    bench.saas.on("GET", "/jobs").then(nothing).then(Answer::json(200, &listed));
    let order = bench.order(0, "jobs");
    let mut process = bench.process().await;
    if crash {
        arrived.crash(process.writer.settle(&process.hold, &order)).await;
        drop(process);
        process = bench.restarted().await;
    }
    let begun = bench.clock.now();

    let report = process.writer.settle(&process.hold, &order).await.unwrap();

    assert_eq!((report.outcome, bench.writes().len()), (Outcome::Accepted, 1));
    let waited = Duration::try_from(bench.clock.now().duration_since(begun)).unwrap();
    assert!(
        waited > Duration::from_secs(58),
        "a time-out of 60 s, less what it took to get here: {waited:?}"
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn data_that_goes_late_is_erased_by_the_first_write(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("POST", "/proven/erase").then(Answer::status(500));
    let there = Answer::json(200, &json!([{"email": "ana@example.com"}]));
    bench.saas.on("GET", "/proven").then(there).then(Answer::json(200, &json!([])));
    let process = bench.process().await;

    let report = process.writer.settle(&process.hold, &bench.order(0, "proven")).await.unwrap();

    assert_eq!((report.outcome, report.attempts, bench.writes().len()), (Outcome::Erased, 1, 1));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_list_of_jobs_that_cannot_be_read_settles_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("POST", "/jobs").then(Answer::status(500));
    bench.saas.on("GET", "/jobs").then(Answer::status(500));
    let process = bench.process().await;

    let report = process.writer.settle(&process.hold, &bench.order(0, "jobs")).await.unwrap();

    assert_eq!((report.outcome, bench.writes().len()), (Outcome::Unknown, 1));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_read_that_proves_it_settles_it_either_way(#[case] backend: Backend) {
    let Some(bench) = backend.start(2).await else { return };
    bench
        .saas
        .on("POST", "/proven/erase")
        .then(Answer::status(500))
        .then(Answer::reset())
        .then(Answer::status(204));
    bench
        .saas
        .on("GET", "/proven")
        .then(Answer::json(200, &json!([])))
        .then(Answer::json(200, &json!([{"email": "ana@example.com"}])));
    let process = bench.process().await;

    let gone = process.writer.settle(&process.hold, &bench.order(0, "proven")).await.unwrap();
    let there = process.writer.settle(&process.hold, &bench.order(1, "proven")).await.unwrap();

    assert_eq!((gone.outcome, gone.attempts), (Outcome::Erased, 1));
    assert_eq!((there.outcome, there.attempts), (Outcome::Erased, 2));
    assert_eq!(bench.writes().len(), 3);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_job_without_a_name_is_looked_for(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("POST", "/jobs").then(Answer::json(200, &json!({"data": {}})));
    let listed = json!({"data": [{"id": "job_7", "ids": ["usr_ana"], "at": "2026-01-15T12:00:00Z"}]});
    bench.saas.on("GET", "/jobs").then(Answer::json(200, &listed));
    let process = bench.process().await;

    let report = process.writer.settle(&process.hold, &bench.order(0, "jobs")).await.unwrap();

    assert_eq!((report.outcome, bench.writes().len()), (Outcome::Accepted, 1));
    assert_eq!(bench.ledger().await[0].detail.as_deref(), Some("answer_without_job"));
}
