//! Runs that go on with something else than they were begun with, and tasks that nobody reads.

use std::time::Duration;

use engine::{RunError, kept_reading};
use rstest::rstest;
use sandbox::server::Answer;
use serde_json::json;
use sqlx::Connection as _;
use store::{TaskFailure, TaskName, TaskState};

use super::{Keep, number, told};
use crate::stage::{Stage, outcome};
use crate::writes::bench::Backend;

/// People by e-mail.
const PEOPLE: &str = "
    - name: people
      requests:
        read:
          method: GET
          path: /people
          query_params: [{name: email, value: <email>}]
          param_values: [{name: email, identity: email}]
";

/// What each of them ordered, page by page: three units.
const ORDERS: &str = "
    - name: orders
      requests:
        read:
          method: GET
          path: /people/<id>/orders
          query_params: [{name: page, value: 0}]
          param_values:
            - name: id
              references: [{dataset: acme, field: people.id, direction: from}]
          pagination:
            strategy: offset
            configuration: {incremental_param: page, increment_by: 1}
";

const DATA: &str = "
      - name: people
        fields: [{name: id}, {name: email}]
      - name: orders
        fields: [{name: id}]
";

async fn shop() -> Stage {
    let stage = Stage::new(&[PEOPLE, ORDERS].concat(), DATA).await;
    stage.saas.on("GET", "/people").then(Answer::json(200, &json!([{"id": 1}, {"id": 2}, {"id": 3}])));
    stage.saas.on("GET", "/people/*/*").with(|call| {
        let page = number(&call.query, "page=");
        let by = call.header("x-request").map(str::to_owned);
        let rows =
            if page > 2 { json!([]) } else { json!([{"id": format!("{} {page}", call.path), "by": by}]) };
        Answer::json(200, &rows)
    });
    stage
}

/// What became of the file between two processes, before `orders` was read to its end.
#[rstest]
#[case::another_address("/people/<id>/orders", "/people/<id>/invoices")]
#[case::other_rows(
    "pagination:",
    "postprocessors: [{strategy: filter, configuration: {field: id, value: /people/2/orders 1}}]\n          pagination:"
)]
#[tokio::test]
async fn what_a_changed_file_asks_is_read_from_its_beginning(#[case] from: &str, #[case] to: &str) {
    let keep = Keep::start(Backend::Sqlite).await.unwrap();
    let mut stage = shop().await;
    let run = keep.run(None).await;
    assert!(keep.until(keep.plan(&stage, &run), 7).await.is_none());
    let changed = ORDERS.replace(from, to);
    assert_ne!(changed, ORDERS);

    stage.change(&[PEOPLE, &changed].concat(), DATA);
    let outcome = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();

    assert_eq!(told(outcome).await, Keep::unbroken(&stage).await);
}

#[tokio::test]
async fn units_that_are_no_more_leave_no_rows() {
    let keep = Keep::start(Backend::Sqlite).await.unwrap();
    let mut stage = shop().await;
    let run = keep.run(None).await;
    assert!(keep.until(keep.plan(&stage, &run), 7).await.is_none());

    let of_one =
        ORDERS.replace("/people/<id>/orders", "/people/<email>/orders").replace("name: id", "name: email");
    let of_one =
        of_one.replace("references: [{dataset: acme, field: people.id, direction: from}]", "identity: email");
    stage.change(&[PEOPLE, &of_one].concat(), DATA);
    let ended = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();

    let ended = told(ended).await;
    assert_eq!(ended["acme:orders"]["count"][0], 3);
    assert_eq!(ended, Keep::unbroken(&stage).await);
}

// Each plan of this test bench has a privacy request of its own: the same files ask for something else.
#[tokio::test]
async fn a_unit_that_asks_something_else_has_no_page_of_the_other_question() {
    let keep = Keep::start(Backend::Sqlite).await.unwrap();
    let mut stage = shop().await;
    let header = "headers: [{name: X-Request, value: <privacy_request_id>}]\n          query_params";
    stage.change(&[PEOPLE, &ORDERS.replace("query_params", header)].concat(), DATA);
    let run = keep.run(None).await;
    assert!(keep.until(keep.plan(&stage, &run), 7).await.is_none());

    let plan = keep.plan(&stage, &run);
    let asked_by = plan.person.privacy_request_id.to_string();
    let ended = engine::run(plan, &|_| {}).await.unwrap();

    let ended = told(ended).await;
    let rows = ended["acme:orders"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 9);
    assert!(rows.iter().all(|row| row["by"] == asked_by), "{rows:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_collection_that_was_read_is_no_answer_to_another_question(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let mut stage = shop().await;
    let run = keep.run(None).await;
    let first = told(engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap()).await;
    let calls = stage.saas.calls().len();

    stage.change(&[PEOPLE, &ORDERS.replace("/orders", "/invoices")].concat(), DATA);
    let changed = engine::run(keep.plan(&stage, &run), &|_| {}).await;
    stage.change(&[PEOPLE, ORDERS].concat(), DATA);
    let same = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();

    let error = changed.unwrap_err();
    assert!(
        matches!(&error, RunError::Changed { collection, .. } if collection.collection() == "orders"),
        "{error}"
    );
    assert!(error.to_string().contains("make a new run"), "{error}");
    assert_eq!(stage.saas.calls().len(), calls, "nothing was asked");
    assert_eq!(told(same).await, first);
}

#[tokio::test]
async fn a_reading_that_is_over_comes_back_whatever_the_files_say_now() {
    let keep = Keep::start(Backend::Sqlite).await.unwrap();
    let stage = shop().await;
    let run = keep.run(None).await;
    assert!(keep.until(keep.plan(&stage, &run), 7).await.is_none());
    let half = kept_reading(&keep.store, &run, "read").await;
    let read = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();
    let calls = stage.saas.calls().len();

    let kept = kept_reading(&keep.store, &run, "read").await.unwrap();

    assert!(matches!(half, Err(RunError::Unread { .. })), "{half:?}");
    assert_eq!(stage.saas.calls().len(), calls, "nothing was asked");
    assert_eq!(told(kept).await, told(read).await);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_task_that_failed_for_good_is_not_waited_for(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let run = keep.run(None).await;
    assert!(keep.until(keep.plan(&stage, &run), 1).await.is_none());
    let name = TaskName { run: &run, kind: "read", name: "acme:orders" };
    let claimed = keep.store.task_claim_named(name, "failing", engine::LEASE).await.unwrap().unwrap();
    let for_good = TaskFailure { class: "store", retry_at: None };
    keep.store.task_fail(&claimed.lease, for_good).await.unwrap();

    let limit = Duration::from_secs(20);
    let ended = tokio::time::timeout(limit, engine::run(keep.plan(&stage, &run), &|_| {})).await;

    let error = ended.expect("nobody waits for it").unwrap_err();
    let RunError::Unread { collection, state, .. } = &error else { panic!("{error}") };
    assert_eq!((collection.collection(), *state), ("orders", TaskState::Failed));
}

#[tokio::test]
async fn a_task_that_is_missing_is_made() {
    let keep = Keep::start(Backend::Sqlite).await.unwrap();
    let stage = shop().await;
    let expected = Keep::unbroken(&stage).await;
    stage
        .saas
        .on("GET", "/people")
        .with(|_| Answer::json(200, &json!([{"id": 1}, {"id": 2}, {"id": 3}])).after(Duration::from_secs(1)));
    let run = keep.run(None).await;
    let url = format!("sqlite://{}", keep.folder.path().join("state.db").display());
    let mut sql = sqlx::SqliteConnection::connect(&url).await.unwrap();

    let reading = engine::run(keep.plan(&stage, &run), &|_| {});
    let losing = async {
        loop {
            let lost = sqlx::query("DELETE FROM task WHERE name = 'acme:orders'").execute(&mut sql).await;
            if lost.unwrap().rows_affected() == 1 {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let limit = tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(reading, losing) });
    let (ended, ()) = limit.await.expect("nobody waits for it");

    let ended = ended.unwrap();
    assert_eq!(outcome(&ended, "orders").rows, 9);
    assert_eq!(told(ended).await, expected);
}
