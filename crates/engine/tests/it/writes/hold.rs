//! One process at a time holds a task.

use std::sync::Arc;
use std::time::Duration;

use egress::{BudgetError, BudgetScope, Budgets, Limit, RateSignal};
use engine::{HoldError, HoldRequest, HoldState, TaskHold, WriteError};
use futures::future::BoxFuture;
use model::{Clock as _, Outcome};
use rstest::rstest;
use sandbox::server::Answer;
use store::{Actor, LedgerState, TaskState};
use testkit::TestClock;

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

/// A write of the next holder is under way; the one before must not call it unknown.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn one_that_was_overtaken_changes_nothing_in_the_ledger(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let arrived = Signal::default();
    let signal = arrived.clone();
    bench.saas.on("DELETE", "/plain/1").with(move |_| {
        signal.give();
        Answer::status(204).after(Duration::from_millis(500))
    });
    let silent = bench.process().await;
    let next = bench.restarted().await;
    let order = bench.order(0, "plain");

    let (sent, overtaken) = tokio::join!(next.writer.settle(&next.hold, &order), async {
        arrived.crash(std::future::pending::<()>()).await;
        let settled = silent.writer.settle(&silent.hold, &order).await;
        (settled, bench.ledger().await[0].state)
    });

    assert!(matches!(overtaken.0, Err(WriteError::Lost { .. })), "{overtaken:?}");
    assert_eq!(overtaken.1, LedgerState::Intent);
    assert_eq!(sent.unwrap().outcome, Outcome::Erased);
}

/// The next holder has read the ledger's word; the one before finds out the same a moment later.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn one_that_is_overtaken_while_it_looks_settles_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let looks = Signal::default();
    let signal = looks.clone();
    bench.saas.on("POST", "/proven/erase").then(Answer::status(500));
    bench.saas.on("GET", "/proven").with(move |_| {
        signal.give();
        Answer::json(200, &serde_json::json!([])).after(Duration::from_millis(300))
    });
    let silent = bench.process().await;
    let order = bench.order(0, "proven");

    let (settled, _next) = tokio::join!(silent.writer.settle(&silent.hold, &order), async {
        looks.crash(std::future::pending::<()>()).await;
        bench.restarted().await
    });

    assert!(matches!(settled, Err(WriteError::Lost { .. })), "{settled:?}");
    assert_eq!(bench.ledger().await[0].state, LedgerState::Unknown);
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

/// The machine sleeps while a write waits for its budget.
#[derive(Debug)]
pub(crate) struct Asleep(pub(crate) TestClock, pub(crate) Duration);

impl Budgets for Asleep {
    fn acquire<'a>(
        &'a self,
        _: &'a BudgetScope,
        _: &'a [Limit],
    ) -> BoxFuture<'a, Result<Duration, BudgetError>> {
        self.0.advance(self.1);
        Box::pin(std::future::ready(Ok(Duration::ZERO)))
    }

    fn observe(&self, _: &BudgetScope, _: RateSignal) {}
}

#[rstest]
#[case::too_long(engine::LEASE, 0)]
#[case::twin_a_short_wait_is_no_loss(Duration::from_millis(500), 1)]
#[tokio::test]
async fn a_write_that_slept_longer_than_its_lease_before_the_wire_is_not_sent(
    #[case] sleep: Duration,
    #[case] sent: usize,
) {
    let bench = Backend::Sqlite.start(1).await.unwrap();
    bench.saas.on("DELETE", "/plain/1").then(Answer::status(204));
    let wall = TestClock::new();
    let asleep: Arc<dyn Budgets> = Arc::new(Asleep(wall.clone(), sleep));
    let process = bench.process_by(wall, asleep).await;

    let settled = process.writer.settle(&process.hold, &bench.order(0, "plain")).await;

    assert_eq!(matches!(settled, Err(WriteError::Lost { .. })), sent == 0, "{settled:?}");
    assert_eq!(bench.writes().len(), sent);
}

#[rstest]
#[case::forward(4)]
#[case::back(-4)]
#[tokio::test]
async fn a_clock_that_jumps_ends_the_hold_until_a_sign_of_life_succeeds(#[case] seconds: i64) {
    let bench = Backend::Sqlite.start(1).await.unwrap();
    let wall = TestClock::new();
    let hold = TaskHold::claim_by(&bench.store, &bench.request(), Arc::new(wall.clone())).await.unwrap();

    wall.set(wall.now() + jiff::SignedDuration::from_secs(seconds));
    let jumped = hold.state();
    let again = async {
        while hold.state() != HoldState::Held {
            tokio::task::yield_now().await;
        }
    };

    assert_eq!(jumped, HoldState::Lost);
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("a sign of life within a second");
}
