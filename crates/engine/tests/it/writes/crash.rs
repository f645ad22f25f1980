//! A process that ends between two steps: nothing is done twice, nothing is lost, nothing is called
//! erased that is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use egress::{BudgetError, BudgetScope, Budgets, Limit, RateSignal};
use futures::future::BoxFuture;
use model::Outcome;
use rstest::rstest;
use sandbox::server::Answer;
use serde_json::json;
use store::LedgerState;

use super::bench::{Backend, Bench, Signal};

/// Lets nothing out: a write stands between its intent and the wire.
#[derive(Debug, Default)]
struct Closed(Signal);

impl Budgets for Closed {
    fn acquire<'a>(
        &'a self,
        _: &'a BudgetScope,
        _: &'a [Limit],
    ) -> BoxFuture<'a, Result<Duration, BudgetError>> {
        self.0.give();
        Box::pin(std::future::pending())
    }

    fn observe(&self, _: &BudgetScope, _: RateSignal) {}
}

/// Before which step the process ends.
#[derive(Debug, Clone, Copy)]
enum At {
    Intent,
    Send,
    Answer,
    Outcome,
}

/// Settles operation 0 in a process that ends at `at`, then in another one that does not.
async fn crash(bench: &Bench, endpoint: &str, at: At, arrived: &Signal) -> engine::WriteReport {
    let order = bench.order(0, endpoint);
    match at {
        At::Intent => {
            let process = bench.process().await;
            let mut settling = Box::pin(process.writer.settle(&process.hold, &order));
            assert!(futures::poll!(&mut settling).is_pending());
        }
        At::Send => {
            let closed = Arc::new(Closed::default());
            let process = bench.process_with([].into(), Some(closed.clone())).await;
            closed.0.crash(process.writer.settle(&process.hold, &order)).await;
            assert_eq!(bench.ledger().await[0].state, LedgerState::Intent);
        }
        At::Answer => {
            let process = bench.process().await;
            arrived.crash(process.writer.settle(&process.hold, &order)).await;
        }
        At::Outcome => {
            let process = bench.process().await;
            let (settled, ()) = tokio::join!(process.writer.settle(&process.hold, &order), async {
                arrived.crash(std::future::pending::<()>()).await;
                process.store.close().await;
            });
            assert!(settled.is_err(), "{settled:?}");
        }
    }
    let process = bench.restarted().await;
    process.writer.settle(&process.hold, &order).await.unwrap()
}

#[rstest]
#[case::not_begun(Backend::Sqlite, At::Intent, 1)]
#[case::not_begun(Backend::Postgres, At::Intent, 1)]
#[case::not_sent(Backend::Sqlite, At::Send, 1)]
#[case::not_sent(Backend::Postgres, At::Send, 1)]
#[case::sent(Backend::Sqlite, At::Answer, 2)]
#[case::sent(Backend::Postgres, At::Answer, 2)]
#[case::answered(Backend::Sqlite, At::Outcome, 2)]
#[case::answered(Backend::Postgres, At::Outcome, 2)]
#[tokio::test]
async fn a_harmless_write_is_done_in_the_end(
    #[case] backend: Backend,
    #[case] at: At,
    #[case] arrivals: usize,
) {
    let Some(bench) = backend.start(1).await else { return };
    let arrived = Signal::default();
    let (signal, effects) = (arrived.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&effects);
    bench.saas.on("DELETE", "/repeatable/1").with(move |_| {
        signal.give();
        let gone = counted.fetch_add(1, Ordering::SeqCst) > 0;
        Answer::status(if gone { 404 } else { 204 }).after(Duration::from_millis(200))
    });

    let report = crash(&bench, "repeatable", at, &arrived).await;

    assert_eq!(report.outcome, Outcome::Erased);
    assert_eq!(bench.writes().len(), arrivals);
    assert!(effects.load(Ordering::SeqCst) >= 1);
}

#[rstest]
#[case::not_begun(Backend::Sqlite, At::Intent)]
#[case::not_begun(Backend::Postgres, At::Intent)]
#[case::not_sent(Backend::Sqlite, At::Send)]
#[case::not_sent(Backend::Postgres, At::Send)]
#[case::sent(Backend::Sqlite, At::Answer)]
#[case::sent(Backend::Postgres, At::Answer)]
#[case::answered(Backend::Sqlite, At::Outcome)]
#[case::answered(Backend::Postgres, At::Outcome)]
#[tokio::test]
async fn one_job_is_made_wherever_the_process_ends(#[case] backend: Backend, #[case] at: At) {
    let Some(bench) = backend.start(1).await else { return };
    let arrived = Signal::default();
    let (signal, jobs) = (arrived.clone(), Arc::new(AtomicUsize::new(0)));
    let made = Arc::clone(&jobs);
    bench.saas.on("POST", "/jobs").with(move |_| {
        signal.give();
        let number = made.fetch_add(1, Ordering::SeqCst) + 1;
        Answer::json(202, &json!({"data": {"id": format!("job_{number}")}})).after(Duration::from_millis(200))
    });
    let listed = Arc::clone(&jobs);
    bench.saas.on("GET", "/jobs").with(move |_| {
        let jobs: Vec<_> = (1..=listed.load(Ordering::SeqCst))
            .map(|number| json!({"id": format!("job_{number}"), "ids": ["usr_ana"], "at": "2026-01-15T12:00:00Z"}))
            .collect();
        Answer::json(200, &json!({"data": jobs}))
    });

    let report = crash(&bench, "jobs", at, &arrived).await;

    assert_eq!(report.outcome, Outcome::Accepted);
    assert_eq!((jobs.load(Ordering::SeqCst), bench.writes().len()), (1, 1));
    assert_eq!(bench.store.job_find(&bench.plan, 0).await.unwrap().unwrap().external_id, "job_1");
}

#[rstest]
#[case(Backend::Sqlite, At::Answer)]
#[case(Backend::Postgres, At::Outcome)]
#[tokio::test]
async fn one_that_may_not_be_repeated_and_cannot_be_looked_up_stays_unknown(
    #[case] backend: Backend,
    #[case] at: At,
) {
    let Some(bench) = backend.start(1).await else { return };
    let arrived = Signal::default();
    let signal = arrived.clone();
    bench.saas.on("DELETE", "/plain/1").with(move |_| {
        signal.give();
        Answer::status(204).after(Duration::from_millis(200))
    });

    let report = crash(&bench, "plain", at, &arrived).await;

    assert_eq!((report.outcome, bench.writes().len()), (Outcome::Unknown, 1));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_wait_that_is_given_up_in_the_same_process_is_found_out_too(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let arrived = Signal::default();
    let signal = arrived.clone();
    bench.saas.on("DELETE", "/repeatable/1").with(move |_| {
        signal.give();
        Answer::status(204).after(Duration::from_millis(100))
    });
    let process = bench.process().await;
    let order = bench.order(0, "repeatable");

    arrived.crash(process.writer.settle(&process.hold, &order)).await;
    let report = process.writer.settle(&process.hold, &order).await.unwrap();

    assert_eq!((report.outcome, report.attempts), (Outcome::Erased, 2));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_end_that_could_not_be_kept_is_not_reported(#[case] backend: Backend) {
    let Some(bench) = backend.start(2).await else { return };
    let arrived = Signal::default();
    let signal = arrived.clone();
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(204));
    bench.saas.on("DELETE", "/repeatable/1").with(move |_| {
        signal.give();
        Answer::status(204).after(Duration::from_millis(200))
    });
    let process = bench.process().await;
    let orders = [bench.order(0, "plain"), bench.order(1, "repeatable")];

    let (chain, ()) = tokio::join!(process.writer.settle_all(&process.hold, &orders), async {
        arrived.crash(std::future::pending::<()>()).await;
        process.store.close().await;
    });

    assert!(chain.stopped.is_some());
    assert_eq!(chain.reports.iter().map(|report| report.outcome).collect::<Vec<_>>(), [Outcome::Erased]);
    let states: Vec<_> = bench.ledger().await.iter().map(|entry| entry.state).collect();
    assert_eq!(states, [LedgerState::Outcome, LedgerState::Intent]);
}
