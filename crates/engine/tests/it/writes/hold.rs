//! One process at a time holds a task.

use std::time::Duration;

use engine::{HoldError, HoldRequest, HoldState, TaskHold, WriteError};
use model::Outcome;
use rstest::rstest;
use sandbox::server::Answer;
use store::{Actor, TaskState};

use super::bench::{Backend, Signal};

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_second_holder_is_told_at_once_or_waits(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let first = TaskHold::claim(&bench.store, &bench.request()).await.unwrap();

    let refused = TaskHold::claim(&bench.store, &bench.request()).await;
    let waiting = HoldRequest { wait: Some(Duration::from_secs(30)), ..bench.request() };
    let (second, released) = tokio::join!(TaskHold::claim(&bench.store, &waiting), first.release());

    assert!(matches!(refused, Err(HoldError::HeldByAnother { .. })), "{refused:?}");
    released.unwrap();
    assert_eq!(second.unwrap().state(), HoldState::Held);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_hold_that_was_taken_over_notices_and_sends_nothing_more(#[case] backend: Backend) {
    let Some(bench) = backend.start(2).await else { return };
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(204));
    let silent = bench.process().await;
    let next = bench.restarted().await;

    let fenced = silent.writer.settle(&silent.hold, &bench.order(0, "plain")).await;
    let noticed = silent.hold.ended().await;
    let stopped = silent.writer.settle(&silent.hold, &bench.order(1, "plain")).await;
    let sent = next.writer.settle(&next.hold, &bench.order(0, "plain")).await.unwrap();

    assert!(matches!(fenced, Err(WriteError::Lost { .. })), "{fenced:?}");
    assert_eq!(noticed, HoldState::Lost);
    assert!(matches!(stopped, Err(WriteError::Lost { .. })), "{stopped:?}");
    assert_eq!((sent.outcome, bench.writes().len()), (Outcome::Erased, 1));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_write_under_way_is_given_up_when_the_hold_is_lost(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let arrived = Signal::default();
    let signal = arrived.clone();
    bench.saas.on("DELETE", "/repeatable/1").with(move |_| {
        signal.give();
        Answer::status(204).after(Duration::from_mins(1))
    });
    let silent = bench.process().await;
    let order = bench.order(0, "repeatable");

    let (given_up, taken_over) = tokio::join!(silent.writer.settle(&silent.hold, &order), async {
        arrived.crash(std::future::pending::<()>()).await;
        bench.restarted().await
    });

    assert!(matches!(given_up, Err(WriteError::Lost { .. })), "{given_up:?}");
    bench.saas.on("DELETE", "/repeatable/1").then(Answer::status(404));
    let settled = taken_over.writer.settle(&taken_over.hold, &order).await.unwrap();
    assert_eq!((settled.outcome, settled.attempts), (Outcome::Erased, 2));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_cancelled_run_sends_nothing_more(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let process = bench.process().await;

    bench.store.run_cancel(&bench.run, Actor::person("pat")).await.unwrap();
    let noticed = process.hold.ended().await;
    let refused = process.writer.settle(&process.hold, &bench.order(0, "plain")).await;

    assert_eq!(noticed, HoldState::Cancelled);
    assert!(matches!(refused, Err(WriteError::Cancelled { .. })), "{refused:?}");
    assert!(bench.writes().is_empty());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_task_that_is_over_is_not_taken_again(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let hold = TaskHold::claim(&bench.store, &bench.request()).await.unwrap();
    hold.finish(Some(Outcome::Erased)).await.unwrap();

    let over = TaskHold::claim(&bench.store, &bench.request()).await;
    let unknown = HoldRequest { name: "other".to_owned(), ..bench.request() };
    let missing = TaskHold::claim(&bench.store, &unknown).await;

    assert!(matches!(over, Err(HoldError::Over { state: TaskState::Done, .. })), "{over:?}");
    assert!(matches!(missing, Err(HoldError::Missing { .. })), "{missing:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_held_task_stays_held_for_as_long_as_it_lives(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let hold = TaskHold::claim(&bench.store, &bench.request()).await.unwrap();

    let almost = Duration::from_millis(2900);
    assert!(almost < engine::LEASE);

    // Almost the whole lease goes by; a sign of life follows within a second.
    bench.clock.advance(almost);
    let lost = tokio::time::timeout(Duration::from_millis(1500), hold.ended()).await;
    bench.clock.advance(almost);
    let refused = TaskHold::claim(&bench.store, &bench.request()).await;

    assert!(lost.is_err() && hold.state() == HoldState::Held);
    assert!(matches!(refused, Err(HoldError::HeldByAnother { .. })), "{refused:?}");
}
