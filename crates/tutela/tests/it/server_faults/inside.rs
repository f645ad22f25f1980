//! A connection that points inside.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::json;

use crate::program::Program;
use crate::running::{Running, call, root_token};

const SECRET: &str = "canary-root-secret";
const LIMIT: Duration = Duration::from_mins(1);

/// A server that was not told that any private network may be reached.
fn program() -> Program {
    Program::new()
        .with_environment("TUTELA_CLIENT_ID", "setup")
        .with_environment("TUTELA_CLIENT_SECRET", SECRET)
        .with_environment("TUTELA_READING_RETRY_WAIT_MS", "1")
}

fn connector() -> serde_json::Value {
    json!({
        "fides_key": "inside", "name": "Inside", "type": "inside", "description": "Made up", "version": "1.0.0",
        "connector_params": [{"name": "domain"}],
        "client_config": {"protocol": "https", "host": "<domain>"},
        "test_request": {"method": "GET", "path": "/people"},
        "endpoints": [{"name": "people", "requests": {"read": {
            "method": "GET", "path": "/people", "query_params": [{"name": "email", "value": "<email>"}],
            "param_values": [{"name": "email", "identity": "email"}]
        }}}]
    })
}

fn dataset() -> serde_json::Value {
    json!([{"fides_key": "inside", "name": "Inside", "collections": [{"name": "people", "fields": [
        {"name": "id", "data_categories": ["system.operations"], "fides_meta": {"primary_key": true}},
        {"name": "email", "data_categories": ["user.contact.email"]},
    ]}]}])
}

/// Neither its test nor a request reaches anything, both say why, and the request waits for a person.
#[rstest]
#[case::loopback("127.0.0.1:PORT")]
#[case::name_of_loopback("localhost:PORT")]
#[case::metadata("169.254.169.254")]
#[case::private("10.0.0.1")]
#[case::mapped("[::ffff:127.0.0.1]:PORT")]
#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_by_name_and_nothing_inside_hears_of_it(#[case] host: &str) {
    let victim = testkit::FakeSaas::start().await;
    let host = host.replace("PORT", &victim.port().to_string());
    let program = program();
    let running = Running::start(&program, &[]);
    let token = root_token(&running, SECRET).await;
    let send =
        async |line: &str, body: serde_json::Value| call(&running, line, Some(&token), Some(&body)).await;
    let connection =
        json!([{"name": "Inside", "key": "inside", "connection_type": "saas", "access": "write"}]);
    send("PATCH /api/v1/connection", connection).await;
    send("PATCH /api/v1/connection/inside/saas_config", connector()).await;

    let secrets = send("PUT /api/v1/connection/inside/secret", json!({"domain": host})).await;
    send("PUT /api/v1/connection/inside/dataset", dataset()).await;
    let tested = call(&running, "GET /api/v1/connection/inside/test", Some(&token), None).await;
    let asked = json!([{"policy_key": "default_access_policy", "identity": {"email": "ana@example.com"}}]);
    let made = send("POST /api/v1/privacy-request/authenticated", asked).await.json();
    let line =
        format!("GET /api/v1/privacy-request/{}", made["succeeded"][0]["id"].as_str().unwrap_or_default());
    let begun = Instant::now();
    let request = loop {
        let request = call(&running, &line, Some(&token), None).await.json();
        let goes_on = ["pending", "approved", "in_processing"];
        if !goes_on.contains(&request["status"].as_str().unwrap_or_default())
            || request["progress"]["attention"] == "connection"
        {
            break request;
        }
        assert!(begun.elapsed() < LIMIT, "{request}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };

    // A host with a port, or one that is no name, is refused when it is put; the others when they are called.
    let said = format!("{} {}", secrets.text, tested.text);
    assert!(said.contains("egress.allow") || secrets.status == 422, "{said}");
    assert_ne!(request["status"], "complete", "{request}");
    assert_eq!(victim.calls().len(), 0);
}
