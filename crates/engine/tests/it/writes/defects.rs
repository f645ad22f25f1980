//! Planted defects: the claims of the other tests do not hold with them, so those tests notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::{Defect, WriteError};
use model::Outcome;
use rstest::rstest;
use sandbox::server::Answer;
use serde_json::json;
use store::LedgerState;
use testkit::TestClock;

use super::bench::{Backend, Signal};
use super::hold::Asleep;

/// With the defect, a crash after sending leaves nothing in the ledger, and the write is sent again.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn planted_defect_sending_before_the_intent_makes_a_second_job(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let arrived = Signal::default();
    let (signal, jobs) = (arrived.clone(), Arc::new(AtomicUsize::new(0)));
    let made = Arc::clone(&jobs);
    bench.saas.on("POST", "/jobs").with(move |_| {
        signal.give();
        let number = made.fetch_add(1, Ordering::SeqCst) + 1;
        Answer::json(202, &json!({"data": {"id": format!("job_{number}")}})).after(Duration::from_millis(100))
    });
    let order = bench.order(0, "jobs");

    Defect::SendBeforeIntent.plant();
    let process = bench.process().await;
    arrived.crash(process.writer.settle(&process.hold, &order)).await;
    drop(process);
    assert_eq!(bench.ledger().await[0].state, LedgerState::Planned, "the ledger knows nothing of it");
    let process = bench.restarted().await;
    process.writer.settle(&process.hold, &order).await.unwrap();

    assert_eq!(jobs.load(Ordering::SeqCst), 2);
}

/// With the defect, a fault of the application counts as "had no effect", and the write is sent again.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn planted_defect_trusting_a_500_makes_a_second_effect(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(500)).then(Answer::status(204));

    Defect::Trust500.plant();
    let process = bench.process().await;
    let report = process.writer.settle(&process.hold, &bench.order(0, "plain")).await.unwrap();

    assert_eq!((report.outcome, bench.writes().len()), (Outcome::Erased, 2));
}

/// With the defect, a process that lost its task sends all the same.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn planted_defect_forgetting_fences_lets_a_silent_process_send(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(204));

    Defect::ForgetFences.plant();
    let silent = bench.process().await;
    let _next = bench.restarted().await;
    let sent = silent.writer.settle(&silent.hold, &bench.order(0, "plain")).await;

    assert!(!matches!(sent, Err(WriteError::Lost { .. })), "{sent:?}");
    assert_eq!(bench.writes().len(), 1);
}

/// With the defect, the permit of a process that slept longer than its lease before the wire still holds.
#[tokio::test]
async fn planted_defect_forgetting_fences_lets_one_that_overslept_send() {
    let bench = Backend::Sqlite.start(1).await.unwrap();
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(204));
    let wall = TestClock::new();
    let asleep = Arc::new(Asleep(wall.clone(), engine::LEASE));

    Defect::ForgetFences.plant();
    let process = bench.process_by(wall, asleep).await;
    let sent = process.writer.settle(&process.hold, &bench.order(0, "plain")).await;

    assert!(sent.is_ok(), "{sent:?}");
    assert_eq!(bench.writes().len(), 1);
}
