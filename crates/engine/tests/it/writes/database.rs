//! Statements for the company's own databases, through the ledger.

use std::collections::HashMap;
use std::sync::Arc;

use datastore::{Boundary, Database, DatabaseKind, DatabaseSettings, ReadLimits, SqlOperation, Write};
use engine::{Source, WriteOrder, WritePayload};
use model::{CollectionAddress, ConnectionKey, Outcome, SystemClock};
use rstest::rstest;
use spec::dataset_file::Namespace;
use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};
use testkit::TestDatabase;

use super::bench::{Backend, Bench};

/// The shop's table with rows 1 to 5.
const SHOP: [&str; 2] = [
    "CREATE TABLE customers (id BIGINT PRIMARY KEY, email TEXT)",
    "INSERT INTO customers VALUES (1, 'a@example.com'), (2, 'b@example.com'), (3, 'c@example.com'), (4, 'd@example.com'), (5, 'e@example.com')",
];

struct Shop {
    sources: HashMap<ConnectionKey, Source>,
    url: String,
    _database: Option<TestDatabase>,
}

/// A shop of the same kind as the state.
async fn shop(bench: &Bench, backend: Backend) -> Shop {
    let (kind, url, server) = match backend {
        Backend::Sqlite => {
            let file = bench.folder.path().join("shop.db");
            std::fs::write(&file, "").unwrap();
            let url = format!("sqlite://{}", file.display());
            let mut admin = SqliteConnection::connect(&url).await.unwrap();
            for statement in SHOP {
                sqlx::query(statement).execute(&mut admin).await.unwrap();
            }
            (DatabaseKind::Sqlite, url, None)
        }
        Backend::Postgres => {
            let database = TestDatabase::create().await.unwrap();
            let url = database.url();
            let mut admin = PgConnection::connect(&url).await.unwrap();
            for statement in SHOP {
                sqlx::query(statement).execute(&mut admin).await.unwrap();
            }
            (DatabaseKind::PostgreSql, url, Some(database))
        }
    };
    let settings = DatabaseSettings {
        connection: "shop".parse().unwrap(),
        kind,
        secrets: vec![("url".to_owned(), url.as_str().into())],
        access: spec::Access::Write,
        namespace: Namespace::default(),
        boundary: Boundary {
            allow: vec!["127.0.0.1/32".parse().unwrap()],
            folders: vec![bench.folder.path().to_owned()],
            base: bench.folder.path().to_owned(),
            ..Boundary::default()
        },
        limits: ReadLimits::default(),
    };
    let database = Database::new(&settings, Arc::new(SystemClock)).unwrap();
    Shop { sources: [("shop".parse().unwrap(), Source::Database(database))].into(), url, _database: server }
}

fn order(bench: &Bench, operation: u32, (write, sql, keys): (Write, &str, u64)) -> WriteOrder {
    let expected = match write {
        Write::Update => Outcome::Masked,
        Write::Delete => Outcome::Erased,
    };
    let operation_of_plan = SqlOperation {
        connection: "shop".parse().unwrap(),
        collection: CollectionAddress::new("shop", "customers"),
        write,
        columns: Vec::new(),
        keys,
        sql: sql.to_owned(),
        parameters: Vec::new(),
    };
    WriteOrder {
        plan: bench.plan.clone(),
        operation,
        payload: WritePayload::Sql(operation_of_plan),
        repeatable: false,
        expected,
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn fewer_rows_than_planned_are_said_and_none_at_all_means_absent(#[case] backend: Backend) {
    let Some(bench) = backend.start(5).await else { return };
    let shop = shop(&bench, backend).await;
    let process = bench.process_with(shop.sources, None).await;
    let orders = [
        order(&bench, 0, (Write::Update, "UPDATE customers SET email = NULL WHERE id IN (1, 2)", 2)),
        order(&bench, 1, (Write::Delete, "DELETE FROM customers WHERE id IN (1, 2, 9)", 3)),
        order(&bench, 2, (Write::Delete, "DELETE FROM customers WHERE id IN (8, 9)", 2)),
        order(&bench, 3, (Write::Delete, "DELETE FROM custumers WHERE id = 3", 1)),
        order(&bench, 4, (Write::Delete, "DELETE FROM customers WHERE id IN (3, 4, 5)", 1)),
    ];

    let chain = process.writer.settle_all(&process.hold, &orders).await;

    let reports: Vec<_> =
        chain.reports.iter().map(|report| (report.outcome, report.detail.as_deref().unwrap())).collect();
    assert_eq!(
        reports[..3],
        [
            (Outcome::Masked, "rows_2"),
            (Outcome::Erased, "rows_2_of_3"),
            (Outcome::AlreadyAbsent, "rows_0_of_2"),
        ]
    );
    assert_eq!(reports[3].0, Outcome::Failed);
    assert_eq!(reports[4], (Outcome::Failed, "key_not_unique"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_statement_in_doubt_is_repeated_and_nothing_left_means_erased(#[case] backend: Backend) {
    let Some(bench) = backend.start(1).await else { return };
    let shop = shop(&bench, backend).await;
    let order = order(&bench, 0, (Write::Delete, "DELETE FROM customers WHERE id IN (1, 2)", 2));
    let process = bench.process_with(shop.sources.clone(), None).await;
    // As after a crash: an intent, the rows are gone, no outcome.
    let lease = process.hold.lease().clone();
    let new = store::NewIntent { lease, plan: bench.plan.clone(), operation: 0, attempt: 1 };
    process.store.ledger_intent(new).await.unwrap();
    drop(process);
    match backend {
        Backend::Sqlite => {
            let mut admin = SqliteConnection::connect(&shop.url).await.unwrap();
            sqlx::query("DELETE FROM customers WHERE id IN (1, 2)").execute(&mut admin).await.unwrap();
        }
        Backend::Postgres => {
            let mut admin = PgConnection::connect(&shop.url).await.unwrap();
            sqlx::query("DELETE FROM customers WHERE id IN (1, 2)").execute(&mut admin).await.unwrap();
        }
    }

    bench.clock.advance(engine::LEASE);
    let process = bench.process_with(shop.sources, None).await;
    let report = process.writer.settle(&process.hold, &order).await.unwrap();

    assert_eq!((report.outcome, report.attempts), (Outcome::Erased, 2));
    assert_eq!(report.detail.as_deref(), Some("rows_0_of_2"));
}

#[tokio::test]
async fn a_connection_lost_in_mid_transaction_changed_nothing_and_is_tried_again() {
    let Some(bench) = Backend::Postgres.start(1).await else { return };
    let shop = shop(&bench, Backend::Postgres).await;
    let order = order(&bench, 0, (Write::Delete, "DELETE FROM customers WHERE id IN (1, 2)", 2));
    let process = bench.process_with(shop.sources, None).await;
    // Somebody else has row 1; the statement waits for it inside its transaction.
    let mut other = PgConnection::connect(&shop.url).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT id FROM customers WHERE id = 1 FOR UPDATE").fetch_one(&mut *held).await.unwrap();

    let (report, ()) = tokio::join!(process.writer.settle(&process.hold, &order), async {
        let mut admin = PgConnection::connect(&shop.url).await.unwrap();
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        loop {
            let killed = sqlx::query(kill).fetch_optional(&mut admin).await.unwrap();
            if killed.is_some_and(|row| row.get::<bool, _>(0)) {
                break;
            }
            tokio::task::yield_now().await;
        }
        held.rollback().await.unwrap();
    });

    let report = report.unwrap();
    let ledger = bench.ledger().await;
    assert_eq!((report.outcome, report.detail.as_deref()), (Outcome::Erased, Some("rows_2")));
    assert_eq!((ledger.len(), ledger[0].effect), (2, Some(store::Effect::NotApplied)));
}
