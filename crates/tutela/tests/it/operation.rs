//! What a server tells those who look after it.

use serde_json::Value;

use crate::program::Program;
use crate::running::{Running, call};

/// Reads a page as Prometheus does.
#[expect(clippy::disallowed_types, reason = "the page is read as its users read it")]
async fn numbers(url: &str) -> String {
    reqwest::Client::new().get(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_stand_at_a_port_of_their_own_and_name_no_caller() {
    let program = Program::new().with_environment("TUTELA_TELEMETRY_METRICS_LISTEN", "127.0.0.1:0");
    let running = Running::start(&program, &[]);
    for path in ["/health", "/api/v1/connection/canary-key", "/canary"] {
        call(&running, &format!("GET {path}"), None, None).await;
    }

    let page = numbers(running.metrics.as_deref().unwrap()).await;
    let elsewhere = call(&running, "GET /metrics", None, None).await;

    for line in [
        r#"tutela_http_requests_total{method="GET",path="/health",status="200"} 1"#,
        r#"tutela_http_requests_total{method="GET",path="/api/v1/connection/{key}",status="401"} 1"#,
        r#"tutela_http_requests_total{method="GET",path="-",status="404"} 1"#,
        r#"tutela_privacy_requests{status="complete"} 0"#,
        r#"tutela_privacy_request_queue{state="waiting"} 0"#,
        "# HELP tutela_workers Workers that were seen lately",
        r#"tutela_http_request_duration_seconds_bucket{method="GET",le="0.1"}"#,
        "tutela_build_info{version=",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
    #[cfg(target_os = "linux")]
    assert!(page.contains("process_resident_memory_bytes"), "{page}");
    assert!(!page.contains("canary"), "{page}");
    assert_eq!(elsewhere.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_are_json_and_those_of_a_call_carry_its_id() {
    let program = Program::new().with_environment("TUTELA_LOG_FORMAT", "json");
    let running = Running::start(&program, &["-vv"]);

    call(&running, "GET /health", None, None).await;
    let said = running.end().expect(0).stderr;

    let lines: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let answered =
        lines.iter().find(|line| line["message"] == "call answered").unwrap_or_else(|| panic!("{said}"));
    assert_eq!(answered["level"], "DEBUG");
    assert_eq!(answered["status"], 200);
    assert_eq!(answered["span"]["path"], "/health");
    assert!(answered["span"]["request_id"].as_str().is_some_and(|id| id.len() == 36), "{answered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_told_to_end_takes_calls_for_a_while_and_says_that_it_wants_none() {
    let program = Program::new().with_environment("TUTELA_SERVER_DRAIN_WAIT", "20s");
    let running = Running::start(&program, &[]);
    let before = call(&running, "GET /ready", None, None).await;

    running.ask_to_end();
    let after = loop {
        let reply = call(&running, "GET /ready", None, None).await;
        if reply.status != 200 {
            break reply;
        }
    };

    assert_eq!(before.status, 200);
    assert_eq!(after.status, 503);
    assert!(after.text.contains("the server is ending"), "{}", after.text);
}

/// Calls `/health` as part of a caller's trace.
#[expect(clippy::disallowed_types, reason = "the server is called as its users call it")]
async fn traced_call(running: &Running) {
    let request = reqwest::Client::new().get(format!("{}/health", running.url));
    let place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    request.header("traceparent", place).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_told_to_the_collector_as_part_of_the_callers_trace() {
    let collector = testkit::FakeSaas::start().await;
    collector.on("POST", "/v1/traces").then(testkit::Answer::text(200, "{}"));
    let program = Program::new()
        .with_environment("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{}", collector.host_port()))
        .with_environment("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer canary-collector");
    let running = Running::start(&program, &["-vv"]);

    traced_call(&running).await;
    while collector.calls().is_empty() {
        tokio::task::yield_now().await;
    }
    let said = running.end().expect(0).stderr;

    let call = collector.calls().remove(0);
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    let resource = &body["resourceSpans"][0]["resource"]["attributes"][0];
    assert_eq!(resource["value"]["stringValue"], "tutela");
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let span = spans.iter().find(|span| span["name"] == "call").unwrap_or_else(|| panic!("{body}"));
    assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span["parentSpanId"], "00f067aa0ba902b7");
    let attribute = |name: &str| {
        let attributes = span["attributes"].as_array().unwrap();
        attributes.iter().find(|one| one["key"] == name).map(|one| one["value"].clone())
    };
    assert_eq!(attribute("path").unwrap()["stringValue"], "/health");
    assert_eq!(attribute("status").unwrap()["intValue"], "200");
    assert!(attribute("traceparent").is_none());
    assert!(!said.contains("canary"), "{said}");
}
