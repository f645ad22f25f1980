//! Trial runs on one dataset, on a server with its worker.
#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::Answer;

use crate::workers::{Office, Vendor, address, program};

/// How long a trial may take here.
const LIMIT: Duration = Duration::from_mins(1);

impl Office {
    /// Tries the application's dataset.
    async fn try_out(&self, identities: &Value) -> (Value, Value) {
        self.try_out_of("vendor", identities).await
    }

    /// Tries the dataset of a connection, and gives what was shown and told once it has ended.
    async fn try_out_of(&self, key: &str, identities: &Value) -> (Value, Value) {
        let body = json!({"policy_key": "default_access_policy", "identities": identities});
        let begun = self.send(&format!("POST /api/v1/connection/{key}/dataset/{key}/test"), &body).await;
        let path = format!("/api/v1/privacy-request/{}", begun["privacy_request_id"].as_str().unwrap());
        let since = Instant::now();
        loop {
            let shown = self.send(&format!("GET {path}/filtered-results"), &Value::Null).await;
            if !["pending", "in_processing"].contains(&shown["status"].as_str().unwrap()) {
                return (shown, self.send(&format!("GET {path}/logs"), &Value::Null).await);
            }
            assert!(since.elapsed() < LIMIT, "{shown}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

// rule: fides-api 6
// rule: fides-api 11.6
#[tokio::test(flavor = "multi_thread")]
async fn a_server_tries_a_dataset_and_nothing_of_it_is_among_the_requests_or_in_the_log() {
    let program = program()
        .with_environment("TUTELA_SECURITY_DSR_TESTING_TOOLS_ENABLED", "true")
        .with_environment("RUST_LOG", "trace");
    let vendor = Vendor::start(5).await;
    let office = Office::open(&program, &vendor, &[]).await;
    // Another connection that is half set up is in nobody's way.
    let broken = json!([{"name": "Broken", "key": "broken", "connection_type": "saas", "access": "read"}]);
    office.send("PATCH /api/v1/connection", &broken).await;

    let (shown, told) = office.try_out(&json!({"email": address(3)})).await;
    vendor.saas.on("GET", "/people").then(Answer::status(403));
    let (refused, why) = office.try_out(&json!({"email": address(3)})).await;
    let requests = office.send("GET /api/v1/privacy-request", &Value::Null).await;
    let ran = office.running.end().expect(0);

    let rows = json!({
        "vendor:notes": [{"text": "about 3"}, {"text": "about 3"}],
        "vendor:people": [{"name": "Person 3", "email": address(3)}],
    });
    assert_eq!((&shown["status"], &shown["results"]), (&json!("complete"), &rows), "{shown} {told}");
    assert_eq!((&refused["status"], &refused["results"]), (&json!("error"), &json!({})), "{why}");
    assert_eq!(
        (&why[1]["module_info"], &why[1]["level"]),
        (&json!("vendor:people"), &json!("ERROR")),
        "{why}"
    );
    assert_eq!(requests["total"], 0);
    assert!(!program.folder().join("data/fides_uploads").exists());
    let left = std::fs::read_dir(program.folder().join("data/dataset-trials")).unwrap().count();
    assert_eq!(left, 0);
    assert!(vendor.with(|held| held.writes.is_empty()));
    let said = [ran.stdout.as_str(), ran.stderr.as_str(), &told.to_string(), &why.to_string()].concat();
    assert!(said.contains("a trial is let go of"), "nothing was logged, so nothing was searched");
    for personal in [address(3), "Person 3".to_owned(), "about 3".to_owned()] {
        assert!(!testkit::holds(said.as_bytes(), &personal), "{personal}");
    }
}

/// A field of another dataset is brought by whoever tries: that dataset is not read.
#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_takes_values_from_another_is_tried_with_values_that_are_given() {
    let program = program().with_environment("TUTELA_SECURITY_DSR_TESTING_TOOLS_ENABLED", "true");
    let vendor = Vendor::start(5).await;
    let office = Office::open(&program, &vendor, &[]).await;
    let person = json!([{"dataset": "vendor", "field": "people.id", "direction": "from"}]);
    let file = json!({
        "fides_key": "desk", "name": "Desk", "type": "desk", "description": "Made up", "version": "1.0.0",
        "connector_params": [{"name": "domain"}],
        "client_config": {"protocol": "http", "host": "<domain>"},
        "test_request": {"method": "GET", "path": "/notes"},
        "endpoints": [{"name": "notes", "requests": {"read": {
            "method": "GET", "path": "/notes", "query_params": [{"name": "person", "value": "<person>"}],
            "param_values": [{"name": "person", "references": person}]
        }}}]
    });
    let notes = json!([{"fides_key": "desk", "name": "Desk", "collections": [
        {"name": "notes", "fields": [{"name": "text", "data_categories": ["user.content"]}]}]}]);
    let desk = json!([{"name": "Desk", "key": "desk", "connection_type": "saas", "access": "read"}]);
    office.send("PATCH /api/v1/connection", &desk).await;
    office.send("PATCH /api/v1/connection/desk/saas_config", &file).await;
    let secrets = json!({"domain": vendor.saas.host_port()});
    office.send("PUT /api/v1/connection/desk/secret?verify=false", &secrets).await;
    office.send("PUT /api/v1/connection/desk/dataset", &notes).await;

    let inputs = office.send("GET /api/v1/connection/desk/dataset/desk/inputs", &Value::Null).await;
    let (shown, told) = office.try_out_of("desk", &json!({"vendor:people:id": [2, 4]})).await;
    office.running.end().expect(0);

    assert_eq!(inputs, json!({"vendor:people:id": null}));
    let texts = ["about 2", "about 2", "about 4", "about 4"].map(|text| json!({"text": text}));
    assert_eq!(shown["results"], json!({"desk:notes": texts}), "{shown} {told}");
    assert_eq!(vendor.saas.calls_to("/people").len(), 0, "the other dataset is not read");
}
