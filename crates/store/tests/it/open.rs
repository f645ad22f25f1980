use crypto::{KeyRing, MasterKey, Secret};
use rstest::rstest;
use sqlx::AnyPool;
use store::{Access, Store, StoreError, StorePlace};
use testkit::{TestClock, TestDatabase};

use crate::bench::{Backend, open, parts, ring};

/// The tables of a database with how many columns each has.
async fn tables(database: &TestDatabase) -> Vec<(String, i64)> {
    const TABLES: &str = "SELECT CAST(table_name AS TEXT), COUNT(*) FROM information_schema.columns \
                          WHERE table_schema = 'public' GROUP BY table_name ORDER BY table_name";
    let pool = AnyPool::connect(&database.url()).await.unwrap();
    sqlx::query_as(TABLES).fetch_all(&pool).await.unwrap()
}

#[tokio::test]
async fn an_empty_database_gets_the_tables_that_other_tests_begin_with() {
    let Some(empty) = TestDatabase::create().await else { return };
    let copied = TestDatabase::with_state().await.unwrap();
    let key = MasterKey::random().to_base64();
    sqlx::any::install_default_drivers();
    let before = tables(&empty).await;

    let place = StorePlace::Postgres(Secret::new(empty.url()));
    open(&place, ring(&key), &TestClock::new()).await.unwrap().close().await;

    assert_eq!(before, []);
    assert!(tables(&empty).await.len() > 30);
    assert_eq!(tables(&empty).await, tables(&copied).await);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn opening_twice_keeps_state_and_signing_key(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;

    let again = bench.again().await;

    assert_eq!(again.public_key(), bench.store.public_key());
    assert_eq!(again.keyed_hash(b"ana"), bench.store.keyed_hash(b"ana"));
    assert!(again.run_find(&run).await.unwrap().is_some());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn another_master_key_opens_nothing_and_both_keys_are_named(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let other = KeyRing::new(MasterKey::random());

    let error = open(&bench.place, other, &bench.clock).await.unwrap_err();

    assert!(matches!(error, StoreError::Sealed { .. }), "{error:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn tables_of_a_newer_version_are_refused(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let newer = "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1";
    sqlx::query(newer).execute(&bench.sql().await).await.unwrap();

    let error = open(&bench.place, ring(&bench.key), &bench.clock).await.unwrap_err();

    assert!(matches!(error, StoreError::Schema { .. }), "{error:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn opened_to_read_nothing_can_be_written(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;

    let store = Store::open(store::StoreParts {
        access: Access::Read,
        ..parts(&bench.place, ring(&bench.key), &bench.clock)
    })
    .await
    .unwrap();
    let error = store.run_cancel(&run, store::Actor::person("pat")).await.unwrap_err();

    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert!(store.run_find(&run).await.unwrap().is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn state_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Backend::Sqlite.start().await.unwrap();
    bench.run(&["a"]).await;

    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}
