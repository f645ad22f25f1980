//! What applications bring by calls of their own.

use std::time::Duration;

use crypto::Secret;
use http::{Method, StatusCode};
use jiff::SignedDuration;
use model::{Clock as _, PrivacyRequestId, RandomIds, RunId};
use serde_json::{Value, json};
use store::{
    Actor, Callback, CallbackAction, CallbackState, ClaimedTask, Intake, NewCallback, NewRun, NewTask,
    PrivacyRequestChange, PrivacyRequestStatus as Status, RunKind, TaskId, TaskName,
};

use super::{id, started};
use crate::app::App;

const PATH: &str = "/api/v1/request-task/callback";

impl App {
    /// A request whose only collection is being read.
    pub(super) async fn begin_reading(&self) -> (PrivacyRequestId, ClaimedTask) {
        let request = self.enter_request(("access", Intake::Authenticated), Status::InProcessing).await;
        let run = RunId::new(&RandomIds);
        let new = NewRun {
            id: run.clone(),
            kind: RunKind::Access,
            policy: Some("access".to_owned()),
            subject: Secret::new(b"{}".to_vec()),
            deadline_at: None,
            actor: Actor::system(),
        };
        let (kind, name) = ("read".to_owned(), "crm:letters".to_owned());
        let task = NewTask { id: TaskId::new(&RandomIds), kind, name, after: Vec::new(), due_at: None };
        self.store().run_create(new, std::slice::from_ref(&task)).await.unwrap();
        let of = TaskName { run: &run, kind: "read", name: "crm:letters" };
        let held =
            self.store().task_claim_named(of, "worker", Duration::from_secs(5)).await.unwrap().unwrap();
        (request, held)
    }

    /// Lets go of the reading until an application has done its part.
    pub(super) async fn put_off(&self, request: &PrivacyRequestId, held: &ClaimedTask, attention: &str) {
        let store = self.store();
        store.task_pause(&held.lease, self.clock().now()).await.unwrap();
        let found = store.get_privacy_request(request).await.unwrap();
        let mut change = PrivacyRequestChange::of(&found);
        change.request.access_run = Some(held.lease.run.clone());
        change.request.attention = Some(attention.to_owned());
        store.privacy_request_change(change, Actor::system(), "privacy_request.put_off").await.unwrap();
    }
}

/// An interface whose only request waits for rows of one collection.
struct Waiting {
    app: App,
    request: PrivacyRequestId,
    callback: Callback,
    token: String,
}

impl Waiting {
    async fn start() -> Self {
        let app = started().await;
        let (request, held) = app.begin_reading().await;
        let store = app.store();
        let new = NewCallback {
            request: &request,
            owner: held.lease.task.as_str(),
            number: 0,
            action: CallbackAction::Access,
            name: "crm:letters",
            basis: "one",
            expires_at: app.clock().now() + SignedDuration::from_hours(60),
        };
        let callback = store.callback_open(&held.lease, new).await.unwrap().unwrap();
        app.put_off(&request, &held, "callback").await;
        let token = store.callback_token(&callback).expose().clone();
        Self { app, request, callback, token }
    }

    async fn call(&self, token: &str, body: Value) -> (StatusCode, Value) {
        self.app.with_token(token).send(Method::POST, PATH, body).await
    }

    async fn state(&self) -> CallbackState {
        self.app.store().callback_find(&self.callback.owner, 0).await.unwrap().unwrap().state
    }
}

fn rows() -> Value {
    json!({"access_results": [{"id": 1, "name": "Ana"}], "rows_masked": null})
}

// rule: saas-config 23.7
// rule: fides-api 9
#[tokio::test]
async fn an_application_brings_rows_once_and_the_request_is_put_in_line() {
    let waiting = Waiting::start().await;
    let path = format!("/api/v1/privacy-request/{}/tasks", waiting.request);
    let before = waiting.app.get(&path).await.1;

    let first = waiting.call(&waiting.token, rows()).await;
    let twice = waiting.call(&waiting.token, rows()).await;

    assert_eq!(before[0]["status"], "awaiting_processing", "{before}");
    assert_eq!(first, (StatusCode::OK, json!({"task_queued": true})));
    let text = format!(
        "Callback failed. Cannot queue access task '{}' with request task status 'complete'",
        waiting.callback.owner
    );
    assert_eq!(twice, (StatusCode::BAD_REQUEST, json!({"detail": text})));
    let request = waiting.app.store().get_privacy_request(&waiting.request).await.unwrap();
    assert!(request.work_at.is_some());
    let read = super::now(&waiting.app, &json!({"id": waiting.request.as_str()})).await;
    assert_eq!(id(&read), waiting.request.as_str());
}

#[tokio::test]
async fn whoever_has_not_the_token_of_the_question_brings_nothing() {
    let waiting = Waiting::start().await;
    let (cbk, signature) = waiting.token.split_once('.').unwrap();
    let own = waiting.app.own_token().to_owned();

    let none = waiting.app.without_token().send(Method::POST, PATH, rows()).await;
    for token in [own.as_str(), cbk, &format!("{cbk}.{}", "0".repeat(64)), &format!("cbk_1.{signature}")] {
        let refused = waiting.call(token, rows()).await;
        assert_eq!(refused.0, StatusCode::FORBIDDEN, "{}", refused.1);
    }

    assert_eq!(none.0, StatusCode::UNAUTHORIZED);
    assert_eq!(waiting.state().await, CallbackState::Asked);
}

#[tokio::test]
async fn what_is_malformed_or_too_large_is_not_taken_and_may_be_brought_again() {
    let waiting = Waiting::start().await;
    let large = json!({"access_results": [{"text": "x".repeat(5 << 20)}]});

    for wrong in
        [json!([]), json!({"access_results": {}}), json!({"access_results": [1]}), json!({"rows_masked": -1})]
    {
        let refused = waiting.call(&waiting.token, wrong.clone()).await;
        assert_eq!(refused.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {}", refused.1);
    }
    let too_large = waiting.call(&waiting.token, large).await;
    let form = waiting.app.with_token(&waiting.token).call(Method::POST, PATH, "text/csv", "a,b").await;
    let before = waiting.state().await;
    let good = waiting.call(&waiting.token, json!({})).await;

    assert_eq!(too_large.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!((before, good.0), (CallbackState::Asked, StatusCode::OK));
}

// rule: fides-api 9
#[tokio::test]
async fn a_token_that_is_too_late_and_a_request_that_is_over_say_so() {
    let waiting = Waiting::start().await;
    let cancel = json!({"request_ids": [waiting.request.as_str()]});
    let path = "/api/v1/privacy-request/administrate/cancel";
    assert_eq!(waiting.app.send(Method::PATCH, path, cancel).await.0, StatusCode::OK);

    let over = waiting.call(&waiting.token, rows()).await;
    waiting.app.clock().advance(Duration::from_hours(60));
    let late = waiting.call(&waiting.token, rows()).await;

    assert_eq!(over.0, StatusCode::BAD_REQUEST);
    let text = over.1["detail"].as_str().unwrap();
    assert!(text.ends_with("with privacy request status 'canceled'"), "{text}");
    assert_eq!(late, (StatusCode::FORBIDDEN, json!({"detail": "Request Task token expired"})));
}
