use crypto::{KeyRing, MasterKey};
use rstest::rstest;
use store::{Access, Store, StoreError};

use crate::bench::{Backend, open, parts, ring};

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
