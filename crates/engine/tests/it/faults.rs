//! What fails, what it takes with it, and what goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::{Canceller, Limits, Progress, Status};
use model::{Clock, Completeness, IncompleteReason};
use serde_json::json;

use crate::stage::{Stage, outcome, rows};
use sandbox::server::Answer;

/// `people` by e-mail → `orders` → `lines`; `notes` by e-mail alone.
const TREE: &str = "
    - name: people
      requests:
        read: {method: GET, path: /people, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: email}]}
    - name: orders
      requests:
        read:
          method: GET
          path: /orders/<pid>
          param_values:
            - name: pid
              references: [{dataset: acme, field: people.id, direction: from}]
    - name: lines
      requests:
        read:
          method: GET
          path: /lines/<oid>
          param_values:
            - name: oid
              references: [{dataset: acme, field: orders.id, direction: from}]
    - name: notes
      requests:
        read: {method: GET, path: /notes, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: email}]}
";

const TREE_DATA: &str = "
      - {name: people, fields: [{name: id}]}
      - {name: orders, fields: [{name: id}]}
      - {name: lines, fields: [{name: id}]}
      - {name: notes, fields: [{name: id}]}
";

async fn tree() -> Stage {
    let stage = Stage::new(TREE, TREE_DATA).await;
    stage.saas.on("GET", "/people").then(Answer::json(200, &json!([{"id": 1}, {"id": 2}])));
    stage.saas.on("GET", "/orders/*").with(|call| Answer::json(200, &json!([{"id": call.path}])));
    stage.saas.on("GET", "/lines/**").with(|_| Answer::json(200, &json!([{"id": "l"}])));
    stage.saas.on("GET", "/notes").then(Answer::json(200, &json!([{"id": "n"}])));
    stage
}

// rule: privacy-requests X-17
// rule: privacy-requests 21.19
#[tokio::test]
async fn what_hangs_below_a_failed_collection_is_not_read_and_independent_ones_are() {
    let stage = tree().await;
    stage.saas.on("GET", "/people").then(Answer::json(403, &json!({})));

    let run = stage.run().await;

    assert!(!run.is_complete());
    let people = outcome(&run, "people");
    assert_eq!((people.status, people.reason()), (Status::Failed, Some(IncompleteReason::Http4xx)));
    for below in ["orders", "lines"] {
        let below = outcome(&run, below);
        assert_eq!((below.status, below.reason()), (Status::Skipped, Some(IncompleteReason::Upstream)));
        assert_eq!(below.requests, 0);
    }
    assert_eq!(outcome(&run, "notes").status, Status::Complete);
    assert_eq!(rows(&run, "notes"), json!([{"id": "n"}]));
    assert!(run.nothing_produced().is_none(), "notes were read");
}

#[tokio::test]
async fn one_failing_input_leaves_the_rows_of_the_others_and_marks_all_below() {
    let stage = tree().await;
    stage.saas.on("GET", "/orders/1").then(Answer::json(404, &json!({})));

    let run = stage.run().await;

    let orders = outcome(&run, "orders");
    assert_eq!((orders.status, orders.reason()), (Status::Incomplete, Some(IncompleteReason::Http4xx)));
    assert_eq!(rows(&run, "orders"), json!([{"id": "/orders/2"}]));
    let lines = outcome(&run, "lines");
    assert_eq!(
        (lines.status, lines.reason(), lines.rows),
        (Status::Incomplete, Some(IncompleteReason::Upstream), 1)
    );
}

#[tokio::test]
async fn the_reason_is_that_of_the_first_input_whichever_fails_first() {
    let stage = tree().await;
    stage.saas.on("GET", "/orders/1").then(Answer::json(404, &json!({})).after(Duration::from_millis(30)));
    stage.saas.on("GET", "/orders/2").then(Answer::json(200, &json!("no rows")));

    let run = stage.run().await;

    let orders = outcome(&run, "orders");
    assert_eq!((orders.status, orders.reason()), (Status::Failed, Some(IncompleteReason::Http4xx)));
}

#[tokio::test]
async fn retries_are_counted() {
    let stage = tree().await;
    stage
        .saas
        .on("GET", "/notes")
        .then(Answer::json(503, &json!({})))
        .then(Answer::reset())
        .then(Answer::json(200, &json!([{"id": "n"}])));

    let run = stage.run().await;

    let notes = outcome(&run, "notes");
    assert_eq!((notes.status, notes.rows, notes.requests, notes.retries), (Status::Complete, 1, 3, 2));
}

#[tokio::test]
async fn an_address_that_is_refused_produces_nothing_and_says_how_to_allow_it() {
    let stage = tree().await;
    let mut plan = stage.plan(&[("email", "ana@example.com")]);
    plan.sources =
        std::collections::HashMap::from([("acme".parse().unwrap(), stage.connector_refused().into())]);

    let run = engine::run(plan, &|_| {}).await.unwrap();

    assert_eq!(run.requests(), 0);
    let sentence = run.nothing_produced().expect("nothing was read");
    assert!(sentence.contains("127.0.0.1") && sentence.contains("egress.allow"), "{sentence}");
}

#[tokio::test]
async fn after_many_failures_the_rest_of_a_collection_is_not_tried() {
    let mut stage = tree().await;
    stage.limits = Limits { per_connection: 1, total: 1 };
    let people: Vec<_> = (0..60).map(|id| json!({"id": id})).collect();
    stage.saas.on("GET", "/people").then(Answer::json(200, &people));
    stage.saas.on("GET", "/orders/*").then(Answer::json(404, &json!({})));

    let run = stage.run().await;

    let orders = outcome(&run, "orders");
    assert_eq!((orders.status, orders.requests), (Status::Failed, 20));
}

#[tokio::test]
async fn cancelling_keeps_what_was_read_and_says_so() {
    let (canceller, cancellation) = Canceller::new();
    let mut stage = tree().await;
    stage.cancellation = cancellation;
    stage.saas.on("GET", "/notes").then(Answer::json(200, &json!([])).after(Duration::from_mins(10)));

    let run = stage
        .run_with(&|event| {
            if matches!(event, Progress::Page { collection, .. } if collection.collection() == "people") {
                canceller.cancel();
            }
        })
        .await;

    let people = outcome(&run, "people");
    assert_eq!(people.rows, 2, "rows that were read stay");
    let notes = outcome(&run, "notes");
    assert_eq!((notes.status, notes.reason()), (Status::Incomplete, Some(IncompleteReason::Cancelled)));
    let lines = outcome(&run, "lines");
    assert_eq!(lines.reason(), Some(IncompleteReason::Cancelled));
    assert!(stage.saas.calls_to("/lines/1").is_empty());
}

/// A clock that fails the second time it is asked.
#[derive(Debug, Default)]
struct BrokenClock(AtomicUsize);

impl Clock for BrokenClock {
    fn now(&self) -> jiff::Timestamp {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) < 1, "planted defect");
        jiff::Timestamp::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn a_panic_is_an_outcome_of_its_collection_only() {
    let mut stage = tree().await;
    stage.clock = Arc::new(BrokenClock::default());

    let run = stage.run().await;

    assert_eq!(run.collections.len(), 4, "every collection has an outcome");
    assert!(run.collections.values().any(|outcome| outcome.status == Status::Failed));
    assert!(
        run.collections.values().any(|outcome| matches!(
            &outcome.completeness,
            Completeness::Incomplete { detail, .. } if detail.contains("mistake in this program")
        )),
        "the caught panic is named"
    );
}
