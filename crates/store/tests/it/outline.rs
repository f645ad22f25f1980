use model::Clock as _;
use rstest::rstest;
use store::{Actor, KeptCertificate, NewPlan, PlanDigest, StoreError};

use crate::bench::{Backend, CANARY};

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn outline_and_head_of_a_plan_outlive_its_personal_data(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let digest = PlanDigest::of(b"plan");
    let body = CANARY.as_bytes();
    let plan =
        NewPlan { digest: digest.clone(), run: run.clone(), body, operations: 1, actor: Actor::system() };
    bench.store.plan_put(&plan).await.unwrap();
    bench.store.plan_approve(&digest, Actor::person("pat")).await.unwrap();

    bench.store.outline_put(&digest, "{\"n\":1}").await.unwrap();
    bench.store.outline_put(&digest, "{\"n\":2}").await.unwrap();
    bench.store.run_forget(&run, Actor::system()).await.unwrap();

    let head = bench.store.plan_of_run(&run).await.unwrap().unwrap();
    assert_eq!((head.digest.clone(), head.approval.unwrap().0), (digest.clone(), "person:pat".to_owned()));
    assert_eq!(bench.store.outline_find(&digest).await.unwrap().as_deref(), Some("{\"n\":1}"));
    assert!(matches!(bench.store.plan_find(&digest).await.unwrap_err(), StoreError::Forgotten { .. }));
    assert!(bench.store.outline_find(&PlanDigest::of(b"other")).await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_certificate_that_proves_counts_before_a_newer_one(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let certificate = |digest: &str, second: i64, is_proven| KeptCertificate {
        run: run.clone(),
        digest: digest.to_owned(),
        issued_at: jiff::Timestamp::from_second(bench.clock.now().as_second() + second).unwrap(),
        is_proven,
        envelope: digest.as_bytes().to_vec(),
    };

    assert!(bench.store.certificate_find(&run).await.unwrap().is_none());
    let mut found = Vec::new();
    for (digest, second, is_proven) in [("a", 1, false), ("b", 2, false), ("c", 3, true), ("d", 4, false)] {
        bench.store.certificate_put(&certificate(digest, second, is_proven)).await.unwrap();
        bench.store.certificate_put(&certificate(digest, second, is_proven)).await.unwrap();
        found.push(bench.store.certificate_find(&run).await.unwrap().unwrap().digest);
    }

    assert_eq!(found, ["a", "b", "c", "c"]);
}
