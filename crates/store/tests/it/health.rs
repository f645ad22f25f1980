//! What the database says of itself.

use rstest::rstest;

use crate::bench::Backend;

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_open_database_has_the_tables_that_are_wanted(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };

    let health = bench.store.database_health().await.unwrap();

    assert_eq!(health.revision, health.wanted);
    assert!(health.wanted >= 4);
    assert!(health.pools.iter().all(|pool| pool.open <= pool.most && pool.idle <= pool.open as usize));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_closed_database_is_not_healthy(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.store.close().await;

    let health = bench.store.database_health().await;

    assert!(health.is_err());
}
