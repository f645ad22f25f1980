//! What databases do on bad days.

use egress::Retry;
use model::{Completeness, IncompleteReason};
use spec::Access;

use super::*;
use crate::page::PageSink;
use crate::select::{Output, Select};
use crate::table::{Column, ColumnKind};
use crate::{Fault, RowChange};

const PEOPLE: &str = "  - name: people
    fields:
    - {name: id, fides_meta: {primary_key: true}}
    - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
";

async fn shop(backend: Backend) -> Option<Shop> {
    let shop = Shop::open(backend).await?;
    shop.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(40)); INSERT INTO people VALUES (1, 'ana@example.com'), (2, 'ana@example.com');").await;
    Some(shop)
}

async fn masks_row_1(shop: &Shop) -> Fault {
    let database = shop.database(Access::Write);
    let row = serde_json::from_value(json!({"id": 1})).unwrap();
    let changes = [RowChange { row, values: vec![(path(json!(["email"])), json!("x"))] }];
    let operations =
        operations(database.update(&Plan::new(PEOPLE).node("people").collection, &changes).await.unwrap())
            .unwrap();
    database.execute_permitted(&operations[0]).await.unwrap_err().fault
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[tokio::test]
async fn a_look_finds_columns_that_the_account_may_not_read(#[case] backend: Backend) {
    let Some(mut shop) = shop(backend).await else { return };
    let mut url = url::Url::parse(&shop.url).unwrap();
    let account = format!("reader_of_{}", url.path().trim_start_matches('/').trim_start_matches("tutela_"));
    shop.run(&match backend {
        Backend::PostgreSql => format!(
            "CREATE ROLE {account} LOGIN PASSWORD 'p'; GRANT SELECT (id) ON people TO {account}; GRANT UPDATE ON people TO {account}"
        ),
        Backend::MySql | Backend::Sqlite => format!(
            "CREATE USER {account} IDENTIFIED BY 'p'; GRANT SELECT (id) ON people TO {account}; GRANT UPDATE ON people TO {account}"
        ),
    })
    .await;
    url.set_username(&account).unwrap();
    url.set_password(Some("p")).unwrap();
    let admin = std::mem::replace(&mut shop.url, url.into());
    let database = shop.database(Access::Read);
    let people = "shop:people".parse().unwrap();

    let allowed = database.look(&people, &["id"]).await;
    let denied = database.look(&people, &["id", "email"]).await;

    shop.url = admin;
    shop.run(&match backend {
        Backend::PostgreSql => format!("DROP OWNED BY {account}; DROP ROLE {account}"),
        Backend::MySql | Backend::Sqlite => format!("DROP USER {account}"),
    })
    .await;
    assert!(allowed.is_ok(), "{allowed:?}");
    assert!(matches!(denied.unwrap_err().fault, Fault::Denied { .. }));
}

/// A function that writes when it is asked: the session must stop it, whatever the account may do.
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[tokio::test]
async fn reading_cannot_write_not_even_through_a_function(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    shop.run(match backend {
        Backend::PostgreSql => {
            "CREATE FUNCTION note() RETURNS text LANGUAGE sql AS 'INSERT INTO people VALUES (99, NULL) RETURNING ''ana@example.com'''"
        }
        Backend::MySql | Backend::Sqlite => {
            "CREATE FUNCTION note() RETURNS VARCHAR(40) MODIFIES SQL DATA BEGIN INSERT INTO people VALUES (99, NULL); RETURN 'ana@example.com'; END"
        }
    })
    .await;
    let email = Column {
        name: "email".into(),
        kind: ColumnKind::Text,
        declared: "text".into(),
        charset: None,
        in_key: false,
        not_null: false,
        generated: false,
    };
    let select = Select {
        sql: "SELECT note()".into(),
        parameters: Vec::new(),
        outputs: vec![Output { column: email, is_json: false }],
    };
    let (sender, _pages) = tokio::sync::mpsc::channel(1);

    let refused =
        shop.database(Access::Read).driver().stream(&select, PageSink::new(sender, &shop.limits)).await;

    assert_eq!(refused, Err(Fault::ReadOnly));
    assert_eq!(shop.text("SELECT CAST(COUNT(*) AS CHAR(9)) FROM people").await.trim(), "2");
}

#[tokio::test]
async fn a_sqlite_session_that_reads_cannot_write() {
    let shop = shop(Backend::Sqlite).await.unwrap();
    let mut permissions = std::fs::metadata(shop.file()).unwrap().permissions();
    permissions.set_readonly(true);

    let rows = shop.rows(&Plan::new(PEOPLE), "people", &[("email", json!("ana@example.com"))]).await;

    assert_eq!(rows.len(), 2);
    assert_eq!(
        std::fs::read_dir(shop.file().parent().unwrap()).unwrap().count(),
        1,
        "no journal beside the file"
    );
}

#[rstest::rstest]
#[case(Backend::PostgreSql, "BEGIN; UPDATE people SET email = 'y' WHERE id = 1")]
#[case(Backend::MySql, "START TRANSACTION; UPDATE people SET email = 'y' WHERE id = 1")]
#[case(Backend::Sqlite, "BEGIN IMMEDIATE; UPDATE people SET email = 'y' WHERE id = 1")]
#[tokio::test]
async fn a_lock_that_does_not_come_may_be_tried_again(#[case] backend: Backend, #[case] lock: &str) {
    let Some(mut shop) = shop(backend).await else { return };
    shop.limits.statement_timeout = Duration::from_secs(1);
    shop.limits.connect_timeout = Duration::from_secs(1);
    let mut other = shop.admin().await;
    other.run(lock).await;

    let fault = masks_row_1(&shop).await;

    assert_eq!(fault.retry(), Retry::Yes, "{fault}");
    assert!(matches!(fault, Fault::Deadlock | Fault::Timeout), "{fault}");
    other.run("ROLLBACK").await;
    assert_eq!(shop.text("SELECT email FROM people WHERE id = 1").await, "ana@example.com");
}

/// Two transactions that wait for each other: the server ends one of them.
#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[tokio::test]
async fn a_deadlock_may_be_tried_again(#[case] backend: Backend) {
    let Some(shop) = shop(backend).await else { return };
    let mut other = shop.admin().await;
    // The other one weighs more in MySQL, which ends the lighter; in PostgreSQL it waits longer.
    if backend == Backend::PostgreSql {
        other.run("SET deadlock_timeout = '60s'").await;
    }
    let weight: Vec<String> = (100..200).map(|id| format!("({id}, 'w')")).collect();
    other.run(&format!("BEGIN; INSERT INTO people VALUES {}", weight.join(", "))).await;
    other.run("UPDATE people SET email = 'y' WHERE id = 2").await;
    let database = shop.database(Access::Write);
    let rows = [1, 2].map(|id| RowChange {
        row: serde_json::from_value(json!({"id": id})).unwrap(),
        values: vec![(path(json!(["email"])), json!("x"))],
    });
    let operations =
        operations(database.update(&Plan::new(PEOPLE).node("people").collection, &rows).await.unwrap())
            .unwrap();

    let ours = database.execute_permitted(&operations[0]);
    let theirs = async {
        // Until our statement holds row 1 and waits for row 2.
        loop {
            let waits = match backend {
                Backend::PostgreSql => {
                    "SELECT CAST(COUNT(*) AS TEXT) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) OR NOT granted AND transactionid IS NOT NULL"
                }
                Backend::MySql | Backend::Sqlite => {
                    "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.DB = DATABASE()"
                }
            };
            if shop.text(waits).await != "0" {
                break;
            }
            // MariaDB renews that table only when nobody has looked for 100 ms.
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        other.run("UPDATE people SET email = 'z' WHERE id = 1").await;
        other.run("ROLLBACK").await;
    };
    let (ours, ()) = tokio::join!(ours, theirs);

    let error = ours.unwrap_err();
    assert_eq!((error.fault.clone(), error.retry()), (Fault::Deadlock, Retry::Yes), "{error}");
    assert_eq!(shop.text("SELECT email FROM people WHERE id = 1").await, "ana@example.com");
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[tokio::test]
async fn a_lost_connection_is_incomplete_and_may_be_tried_again(#[case] backend: Backend) {
    let Some(mut shop) = shop(backend).await else { return };
    let many: Vec<String> = (100..20_000).map(|id| format!("({id}, 'ana@example.com')")).collect();
    shop.run(&format!("INSERT INTO people VALUES {}", many.join(", "))).await;
    shop.limits.page_rows = 10;
    let mut reader = shop
        .reading(&Plan::new(PEOPLE), "people", &[("email", json!("ana@example.com"))])
        .await
        .unwrap()
        .open(0);
    reader.next_page().await.unwrap();

    match backend {
        Backend::PostgreSql => {
            shop.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
        }
        Backend::MySql | Backend::Sqlite => {
            let own = "SELECT CAST(ID AS CHAR) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()";
            let id = shop.text(own).await;
            shop.run(&format!("KILL {id}")).await;
        }
    }
    let ended = loop {
        match reader.next_page().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };

    let error = ended.unwrap_err();
    assert_eq!((error.fault.clone(), error.retry()), (Fault::Lost, Retry::Yes), "{error}");
    assert!(matches!(
        reader.completeness(),
        Completeness::Incomplete { reason: IncompleteReason::Connection, .. }
    ));
    assert!(reader.next_page().await.unwrap().is_none());
}

#[rstest::rstest]
#[case(Backend::PostgreSql, "pg_sleep(30)::text")]
#[case(Backend::MySql, "SLEEP(30)")]
#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped(#[case] backend: Backend, #[case] sleep: &str) {
    let Some(mut shop) = shop(backend).await else { return };
    shop.limits.statement_timeout = Duration::from_secs(1);
    shop.limits.attempts = 2;
    shop.run(&format!("CREATE VIEW slow AS SELECT id, CONCAT({sleep}, email) AS email FROM people")).await;
    let plan = Plan::new(&PEOPLE.replace("people", "slow"));

    let mut reader =
        shop.reading(&plan, "slow", &[("email", json!("ana@example.com"))]).await.unwrap().open(0);
    let error = reader.next_page().await.unwrap_err();

    assert_eq!(error.fault, Fault::Timeout, "{error}");
    assert_eq!((reader.stats().requests, reader.stats().retries), (2, 1));
}

#[rstest::rstest]
#[case(Backend::PostgreSql, "postgres://nobody:canary-secret@127.0.0.1:1/x")]
#[case(Backend::MySql, "mysql://nobody:canary-secret@127.0.0.1:1/x")]
#[tokio::test]
async fn a_server_that_does_not_answer_is_named_without_its_secrets(
    #[case] backend: Backend,
    #[case] url: &str,
) {
    let mut settings = Shop::open(Backend::Sqlite).await.unwrap().settings(Access::Read);
    settings.kind = if backend == Backend::MySql { DatabaseKind::MySql } else { DatabaseKind::PostgreSql };
    settings.secrets = vec![("url".into(), json!(url))];
    let database = Database::new(&settings, Arc::new(SystemClock)).unwrap();

    let error = database.test().await.unwrap_err();

    assert_eq!((error.fault.clone(), error.retry()), (Fault::Connect, Retry::Yes));
    assert!(!format!("{error} {error:?} {database:?}").contains("canary"));
}

#[rstest::rstest]
#[case(Backend::PostgreSql)]
#[case(Backend::MySql)]
#[tokio::test]
async fn a_database_that_does_not_exist_is_said_so(#[case] backend: Backend) {
    let Some(mut shop) = shop(backend).await else { return };
    shop.url.push_str("_not_there");

    let error = shop.database(Access::Read).test().await.unwrap_err();

    assert_eq!(error.fault, Fault::NoDatabase);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_said_so() {
    let shop = Shop::open(Backend::Sqlite).await.unwrap();
    std::fs::write(shop.file(), "this is a letter, not a database, and it is long enough to be read as one")
        .unwrap();

    let error = shop.database(Access::Read).test().await.unwrap_err();

    assert!(error.to_string().contains("is not a SQLite database"), "{error}");
}

#[tokio::test]
async fn a_row_that_is_too_large_ends_the_reading() {
    let mut shop = shop(Backend::Sqlite).await.unwrap();
    shop.limits.row_bytes = 20;

    let mut reader = shop
        .reading(&Plan::new(PEOPLE), "people", &[("email", json!("ana@example.com"))])
        .await
        .unwrap()
        .open(0);
    let error = reader.next_page().await.unwrap_err();

    assert_eq!(
        (error.fault.clone(), error.reason()),
        (Fault::RowTooLarge { limit_bytes: 20 }, IncompleteReason::Truncated)
    );
}

#[rstest::rstest]
#[case("mssql")]
#[case("mongodb")]
fn databases_without_a_driver_are_refused_by_name(#[case] kind: &str) {
    let settings = DatabaseSettings {
        connection: "shop".parse().unwrap(),
        kind: kind.parse().unwrap(),
        secrets: Vec::new(),
        access: Access::Read,
        namespace: Namespace::default(),
        boundary: Boundary::default(),
        limits: ReadLimits::default(),
    };

    let error = Database::new(&settings, Arc::new(SystemClock)).unwrap_err();

    assert!(error.to_string().contains(&format!("no driver for {kind}")), "{error}");
}
