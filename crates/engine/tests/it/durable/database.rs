//! The same for a database: a statement that broke off starts over, and nothing of it stays.

use std::collections::HashMap;
use std::sync::Arc;

use connector::Person;
use datastore::{Boundary, Database, DatabaseKind, DatabaseSettings, ReadLimits};
use engine::{Cancellation, Concurrency, Limits, RowKeeping, RunPlan, Source, Status, StoredRows};
use graph::{Graph, GraphDataset, Targets};
use model::{Identities, PrivacyRequestId, RandomIds, Row, RunId, SystemClock};
use rstest::rstest;
use spec::dataset_file::Namespace;
use spec::{CheckOptions, SourceFile, check_datasets};
use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;

use super::{Keep, told};
use crate::writes::bench::Backend;

const DATASET: &str = "
dataset:
  - fides_key: shop
    name: Shop
    collections:
      - name: customers
        fields:
          - {name: id, data_type: integer, fides_meta: {primary_key: true}}
          - {name: email, data_type: string, fides_meta: {identity: email}}
      - name: orders
        fields:
          - {name: id, data_type: integer, fides_meta: {primary_key: true}}
          - name: customer_id
            data_type: integer
            fides_meta: {references: [{dataset: shop, field: customers.id, direction: from}]}
          - {name: total, data_type: string}
      - name: lists
        fields:
          - {name: id, data_type: integer, fides_meta: {primary_key: true}}
          - {name: emails, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: 'string[]'}}
";

/// A shop in a SQLite file: one customer, 95 orders, pages of ten rows.
struct Shop {
    _folder: TempDir,
    database: Database,
    graph: Graph,
}

impl Shop {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.db");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let mut admin = sqlx::SqliteConnection::connect(&url).await.unwrap();
        admin
            .execute(
                "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT);
                 CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, total TEXT);
                 CREATE TABLE lists (id INTEGER PRIMARY KEY, emails TEXT);
                 INSERT INTO lists VALUES (1, '[\"bo@example.com\", \"ana@example.com\"]'), (2, '[\"ana@example.com\"]');
                 INSERT INTO customers VALUES (7, 'ana@example.com'), (8, 'bo@example.com');
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 95)
                 INSERT INTO orders SELECT i, 7, 'EUR ' || i FROM n;",
            )
            .await
            .unwrap();
        let settings = DatabaseSettings {
            connection: "shop".parse().unwrap(),
            kind: DatabaseKind::Sqlite,
            secrets: vec![("url".into(), format!("sqlite://{}", file.display()).into())],
            access: spec::Access::Read,
            namespace: Namespace::default(),
            boundary: Boundary { folders: vec![folder.path().to_owned()], ..Boundary::default() },
            limits: ReadLimits { page_rows: 10, ..ReadLimits::default() },
        };
        let database = Database::new(&settings, Arc::new(SystemClock)).unwrap();
        let checked = check_datasets(&SourceFile::new("shop.yml", DATASET), &CheckOptions::default());
        let datasets = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        let graph = Graph::build(&[GraphDataset::from_dataset(datasets.first().unwrap())]).unwrap();
        Self { _folder: folder, database, graph }
    }

    fn plan(&self, run_id: RunId, rows: RowKeeping) -> RunPlan {
        let mut identities = Identities::default();
        identities.insert("email", "ana@example.com".into()).unwrap();
        RunPlan {
            run_id,
            traversal: self.graph.traverse(&identities, Targets::Everything).unwrap(),
            sources: HashMap::from([("shop".parse().unwrap(), Source::from(self.database.clone()))]),
            person: Person {
                identities,
                privacy_request_id: PrivacyRequestId::new(&RandomIds),
                privacy_request: Row::new(),
                custom_fields: Row::new(),
            },
            limits: Concurrency::new(Limits::default()),
            rows,
            waiting: engine::JobWait::Here,
            cancellation: Cancellation::never(),
        }
    }
}

#[tokio::test]
async fn elements_of_others_are_taken_out_of_rows_that_a_database_gives_as_text() {
    let shop = Shop::open().await;
    let spool = tempfile::tempdir().unwrap();

    let plan = shop.plan(RunId::new(&RandomIds), RowKeeping::Spool(spool.path().to_owned()));
    let outcome = engine::run(plan, &|_| {}).await.unwrap();

    let lists = outcome.collections.iter().find(|(address, _)| address.collection() == "lists").unwrap().1;
    let rows: Vec<Row> = lists.sealed.pages().flat_map(Result::unwrap).collect();
    let emails: Vec<_> = rows.iter().map(|row| row["emails"].to_string()).collect();
    assert_eq!(emails, [r#"["ana@example.com"]"#, r#"["ana@example.com"]"#]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_database_is_read_like_an_application_and_ends_the_same_wherever_it_breaks_off(
    #[case] backend: Backend,
) {
    let Some(keep) = Keep::start(backend).await else { return };
    let shop = Shop::open().await;
    let spool = tempfile::tempdir().unwrap();
    let plan = shop.plan(RunId::new(&RandomIds), RowKeeping::Spool(spool.path().to_owned()));
    let unbroken = engine::run(plan, &|_| {}).await.unwrap();
    assert!(unbroken.is_complete());
    let orders = unbroken.collections.values().find(|read| read.rows == 95).unwrap();
    assert_eq!((orders.status, orders.pages), (Status::Complete, 10));
    let expected = told(unbroken).await;
    let mut broken = 0;

    for pages in 1.. {
        let run = keep.run(None).await;
        let rows = || {
            RowKeeping::Store(StoredRows {
                store: keep.store.clone(),
                worker: "w".to_owned(),
                stage: "read".to_owned(),
                begun: engine::RunBegun::Before,
            })
        };
        if keep.until(shop.plan(run.clone(), rows()), pages).await.is_some() {
            break;
        }
        broken += 1;
        let outcome = engine::run(shop.plan(run, rows()), &|_| {}).await.unwrap();
        assert_eq!(told(outcome).await, expected, "broken off after page {pages}");
    }

    assert!(broken >= 10, "{broken}");
}
