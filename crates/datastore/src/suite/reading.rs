use egress::Retry;
use model::IncompleteReason;
use spec::Access;

use super::*;
use crate::Fault;

const CUSTOMERS: &str = "
  - name: customers
    fields:
    - {name: id, fides_meta: {primary_key: true}}
    - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
    - {name: note, data_categories: [system.operations]}
  - name: order
    fields:
    - {name: select, fides_meta: {primary_key: true}}
    - {name: customer, fides_meta: {references: [{dataset: shop, field: customers.id, direction: from}]}}
    - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
";

const TABLES: &str = "
CREATE TABLE customers (id BIGINT PRIMARY KEY, email VARCHAR(100), note VARCHAR(100));
CREATE TABLE %order% (%select% BIGINT PRIMARY KEY, customer BIGINT, email VARCHAR(100));
INSERT INTO customers VALUES (1, 'ana@example.com', 'x'), (2, 'bo@example.com', 'y'), (0, 'zoe@example.com', 'z');
INSERT INTO %order% VALUES (10, 1, NULL), (11, 1, 'ana@example.com'), (12, 2, 'ana@example.com'), (13, 2, 'bo@example.com');
";

fn plan() -> Plan {
    Plan::new(CUSTOMERS.trim_start_matches('\n'))
}

async fn shop(backend: Backend) -> Option<Shop> {
    let shop = Shop::open(backend).await?;
    let quote = if backend == Backend::MySql { '`' } else { '"' };
    let quoted = |name: &str| format!("{quote}{name}{quote}");
    shop.run(&TABLES.replace("%order%", &quoted("order")).replace("%select%", &quoted("select"))).await;
    Some(shop)
}

fn keys(rows: &[Row], column: &str) -> Vec<i64> {
    let mut keys: Vec<_> = rows.iter().map(|row| row[column].as_i64().unwrap()).collect();
    keys.sort_unstable();
    keys
}

// rule: privacy-requests Q-1
// rule: privacy-requests Q-2
// rule: privacy-requests Q-10b
// rule: privacy-requests P-9
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn paths_are_joined_by_or_and_a_row_comes_once(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };

    let rows =
        shop.rows(&plan(), "order", &[("customer", json!([1])), ("email", json!("ana@example.com"))]).await;

    assert_eq!(keys(&rows, "select"), [10, 11, 12]);
    assert_eq!(rows[0].keys().collect::<Vec<_>>(), ["customer", "email", "select"]);
}

// rule: privacy-requests Q-1
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn columns_without_personal_data_stay_in_the_database(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };

    let rows =
        shop.rows(&plan(), "customers", &[("email", json!(["ana@example.com", "zoe@example.com"]))]).await;

    assert_eq!(keys(&rows, "id"), [0, 1]);
    assert!(rows.iter().all(|row| !row.contains_key("note")));
}

// rule: privacy-requests Q-3
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn values_are_data_whatever_they_look_like(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let hostile =
        json!(["' OR 1=1 --", "\\' OR 1=1 #", "{}\",NULL", "ana@example.com'; DROP TABLE customers; --"]);

    let rows = shop.rows(&plan(), "customers", &[("email", hostile)]).await;

    assert_eq!(rows.len(), 0);
    assert_eq!(shop.rows(&plan(), "customers", &[("id", json!([1, 2]))]).await.len(), 0); // no edge leads to `id`
    assert_eq!(shop.rows(&plan(), "customers", &[("email", json!("bo@example.com"))]).await.len(), 1);
}

// rule: privacy-requests P-7
// rule: privacy-requests D-15
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn values_that_no_column_can_hold_are_left_out_and_named(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let inputs = [
        ("customer", json!(["no number", 99_999_999_999_999_999_999_u128.to_string()])),
        ("email", json!("x")),
    ];

    let reading = shop.reading(&plan(), "order", &inputs).await.unwrap();
    let nothing = shop.reading(&plan(), "order", &inputs[..1]).await.unwrap();

    assert_eq!(read_all(&reading).await.unwrap().len(), 0);
    assert_eq!((reading.unusable()[0].path.as_str(), reading.unusable()[0].received), ("customer", 2));
    assert_eq!(nothing.units(), 0);
}

#[tokio::test]
async fn a_unit_is_told_by_its_statement_and_by_what_is_searched_up_to_it() {
    let shop = shop(Backend::Sqlite).await.unwrap();
    let hashes = async |values: Vec<i64>| {
        let reading = shop.reading(&plan(), "order", &[("customer", json!(values))]).await.unwrap();
        (0..=reading.units()).map(|unit| reading.unit_hash(unit)).collect::<Vec<_>>()
    };

    let first = hashes((1..=1500).collect()).await;

    assert_eq!(hashes((1..=1500).collect()).await, first);
    assert_ne!(first[0], first[1]);
    assert_eq!(first[2], None, "there is no such unit");
    let last_is_other = hashes((1..=1499).chain([7000]).collect()).await;
    assert_eq!(last_is_other[0], first[0]);
    assert_ne!(last_is_other[1], first[1]);
    let first_is_other = hashes([7000].into_iter().chain(2..=1500).collect()).await;
    assert_ne!(first_is_other[0], first[0]);
    assert_ne!(first_is_other[1], first[1], "it leaves out rows of the first");
    let by_email = shop.reading(&plan(), "order", &[("email", json!([1, 2]))]).await.unwrap();
    let by_customer = shop.reading(&plan(), "order", &[("customer", json!([1, 2]))]).await.unwrap();
    assert_ne!(by_email.unit_hash(0), by_customer.unit_hash(0));
}

// rule: privacy-requests P-8
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn many_values_become_units_and_each_row_comes_once(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let customers: Vec<i64> = (1..=2500).rev().collect();
    let inputs = [("customer", json!(customers)), ("email", json!(["ana@example.com", "bo@example.com"]))];

    let reading = shop.reading(&plan(), "order", &inputs).await.unwrap();
    let rows = read_all(&reading).await.unwrap();

    assert_eq!(reading.units(), 3);
    assert_eq!(keys(&rows, "select"), [10, 11, 12, 13]);
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn pages_are_bounded_by_rows_and_by_bytes(#[case] backend: Backend) {
    let Some(mut shop) = shop(backend).await else { return };
    let many: Vec<String> = (100..1100).map(|id| format!("({id}, 'ana@example.com', 'x')")).collect();
    shop.run(&format!("INSERT INTO customers VALUES {}", many.join(", "))).await;
    let inputs = [("email", json!("ana@example.com"))];
    let mut sizes = Vec::new();
    for (page_rows, page_bytes) in [(300, usize::MAX), (usize::MAX / 4, 2000)] {
        shop.limits.page_rows = page_rows.min(100_000);
        shop.limits.page_bytes = page_bytes;
        let mut reader = shop.reading(&plan(), "customers", &inputs).await.unwrap().open(0);
        let mut pages = Vec::new();
        while let Some(page) = reader.next_page().await.unwrap() {
            pages.push(page.rows.len());
        }
        assert_eq!(pages.iter().sum::<usize>(), 1001);
        sizes.push(pages);
    }

    assert_eq!(sizes[0], [300, 300, 300, 101]);
    assert!(sizes[1].iter().all(|rows| *rows < 100) && sizes[1].len() > 10, "{:?}", sizes[1]);
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn a_reader_that_is_dropped_is_incomplete_and_leaves_the_database_usable(#[case] backend: Backend) {
    let Some(mut shop) = shop(backend).await else { return };
    shop.limits.page_rows = 1;
    let inputs = [("email", json!(["ana@example.com", "bo@example.com", "zoe@example.com"]))];
    let reading = shop.reading(&plan(), "customers", &inputs).await.unwrap();

    let mut reader = reading.open(0);
    reader.next_page().await.unwrap();
    let half = reader.completeness();
    drop(reader);

    assert!(matches!(half, model::Completeness::Incomplete { reason: IncompleteReason::Cancelled, .. }));
    assert_eq!(read_all(&reading).await.unwrap().len(), 3);
}

/// A page that is given up while it is awaited comes with the next call.
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn no_row_is_lost_when_waiting_is_given_up(#[case] backend: Backend) {
    let Some(mut shop) = shop(backend).await else { return };
    shop.limits.page_rows = 1;
    let inputs = [("email", json!(["ana@example.com", "bo@example.com", "zoe@example.com"]))];
    let mut reader = shop.reading(&plan(), "customers", &inputs).await.unwrap().open(0);
    let mut rows = Vec::new();

    for given_up in 0.. {
        // Polled a few times more in each round, then dropped.
        let mut polls = 0;
        let next = reader.next_page();
        tokio::pin!(next);
        let page = std::future::poll_fn(|context| {
            polls += 1;
            match next.as_mut().poll(context) {
                std::task::Poll::Ready(page) => std::task::Poll::Ready(Some(page)),
                std::task::Poll::Pending if polls > given_up % 4 => std::task::Poll::Ready(None),
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        })
        .await;
        match page {
            None => tokio::task::yield_now().await,
            Some(page) => match page.unwrap() {
                Some(page) => rows.extend(page.rows),
                None => break,
            },
        }
    }

    assert_eq!(keys(&rows, "id"), [0, 1, 2]);
    assert!(reader.completeness().is_complete());
}

// rule: privacy-requests Q-16
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[tokio::test]
async fn tables_are_looked_for_in_the_namespace_of_the_dataset(#[case] backend: Backend) {
    let Some(mut shop) = shop(backend).await else { return };
    let name = format!("Sales {}", NUMBER.fetch_add(1, Ordering::Relaxed) + std::process::id() * 100);
    let quote = if backend == Backend::MySql { '`' } else { '"' };
    shop.run(&format!(
        "CREATE SCHEMA {quote}{name}{quote};
         CREATE TABLE {quote}{name}{quote}.customers (id INT PRIMARY KEY, email VARCHAR(100));
         INSERT INTO {quote}{name}{quote}.customers VALUES (77, 'ana@example.com')"
    ))
    .await;
    shop.namespace.schema = Some(name.clone());

    let rows = shop.rows(&plan(), "customers", &[("email", json!("ana@example.com"))]).await;

    if backend == Backend::MySql {
        shop.run(&format!("DROP SCHEMA {quote}{name}{quote}")).await;
    }
    assert_eq!(keys(&rows, "id"), [77]);
}

// rule: privacy-requests Q-10a
#[tokio::test]
async fn the_secret_db_schema_sets_the_search_path() {
    let Some(shop) = shop(Backend::PostgreSql).await else { return };
    shop.run("CREATE SCHEMA sales; CREATE TABLE sales.customers (id INT PRIMARY KEY, email TEXT); INSERT INTO sales.customers VALUES (77, 'ana@example.com')").await;
    let mut settings = shop.settings(Access::Read);
    settings.secrets.push(("db_schema".into(), json!("sales")));
    let database = Database::new(&settings, Arc::new(SystemClock)).unwrap();
    let plan = plan();

    let inputs = inputs_of(&[("email", json!("ana@example.com"))]);
    let reading = database.read(&plan.traversal, plan.node("customers"), &inputs).await.unwrap();

    assert_eq!(keys(&read_all(&reading).await.unwrap(), "id"), [77]);
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn a_schema_that_differs_from_the_dataset_is_located(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let missing_table =
        Plan::new("  - name: custmers\n    fields:\n    - {name: email, fides_meta: {identity: email}}\n");
    let missing_column =
        Plan::new("  - name: customers\n    fields:\n    - {name: emial, fides_meta: {identity: email}}\n");

    let table = shop.reading(&missing_table, "custmers", &[("email", json!("a"))]).await.unwrap_err();
    let column = shop.reading(&missing_column, "customers", &[("emial", json!("a"))]).await.unwrap_err();

    assert!(
        table.to_string().starts_with("`shop:custmers` in database `shop`: there is no table `custmers`"),
        "{table}"
    );
    assert!(column.to_string().contains("has no column `emial` (it has `email`)"), "{column}");
    assert_eq!((table.retry(), table.reason()), (Retry::No, IncompleteReason::Malformed));
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn a_column_that_vanishes_between_check_and_read_is_named_as_a_change(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let reading = shop.reading(&plan(), "customers", &[("email", json!("ana@example.com"))]).await.unwrap();
    shop.run("ALTER TABLE customers RENAME COLUMN email TO mail").await;

    let mut reader = reading.open(0);
    let ended = reader.next_page().await;

    assert_eq!(ended.unwrap_err().fault, Fault::SchemaChanged);
    assert!(!reader.completeness().is_complete());
}

// rule: privacy-requests C-8
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn a_connection_is_tested(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };

    shop.database(Access::Read).test().await.unwrap();
}

// rule: fides-api 11.7
#[rstest::rstest]
#[case(Backend::PostgreSql, '"')]
#[case(Backend::MySql, '`')]
#[case(Backend::Sqlite, '`')]
#[tokio::test]
async fn what_is_shown_has_a_mark_for_each_value_and_every_name_quoted(
    #[case] backend: Backend,
    #[case] quote: char,
) {
    let Some(shop) = shop(backend).await else { return };
    let (plan, database) = (plan(), shop.database(Access::Read));
    let shown =
        |collection: &str| database.preview(&plan.traversal, plan.node(collection)).replace(quote, "'");

    assert_eq!(shown("customers"), "SELECT 'email', 'id' FROM 'customers' WHERE 'email' = ?");
    assert_eq!(
        shown("order"),
        "SELECT 'customer', 'email', 'select' FROM 'order' WHERE 'customer' IN (?, ?) OR 'email' = ?"
    );
}
