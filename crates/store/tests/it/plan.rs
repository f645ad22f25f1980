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
