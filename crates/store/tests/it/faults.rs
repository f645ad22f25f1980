use model::{Row, RunId};
use rstest::rstest;
use store::{Actor, NewPage, PackedRows, Retry, Store, StoreError, StoreParts};

use crate::bench::{Backend, parts, ring};

fn big_page(rows: &PackedRows, page: u64) -> NewPage<'_> {
    NewPage { unit: 0, page, rows, mark: None, state: Some(b"") }
}

/// Rows that do not compress.
fn noise() -> PackedRows {
    let text = || -> String { (0..400).map(|_| RunId::new(&model::RandomIds).to_string()).collect() };
    PackedRows::pack(&[Row::from_iter([("noise".to_owned(), text().into())])]).unwrap()
}

#[tokio::test]
async fn a_full_disk_stops_the_run_and_keeps_nothing_half_written() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let run = bench.run(&["a"]).await;
    let claimed = bench.claim().await;
    bench.store.close().await;
    let small =
        StoreParts { max_bytes: Some(600_000), ..parts(&bench.place, ring(&bench.key), &bench.clock) };
    let store = Store::open(small).await.unwrap();
    let rows = noise();

    let mut kept = 0;
    let error = loop {
        match store.page_append(&claimed.lease, &[big_page(&rows, kept)]).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };

    assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::No);
    assert_eq!(store.task_list(&run).await.unwrap()[0].pages, kept);
    // Not that its connection is of no use any more.
    let again = store.page_append(&claimed.lease, &[big_page(&rows, kept)]).await.unwrap_err();
    assert!(matches!(again, StoreError::DiskFull { .. }), "{again:?}");
    let roomy = bench.again().await;
    roomy.page_append(&claimed.lease, &[big_page(&rows, kept)]).await.unwrap();
}

#[tokio::test]
async fn a_read_only_database_says_so() {
    let Some(bench) = Backend::Postgres.start().await else { return };
    let run = bench.run(&["a"]).await;
    let pool = bench.sql().await;
    let name: String =
        sqlx::query_scalar("SELECT CAST(current_database() AS TEXT)").fetch_one(&pool).await.unwrap();
    let lock = sqlx::AssertSqlSafe(format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    sqlx::query(lock).execute(&pool).await.unwrap();

    bench.store.close().await;
    let opened = crate::bench::open(&bench.place, ring(&bench.key), &bench.clock).await;
    let error = match opened {
        Err(error) => error,
        Ok(store) => store.run_cancel(&run, Actor::person("pat")).await.unwrap_err(),
    };

    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
}

#[tokio::test]
async fn a_lost_connection_keeps_nothing_and_the_next_call_works() {
    let Some(bench) = Backend::Postgres.start().await else { return };
    let run = bench.run(&["a"]).await;
    let claimed = bench.claim().await;
    let (pool, rows) = (bench.sql().await, noise());
    // A lock that the store waits for, in the middle of its transaction.
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("UPDATE task SET worker = worker").execute(&mut *holder).await.unwrap();

    let append = [big_page(&rows, 0)];
    let append = bench.store.page_append(&claimed.lease, &append);
    let kill = async {
        let stop = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        loop {
            let killed: i64 = sqlx::query_scalar(stop).fetch_one(&pool).await.unwrap();
            if killed > 0 {
                break;
            }
        }
    };
    let (lost, ()) = futures::join!(append, kill);
    holder.rollback().await.unwrap();

    let error = lost.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::Yes);
    assert_eq!(bench.store.task_list(&run).await.unwrap()[0].pages, 0);
    bench.store.page_append(&claimed.lease, &[big_page(&rows, 0)]).await.unwrap();
    assert_eq!(bench.store.task_list(&run).await.unwrap()[0].pages, 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_call_given_up_in_the_middle_changes_nothing_and_blocks_nobody(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;

    for polls in 1..6 {
        let mut cancel = Box::pin(bench.store.run_pause(&run, Actor::person("pat")));
        for _ in 0..polls {
            // On SQLite it may be through at once.
            if futures::poll!(cancel.as_mut()).is_ready() {
                break;
            }
        }
        drop(cancel);
    }

    bench.store.run_cancel(&run, Actor::person("pat")).await.unwrap();
    assert!(matches!(
        bench.store.run_resume(&run, Actor::person("pat")).await,
        Err(StoreError::Conflict { .. })
    ));
}

#[tokio::test]
async fn a_missing_folder_is_named_and_a_missing_run_too() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let nowhere = store::StorePlace::File(bench.folder.path().join("missing/state.db"));

    let error = crate::bench::open(&nowhere, ring(&bench.key), &bench.clock).await.unwrap_err();
    let missing = bench.store.run_finish(&RunId::new(&model::RandomIds), None).await.unwrap_err();

    assert!(
        matches!(&error, StoreError::File { .. }) && error.to_string().contains("missing/state.db"),
        "{error}"
    );
    assert!(matches!(missing, StoreError::NotFound { what: "run", .. }), "{missing:?}");
}
