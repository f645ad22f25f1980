use std::io;

use serde_json::json;

use crate::client::{Client, Reply};

/// Makes a group while one fault always hits; tells what came back and whether there is a group.
async fn create_under(fault: &str) -> (Reply, bool) {
    let client = Client::default().await;
    client.inspect("POST", "faults", &format!(r#"{{"{fault}": 1}}"#)).await;
    let reply = client.public("POST", "/groups", r#"{"name":"made under faults"}"#).await;
    client.inspect("POST", "faults", "{}").await;
    let groups = client.data("/groups?pagination.count=200").await;
    let made =
        groups["userGroups"].as_array().unwrap().iter().any(|group| group["name"] == "made under faults");
    (reply, made)
}

#[tokio::test]
async fn each_fault_is_seen_on_the_wire_and_has_its_effect_or_none() {
    let (limited, limited_made) = create_under("rate_429").await;
    let (failed, failed_made) = create_under("rate_500").await;
    let (before, before_made) = create_under("reset_before").await;
    let (after, after_made) = create_under("reset_after").await;
    let (truncated, truncated_made) = create_under("truncated").await;
    let (malformed, malformed_made) = create_under("malformed").await;

    assert_eq!((limited.status(), limited.header("retry-after")), (429, Some("1")));
    assert_eq!((failed.status(), failed.json()), (500, json!(null)));
    for reset in [&before, &after] {
        assert_eq!(reset.ended.as_ref().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert!(reset.head.is_empty());
    }
    let announced: usize = truncated.header("content-length").unwrap().parse().unwrap();
    assert!(truncated.status() == 200 && truncated.body.len() < announced);
    assert_eq!(malformed.status(), 200);
    assert!(malformed.body.starts_with(b"<html>"));
    assert_eq!([limited_made, failed_made, before_made], [false; 3]);
    assert_eq!([after_made, truncated_made, malformed_made], [true; 3]);
}

#[tokio::test]
async fn the_same_settings_hit_the_same_calls_after_a_reset() {
    let client = Client::default().await;
    let faults = r#"{"rate_429": 0.3, "rate_500": 0.3}"#;

    let mut runs = Vec::new();
    for _ in 0..2 {
        client.inspect("POST", "reset", "").await;
        client.inspect("POST", "faults", faults).await;
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(client.public("GET", "/", "").await.status());
        }
        runs.push(statuses);
    }

    assert_eq!(runs[0], runs[1]);
    assert!([200, 429, 500].iter().all(|status| runs[0].contains(status)));
}

#[tokio::test]
async fn the_log_tells_reads_from_writes_and_refused_from_done() {
    let client = Client::default().await;

    client.public("GET", "/users?pagination.count=1", "").await;
    client.public("POST", "/groups", r#"{"name":"x"}"#).await;
    client.public("POST", "/groups", r#"{"name":"x"}"#).await;
    client.inspect("POST", "faults", r#"{"reset_after": 1}"#).await;
    client.public("POST", "/groups", r#"{"name":"y"}"#).await;
    let log = client.inspect("GET", "log", "").await;
    let state = client.inspect("GET", "state", "").await;

    let told: Vec<_> = log["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (&call["effect"], &call["status"], &call["fault"]))
        .collect();
    let null = json!(null);
    assert_eq!(
        told,
        [
            (&json!("read"), &json!(200), &null),
            (&json!("write"), &json!(200), &null),
            (&json!("none"), &json!(409), &null),
            (&json!("write"), &null, &json!("reset_after")),
        ]
    );
    assert_eq!(log["calls"][0]["query"], "pagination.count=1");
    assert_eq!((&state["calls"], &state["writes"]), (&json!(4), &json!(2)));
}

#[tokio::test]
async fn the_set_latency_is_waited_before_each_answer() {
    let client = Client::default().await;
    client.inspect("POST", "settings", r#"{"latency_ms": 30}"#).await;

    let begun = std::time::Instant::now();
    client.public("GET", "/", "").await;

    assert!(begun.elapsed() >= std::time::Duration::from_millis(30));
}

#[tokio::test]
async fn impossible_settings_are_refused_with_a_reason() {
    let client = Client::default().await;

    let sum = client.inspect("POST", "faults", r#"{"rate_429": 0.9, "rate_500": 0.9}"#).await;
    let name = client.inspect("POST", "faults", r#"{"rate_418": 0.1}"#).await;

    assert!(sum["error"].as_str().unwrap().contains("at most 1"));
    assert!(name["error"].as_str().unwrap().contains("rate_418"));
}

#[tokio::test]
async fn bench_rows_page_to_their_end() {
    let client = Client::default().await;
    let mut target = "bench/rows?page=1&size=40&total=100".to_owned();
    let mut rows = 0;
    loop {
        let page = client.inspect("GET", &target, "").await;
        rows += page["rows"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => target = next.trim_start_matches("/__sandbox/").to_owned(),
            None => break,
        }
    }

    assert_eq!(rows, 100);
}
