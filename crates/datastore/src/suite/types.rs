//! Every type keeps its value, there and back.

use spec::Access;

use super::*;
use crate::RowChange;

/// The dataset with all `columns` as personal data.
fn plan(columns: &[&str]) -> Plan {
    let fields: Vec<String> = columns
        .iter()
        .map(|column| format!("    - {{name: {column}, data_categories: [user.name]}}\n"))
        .collect();
    let fields = fields.concat();
    Plan::new(&format!(
        "  - name: things\n    fields:\n    - {{name: email, fides_meta: {{identity: email}}}}\n    - {{name: id, fides_meta: {{primary_key: true}}}}\n{fields}"
    ))
}

/// Columns: name, type, literal, JSON text that is read.
fn columns(backend: Backend) -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let big = "9223372036854775807";
    match backend {
        Backend::PostgreSql => vec![
            ("small", "smallint", "-32768", "-32768"),
            ("big", "bigint", big, big),
            ("exact", "numeric(30,10)", "12345678901234567890.0123456789", "12345678901234567890.0123456789"),
            ("nan", "numeric", "'NaN'", "\"NaN\""),
            ("narrow", "real", "0.1", "0.1"),
            ("wide", "double precision", "0.1", "0.1"),
            ("flag", "boolean", "true", "true"),
            ("chars", "char(5)", "'ab'", "\"ab   \""),
            ("words", "varchar(20)", "'O''Brien \\ \"x\"'", r#""O'Brien \\ \"x\"""#),
            (
                "ident",
                "uuid",
                "'67e55044-10b1-426f-9247-bb680e5fe0c8'",
                "\"67e55044-10b1-426f-9247-bb680e5fe0c8\"",
            ),
            ("day", "date", "'2024-02-29'", "\"2024-02-29\""),
            ("clock", "time", "'23:59:59.5'", "\"23:59:59.5\""),
            ("moment", "timestamp", "'2024-02-29 12:00:00.123456'", "\"2024-02-29T12:00:00.123456\""),
            ("instant", "timestamptz", "'2024-02-29 12:00:00+02'", "\"2024-02-29T10:00:00Z\""),
            ("raw", "bytea", "'\\x00ff10'", "\"AP8Q\""),
            (
                "doc",
                "jsonb",
                "'{\"n\": 12345678901234567890, \"a\": [1, null]}'",
                r#"{"a":[1,null],"n":12345678901234567890}"#,
            ),
            ("tags", "text[]", "ARRAY['a,b', NULL, '\"q\"']", r#"["a,b",null,"\"q\""]"#),
            ("counts", "int[]", "'{{1,2},{3,4}}'", "[[1,2],[3,4]]"),
            ("net", "inet", "'10.0.0.1/8'", "\"10.0.0.1/8\""),
            ("span", "interval", "'1 day 2 hours'", "\"P1DT2H\""),
            ("absent", "text", "NULL", "null"),
        ],
        Backend::MySql => vec![
            ("tiny", "tinyint unsigned", "255", "255"),
            ("big", "bigint", "-9223372036854775808", "-9223372036854775808"),
            ("huge", "bigint unsigned", "18446744073709551615", "18446744073709551615"),
            ("exact", "decimal(30,10)", "12345678901234567890.0123456789", "12345678901234567890.0123456789"),
            ("narrow", "float", "0.1", "0.1"),
            ("wide", "double", "0.1", "0.1"),
            ("flag", "boolean", "true", "1"),
            ("words", "varchar(20) CHARACTER SET latin1", "'Zoë'", "\"Zoë\""),
            ("smile", "varchar(20) CHARACTER SET utf8mb4", "'😀'", "\"😀\""),
            ("day", "date", "'2024-02-29'", "\"2024-02-29\""),
            ("clock", "time", "'-100:00:01'", "\"-100:00:01\""),
            ("moment", "datetime(6)", "'2024-02-29 12:00:00.123456'", "\"2024-02-29T12:00:00.123456\""),
            ("instant", "timestamp", "'2024-02-29 12:00:00'", "\"2024-02-29T12:00:00Z\""),
            ("raw", "varbinary(10)", "x'00ff10'", "\"AP8Q\""),
            ("grade", "enum('low','high')", "'high'", "\"high\""),
            ("born", "year", "2024", "2024"),
            ("bits", "bit(10)", "b'1000000001'", "513"),
            ("absent", "text", "NULL", "null"),
        ],
        Backend::Sqlite => vec![
            ("big", "INTEGER", big, big),
            ("wide", "REAL", "0.1", "0.1"),
            ("flag", "BOOLEAN", "1", "true"),
            ("words", "TEXT", "'O''Brien'", "\"O'Brien\""),
            ("raw", "BLOB", "x'00ff10'", "\"AP8Q\""),
            ("odd", "INTEGER", "'text in a number column'", "\"text in a number column\""),
            ("doc", "JSON", "'{\"a\": [1, null]}'", r#"{"a":[1,null]}"#),
            ("absent", "TEXT", "NULL", "null"),
        ],
    }
}

async fn things(shop: &Shop) -> Plan {
    // All sessions in UTC, as the connection itself.
    let zone = if shop.backend == Backend::MySql { "SET time_zone = '+00:00';" } else { "" };
    let columns = columns(shop.backend);
    let names: Vec<_> = columns.iter().map(|(name, ..)| *name).collect();
    let types: Vec<_> =
        columns.iter().map(|(name, sql_type, ..)| format!("{name} {sql_type} NULL")).collect();
    let values: Vec<_> = columns.iter().map(|(_, _, literal, _)| *literal).collect();
    shop.run(&format!(
        "{zone} CREATE TABLE things (id INT PRIMARY KEY, email VARCHAR(100), {});
         INSERT INTO things (id, email, {}) VALUES (1, 'ana@example.com', {}), (2, 'ana@example.com', {});",
        types.join(", "),
        names.join(", "),
        values.join(", "),
        vec!["NULL"; names.len()].join(", ")
    ))
    .await;
    plan(&names)
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn every_type_is_read_exactly(#[case] backend: Backend) {
    let Some(shop) = Shop::open(backend).await else { return };
    let plan = things(&shop).await;

    let mut rows = shop.rows(&plan, "things", &[("email", json!("ana@example.com"))]).await;
    rows.sort_by_key(|row| row["id"].to_string());

    for (name, sql_type, _, expected) in columns(backend) {
        assert_eq!(rows[0][name].to_string(), expected, "{name} {sql_type}");
        assert_eq!(rows[1][name], json!(null), "{name} {sql_type}");
    }
}

/// What was read is written into the other row and read again: nothing changes on the way.
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn what_was_read_can_be_written_and_is_the_same(
    #[case] backend: Backend,
    #[values(1, 2)] rows_at_once: usize,
) {
    let Some(shop) = Shop::open(backend).await else { return };
    let plan = things(&shop).await;
    let database = shop.database(Access::Write);
    let mut rows = shop.rows(&plan, "things", &[("email", json!("ana@example.com"))]).await;
    rows.sort_by_key(|row| row["id"].to_string());
    let columns = columns(backend);
    // SQLite's own looseness is read, and not written.
    let written: Vec<_> = columns.iter().map(|(name, ..)| *name).filter(|name| *name != "odd").collect();
    let values: Vec<_> = written.iter().map(|name| (path(json!([name])), rows[0][*name].clone())).collect();
    let targets = rows.iter().rev().take(rows_at_once);
    let changes: Vec<_> = targets.map(|row| RowChange { row: row.clone(), values: values.clone() }).collect();

    let operations =
        operations(database.update(&plan.node("things").collection, &changes).await.unwrap()).unwrap();
    assert_eq!(operations.len(), 1);
    database.execute_permitted(&operations[0]).await.unwrap();

    let mut again = shop.rows(&plan, "things", &[("email", json!("ana@example.com"))]).await;
    again.sort_by_key(|row| row["id"].to_string());
    for name in written {
        assert_eq!(again[1][name].to_string(), rows[0][name].to_string(), "{name}");
    }
}

/// A value of each column finds its row again, and nothing else does.
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[case(Backend::Sqlite)]
#[tokio::test]
async fn what_was_read_finds_its_row(#[case] backend: Backend) {
    let Some(shop) = Shop::open(backend).await else { return };
    things(&shop).await;
    for (name, ..) in columns(backend) {
        if matches!(name, "absent" | "nan" | "narrow" | "doc" | "tags" | "counts" | "odd") {
            continue;
        }
        let other = if name == "words" { "big" } else { "words" };
        let plan = Plan::new(&format!(
            "  - name: things\n    fields:\n    - {{name: {name}, fides_meta: {{identity: email}}}}\n    - {{name: {other}, data_categories: [user.name]}}\n    - {{name: id, fides_meta: {{primary_key: true}}}}\n"
        ));
        let value = value_of(&shop, name).await;

        let rows = shop.rows(&plan, "things", &[(name, value)]).await;

        assert_eq!(rows.len(), 1, "{name}");
        assert_eq!(rows[0]["id"], json!(1), "{name}");
    }
}

/// The value of column `name` in row 1.
async fn value_of(shop: &Shop, name: &str) -> Value {
    let plan = Plan::new(&format!(
        "  - name: things\n    fields:\n    - {{name: id, fides_meta: {{identity: email}}}}\n    - {{name: {name}, data_categories: [user.name]}}\n"
    ));
    let rows = shop.rows(&plan, "things", &[("id", json!(1))]).await;
    rows[0][name].clone()
}
