//! Jobs that a reading stays for, or starts none.

use std::sync::Mutex;

use engine::{JobWait, Progress, RunPlan, Status};
use model::IncompleteReason;
use serde_json::{Value, json};
use testkit::Answer;

use crate::stage::{Stage, outcome, rows};

const ENDPOINTS: &str = "
    - name: orders
      requests:
        read: {method: GET, path: /orders, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}
    - name: parcels
      requests:
        read:
          method: POST
          path: /exports
          body: '{\"order\": <order>}'
          param_values: [{name: order, references: [{dataset: acme, field: orders.id, direction: from}]}]
          correlation_id_path: id
          async_config:
            strategy: polling
            configuration:
              status_request: {method: GET, path: /exports/<correlation_id>, status_path: state, status_completed_value: DONE}
              result_request: {method: GET, path: /exports/<correlation_id>/rows}
              failed_values: [FAILED]
";
const COLLECTIONS: &str = "
      - name: orders
        fields: [{name: id, fides_meta: {primary_key: true}}]
      - name: parcels
        fields: [{name: id}]
";

async fn stage() -> Stage {
    let stage = Stage::new(ENDPOINTS, COLLECTIONS).await;
    stage.saas.on("GET", "/orders").then(Answer::json(200, &json!([{"id": 1}, {"id": 2}])));
    stage.saas.on("POST", "/exports").with(|call| {
        let order = call.json().unwrap()["order"].clone();
        Answer::json(200, &json!({"id": order}))
    });
    stage.saas.on("GET", "/exports/*/rows").with(|call| Answer::json(200, &json!([{"of": call.path}])));
    stage
}

fn state(state: &str) -> Answer {
    Answer::json(200, &json!({"state": state}))
}

// rule: saas-config 23.9
// rule: saas-config 23.11
#[tokio::test(flavor = "multi_thread")]
async fn whoever_stays_starts_all_jobs_looks_further_and_further_apart_and_has_the_rows_of_each() {
    let stage = stage().await;
    stage.saas.on("GET", "/exports/1").then(state("DONE"));
    stage.saas.on("GET", "/exports/2").then(state("RUNNING")).then(state("RUNNING")).then(state("DONE"));
    let waits = Mutex::new(Vec::new());

    let run = stage
        .run_with(&|event| {
            if let Progress::Waits { jobs, started, .. } = event {
                waits.lock().unwrap().push((jobs, started));
            }
        })
        .await;

    assert_eq!(outcome(&run, "parcels").status, Status::Complete);
    let found = rows(&run, "parcels");
    assert_eq!(found, json!([{"of": "/exports/1/rows"}, {"of": "/exports/2/rows"}]));
    assert_eq!(*waits.lock().unwrap(), [(2, 2), (1, 0), (1, 0)]);
    assert_eq!(stage.saas.calls_to("/exports").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_jobs_one_that_fails_leaves_the_rows_of_the_others_and_says_so() {
    let stage = stage().await;
    stage.saas.on("GET", "/exports/1").then(state("FAILED"));
    stage.saas.on("GET", "/exports/2").then(state("RUNNING")).then(state("DONE"));

    let run = stage.run().await;

    let parcels = outcome(&run, "parcels");
    assert_eq!(parcels.status, Status::Incomplete);
    assert!(
        format!("{:?}", parcels.completeness).contains("ended as `FAILED`"),
        "{:?}",
        parcels.completeness
    );
    assert_eq!(rows(&run, "parcels"), json!([{"of": "/exports/2/rows"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_never_done_is_given_up_and_not_taken_for_one_without_rows() {
    let stage = stage().await;
    stage.saas.on("GET", "/exports/*").then(state("RUNNING"));

    let run = stage.run().await;

    let parcels = outcome(&run, "parcels");
    assert_eq!((parcels.status, parcels.reason()), (Status::Failed, Some(IncompleteReason::Connection)));
    assert!(format!("{:?}", parcels.completeness).contains("was not done after 30 days"));
    assert_eq!(rows(&run, "parcels"), Value::Array(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_time_starts_no_job() {
    let stage = stage().await;
    let plan = RunPlan { waiting: JobWait::Refused, ..stage.plan(&[("email", "ana@example.com")]) };

    let run = engine::run(plan, &|_| {}).await.unwrap();

    assert_eq!(outcome(&run, "parcels").status, Status::Failed);
    assert!(stage.saas.calls_to("/exports").is_empty());
}
