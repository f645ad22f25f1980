use egress::Retry;
use spec::Access;

use super::*;
use crate::{Fault, RowChange, SqlOperation, SqlValue, Write};

const SHOP: &str = "  - name: customers
    fields:
    - {name: id, fides_meta: {primary_key: true}}
    - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
    - {name: name, data_categories: [user.name]}
  - name: orders
    fields:
    - {name: customer, fides_meta: {primary_key: true, references: [{dataset: shop, field: customers.id, direction: from}]}}
    - {name: line, fides_meta: {primary_key: true}}
    - {name: city, data_categories: [user.contact]}
  - name: keyless
    fields:
    - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
";

async fn shop(backend: Backend) -> Option<Shop> {
    let shop = Shop::open(backend).await?;
    shop.run(
        "CREATE TABLE customers (id BIGINT PRIMARY KEY, email VARCHAR(40) NOT NULL UNIQUE, name VARCHAR(40));
         CREATE TABLE orders (customer BIGINT NOT NULL, line VARCHAR(10) NOT NULL, city VARCHAR(40), PRIMARY KEY (customer, line),
            CONSTRAINT orders_of FOREIGN KEY (customer) REFERENCES customers (id));
         CREATE TABLE keyless (id INTEGER PRIMARY KEY, email VARCHAR(40));
         INSERT INTO customers VALUES (0, 'zero@example.com', 'Zero'), (1, 'ana@example.com', 'Ana'), (2, 'bo@example.com', 'Bo');
         INSERT INTO orders VALUES (1, 'a', 'Rome'), (1, 'b', 'Rome'), (2, 'a', 'Rome');",
    )
    .await;
    Some(shop)
}

fn plan() -> Plan {
    Plan::new(SHOP)
}

fn row(value: Value) -> Row {
    serde_json::from_value(value).unwrap()
}

fn change(value: Value, column: &str, new: Value) -> RowChange {
    RowChange { row: row(value), values: vec![(path(json!([column])), new)] }
}

async fn updates(shop: &Shop, collection: &str, changes: &[RowChange]) -> Result<Vec<SqlOperation>, Fault> {
    let database = shop.database(Access::Write);
    let made = database.update(&plan().node(collection).collection, changes).await;
    made.map_err(|error| error.fault).and_then(operations)
}

async fn execute(shop: &Shop, operation: &SqlOperation) -> Result<u64, Fault> {
    shop.database(Access::Write).execute_permitted(operation).await.map_err(|error| error.fault)
}

// rule: privacy-requests Q-5
// rule: privacy-requests E-13
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn rows_with_equal_columns_go_in_one_statement_each_with_its_own_values(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let changes = [
        change(json!({"id": 0}), "name", json!("masked 0")),
        change(json!({"id": 1}), "name", json!(null)),
        change(json!({"id": 7}), "name", json!("nobody")),
    ];

    let operations = updates(&shop, "customers", &changes).await.unwrap();
    let rows = execute(&shop, &operations[0]).await.unwrap();

    assert_eq!((operations.len(), operations[0].keys, operations[0].write), (1, 3, Write::Update));
    assert_eq!(rows, 2);
    for (id, expected) in [(0, "masked 0"), (1, "NULL"), (2, "Bo")] {
        assert_eq!(shop.text(&format!("SELECT name FROM customers WHERE id = {id}")).await, expected);
    }
}

// rule: privacy-requests Q-5
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn the_full_key_is_used_or_nothing_is_done(
    #[case] backend: Backend,
    #[values(1, 2)] rows_at_once: usize,
) {
    let Some(shop) = shop(backend).await else { return };
    let changes = [
        change(json!({"customer": 1, "line": "a"}), "city", json!("X")),
        change(json!({"customer": 2, "line": "a"}), "city", json!("Y")),
    ];
    let half_key = change(json!({"customer": 1, "line": null}), "city", json!("X"));

    let refused = updates(&shop, "orders", &[half_key]).await.unwrap_err();
    let operations = updates(&shop, "orders", &changes[..rows_at_once]).await.unwrap();
    let rows = execute(&shop, &operations[0]).await.unwrap();

    assert_eq!(refused, Fault::IncompleteKey { column: "line".into() });
    assert_eq!(rows, rows_at_once as u64);
    assert_eq!(shop.text("SELECT city FROM orders WHERE customer = 1 AND line = 'b'").await, "Rome");
    assert_eq!(shop.text("SELECT city FROM orders WHERE customer = 1 AND line = 'a'").await, "X");
}

// rule: privacy-requests Q-8
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn without_a_marked_key_nothing_is_written_and_the_real_key_is_named(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let changes = [change(json!({"email": "ana@example.com"}), "email", json!("x"))];

    let refused = updates(&shop, "keyless", &changes).await.unwrap_err();

    assert_eq!(refused, Fault::NoPrimaryKey { table_key: vec!["id".into()] });
    assert!(refused.to_string().contains("the table's key is `id`"), "{refused}");
}

// rule: privacy-requests Q-6
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn a_row_without_new_values_makes_no_statement(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let changes = [RowChange { row: row(json!({"id": 1})), values: Vec::new() }];

    assert_eq!(updates(&shop, "customers", &changes).await, Ok(Vec::new()));
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn statements_name_at_most_a_thousand_rows(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let rows: Vec<String> = (100..2600).map(|id| format!("({id}, 'user{id}@example.com', 'User')")).collect();
    shop.run(&format!("INSERT INTO customers VALUES {}", rows.join(", "))).await;
    let changes: Vec<_> =
        (100..2600).map(|id| change(json!({"id": id}), "email", json!(format!("masked{id}")))).collect();

    let operations = updates(&shop, "customers", &changes).await.unwrap();
    let mut changed = 0;
    for operation in &operations {
        changed += execute(&shop, operation).await.unwrap();
    }

    assert_eq!(operations.iter().map(|operation| operation.keys).collect::<Vec<_>>(), [1000, 1000, 500]);
    assert_eq!(changed, 2500);
    assert_eq!(shop.text("SELECT email FROM customers WHERE id = 2345").await, "masked2345");
}

// rule: privacy-requests E-18
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn rows_are_deleted_children_first_or_the_reason_is_named(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let database = shop.database(Access::Write);
    let plan = plan();
    let people = [row(json!({"id": 1})), row(json!({"id": 0}))];
    let customers = operations(database.delete(&plan.node("customers").collection, &people).await.unwrap())
        .unwrap()
        .remove(0);
    let lines = [row(json!({"customer": 1, "line": "a"})), row(json!({"customer": 1, "line": "b"}))];
    let orders = operations(database.delete(&plan.node("orders").collection, &lines).await.unwrap())
        .unwrap()
        .remove(0);

    let too_early = database.execute_permitted(&customers).await.unwrap_err();
    let rows = (
        database.execute_permitted(&orders).await.unwrap(),
        database.execute_permitted(&customers).await.unwrap(),
    );

    assert!(matches!(too_early.fault, Fault::ForeignKey { .. }), "{too_early}");
    assert!(too_early.to_string().contains("`erase_after`"), "{too_early}");
    if backend != Backend::Sqlite {
        assert!(
            too_early.to_string().contains("rows of `orders` are tied to these by foreign key orders_of"),
            "{too_early}"
        );
    }
    assert_eq!(rows, (2, 2));
    assert_eq!(shop.text("SELECT email FROM customers").await, "bo@example.com");
}

/// The planted defect is a dataset that calls half a key the key.
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn a_key_that_names_more_rows_changes_none(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let wrong = Plan::new(
        "  - name: orders\n    fields:\n    - {name: customer, fides_meta: {primary_key: true, identity: email}}\n    - {name: city, data_categories: [user]}\n",
    );
    let database = shop.database(Access::Write);
    let collection = &wrong.node("orders").collection;
    let operations = operations(
        database.update(collection, &[change(json!({"customer": 1}), "city", json!("X"))]).await.unwrap(),
    )
    .unwrap();

    let refused = database.execute_permitted(&operations[0]).await.unwrap_err();

    assert_eq!(refused.fault, Fault::KeyNotUnique { affected: 2, planned: 1 });
    assert_eq!(shop.text("SELECT CAST(COUNT(*) AS CHAR(9)) FROM orders WHERE city = 'X'").await.trim(), "0");
}

/// Together, the row too much of customer 1 would make up for the row that customer 9 does not have.
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn half_a_key_is_never_part_of_a_batch(#[case] backend: Backend, #[values(true, false)] deletes: bool) {
    let Some(shop) = shop(backend).await else { return };
    let wrong = Plan::new(
        "  - name: orders\n    fields:\n    - {name: customer, fides_meta: {primary_key: true, identity: email}}\n    - {name: city, data_categories: [user]}\n",
    );
    let (database, collection) = (shop.database(Access::Write), &wrong.node("orders").collection);
    let rows = [json!({"customer": 1}), json!({"customer": 9}), json!({"customer": 2})];
    let made = if deletes {
        database.delete(collection, &rows.clone().map(row)).await
    } else {
        database.update(collection, &rows.clone().map(|row| change(row, "city", json!("X")))).await
    };

    let mut results = Vec::new();
    for operation in operations(made.unwrap()).unwrap() {
        results.push(execute(&shop, &operation).await);
    }

    assert_eq!(results, [Err(Fault::KeyNotUnique { affected: 2, planned: 1 }), Ok(0), Ok(1)]);
    let left =
        shop.text("SELECT CAST(COUNT(*) AS CHAR(9)) FROM orders WHERE customer = 1 AND city = 'Rome'").await;
    assert_eq!(left.trim(), "2");
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn what_a_table_refuses_is_explained_without_values(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let canary = "canary-long-value-canary-long-value-canary-long-value";
    // The table took null when the statement was made.
    let mut null =
        updates(&shop, "customers", &[change(json!({"id": 1}), "email", json!("x"))]).await.unwrap();
    for parameter in &mut null[0].parameters {
        if *parameter == SqlValue::Text("x".into()) {
            *parameter = SqlValue::Null;
        }
    }
    let equal = updates(&shop, "customers", &[change(json!({"id": 1}), "email", json!("bo@example.com"))])
        .await
        .unwrap();
    let long = updates(&shop, "customers", &[change(json!({"id": 1}), "name", json!(canary))]).await.unwrap();

    let null = execute(&shop, &null[0]).await.unwrap_err();
    let equal = execute(&shop, &equal[0]).await.unwrap_err();
    let long = execute(&shop, &long[0]).await;

    assert_eq!(null, Fault::NotNull { column: Some("email".into()) });
    assert!(matches!(equal, Fault::Unique { .. }), "{equal}");
    assert!(!format!("{equal} {equal:?}").contains("bo@example.com"), "{equal:?}");
    // SQLite does not bound texts.
    if backend != Backend::Sqlite {
        let long = long.unwrap_err();
        assert!(matches!(long, Fault::Refused { .. }), "{long}");
        assert!(!format!("{long} {long:?}").contains("canary"), "{long:?}");
    }
    assert_eq!(shop.text("SELECT email FROM customers WHERE id = 1").await, "ana@example.com");
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn a_value_that_cannot_be_written_stops_the_plan(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };

    let refused =
        updates(&shop, "customers", &[change(json!({"id": 1}), "id", json!("masked"))]).await.unwrap_err();

    assert!(matches!(refused, Fault::NotWritable { ref path, .. } if path == "id"), "{refused}");
}

// rule: privacy-requests E-19
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn a_connection_with_access_read_writes_nothing(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let operations =
        updates(&shop, "customers", &[change(json!({"id": 1}), "name", json!("x"))]).await.unwrap();

    let refused = shop.database(Access::Read).execute_permitted(&operations[0]).await.unwrap_err();

    assert_eq!((refused.fault.clone(), refused.retry()), (Fault::ReadOnly, Retry::No));
    assert_eq!(shop.text("SELECT name FROM customers WHERE id = 1").await, "Ana");
}

#[tokio::test]
async fn an_operation_survives_a_file_and_shows_no_value() {
    let shop = shop(Backend::Sqlite).await.unwrap();
    let operations =
        updates(&shop, "customers", &[change(json!({"id": 1}), "name", json!("canary"))]).await.unwrap();

    let text = serde_json::to_string(&operations).unwrap();
    let back: Vec<SqlOperation> = serde_json::from_str(&text).unwrap();

    assert_eq!(back, operations);
    assert!(!format!("{operations:?}").contains("canary"));
    assert_eq!(operations[0].sql, "UPDATE `customers` SET `name` = ? WHERE `id` = ?");
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn a_table_is_counted_as_far_as_it_matters(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let database = shop.database(Access::Read);
    let customers = "shop:customers".parse().unwrap();

    assert_eq!(database.count_rows(&customers, 100).await.unwrap(), 3);
    assert_eq!(database.count_rows(&customers, 2).await.unwrap(), 2);
    let missing = database.count_rows(&"shop:nowhere".parse().unwrap(), 2).await.unwrap_err();
    assert!(matches!(missing.fault, Fault::NoTable { .. }), "{missing}");
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn what_cannot_be_written_leaves_the_rest_alone(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    shop.run("CREATE TABLE ages (id BIGINT PRIMARY KEY, age BIGINT, name VARCHAR(9))").await;
    let ages = Plan::new(
        "  - name: ages\n    fields:\n    - {name: id, fides_meta: {primary_key: true, identity: email}}\n    - {name: age, data_categories: [user]}\n    - {name: name, data_categories: [user]}\n",
    );
    let both = |row: Value| RowChange {
        row: self::row(row),
        values: vec![(path(json!(["age"])), json!("masked")), (path(json!(["name"])), json!("masked"))],
    };
    let changes = [both(json!({"id": 1})), both(json!({"id": null})), both(json!({"id": 3}))];

    let made = shop.database(Access::Write).update(&ages.node("ages").collection, &changes).await.unwrap();

    let whole: Vec<_> = made.refused.iter().filter(|one| one.place.is_none()).map(|one| one.row).collect();
    let values: Vec<_> = made.refused.iter().filter(|one| one.place.is_some()).map(|one| one.row).collect();
    let written: Vec<_> = made.planned.iter().flat_map(|change| change.rows.clone()).collect();
    assert_eq!((whole, values, written), (vec![1], vec![0, 2], vec![0, 2]));
    assert_eq!(made.planned[0].operation.columns, ["name"]);
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn null_for_a_column_that_takes_none_is_refused_when_it_is_planned(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let both = RowChange {
        row: row(json!({"id": 1})),
        values: vec![(path(json!(["email"])), Value::Null), (path(json!(["name"])), Value::Null)],
    };

    let made =
        shop.database(Access::Write).update(&plan().node("customers").collection, &[both]).await.unwrap();

    assert_eq!(made.refused[0].fault, Fault::NotNull { column: Some("email".into()) });
    assert_eq!(made.planned[0].operation.columns, ["name"]);
}
