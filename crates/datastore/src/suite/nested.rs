//! Fields below columns: JSON documents and arrays.

use spec::Access;

use super::*;
use crate::RowChange;

const PEOPLE: &str = "  - name: people
    fields:
    - {name: id, fides_meta: {primary_key: true}}
    - name: doc
      fides_meta: {data_type: object}
      fields:
      - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
      - name: contacts
        fides_meta: {data_type: 'object[]'}
        fields:
        - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
    - {name: tags, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: 'string[]'}}
";

async fn shop(backend: Backend) -> Option<Shop> {
    let shop = Shop::open(backend).await?;
    let (doc, tags) = match backend {
        Backend::PostgreSql => ("jsonb", "text[]"),
        Backend::MySql => ("json", "json"),
        Backend::Sqlite => ("text", "text"),
    };
    let array = |items: &str| match backend {
        Backend::PostgreSql => format!("'{{{items}}}'"),
        Backend::MySql | Backend::Sqlite => format!("'[{items}]'"),
    };
    shop.run(&format!(
        r#"CREATE TABLE people (id BIGINT PRIMARY KEY, doc {doc}, tags {tags});
        INSERT INTO people VALUES
        (1, '{{"email": "ana@example.com", "n": 1, "keep": true}}', {none}),
        (2, '{{"contacts": [{{"email": "bo@example.com"}}, {{"email": "ana@example.com", "n": 12345678901234567890}}]}}', {none}),
        (3, '[{{"email": "ana@example.com"}}]', NULL),
        (4, '{{"referrer": {{"email": "ana@example.com"}}, "contacts": {{"x": {{"email": "ana@example.com"}}}}}}', {none}),
        (5, NULL, {some}),
        (6, '{{"email": {{"email": "ana@example.com"}}, "contacts": "ana@example.com"}}', {other});"#,
        none = array(""),
        some = array(r#""x@example.com","ana@example.com""#),
        other = array(r#""ana@example.com.au""#),
    ))
    .await;
    Some(shop)
}

async fn found(shop: &Shop, input: &str, value: Value) -> Vec<i64> {
    let rows = shop.rows(&Plan::new(PEOPLE), "people", &[(input, value)]).await;
    let mut ids: Vec<_> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

// rule: privacy-requests Q-4
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn documents_are_searched_at_the_path_and_nowhere_else(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let ana = json!(["nobody@example.com", "ana@example.com"]);

    assert_eq!(found(&shop, "doc.email", ana.clone()).await, [1, 3]);
    assert_eq!(found(&shop, "doc.contacts.email", ana.clone()).await, [2]);
    assert_eq!(found(&shop, "tags", ana).await, [5]);
    assert_eq!(found(&shop, "doc.email", json!("ANA@example.com")).await, [0; 0]);
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn documents_are_read_as_values_with_exact_numbers(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };

    let rows =
        shop.rows(&Plan::new(PEOPLE), "people", &[("doc.contacts.email", json!("ana@example.com"))]).await;

    assert_eq!(rows[0]["doc"]["contacts"][1]["n"].to_string(), "12345678901234567890");
    assert_eq!(rows[0]["tags"], json!([]));
}

// rule: privacy-requests Q-4
// rule: privacy-requests E-4
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn only_the_masked_place_of_a_document_changes(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let plan = Plan::new(PEOPLE);
    let database = shop.database(Access::Write);
    let all = [
        ("doc.email", json!("ana@example.com")),
        ("doc.contacts.email", json!("ana@example.com")),
        ("tags", json!("ana@example.com")),
    ];
    let rows = shop.rows(&plan, "people", &all).await;
    let row = |id: i64| rows.iter().find(|row| row["id"] == json!(id)).unwrap().clone();
    let changes = [
        RowChange { row: row(1), values: vec![(path(json!(["doc", "email"])), json!(null))] },
        RowChange {
            row: row(2),
            values: vec![
                (path(json!(["doc", "contacts", 1, "email"])), json!("masked \"1\"")),
                (path(json!(["doc", "not there"])), json!("never written")),
            ],
        },
        RowChange { row: row(5), values: vec![(path(json!(["tags", 1])), json!("masked"))] },
    ];

    for operation in
        operations(database.update(&plan.node("people").collection, &changes).await.unwrap()).unwrap()
    {
        assert_eq!(database.execute_permitted(&operation).await.unwrap(), 1, "{operation:?}");
    }

    let everything = Plan::new(
        "  - name: people\n    fields:\n    - {name: id, fides_meta: {identity: email}}\n    - {name: doc, data_categories: [user], fides_meta: {data_type: object}}\n    - {name: tags, data_categories: [user], fides_meta: {data_type: 'string[]'}}\n",
    );
    let after = shop.rows(&everything, "people", &[("id", json!([1, 2, 5]))]).await;
    let after = |id: i64| after.iter().find(|row| row["id"] == json!(id)).unwrap();
    assert_eq!(after(1)["doc"], json!({"email": null, "n": 1, "keep": true}));
    assert_eq!(after(2)["doc"]["contacts"][0]["email"], json!("bo@example.com"));
    assert_eq!(after(2)["doc"]["contacts"][1]["email"], json!("masked \"1\""));
    assert_eq!(after(2)["doc"]["contacts"][1]["n"].to_string(), "12345678901234567890");
    assert_eq!(after(2)["doc"].get("not there"), None);
    assert_eq!(after(5)["tags"], json!(["x@example.com", "masked"]));
}

#[tokio::test]
async fn a_field_below_a_number_is_refused_with_the_column() {
    let shop = Shop::open(Backend::Sqlite).await.unwrap();
    shop.run("CREATE TABLE people (id INTEGER PRIMARY KEY, age INTEGER)").await;
    let plan = Plan::new(
        "  - name: people\n    fields:\n    - name: age\n      fields:\n      - {name: years, fides_meta: {identity: email}}\n",
    );

    let error = shop.reading(&plan, "people", &[("age.years", json!("x"))]).await.unwrap_err();

    assert!(
        error.to_string().contains("field `age.years` lies below column `age` of type INTEGER"),
        "{error}"
    );
}
