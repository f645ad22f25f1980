//! What databases do for pages of lists.

use std::sync::Arc;

use crypto::{KeyRing, MasterKey};
use jiff::Timestamp;
use model::{Clock as _, RandomIds};
use rstest::rstest;
use testkit::{TestClock, TestDatabase};

use super::*;
use crate::dialect::Dialect;
use crate::{Access, PrivacyRequestSort, StoreParts, StorePlace, TimeRange};

const BY_AGE: &str = "privacy_request_by_age";
const BY_STATUS: &str = "privacy_request_by_status";
const BY_POLICY: &str = "privacy_request_by_policy";

/// 20,000 requests over 208 days: one of ten is pending, one of a hundred in error, one of two hundred under
/// the policy `rare`.
struct Bench {
    store: Store,
    now: Timestamp,
    _folder: tempfile::TempDir,
    _database: Option<TestDatabase>,
}

/// Whether the database was told what its tables hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Everything,
}

impl Bench {
    async fn start(dialect: Dialect, known: Known) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let database = match dialect {
            Dialect::Sqlite => None,
            Dialect::Postgres => Some(TestDatabase::with_state().await?),
        };
        let place = match &database {
            None => StorePlace::File(folder.path().join("state.db")),
            Some(database) => StorePlace::parse(&database.url()).unwrap(),
        };
        let clock = TestClock::new();
        let now = clock.now();
        let parts = StoreParts {
            place,
            keys: KeyRing::new(MasterKey::random()),
            clock: Arc::new(clock),
            ids: Arc::new(RandomIds),
            access: Access::Write,
            max_bytes: None,
        };
        let store = Store::open(parts).await.unwrap();
        let bench = Self { store, now, _folder: folder, _database: database };
        for policy in ["usual", "rare"] {
            bench.say(&format!("INSERT INTO policy (key, name, approval, version, created_at) VALUES ('{policy}', '{policy}', 'person', 0, 0)")).await;
        }
        bench.say("INSERT INTO policy_rule (key, policy, position, name, action) VALUES ('a', 'usual', 0, 'a', 'access'), ('b', 'rare', 0, 'b', 'erasure')").await;
        bench.say("INSERT INTO privacy_request (id, policy, status, listed, authenticated, external_id, location, started_at, finished_at, due_at, created_at, updated_at, requested_at, version, fence, attempts) WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT 'pri_00000000-0000-7000-8000-' || SUBSTR(CAST(1000000000000 + i AS TEXT), 2), CASE WHEN i % 200 = 1 THEN 'rare' ELSE 'usual' END, CASE WHEN i % 100 = 0 THEN 'error' WHEN i % 10 = 0 THEN 'pending' ELSE 'complete' END, 1, 1, 'ticket-' || i, 'DE', i * 900000000, CASE WHEN i % 10 = 0 THEN NULL ELSE i * 900000000 END, i * 900000000, i * 900000000, i * 900000000, 0, 1, 0, 0 FROM n").await;
        match (dialect, known) {
            (_, Known::Nothing) => {}
            (Dialect::Sqlite, Known::Everything) => bench.say("ANALYZE").await,
            (Dialect::Postgres, Known::Everything) => bench.say("VACUUM ANALYZE").await,
        }
        Some(bench)
    }

    async fn say(&self, statement: &str) {
        query_made(statement.to_owned()).execute(&self.store.inner.writer).await.unwrap();
    }

    /// What the database does for a statement, a step to a line.
    async fn plan(&self, (sql, values): (String, Vec<Bound>)) -> String {
        let (explain, column) = match self.store.inner.dialect {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN", 3),
            Dialect::Postgres => ("EXPLAIN (COSTS OFF)", 0),
        };
        let rows =
            bound(format!("{explain} {sql}"), values).fetch_all(&self.store.inner.reader).await.unwrap();
        let lines = rows.iter().map(|row| row.try_get::<String>(column).unwrap());
        lines.collect::<Vec<_>>().join("\n")
    }

    async fn page_plan(&self, filter: &PrivacyRequestFilter, fits: u64) -> String {
        let mut conditions =
            self.store.request_conditions(filter, self.store.looked_up(filter).await.unwrap());
        // So many stand at most before a page in the day that it begins in.
        let window = Window { offset: 100, limit: 50 };
        let sql = self.store.page_statement(filter, &mut conditions, (filter.order, window, fits)).unwrap();
        self.plan((sql, conditions.values)).await
    }

    async fn count_plan(&self, filter: &PrivacyRequestFilter) -> String {
        let conditions = self.store.request_conditions(filter, self.store.looked_up(filter).await.unwrap());
        self.plan(self.store.count_statement(filter, conditions, 10_001)).await
    }

    /// Whether a plan finds requests in this index alone.
    fn is_in(&self, plan: &str, index: &str) -> bool {
        let ends = |line: &str| line.contains(&format!("{index} ")) || line.ends_with(index);
        plan.lines().any(|line| match self.store.inner.dialect {
            Dialect::Sqlite => line.contains("USING COVERING INDEX") && ends(line),
            Dialect::Postgres => line.contains("Index Only Scan") && ends(line),
        })
    }

    /// Whether a plan reads rows of the whole table.
    fn is_scan(&self, plan: &str) -> bool {
        plan.lines().any(|line| match self.store.inner.dialect {
            Dialect::Sqlite => line.contains("SCAN privacy_request") && !line.contains("COVERING"),
            Dialect::Postgres => line.contains("Seq Scan on privacy_request"),
        })
    }

    /// Whether the requests of a page are walked in this index or by age, and only those of the page are sorted.
    fn walks(&self, plan: &str, index: &str) -> bool {
        let sorts = match self.store.inner.dialect {
            Dialect::Sqlite => plan.matches("USE TEMP B-TREE FOR").count(),
            Dialect::Postgres => plan.matches("Sort Key").count(),
        };
        // What most requests have is found as well by age.
        let is_walked = self.is_in(plan, index) || self.is_in(plan, BY_AGE);
        is_walked && !self.is_scan(plan) && sorts == 1
    }

    fn cases(&self) -> Vec<(&'static str, PrivacyRequestFilter, u64, &'static str)> {
        use PrivacyRequestStatus as Status;
        let all = PrivacyRequestFilter::default;
        let created = TimeRange { after: Some(Timestamp::UNIX_EPOCH), before: Some(self.now) };
        let two = vec![Status::Error, Status::Pending];
        vec![
            ("nothing", all(), 1_000_000, BY_AGE),
            ("deleted, too", PrivacyRequestFilter { with_deleted: true, ..all() }, 10_001, BY_AGE),
            ("unlisted, too", PrivacyRequestFilter { with_unlisted: true, ..all() }, 10_001, BY_AGE),
            ("created", PrivacyRequestFilter { created, ..all() }, 10_001, BY_AGE),
            (
                "a status",
                PrivacyRequestFilter { statuses: vec![Status::Complete], ..all() },
                900_000,
                BY_STATUS,
            ),
            (
                "a status, and created",
                PrivacyRequestFilter { statuses: vec![Status::Complete], created, ..all() },
                10_001,
                BY_STATUS,
            ),
            ("statuses", PrivacyRequestFilter { statuses: two.clone(), ..all() }, 100_000, BY_AGE),
            (
                "an action",
                PrivacyRequestFilter { actions: vec![RuleAction::Access, RuleAction::Erasure], ..all() },
                10_001,
                BY_AGE,
            ),
            (
                "a policy",
                PrivacyRequestFilter { policy: Some("usual".to_owned()), ..all() },
                10_001,
                BY_POLICY,
            ),
        ]
    }
}

// rule: fides-api 11.3
#[rstest]
#[case(Dialect::Sqlite, Known::Nothing)]
#[case(Dialect::Sqlite, Known::Everything)]
#[case(Dialect::Postgres, Known::Everything)]
#[tokio::test]
async fn pages_of_many_are_walked_in_an_index_alone(#[case] dialect: Dialect, #[case] known: Known) {
    let Some(bench) = Bench::start(dialect, known).await else { return };

    for (what, filter, fits, index) in bench.cases() {
        for order in [PrivacyRequestOrder::NewestFirst, PrivacyRequestOrder::OldestFirst] {
            let plan = bench.page_plan(&PrivacyRequestFilter { order, ..filter.clone() }, fits).await;
            assert!(bench.walks(&plan, index), "{what}, {order:?}:\n{plan}");
        }
    }
}

// rule: fides-api 11.3
#[rstest]
#[case(Dialect::Sqlite, Known::Nothing)]
#[case(Dialect::Sqlite, Known::Everything)]
#[case(Dialect::Postgres, Known::Everything)]
#[tokio::test]
async fn few_are_found_by_what_is_asked_for_and_never_in_the_whole_table(
    #[case] dialect: Dialect,
    #[case] known: Known,
) {
    use PrivacyRequestStatus as Status;
    let Some(bench) = Bench::start(dialect, known).await else { return };
    let all = PrivacyRequestFilter::default;
    let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
    let some_days = TimeRange { after: Some(day(100)), before: Some(day(102)) };
    let policy = || Some("rare".to_owned());
    let cases = [
        (PrivacyRequestFilter { policy: policy(), ..all() }, BY_POLICY),
        (PrivacyRequestFilter { policy: policy(), created: some_days, ..all() }, BY_POLICY),
        (PrivacyRequestFilter { actions: vec![RuleAction::Erasure], ..all() }, BY_POLICY),
        (PrivacyRequestFilter { created: some_days, ..all() }, BY_AGE),
        (PrivacyRequestFilter { statuses: vec![Status::Error, Status::Paused], ..all() }, BY_STATUS),
        (PrivacyRequestFilter { errored: some_days, ..all() }, "privacy_request_by_"),
        (PrivacyRequestFilter { completed: some_days, ..all() }, "privacy_request_by_finished"),
        (PrivacyRequestFilter { started: some_days, ..all() }, "privacy_request_by_started"),
        (
            PrivacyRequestFilter { external_id: Some("ticket-77".to_owned()), ..all() },
            "privacy_request_by_external",
        ),
        (PrivacyRequestFilter { location: Some("FR".to_owned()), ..all() }, "privacy_request_by_location"),
        (PrivacyRequestFilter { overdue_at: Some(day(2)), ..all() }, "privacy_request_by_due"),
    ];

    for (filter, index) in cases {
        for sort in [PrivacyRequestSort::CreatedAt, PrivacyRequestSort::Source] {
            let filter = PrivacyRequestFilter { sort, ..filter.clone() };
            for plan in [bench.page_plan(&filter, 500).await, bench.count_plan(&filter).await] {
                assert!(plan.contains(index) && !bench.is_scan(&plan), "{filter:?}:\n{plan}");
            }
        }
    }
}

/// The twin of the above: indexes that hold less are noticed there.
#[rstest]
#[case(Dialect::Sqlite)]
#[case(Dialect::Postgres)]
#[tokio::test]
async fn an_index_without_what_is_asked_for_is_noticed(#[case] dialect: Dialect) {
    let Some(bench) = Bench::start(dialect, Known::Everything).await else { return };
    for (index, columns) in [(BY_AGE, "created_at, id"), (BY_STATUS, "status, created_at")] {
        bench.say(&format!("DROP INDEX {index}")).await;
        bench.say(&format!("CREATE INDEX {index} ON privacy_request ({columns})")).await;
    }

    for (what, filter, fits, index) in bench.cases() {
        let plan = bench.page_plan(&filter, fits).await;
        assert!(!bench.walks(&plan, index) || index == BY_POLICY, "{what}:\n{plan}");
    }
}

/// What is skipped is a day that no request of the page stands in.
#[tokio::test]
async fn days_before_a_page_are_skipped_in_both_directions() {
    let bench = Bench::start(Dialect::Sqlite, Known::Nothing).await.unwrap();
    bench.say("INSERT INTO privacy_request_count (status, shard, counted) VALUES ('pending', 0, 7), ('error', 0, 2)").await;
    bench.say("INSERT INTO privacy_request_day (day, status, shard, counted) VALUES (3, 'pending', 0, 2), (3, 'pending', 5, 1), (4, 'error', 0, 2), (6, 'pending', 1, 4)").await;
    let skipped = async |order, offset, statuses: &[PrivacyRequestStatus]| {
        let found = bench.store.request_days_skipped(statuses, (order, offset)).await.unwrap();
        found.map(|skipped| (skipped.requests, skipped.edge / 86_400_000_000))
    };
    let (newest, oldest) = (PrivacyRequestOrder::NewestFirst, PrivacyRequestOrder::OldestFirst);
    let pending = [PrivacyRequestStatus::Pending];

    assert_eq!(skipped(newest, 3, &[]).await, None);
    assert_eq!(skipped(newest, 4, &[]).await, Some((4, 5)));
    assert_eq!(skipped(newest, 4, &pending).await, Some((4, 4)));
    assert_eq!(skipped(newest, 8, &[]).await, Some((6, 4)));
    assert_eq!(skipped(newest, 9, &[]).await, None);
    assert_eq!(skipped(oldest, 2, &[]).await, None);
    assert_eq!(skipped(oldest, 3, &[]).await, Some((3, 4)));
    assert_eq!(skipped(oldest, 3, &pending).await, Some((3, 6)));
    assert_eq!(skipped(oldest, 6, &[]).await, Some((5, 6)));
}
