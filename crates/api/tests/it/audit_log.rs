//! The audit log, read and exported.

use api::Scope;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use store::{AUDIT_LEASE, AuditLine, Checkpoint, LogCheck};

use crate::app::App;

/// Numbers and signs everything that was entered.
async fn sign(app: &App) {
    let lease = app.store().lease_take(AUDIT_LEASE, "test", std::time::Duration::from_secs(9)).await;
    let lease = lease.unwrap().unwrap();
    while app.store().audit_sequence(&lease, 10).await.unwrap().is_some() {}
    app.store().lease_release(&lease).await.unwrap();
}

/// An interface with a log of some length.
async fn started() -> App {
    let app = App::start().await;
    for name in ["One", "Two", "Three"] {
        let policy = json!([{"name": name, "action_type": "access"}]);
        assert_eq!(app.send(Method::PATCH, "/api/v1/dsr/policy", policy).await.0, StatusCode::OK);
    }
    sign(&app).await;
    app
}

#[tokio::test]
async fn entries_are_read_page_by_page_the_oldest_first() {
    let app = started().await;

    let (status, all) = app.get("/api/v1/audit-log").await;
    let (_, second) = app.get("/api/v1/audit-log?page=2&size=2").await;
    let (_, beyond) = app.get("/api/v1/audit-log?page=4000000000&size=100").await;

    assert_eq!(status, StatusCode::OK, "{all}");
    let numbers = |page: &Value| -> Vec<u64> {
        page["items"].as_array().unwrap().iter().map(|item| item["number"].as_u64().unwrap()).collect()
    };
    let total = all["total"].as_u64().unwrap();
    assert!(total > 3, "{all}");
    assert_eq!(numbers(&all), (0..total).collect::<Vec<_>>());
    assert_eq!(numbers(&second), [2, 3]);
    assert_eq!((numbers(&beyond), beyond["total"].as_u64()), (Vec::new(), Some(total)));
    let made = all["items"].as_array().unwrap().iter().filter(|item| item["entry"]["action"] == "policy.put");
    assert!(made.count() >= 3, "{all}");
    assert!(all["items"][0]["entry"]["at"].is_string(), "{all}");
}

#[tokio::test]
async fn an_export_is_whole_and_proves_itself_with_the_key_that_is_told() {
    let app = started().await;
    let (_, standing) = app.get("/api/v1/audit-log/state").await;
    let reply = app.call(Method::GET, "/api/v1/audit-log/export", "application/json", Vec::new()).await;
    let newest = app.call(Method::GET, "/api/v1/audit-log/checkpoint", "application/json", Vec::new()).await;

    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, "application/x-ndjson"));
    let keys = [standing["public_key"].as_str().unwrap().parse().unwrap()];
    let text = reply.text();
    let lines: Vec<AuditLine> = text.lines().map(|line| AuditLine::read(line).unwrap()).collect();
    let mut check = LogCheck::default();
    for line in &lines {
        if let AuditLine::Checkpoint(envelope) = line {
            check.expect(&Checkpoint::open(envelope.as_bytes(), &keys).unwrap()).unwrap();
        }
    }
    for line in &lines {
        if let AuditLine::Entry(entry) = line {
            check.entry(entry).unwrap();
        }
    }
    let report = check.finish().unwrap();
    assert_eq!(standing["entries"].as_u64(), Some(report.entries));
    assert_eq!(standing["signed"].as_u64(), Some(report.entries));
    assert_eq!(standing["waiting"], 0);
    assert_eq!(Checkpoint::open(&newest.body, &keys).unwrap().size, report.entries);
}

#[tokio::test]
async fn a_log_that_nobody_signed_yet_has_no_checkpoint() {
    let app = App::start().await;

    let (_, standing) = app.get("/api/v1/audit-log/state").await;
    let (status, reply) = app.get("/api/v1/audit-log/checkpoint").await;

    assert_eq!((&standing["entries"], &standing["signed"]), (&json!(0), &Value::Null));
    assert!(standing["waiting"].as_u64().unwrap() > 0, "{standing}");
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(reply["detail"].as_str().unwrap().contains("do something first"), "{reply}");
}

#[tokio::test]
async fn who_may_do_everything_else_does_not_read_it() {
    let app = started().await;
    let others: Vec<Scope> =
        Scope::ALL.iter().copied().filter(|scope| *scope != Scope::AuditLogRead).collect();
    let other = app.with_scopes(&others).await;
    let auditor = app.with_scopes(&[Scope::AuditLogRead]).await;

    for path in ["", "/state", "/checkpoint", "/export"] {
        let path = format!("/api/v1/audit-log{path}");
        assert_eq!(other.get(&path).await.0, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(auditor.get(&path).await.0, StatusCode::OK, "{path}");
    }
}
