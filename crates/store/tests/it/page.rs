use model::Row;
use rstest::rstest;
use serde_json::json;
use store::{NewPage, PagePlace, Position, StoreError};

use crate::bench::{Backend, LEASE};

fn rows(from: u64, count: u64) -> Vec<Row> {
    (from..from + count)
        .map(|id| json!({"id": id, "digits": serde_json::from_str::<serde_json::Value>("12345678901234567890.10").unwrap()}))
        .map(|row| row.as_object().unwrap().clone())
        .collect()
}

fn page(unit: u64, page: u64, rows: &[Row]) -> NewPage<'_> {
    NewPage {
        unit,
        page,
        rows,
        next: Position { unit, page: page + 1, cursor: Some(format!("cursor-{page}").into()) },
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn another_worker_goes_on_from_the_last_page_and_rows_keep_their_digits(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["a"]).await;
    let first = bench.claim().await;
    bench.store.page_append(&first.lease, &page(0, 0, &rows(0, 3))).await.unwrap();
    bench.store.page_append(&first.lease, &page(0, 1, &rows(3, 2))).await.unwrap();
    bench.clock.advance(LEASE);

    let second = bench.claim().await;
    bench.again().await.page_append(&second.lease, &page(1, 0, &rows(5, 1))).await.unwrap();

    assert_eq!(second.position, Position { unit: 0, page: 2, cursor: Some("cursor-1".into()) });
    assert_eq!((second.rows, second.pages), (5, 2));
    let mut list = bench.store.page_list(&second.lease.run, &second.lease.task);
    let mut read = Vec::new();
    let mut places = Vec::new();
    while let Some((place, mut rows)) = list.next_page().await.unwrap() {
        places.push(place);
        read.append(&mut rows);
    }
    assert_eq!(read, rows(0, 6));
    assert!(serde_json::to_string(&read).unwrap().contains("12345678901234567890.10"));
    let expected = [(0, 0, 3), (0, 1, 2), (1, 0, 1)].map(|(unit, page, rows)| PagePlace { unit, page, rows });
    assert_eq!(places, expected);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_page_kept_twice_counts_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let claimed = bench.claim().await;

    bench.store.page_append(&claimed.lease, &page(0, 0, &rows(0, 3))).await.unwrap();
    bench.store.page_append(&claimed.lease, &page(0, 0, &rows(0, 2))).await.unwrap();

    let task = &bench.store.task_list(&run).await.unwrap()[0];
    assert_eq!((task.rows, task.pages), (2, 1));
    bench.store.page_clear(&claimed.lease).await.unwrap();
    let task = &bench.store.task_list(&run).await.unwrap()[0];
    assert_eq!((task.rows, task.pages), (0, 0));
    assert!(bench.store.page_list(&run, &claimed.lease.task).next_page().await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_fenced_worker_keeps_no_page_and_moves_no_position(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let silent = bench.claim().await;
    bench.clock.advance(LEASE);
    let taker = bench.claim().await;

    let refused = bench.store.page_append(&silent.lease, &page(0, 0, &rows(0, 3))).await;

    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert!(bench.store.page_list(&run, &taker.lease.task).next_page().await.unwrap().is_none());
    assert_eq!(bench.store.task_list(&run).await.unwrap()[0].pages, 0);
}

#[rstest]
#[case(Backend::Sqlite, "UPDATE page SET page = 7")]
#[case(Backend::Postgres, "UPDATE page SET page = 7")]
#[case(Backend::Sqlite, "UPDATE page SET row_count = 7")]
#[case(Backend::Postgres, "UPDATE page SET row_count = 7")]
#[tokio::test]
async fn a_page_that_was_moved_or_recounted_is_damage(
    #[case] backend: Backend,
    #[case] tampering: &'static str,
) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let claimed = bench.claim().await;
    bench.store.page_append(&claimed.lease, &page(0, 0, &rows(0, 3))).await.unwrap();

    sqlx::query(tampering).execute(&bench.sql().await).await.unwrap();

    let error = bench.store.page_list(&run, &claimed.lease.task).next_page().await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}
