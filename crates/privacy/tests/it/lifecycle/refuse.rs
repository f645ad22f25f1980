use std::time::Duration;

use jiff::Timestamp;
use model::Clock as _;
use privacy::plan::{Plan, PlanDigest};
use privacy::{ApplyError, ApplyOptions, Retention};
use rstest::rstest;
use store::RunState;

use super::bench::{Backend, actor, apply, options};

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_approved_here_is_refused_and_nothing_is_sent(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let elsewhere = backend.start().await.unwrap();
    let (plan, foreign) = (bench.plan().await, elsewhere.plan().await);
    let service = bench.process().await;

    let other = PlanDigest::of(b"other");
    let wrong = service.apply(&plan, &other, options(), &|_| {}).await.unwrap_err();
    let unknown = apply(&service, &foreign).await.unwrap_err();
    let mut contents = plan.contents().clone();
    contents.limits.max_writes += 1;
    let changed = apply(&service, &Plan::seal(contents)).await.unwrap_err();

    assert!(matches!(wrong, ApplyError::WrongDigest(_)) && wrong.is_refusal(), "{wrong}");
    assert!(matches!(unknown, ApplyError::NotKnownHere) && unknown.is_refusal(), "{unknown}");
    assert!(matches!(changed, ApplyError::NotKnownHere), "{changed}");
    assert!(bench.crm.writes().is_empty() && elsewhere.crm.writes().is_empty());
    assert!(apply(&service, &plan).await.is_ok(), "the twin: the plan itself is applied");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_over_or_forgotten_is_refused(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (cancelled, forgotten) = (bench.plan().await, bench.plan().await);
    let store = bench.store().await;
    store.run_cancel(&cancelled.contents().run, actor()).await.unwrap();
    bench.clock.advance(Duration::from_hours(8 * 24));
    let service = bench.process().await;
    let gone = service.forget_expired(Retention::default()).await.unwrap();

    let of_cancelled = apply(&service, &bench.plan().await).await;
    let state = store.get_run(&cancelled.contents().run).await.unwrap().state;
    let of_forgotten = apply(&service, &forgotten).await.unwrap_err();

    assert!(gone.rows.contains(&forgotten.contents().run));
    assert_eq!(state, RunState::Cancelled);
    assert!(of_cancelled.is_ok());
    assert!(matches!(of_forgotten, ApplyError::Forgotten { .. }) && of_forgotten.is_refusal());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_sends_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    bench.store().await.run_cancel(&plan.contents().run, actor()).await.unwrap();

    let error = apply(&bench.process().await, &plan).await.unwrap_err();

    assert!(matches!(error, ApplyError::NotActive { state: RunState::Cancelled, .. }), "{error}");
    assert!(error.is_refusal() && bench.crm.writes().is_empty());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_applies_at_once_one_sends_and_the_other_is_refused_or_waits(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let (one, two) = (bench.process().await, bench.process().await);
    let patient = ApplyOptions { hold_wait: Duration::from_secs(20), ..ApplyOptions::new(actor()) };

    let (first, second) = tokio::join!(apply(&one, &plan), apply(&two, &plan));
    let waited = two.apply(&plan, plan.digest(), patient, &|_| {}).await;

    let held = |error: &ApplyError| matches!(error, ApplyError::HeldByAnother { .. }) && error.is_refusal();
    let done = [&first, &second].into_iter().filter(|result| result.is_ok()).count();
    assert!(done >= 1, "{first:?} {second:?}");
    for refused in [&first, &second].into_iter().filter_map(|result| result.as_ref().err()) {
        assert!(held(refused), "{refused}");
    }
    assert!(waited.is_ok());
    let mut writes = bench.crm.writes();
    writes.sort();
    assert_eq!(writes, ["DELETE /notes/11", "DELETE /notes/12", "POST /erasures", "PUT /contacts/1"]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_stops_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let service = bench.process().await;
    let day_before = Timestamp::from_second(bench.clock.now().as_second() - 86_400).unwrap();
    bench.clock.set(day_before);

    let first = apply(&service, &plan).await;
    bench.clock.set(Timestamp::from_second(day_before.as_second() - 86_400).unwrap());
    let again = apply(&bench.process().await, &plan).await;

    assert!(first.is_ok() && again.is_ok(), "{first:?} {again:?}");
    assert_eq!(bench.crm.writes().len(), 4);
}
