use rstest::rstest;
use store::{Actor, LedgerState, NewPlan, PlanDigest, StoreError};

use crate::bench::{Backend, CANARY};

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_plan_is_kept_once_and_approved_once_by_its_digest(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let digest = PlanDigest::of(b"plan");
    let plan = NewPlan {
        digest: digest.clone(),
        run,
        body: CANARY.as_bytes(),
        operations: 3,
        actor: Actor::system(),
    };

    bench.store.plan_put(&plan).await.unwrap();
    bench.store.plan_put(&plan).await.unwrap();
    let before = bench.store.plan_find(&digest).await.unwrap().unwrap();
    let first = bench.store.plan_approve(&digest, Actor::person("pat")).await.unwrap();
    let second = bench.store.plan_approve(&digest, Actor::person("sam")).await.unwrap();

    assert!(before.approval.is_none());
    assert!(first.is_some() && second.is_none());
    let found = bench.again().await.plan_find(&digest).await.unwrap().unwrap();
    assert_eq!(found.approval.unwrap().0, "person:pat");
    assert_eq!(found.body.expose(), CANARY.as_bytes());
    let lines = bench.store.ledger_list(&digest).await.unwrap();
    let shape: Vec<_> = lines.iter().map(|line| (line.operation, line.attempt, line.state)).collect();
    assert_eq!(shape, [0, 1, 2].map(|operation| (operation, 1, LedgerState::Planned)));
}

/// Two that take each other for dead plan one run: one plan stands, and it is what both find.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_run_that_is_planned_twice_at_once_has_the_first_plan(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let plan = |body: &'static [u8]| NewPlan {
        digest: PlanDigest::of(body),
        run: run.clone(),
        body,
        operations: 1,
        actor: Actor::system(),
    };
    let plans = [b"one".as_slice(), b"two", b"three", b"four"].map(plan);

    let puts = plans.iter().map(|plan| bench.store.plan_put_first(plan));
    let first: Vec<bool> = futures::future::join_all(puts).await.into_iter().map(Result::unwrap).collect();

    assert_eq!(first.iter().filter(|is_first| **is_first).count(), 1, "{first:?}");
    let stands = bench.store.plan_of_run(&run).await.unwrap().unwrap().digest;
    for (plan, is_first) in plans.iter().zip(first) {
        assert_eq!(stands == plan.digest, is_first);
        assert_eq!(bench.store.plan_head(&plan.digest).await.unwrap().is_some(), is_first);
    }
}

/// What was approved may be under way, whatever was planned since.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn of_several_plans_of_a_run_an_approved_one_counts(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    for body in [b"one".as_slice(), b"two"] {
        let digest = PlanDigest::of(body);
        let plan = NewPlan { digest, run: run.clone(), body, operations: 1, actor: Actor::system() };
        bench.store.plan_put(&plan).await.unwrap();
    }

    bench.store.plan_approve(&PlanDigest::of(b"one"), Actor::person("pat")).await.unwrap();

    let counts = bench.store.plan_of_run(&run).await.unwrap().unwrap();
    assert_eq!(counts.digest, PlanDigest::of(b"one"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_digest_that_no_plan_has_cannot_be_approved(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };

    let error = bench.store.plan_approve(&PlanDigest::of(b"other"), Actor::person("pat")).await.unwrap_err();

    assert!(matches!(error, StoreError::NotFound { what: "plan", .. }), "{error:?}");
    assert!(bench.store.plan_find(&PlanDigest::of(b"other")).await.unwrap().is_none());
    for bad in ["", "sha256:", "sha256:ABC", "md5:00"] {
        assert!(bad.parse::<PlanDigest>().is_err(), "{bad}");
    }
}
