//! Trial runs on one dataset, on a server with its worker.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::Answer;

use crate::workers::{Office, Vendor, address, program};

/// How long a trial may take here.
const LIMIT: Duration = Duration::from_mins(1);
const TEST: &str = "POST /api/v1/connection/vendor/dataset/vendor/test";

impl Office {
    /// Tries the application's dataset, and gives what was shown and told once it has ended.
    async fn try_out(&self, identities: &Value) -> (Value, Value) {
        let body = json!({"policy_key": "default_access_policy", "identities": identities});
        let begun = self.send(TEST, &body).await;
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
