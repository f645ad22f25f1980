//! Memory depends on the size of a page, never on their number (architecture law 7).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use egress::{DoorSettings, Routes};
use engine::Progress;
use sandbox::server::{Answer, Call, Server};
use serde_json::{Value, json};

use crate::stage::{Stage, outcome};

const PAGES: u64 = 500;
const ROWS: u64 = 200;
/// Rows that were kept would need more than 50 MiB.
const MOST_GROWTH_KIB: u64 = 16 << 10;

const PAGED: &str = "
    - name: events
      requests:
        read:
          method: GET
          path: /events
          query_params: [{name: who, value: <who>}, {name: page, value: 1}]
          param_values: [{name: who, identity: email}]
          pagination: {strategy: offset, configuration: {incremental_param: page, increment_by: 1}}
";

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn rows_of(page: u64) -> Vec<Value> {
    let row = |number| json!({"id": page * ROWS + number, "name": "an event", "tags": ["a", "b", "c"], "at": {"day": 1}});
    (0..if page > PAGES { 0 } else { ROWS }).map(row).collect()
}

fn page(call: &Call) -> Answer {
    Answer::json(200, &rows_of(call.query.rsplit('=').next().unwrap().parse().unwrap()))
}

#[test]
fn pages_that_are_kept_would_be_seen() {
    let before = resident_kib();

    let kept: Vec<_> = (1..=PAGES).map(rows_of).collect();

    assert!(resident_kib() - before > MOST_GROWTH_KIB, "{} pages fit in the margin", kept.len());
}

#[tokio::test]
async fn memory_does_not_grow_with_the_number_of_pages() {
    let stage = Stage::new(PAGED, "\n      - {name: events, fields: [{name: id}]}\n").await;
    // A server that forgets every call: what a test keeps must not be counted.
    let server = Server::start(0, Arc::new(|call: Call| page(&call))).await.unwrap();
    let settings = DoorSettings {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
        routes: Routes::parse([("127.0.0.1".to_owned(), server.url())]).unwrap(),
        ..DoorSettings::default()
    };
    let mut plan = stage.plan(&[("email", "ana@example.com")]);
    plan.sources = HashMap::from([("acme".parse().unwrap(), stage.connector_behind(settings).into())]);
    let (pages, at_page_100) = (AtomicU64::new(0), AtomicU64::new(0));

    let run = engine::run(plan, &|event| {
        if matches!(event, Progress::Page { .. }) && pages.fetch_add(1, Ordering::Relaxed) == 100 {
            at_page_100.store(resident_kib(), Ordering::Relaxed);
        }
    })
    .await
    .unwrap();

    assert_eq!(outcome(&run, "events").rows, PAGES * ROWS);
    let growth = resident_kib().saturating_sub(at_page_100.load(Ordering::Relaxed));
    assert!(growth < MOST_GROWTH_KIB, "{growth} KiB more than at page 100");
}
