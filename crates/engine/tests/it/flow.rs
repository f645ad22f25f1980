//! What runs when, with which values, and in which order rows come out.

use std::sync::Mutex;
use std::time::Duration;

use engine::{Limits, Progress, RunError, Status};
use serde_json::json;
use testkit::Canary;

use crate::stage::{Stage, outcome, rows};
use sandbox::server::Answer;

/// `people` by e-mail, `orders` of each person, page by page.
const SHOP: &str = "
    - name: people
      requests:
        read:
          method: GET
          path: /people
          query_params: [{name: email, value: <email>}]
          param_values: [{name: email, identity: email}]
    - name: orders
      requests:
        read:
          method: GET
          path: /people/<pid>/orders
          query_params: [{name: page, value: 1}]
          param_values:
            - name: pid
              references: [{dataset: acme, field: people.id, direction: from}]
          pagination:
            strategy: offset
            configuration: {incremental_param: page, increment_by: 1}
";

const SHOP_DATA: &str = "
      - name: people
        fields: [{name: id, data_categories: [user.unique_id]}, {name: email, data_categories: [user.contact.email]}]
      - name: orders
        fields: [{name: id, data_categories: [user.financial]}]
";

// rule: privacy-requests X-11
// rule: privacy-requests 21.1
#[tokio::test]
async fn a_collection_is_read_with_the_values_of_its_parent() {
    let stage = Stage::new(SHOP, SHOP_DATA).await;
    stage.saas.on("GET", "/people").then(Answer::json(200, &json!([{"id": 7, "email": "ana@example.com"}])));
    stage
        .saas
        .on("GET", "/people/7/orders")
        .then(Answer::json(200, &json!([{"id": "o1"}])))
        .then(Answer::json(200, &json!([])));

    let run = stage.run().await;

    assert!(run.is_complete());
    assert_eq!(rows(&run, "orders"), json!([{"id": "o1"}]));
    assert_eq!(
        stage.saas.targets(),
        ["/people?email=ana%40example.com", "/people/7/orders?page=1", "/people/7/orders?page=2"]
    );
    let orders = outcome(&run, "orders");
    assert_eq!(
        (orders.status, orders.rows, orders.pages, orders.requests, orders.retries),
        (Status::Complete, 1, 2, 2, 0)
    );
}

#[tokio::test]
async fn rows_come_in_order_of_inputs_and_pages_whichever_answer_is_first() {
    let stage = Stage::new(SHOP, SHOP_DATA).await;
    let people: Vec<_> = (0..6).map(|id| json!({"id": id})).collect();
    stage.saas.on("GET", "/people").then(Answer::json(200, &people));
    stage.saas.on("GET", "/people/*/orders").with(|call| {
        let person: u64 = call.path.split('/').nth(2).unwrap().parse().unwrap();
        let page: u64 = call.query.strip_prefix("page=").unwrap().parse().unwrap();
        let rows = if page > 2 { json!([]) } else { json!([{"id": format!("{person}.{page}")}]) };
        // Later inputs answer sooner.
        Answer::json(200, &rows).after(Duration::from_millis(5 * (6 - person)))
    });

    let run = stage.run().await;

    let ids: Vec<_> = (0..6)
        .flat_map(|person| [json!({"id": format!("{person}.1")}), json!({"id": format!("{person}.2")})])
        .collect();
    assert_eq!(rows(&run, "orders"), json!(ids));
}

#[tokio::test]
async fn one_call_in_flight_means_one_after_the_other() {
    let mut stage = Stage::new(SHOP, SHOP_DATA).await;
    stage.limits = Limits { per_connection: 1, total: 1 };
    stage.saas.on("GET", "/people").then(Answer::json(200, &json!([{"id": 1}, {"id": 2}, {"id": 3}])));
    stage.saas.on("GET", "/people/*/orders").with(|_| Answer::json(200, &json!([])));

    let run = stage.run().await;

    assert!(run.is_complete());
    let orders = stage.saas.targets().split_off(1);
    assert_eq!(orders, ["/people/1/orders?page=1", "/people/2/orders?page=1", "/people/3/orders?page=1"]);
}

#[tokio::test]
async fn finding_nobody_is_complete_and_asks_nothing_further() {
    let stage = Stage::new(SHOP, SHOP_DATA).await;
    stage.saas.on("GET", "/people").then(Answer::json(200, &json!([])));

    let run = stage.run().await;

    assert!(run.is_complete());
    let orders = outcome(&run, "orders");
    assert_eq!((orders.status, orders.rows, orders.requests), (Status::Complete, 0, 0));
    assert_eq!(stage.saas.calls().len(), 1);
}

// rule: privacy-requests T-9
// rule: saas-config 16.13
#[tokio::test]
async fn a_collection_of_another_identity_is_skipped_complete_and_says_why() {
    let stage = Stage::new(SHOP, SHOP_DATA).await;

    let run = engine::run(stage.plan(&[("phone_number", "+15550100")]), &|_| {}).await.unwrap();

    assert!(run.is_complete() && stage.saas.calls().is_empty());
    let people = outcome(&run, "people");
    assert_eq!(people.status, Status::Skipped);
    assert!(
        people.note.as_deref().unwrap().contains("\"phone_number\" identity was provided"),
        "{:?}",
        people.note
    );
}

// rule: privacy-requests F-7
// rule: saas-config 17.2
// rule: saas-config 19.13
#[tokio::test]
async fn a_collection_whose_reads_are_switched_off_is_skipped_and_not_empty() {
    let off = SHOP.replace("path: /people\n", "path: /people\n          when: domain == 'elsewhere'\n");
    let stage = Stage::new(&off, SHOP_DATA).await;

    let run = stage.run().await;

    let (people, orders) = (outcome(&run, "people"), outcome(&run, "orders"));
    assert_eq!((people.status, orders.status), (Status::Skipped, Status::Skipped));
    assert!(people.note.as_ref().unwrap().contains("`when`"), "{people:?}");
    assert!(orders.note.as_ref().unwrap().contains("`acme:people`, which was not read"), "{orders:?}");
    assert!(run.is_complete(), "nothing went wrong");
    assert!(stage.saas.targets().is_empty());
}

#[tokio::test]
async fn array_elements_of_other_people_are_dropped_before_children_see_the_row() {
    let stage = Stage::new(
        "
    - name: teams
      requests:
        read:
          method: GET
          path: /teams
          query_params: [{name: member, value: <member>}]
          param_values: [{name: member, identity: email}]
    - name: mails
      requests:
        read:
          method: GET
          path: /mails/<who>
          param_values:
            - name: who
              references: [{dataset: acme, field: teams.member, direction: from}]
",
        "
      - {name: teams, fields: [{name: id}]}
      - {name: mails, fields: [{name: id}]}
",
    )
    .await;
    stage
        .saas
        .on("GET", "/teams")
        .then(Answer::json(200, &json!([{"id": 1, "member": ["bob@example.com", "ana@example.com"]}])));
    stage.saas.on("GET", "/mails/*").then(Answer::json(200, &json!([{"id": 9}])));

    let run = stage.run().await;

    assert_eq!(rows(&run, "teams"), json!([{"id": 1, "member": ["ana@example.com"]}]));
    assert_eq!(stage.saas.targets().split_off(1), ["/mails/ana%40example.com"]);
}

#[tokio::test]
async fn rows_of_other_people_are_kept_counted_and_mentioned() {
    let stage = Stage::new(SHOP, SHOP_DATA).await;
    stage.saas.on("GET", "/people").then(Answer::json(
        200,
        &json!([{"email": "ANA@example.com"}, {"email": "bob@example.com"}, {"name": "nobody"}]),
    ));

    let run = stage.run().await;

    let people = outcome(&run, "people");
    assert_eq!((people.rows, people.foreign_rows), (3, 1));
    assert!(people.note.as_deref().unwrap().contains("1 of the rows"), "{:?}", people.note);
    assert!(run.is_complete());
}

// rule: saas-config 15.5
#[tokio::test]
async fn a_filter_by_another_collection_sees_its_rows() {
    let stage = Stage::new(
        "
    - name: allowed
      requests:
        read: {method: GET, path: /allowed, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: email}]}
    - name: all
      requests:
        read:
          method: GET
          path: /all
          query_params: [{name: e, value: <e>}]
          param_values: [{name: e, identity: email}]
          postprocessors:
            - strategy: filter
              configuration: {field: id, value: {dataset_reference: acme.allowed.ids}}
",
        "
      - {name: allowed, fields: [{name: ids}]}
      - {name: all, fields: [{name: id}]}
",
    )
    .await;
    stage
        .saas
        .on("GET", "/allowed")
        .then(Answer::json(200, &json!([{"ids": ["a", "c"]}])).after(Duration::from_millis(20)));
    stage.saas.on("GET", "/all").then(Answer::json(200, &json!([{"id": "a"}, {"id": "b"}, {"id": "c"}])));

    let run = stage.run().await;

    assert_eq!(rows(&run, "all"), json!([{"id": "a"}, {"id": "c"}]));
}

// rule: saas-config 19.3
#[tokio::test]
async fn a_collection_that_is_only_deleted_has_one_empty_row_without_a_call() {
    let stage = Stage::new(
        "
    - name: newsletter
      requests:
        delete: {method: DELETE, path: /newsletter/<e>, param_values: [{name: e, identity: email}]}
",
        "
      - {name: newsletter, fields: [{name: topic}]}
",
    )
    .await;

    let run = stage.run().await;

    assert_eq!(rows(&run, "newsletter"), json!([{}]));
    assert!(stage.saas.calls().is_empty());
}

#[tokio::test]
async fn progress_tells_start_pages_and_end_in_order_and_nothing_of_the_person() {
    let canary = Canary::new("progress");
    let stage = Stage::new(SHOP, SHOP_DATA).await;
    stage.saas.on("GET", "/people").then(Answer::json(200, &json!([{"name": canary.personal}])));
    let events = Mutex::new(Vec::new());

    let run = stage.run_with(&|event| events.lock().unwrap().push(event)).await;

    assert!(run.is_complete());
    let events = events.into_inner().unwrap();
    assert!(
        matches!(&events[0], Progress::Started { collection, units: 1 } if collection.collection() == "people")
    );
    assert!(matches!(&events[1], Progress::Page { rows: 1, .. }));
    assert!(matches!(&events[2], Progress::Ended { status: Status::Complete, rows: 1, .. }));
    assert_eq!(events.len(), 5, "`orders` starts and ends without a page: {events:?}");
    canary.assert_absent([format!("{events:?} {run:?}")]);
}

#[tokio::test]
async fn rows_leave_the_disk_with_the_outcome() {
    let stage = Stage::new(SHOP, SHOP_DATA).await;
    stage.saas.on("GET", "/people").then(Answer::json(200, &json!([{"name": "Ana"}])));

    let run = stage.run().await;

    let left = || std::fs::read_dir(stage.spool.path()).unwrap().count();
    assert_eq!(left(), 1);
    drop(run);
    assert_eq!(left(), 0);
}

#[tokio::test]
async fn a_plan_without_the_connection_of_a_collection_is_refused() {
    let stage = Stage::new(SHOP, SHOP_DATA).await;
    let mut plan = stage.plan(&[("email", "ana@example.com")]);

    plan.sources.clear();
    let error = engine::run(plan, &|_| {}).await.unwrap_err();

    assert!(matches!(&error, RunError::ConnectionMissing { dataset, .. } if dataset == "acme"), "{error}");
    assert!(stage.saas.calls().is_empty());
}
