//! From an approved operation to its end, with an application that answers.

use std::time::Duration;

use engine::WriteError;
use model::{Clock, Outcome};
use rstest::rstest;
use sandbox::server::Answer;
use serde_json::json;
use store::{Actor, Effect, LedgerState, Resolution, ResolvedBy};

use super::bench::{Backend, Signal};

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_write_is_sent_once_however_often_it_is_settled(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(204));
    let process = bench.process().await;
    let order = bench.order(0, "plain");

    let first = process.writer.settle(&process.hold, &order).await.unwrap();
    let second = process.writer.settle(&process.hold, &order).await.unwrap();
    drop(process);
    let process = bench.restarted().await;
    let third = process.writer.settle(&process.hold, &order).await.unwrap();

    assert_eq!(bench.writes(), ["DELETE /plain/1"]);
    assert_eq!(
        (first.outcome, first.attempts, first.detail.as_deref()),
        (Outcome::Erased, 1, Some("http_204"))
    );
    assert!(first == second && second == third);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_was_gone_before_is_called_absent_and_an_ignored_status_is_no_success(#[case] backend: Backend) {
    let Some(bench) = backend.start(2).await else { return };
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(404)).then(Answer::status(409));
    let process = bench.process().await;

    let gone = process.writer.settle(&process.hold, &bench.order(0, "plain")).await.unwrap();
    let ignored = process.writer.settle(&process.hold, &bench.order(1, "plain")).await.unwrap();

    assert_eq!((gone.outcome, gone.detail.as_deref()), (Outcome::AlreadyAbsent, Some("http_404")));
    assert_eq!((ignored.outcome, ignored.detail.as_deref()), (Outcome::Failed, Some("ignored_http_409")));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_rate_limit_is_waited_out_and_each_attempt_has_its_own_intent(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let limited = Answer::status(429).header("Retry-After", "7");
    bench.saas.on("DELETE", "/plain/1").then(limited).then(Answer::status(429)).then(Answer::status(204));
    let process = bench.process().await;

    let report = process.writer.settle(&process.hold, &bench.order(0, "plain")).await.unwrap();

    let ledger = bench.ledger().await;
    assert_eq!((report.outcome, report.attempts), (Outcome::Erased, 3));
    assert_eq!(ledger.iter().map(|entry| entry.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(ledger[0].effect, Some(Effect::NotApplied));
    assert_eq!(ledger[0].detail.as_deref(), Some("http_429"));
    assert!(bench.clock.sleeps().contains(&Duration::from_secs(7)), "{:?}", bench.clock.sleeps());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn attempts_are_bounded_and_a_refusal_is_not_repeated_by_itself(#[case] backend: Backend) {
    let Some(bench) = backend.start(2).await else { return };
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(429));
    bench.saas.on("DELETE", "/repeatable/1").then(Answer::status(403));
    let process = bench.process().await;

    let limited = process.writer.settle(&process.hold, &bench.order(0, "plain")).await.unwrap();
    let refused = process.writer.settle(&process.hold, &bench.order(1, "repeatable")).await.unwrap();

    assert_eq!((limited.outcome, limited.attempts), (Outcome::Failed, 4));
    assert_eq!((refused.outcome, refused.attempts), (Outcome::Failed, 1));
    assert_eq!(refused.detail.as_deref(), Some("http_403"));
    assert_eq!(bench.writes().len(), 5);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_later_call_tries_again_what_had_no_effect(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(403)).then(Answer::status(204));
    let process = bench.process().await;
    let order = bench.order(0, "plain");

    let refused = process.writer.settle(&process.hold, &order).await.unwrap();
    let taken = process.writer.settle(&process.hold, &order).await.unwrap();

    assert_eq!((refused.outcome, taken.outcome, taken.attempts), (Outcome::Failed, Outcome::Erased, 2));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn writes_that_follow_one_another_wait_for_the_disk_once_each(#[case] backend: Backend) {
    let Some(bench) = backend.start(8).await else { return };
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(204));
    let process = bench.process().await;
    let orders: Vec<_> = (0..8).map(|operation| bench.order(operation, "plain")).collect();

    let chain = process.writer.settle_all(&process.hold, &orders).await;

    assert!(chain.stopped.is_none());
    assert!(chain.reports.iter().all(|report| report.outcome == Outcome::Erased));
    let counts = process.store.ledger_counts();
    assert_eq!((counts.writes, counts.commits), (16, 9));
    assert!(bench.ledger().await.iter().all(|entry| entry.state == LedgerState::Outcome));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn one_that_fails_does_not_stop_those_after_it(#[case] backend: Backend) {
    let Some(bench) = backend.start(3).await else { return };
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(204)).then(Answer::status(403));
    bench.saas.on("DELETE", "/repeatable/1").then(Answer::status(204));
    let process = bench.process().await;
    let orders = [bench.order(0, "plain"), bench.order(1, "plain"), bench.order(2, "repeatable")];

    let chain = process.writer.settle_all(&process.hold, &orders).await;

    let outcomes: Vec<_> = chain.reports.iter().map(|report| report.outcome).collect();
    assert_eq!(outcomes, [Outcome::Erased, Outcome::Failed, Outcome::Erased]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_second_call_for_the_same_operation_is_turned_away(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let arrived = Signal::default();
    let signal = arrived.clone();
    bench.saas.on("DELETE", "/plain/1").with(move |_| {
        signal.give();
        Answer::status(204).after(Duration::from_millis(300))
    });
    let process = bench.process().await;
    let order = bench.order(0, "plain");

    let second = async {
        arrived.crash(std::future::pending::<()>()).await;
        process.writer.settle(&process.hold, &order).await
    };
    let (first, second) = tokio::join!(process.writer.settle(&process.hold, &order), second);

    assert_eq!(first.unwrap().outcome, Outcome::Erased);
    assert!(matches!(second, Err(WriteError::UnderWay { operation: 0 })), "{second:?}");
    assert_eq!(bench.writes().len(), 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_write_that_starts_a_job_is_accepted_and_followed_from_the_same_commit(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("POST", "/jobs").then(Answer::json(202, &json!({"data": {"id": "job_7"}})));
    let process = bench.process().await;

    let report = process.writer.settle(&process.hold, &bench.order(0, "jobs")).await.unwrap();

    let job = bench.store.job_find(&bench.plan, 0).await.unwrap().unwrap();
    assert_eq!((report.outcome, report.job.as_ref()), (Outcome::Accepted, Some(&job.id)));
    assert_eq!((job.external_id.as_str(), job.outcome), ("job_7", Outcome::Accepted));
    assert_eq!(job.deadline_at.duration_since(Clock::now(&bench.clock)).as_hours(), 24);
    assert_eq!(process.store.ledger_counts().commits, 2);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_person_settles_what_nobody_can_find_out(#[case] backend: Backend) {
    let Some(bench) = backend.start(2).await else { return };
    bench
        .saas
        .on("DELETE", "/plain/1")
        .then(Answer::status(500))
        .then(Answer::status(502))
        .then(Answer::status(204));
    let process = bench.process().await;
    let (one, two) = (bench.order(0, "plain"), bench.order(1, "plain"));
    for order in [&one, &two] {
        let unknown = process.writer.settle(&process.hold, order).await.unwrap();
        assert_eq!(unknown.outcome, Outcome::Unknown);
    }
    let person = || ResolvedBy::Person(Actor::person("pat"));

    let ledger = bench.ledger().await;
    bench.store.ledger_resolve(&ledger[0].id, &Resolution::Applied(Outcome::Erased, person())).await.unwrap();
    bench.store.ledger_resolve(&ledger[1].id, &Resolution::NotApplied(person())).await.unwrap();
    let took = process.writer.settle(&process.hold, &one).await.unwrap();
    let took_not = process.writer.settle(&process.hold, &two).await.unwrap();

    assert_eq!((took.outcome, took.attempts), (Outcome::Erased, 1));
    assert_eq!((took_not.outcome, took_not.attempts), (Outcome::Erased, 2));
    assert_eq!(bench.writes().len(), 3);
}
