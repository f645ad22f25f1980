//! Writes of which nobody knows whether they took effect.

use std::time::Duration;

use http::{Method, StatusCode};
use model::{PrivacyRequestId, RandomIds, RunId};
use serde_json::{Value, json};
use store::{
    Actor, NewIntent, NewPlan, NewRun, NewTask, PlanDigest, PrivacyRequestChange, PrivacyRequestStatus,
    RequestStep, RunKind, TaskId,
};

use super::{id, made_with, now, started};
use crate::app::App;

/// What a plan comes to, as it is kept: two deletions.
fn outline(run: &RunId) -> String {
    let operation = |order: u64| {
        json!({
            "order": order, "connection": "crm", "collections": ["crm:notes"], "reason": [], "rows": 1,
            "expected": "erased", "grade": null, "verification": "read_again", "tracked": false,
            "waits_for": [], "by_row": true,
        })
    };
    let outline = json!({
        "format": "tutela.outline/1", "run": run.as_str(), "action": "erasure", "policy": "erasure",
        "policy_sha256": "", "subject": "", "operations": [operation(1), operation(2)],
        "not_covered": [], "reads": [],
    });
    outline.to_string()
}

/// A request that waits for a person, because the server fell silent while it sent these operations.
async fn interrupted(app: &App, operations: &[u32]) -> Value {
    let body = json!({"policy_key": "erasure", "identity": {"email": "ana@example.com"}});
    let request = made_with(app, body).await;
    let (store, run) = (app.store(), RunId::new(&RandomIds));
    let new = NewRun {
        id: run.clone(),
        kind: RunKind::Erasure,
        policy: Some("erasure".to_owned()),
        subject: crypto::Secret::new(b"{}".to_vec()),
        deadline_at: None,
        actor: Actor::system(),
    };
    let task = NewTask {
        id: TaskId::new(&RandomIds),
        kind: "apply".to_owned(),
        name: "apply".to_owned(),
        after: Vec::new(),
        due_at: None,
    };
    store.run_create(new, &[task]).await.unwrap();
    let body = format!("{{\"run\": \"{run}\"}}");
    let digest = PlanDigest::of(body.as_bytes());
    let plan = NewPlan {
        digest: digest.clone(),
        run: run.clone(),
        body: body.as_bytes(),
        operations: 2,
        actor: Actor::system(),
    };
    store.plan_put(&plan).await.unwrap();
    store.plan_approve(&digest, Actor::system()).await.unwrap();
    store.outline_put(&digest, &outline(&run)).await.unwrap();
    let claimed = store.task_claim("gone", Duration::from_secs(5)).await.unwrap().unwrap();
    for operation in operations {
        let intent = NewIntent {
            lease: claimed.lease.clone(),
            plan: digest.clone(),
            operation: *operation,
            attempt: 1,
        };
        store.ledger_intent(intent).await.unwrap();
    }
    app.clock().advance(Duration::from_secs(6));
    let id: PrivacyRequestId = id(&request).parse().unwrap();
    let mut change = PrivacyRequestChange::of(&store.get_privacy_request(&id).await.unwrap());
    change.request.status = PrivacyRequestStatus::RequiresInput;
    change.request.step = Some(RequestStep::Erasure);
    change.request.attention = Some("write_unknown".to_owned());
    change.request.work_at = None;
    change.request.change_run = Some(run);
    change.request.plan = Some(digest);
    store.privacy_request_change(change, Actor::system(), "privacy_request.waits").await.unwrap();
    request
}

async fn list(app: &App, request: &Value) -> Vec<u64> {
    let path = format!("/api/v1/privacy-request/{}/unknown-writes", id(request));
    let (status, reply) = app.get(&path).await;
    assert_eq!(status, StatusCode::OK, "{reply}");
    reply.as_array().unwrap().iter().map(|write| write["operation"].as_u64().unwrap()).collect()
}

async fn resolve(app: &App, request: &Value, body: Value) -> (StatusCode, Value) {
    app.send(Method::POST, &format!("/api/v1/privacy-request/{}/resolve", id(request)), body).await
}

#[tokio::test]
async fn a_request_goes_on_once_a_person_has_settled_its_last_unknown_write() {
    let app = started().await;
    let request = interrupted(&app, &[0, 1]).await;

    let before = list(&app, &request).await;
    let (first, waits) = resolve(&app, &request, json!({"operation": 2, "found": "took_effect"})).await;
    let between = list(&app, &request).await;
    let (second, goes_on) = resolve(&app, &request, json!({"operation": 1, "found": "did_not"})).await;
    let after = list(&app, &request).await;

    assert_eq!((before, between, after), (vec![1, 2], vec![1], Vec::new()));
    assert_eq!((first, &waits["status"]), (StatusCode::OK, &json!("requires_input")), "{waits}");
    assert_eq!((second, &goes_on["status"]), (StatusCode::OK, &json!("in_processing")), "{goes_on}");
    assert_eq!(goes_on["progress"]["attention"], Value::Null);
    let id: PrivacyRequestId = id(&request).parse().unwrap();
    assert!(app.store().get_privacy_request(&id).await.unwrap().work_at.is_some());
    std::fs::create_dir_all(app.data()).unwrap();
    privacy::publish(app.store(), &app.data(), "test").await.unwrap();
    let log = app.store().audit_list(0, 1_000).await.unwrap();
    let settled = log.iter().filter(|entry| entry.body.contains("write.resolved"));
    assert_eq!(settled.filter(|entry| entry.body.contains("client:")).count(), 2, "by whom");
    let verbose = now(&app, &request).await["results"]["Request write_resolved"].clone();
    assert_eq!(verbose[1]["message"], "operation 1 did not take effect", "{verbose}");
}

#[tokio::test]
async fn what_is_known_or_is_not_there_cannot_be_settled() {
    let app = started().await;
    let request = interrupted(&app, &[0]).await;
    let body = json!({"policy_key": "erasure", "identity": {"email": "bo@example.com"}});
    let untouched = made_with(&app, body).await;
    let word = |operation: u64| json!({"operation": operation, "found": "took_effect"});

    let planned = resolve(&app, &request, word(2)).await;
    let missing = resolve(&app, &request, word(9)).await;
    let nothing = resolve(&app, &untouched, word(1)).await;
    let shapes = [
        json!({"operation": 1, "found": "perhaps"}),
        json!({"operation": 1}),
        json!({"operation": -1, "found": "did_not"}),
        json!({"operation": 1, "found": "did_not", "more": 1}),
    ];
    let mut refused = Vec::new();
    for shape in shapes {
        refused.push(resolve(&app, &request, shape).await.0);
    }
    let settled = resolve(&app, &request, word(1)).await.0;
    let twice = resolve(&app, &request, word(1)).await;

    let text = "operation 2 is planned, not unknown; there is nothing to decide";
    assert_eq!(planned, (StatusCode::CONFLICT, json!({"detail": text})));
    let text = "the plan of this privacy request has no operation 9";
    assert_eq!(missing, (StatusCode::NOT_FOUND, json!({"detail": text})));
    assert_eq!(nothing.0, StatusCode::NOT_FOUND);
    assert_eq!(list(&app, &untouched).await, Vec::<u64>::new());
    assert_eq!(refused, [StatusCode::UNPROCESSABLE_ENTITY; 4]);
    assert_eq!(settled, StatusCode::OK);
    let text = "operation 1 is settled, not unknown; there is nothing to decide";
    assert_eq!(twice, (StatusCode::CONFLICT, json!({"detail": text})));
}
