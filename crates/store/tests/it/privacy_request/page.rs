use std::time::Duration;

use model::Clock as _;
use rstest::rstest;
use store::{
    PrivacyRequestFilter, PrivacyRequestOrder, PrivacyRequestSort as Sort, PrivacyRequestStatus as Status,
    StoreError, Window,
};

use super::{POLICY, new_request};
use crate::bench::{Backend, Bench};

fn all() -> PrivacyRequestFilter {
    PrivacyRequestFilter::default()
}

impl Bench {
    /// So many requests, three in each minute and one of fifty in error, past all that making one does.
    async fn many(&self, many: i64) {
        let sql = self.sql().await;
        let insert = format!(
            "INSERT INTO privacy_request (id, policy, status, listed, authenticated, created_at, updated_at, requested_at, version, fence, attempts) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many}) SELECT 'pri_00000000-0000-7000-8000-' || SUBSTR(CAST(1000000000000 + i AS TEXT), 2), '{POLICY}', CASE WHEN i % 50 = 0 THEN 'error' ELSE 'pending' END, 1, 1, i / 3 * CAST(60000000 AS BIGINT), i, i, 1, 0, 0 FROM n"
        );
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&sql).await.unwrap();
        for statement in [
            "INSERT INTO privacy_request_count (status, shard, counted) SELECT status, 0, COUNT(*) FROM privacy_request GROUP BY status",
            "INSERT INTO privacy_request_day (day, status, shard, counted) SELECT created_at / 86400000000, status, 0, COUNT(*) FROM privacy_request GROUP BY created_at / 86400000000, status",
        ] {
            sqlx::query(statement).execute(&sql).await.unwrap();
        }
    }

    async fn miscount(&self, how: &str) {
        let statement = format!("UPDATE privacy_request_day SET {how}");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&self.sql().await).await.unwrap();
    }

    /// Whether pages of this list are in order, and hold each of so many requests once.
    async fn pages_are_whole(&self, filter: &PrivacyRequestFilter, size: u32, many: usize) -> bool {
        let mut ids = Vec::new();
        loop {
            let window = Window { offset: u64::try_from(ids.len()).unwrap(), limit: size };
            let listed = self.store.privacy_request_list(filter, window).await.unwrap();
            assert_eq!(listed.total, u64::try_from(many).unwrap());
            if listed.items.is_empty() {
                break;
            }
            ids.extend(listed.items.into_iter().map(|request| request.id));
            if ids.len() > many {
                return false;
            }
        }
        let mut expected = ids.clone();
        expected.sort();
        expected.dedup();
        if filter.order == PrivacyRequestOrder::NewestFirst {
            expected.reverse();
        }
        ids.len() == many && ids == expected
    }
}

// rule: fides-api 11.3
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn pages_from_both_ends_hold_every_request_once_and_totals_are_capped(#[case] backend: Backend) {
    const MANY: usize = 10_250;
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    bench.many(10_250).await;
    let some = vec![Status::Pending];
    let both = vec![Status::Error, Status::Pending];

    for order in [PrivacyRequestOrder::NewestFirst, PrivacyRequestOrder::OldestFirst] {
        for (statuses, many) in [(Vec::new(), MANY), (both.clone(), MANY), (some.clone(), MANY - 205)] {
            let filter = PrivacyRequestFilter { order, statuses, ..all() };
            for size in [3_000, 700] {
                assert!(bench.pages_are_whole(&filter, size, many).await, "{filter:?}, {size} to a page");
            }
            let beyond = Window { offset: 20_000, limit: 10 };
            assert!(bench.store.privacy_request_list(&filter, beyond).await.unwrap().items.is_empty());
        }
    }
    let filtered = PrivacyRequestFilter { policy: Some(POLICY.to_owned()), ..all() };
    let listed = bench.store.privacy_request_list(&filtered, Window { offset: 0, limit: 1 }).await.unwrap();
    assert_eq!(listed.total, 10_000);
    assert_eq!(bench.store.privacy_request_count(&filtered, 10_001).await.unwrap(), 10_001);
}

/// The twin of the above: days that are counted wrong are noticed there. They are counted right in all, so
/// that nobody counts them anew.
#[tokio::test]
async fn pages_of_days_that_are_counted_wrong_are_not_whole() {
    let bench = Backend::Sqlite.start().await.unwrap();
    bench.request_policy().await;
    bench.many(10_250).await;
    for (day, step) in [(0, 7), (2, -7)] {
        bench.miscount(&format!("counted = counted + {step} WHERE day = {day} AND status = 'pending'")).await;
    }

    assert!(!bench.pages_are_whole(&all(), 700, 10_250).await);
}

/// As a process of an older version leaves them, which counts no days.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn days_that_are_not_what_all_days_are_together_are_counted_anew(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    bench.many(10_250).await;
    bench.miscount("counted = counted - 7 WHERE day = 2 AND status = 'pending'").await;

    assert!(bench.pages_are_whole(&all(), 700, 10_250).await);
    bench.miscount("counted = counted - 7 WHERE day = 2 AND status = 'pending'").await;
    assert!(!bench.pages_are_whole(&all(), 700, 10_250).await, "it was looked at a moment ago");
    bench.clock.advance(Duration::from_mins(1));
    assert!(bench.pages_are_whole(&all(), 700, 10_250).await);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn days_are_counted_as_the_table_has_them(#[case] backend: Backend) {
    const WRONG: &str = "SELECT COUNT(*) FROM (SELECT status, created_at / 86400000000 AS day, COUNT(*) AS counted FROM privacy_request WHERE listed = 1 GROUP BY status, created_at / 86400000000) AS here FULL JOIN (SELECT status, day, SUM(counted) AS counted FROM privacy_request_day GROUP BY status, day HAVING SUM(counted) <> 0) AS told ON told.status = here.status AND told.day = here.day WHERE here.counted IS NULL OR told.counted IS NULL OR here.counted <> told.counted";
    let Some(bench) = backend.start().await else { return };
    let wrong = async || {
        let row = sqlx::query(WRONG).fetch_one(&bench.sql().await).await.unwrap();
        sqlx::Row::get::<i64, _>(&row, 0)
    };
    bench.request_policy().await;
    for _ in 0..3 {
        bench.make_request(new_request()).await;
    }
    bench.clock.advance(Duration::from_hours(30));
    bench.make_request(new_request()).await;
    let listed = bench.store.privacy_request_list(&all(), Window::ALL).await.unwrap().items;
    bench.edit(&listed[1], |change| change.request.status = Status::Complete).await.unwrap();
    bench.edit(&listed[2], |change| change.request.deleted_at = Some(bench.clock.now())).await.unwrap();

    let as_it_is = wrong().await;
    bench.miscount("counted = counted + 1 WHERE status = 'complete'").await;

    assert_eq!((as_it_is, wrong().await), (0, 1));
}

// rule: fides-api 11.3
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn pages_in_any_order_have_everything_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    for _ in 0..7 {
        bench.make_request(new_request()).await;
    }

    for (name, sort) in Sort::ALL {
        let filter = PrivacyRequestFilter { sort, ..all() };
        let mut ids = Vec::new();
        for offset in [0, 3, 6, 9] {
            let listed =
                bench.store.privacy_request_list(&filter, Window { offset, limit: 3 }).await.unwrap();
            ids.extend(listed.items.into_iter().map(|request| request.id.to_string()));
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 7, "{name}");
        assert_eq!(Sort::from_name(name), Some(sort));
    }
}

/// More than can be sorted are refused unless an index holds them in this order; by status, too.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn more_than_can_be_sorted_are_walked_in_an_index_or_refused(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    bench.many(10_001).await;
    let id = "pri_00000000-0000-7000-8000-000000000007";

    let (mut walked, mut refused) = (Vec::new(), Vec::new());
    for (name, sort) in Sort::ALL {
        let filter = PrivacyRequestFilter { sort, ..all() };
        match bench.store.privacy_request_list(&filter, Window { offset: 0, limit: 2 }).await {
            Ok(listed) => {
                assert_eq!(listed.items.len(), 2, "{name}");
                walked.push(name);
            }
            Err(StoreError::TooMany { most: 10_000, .. }) => refused.push(name),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    let narrowed = PrivacyRequestFilter { sort: Sort::Source, ids: vec![id.to_owned()], ..all() };
    let narrowed = bench.store.privacy_request_list(&narrowed, Window::ALL).await.unwrap().total;

    assert_eq!(
        walked,
        [
            "created_at",
            "due_date",
            "finished_processing_at",
            "id",
            "started_processing_at",
            "status",
            "updated_at"
        ]
    );
    assert_eq!(walked.len() + refused.len(), Sort::ALL.len());
    assert_eq!(narrowed, 1);
}
