//! What people are asked to do by hand.

use std::time::Duration;

use http::{Method, StatusCode};
use model::PrivacyRequestId;
use serde_json::{Value, json};
use store::{Actor, Intake, LoginId, ManualAction, ManualTaskState, NewManualTask, PrivacyRequestStatus};

use crate::app::App;

const CONFIG: &str = "/api/v1/connection/desk/manual-task";
const PASSWORD: &str = "Canary-Password-1";

/// An interface with a connection that people stand for, another one, and a policy.
async fn app() -> App {
    let app = App::start().await;
    let connection =
        |key: &str, kind: &str| json!({"name": key, "key": key, "connection_type": kind, "access": "read"});
    let connections = json!([connection("desk", "manual_task"), connection("crm", "https")]);
    let (_, made) = app.send(Method::PATCH, "/api/v1/connection", connections).await;
    assert_eq!(made["failed"], json!([]), "{made}");
    let (_, made) = app.send(Method::PATCH, "/api/v1/dsr/policy", json!([{"name": "Ana"}])).await;
    assert_eq!(made["failed"], json!([]), "{made}");
    app
}

/// A person with a role, signed in, and the id of their account.
async fn person(app: &App, name: &str, role: &str) -> (App, String) {
    let user = json!({
        "username": name, "email_address": format!("{name}@example.com"), "password": PASSWORD,
    });
    let (_, made) = app.send(Method::POST, "/api/v1/user", user).await;
    let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let path = format!("/api/v1/user/{id}/permission");
    let (status, reply) = app.send(Method::PUT, &path, json!({"roles": [role]})).await;
    assert_eq!(status, StatusCode::OK, "{reply}");
    let sign_in = json!({"username": name, "password": PASSWORD});
    let (_, reply) = app.without_token().send(Method::POST, "/api/v1/login", sign_in).await;
    let token = reply["token_data"]["access_token"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned();
    (app.with_token(&token), id)
}

fn config() -> Value {
    json!({"access": {"fields": [
        {"name": "note", "type": "text", "required": true},
        {"name": "scan", "type": "attachment", "required": true},
    ]}})
}

/// An open task of a request, for these people.
async fn task(app: &App, action: ManualAction, assigned: &[&str]) -> (PrivacyRequestId, String) {
    let store = app.store();
    let id = app.enter_request(("ana", Intake::Authenticated), PrivacyRequestStatus::Approved).await;
    let request = store.get_privacy_request(&id).await.unwrap();
    let mut change = store::PrivacyRequestChange::of(&request);
    change.request.work_at = Some(store.clock().now());
    store.privacy_request_change(change, Actor::system(), "privacy_request.test").await.unwrap();
    let claimed = store.privacy_request_claim("w", Duration::from_mins(1)).await.unwrap().unwrap();
    let field = |name: &str, kind: &str| json!({"name": name, "label": name, "help": null, "kind": kind, "required": true, "data_categories": []});
    let fields = match action {
        ManualAction::Access => json!([field("note", "text"), field("scan", "attachment")]),
        ManualAction::Erasure => json!([]),
    };
    let new = NewManualTask {
        connection: "desk".parse().unwrap(),
        connection_type: "manual_task".to_owned(),
        action,
        document: json!({"asked": {"fields": fields, "conditions": null}, "identities": null}),
        assigned: assigned.iter().filter_map(|id| LoginId::parse(id)).collect(),
        state: ManualTaskState::Open,
        note: None,
        outcome: None,
    };
    store.manual_task_create(&claimed.lease, &[new], (Vec::new(), Vec::new())).await.unwrap();
    let edit = |change: &mut store::PrivacyRequestChange| {
        change.request.status = PrivacyRequestStatus::RequiresInput;
        change.request.attention = Some("manual_task".to_owned());
        change.request.work_at = None;
        change.claim = store::ClaimEnd::End;
    };
    let by = (Actor::system(), "privacy_request.waits");
    store.privacy_request_change_held(&claimed.lease, by, edit).await.unwrap();
    let task = store.manual_task_list_of(&id).await.unwrap().remove(0);
    (id, task.id.to_string())
}

// rule: privacy-requests W-17
#[tokio::test]
async fn what_a_connection_asks_for_is_kept_and_faults_are_told_with_their_places() {
    let app = app().await;
    let (_, ben) = person(&app, "ben", "respondent").await;
    let mut wanted = config();
    wanted["assigned_users"] = json!([ben]);
    wanted["access"]["conditions"] = json!({"field_address": "shop:orders:id", "operator": "exists"});
    let faulty = json!({"access": {"fields": [{"name": "a", "type": "text"}, {"name": "a", "type": "text"}],
        "conditions": {"field_address": "x", "operator": "eq", "value": 1}}, "assigned_users": ["nobody"]});

    let none = app.get(CONFIG).await.0;
    let (status, kept) = app.send(Method::PUT, CONFIG, wanted).await;
    let (answer, report) = app.send(Method::PUT, CONFIG, faulty).await;
    let elsewhere = app.send(Method::PUT, &CONFIG.replace("desk", "crm"), config()).await.0;

    assert_eq!(none, StatusCode::NOT_FOUND);
    assert_eq!(status, StatusCode::OK, "{kept}");
    assert_eq!(kept["access"]["fields"][1]["type"], "attachment");
    assert_eq!(kept["access"]["conditions"]["operator"], "exists");
    assert_eq!((answer, elsewhere), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::BAD_REQUEST));
    let places: Vec<Value> =
        report["detail"].as_array().unwrap().iter().map(|fault| fault["loc"].clone()).collect();
    let expected = [
        json!(["body", "access", "fields", 1, "name"]),
        json!(["body", "access", "conditions"]),
        json!(["body", "assigned_users", 0]),
    ];
    assert_eq!(places, expected);
    assert_eq!(app.get(CONFIG).await.1, kept);
}

// rule: fides-api 2.4
#[tokio::test]
async fn people_see_the_tasks_that_are_theirs_and_reviewers_see_all() {
    let app = app().await;
    let (ben, ben_id) = person(&app, "ben", "respondent").await;
    let (eve, _) = person(&app, "eve", "external_respondent").await;
    let (viewer, _) = person(&app, "vic", "viewer").await;
    let (approver, _) = person(&app, "amy", "approver").await;
    let (request, id) = task(&app, ManualAction::Access, &[&ben_id]).await;
    let path = format!("/api/v1/manual-task/{id}");
    let total = async |app: &App, query: &str| {
        app.get(&format!("/api/v1/manual-task{query}")).await.1["total"].clone()
    };

    assert_eq!(total(&ben, "?status=open").await, 1);
    assert_eq!(total(&ben, "?status=complete").await, 0);
    assert_eq!(total(&eve, "").await, 0);
    assert_eq!(total(&eve, &format!("?assigned_user_id={ben_id}")).await, 0, "nobody asks for others");
    assert_eq!(total(&app, &format!("?privacy_request_id={request}&connection_key=desk")).await, 1);
    assert_eq!(ben.get(&path).await.0, StatusCode::OK);
    assert_eq!(eve.get(&path).await.0, StatusCode::NOT_FOUND);
    let skip = json!({"reason": "x"});
    assert_eq!(eve.send(Method::POST, &format!("{path}/skip"), skip).await.0, StatusCode::NOT_FOUND);
    assert_eq!(viewer.get(&path).await.0, StatusCode::FORBIDDEN);
    let all = approver.get(&format!("/api/v1/privacy-request/{request}/manual-task")).await;
    assert_eq!((all.0, all.1[0]["id"].as_str()), (StatusCode::OK, Some(id.as_str())));
}

// rule: privacy-requests W-18
#[tokio::test]
async fn a_task_is_completed_once_with_all_that_is_required_and_lets_its_request_go_on() {
    let app = app().await;
    let (ben, ben_id) = person(&app, "ben", "respondent").await;
    let (request, id) = task(&app, ManualAction::Access, &[&ben_id]).await;
    let path = format!("/api/v1/manual-task/{id}");
    let complete = format!("{path}/complete");
    let answer = json!({"fields": {"note": "canary"}});

    let early = ben.send(Method::POST, &complete, answer.clone()).await;
    let file = |name: &str| format!("{path}/attachment?field=scan&file_name={name}");
    let escaping = ben.call(Method::POST, &file("..%2Fx"), "text/plain", "x").await.status;
    let other = format!("{path}/attachment?field=note&file_name=a.txt");
    let misplaced = ben.call(Method::POST, &other, "text/plain", "x").await.status;
    let brought = ben.call(Method::POST, &file("letter.txt"), "text/plain", "scanned").await;
    let attachment = brought.json()["id"].as_str().unwrap().to_owned();
    let read = ben.call(Method::GET, &format!("{path}/attachment/{attachment}"), "text/plain", "").await;
    let done = ben.send(Method::POST, &complete, answer.clone()).await;
    let twice = ben.send(Method::POST, &complete, answer).await;
    let late = ben.call(Method::POST, &file("late.txt"), "text/plain", "x").await.status;

    assert_eq!(early.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(early.1["detail"][0]["loc"], json!(["body", "fields", "scan"]));
    assert_eq!([escaping, misplaced], [StatusCode::UNPROCESSABLE_ENTITY; 2]);
    assert_eq!((brought.status, read.text().as_str()), (StatusCode::CREATED, "scanned"));
    assert_eq!(read.header("content-type"), "application/octet-stream");
    assert_eq!((done.0, &done.1["status"]), (StatusCode::OK, &json!("complete")), "{}", done.1);
    assert_eq!(done.1["ended_by"], json!(ben_id));
    assert_eq!((twice.0, late), (StatusCode::CONFLICT, StatusCode::CONFLICT));
    let request = app.store().get_privacy_request(&request).await.unwrap();
    assert_eq!(request.status, PrivacyRequestStatus::InProcessing);
    assert!(request.work_at.is_some());
}

// rule: privacy-requests E-17
#[tokio::test]
async fn an_erasure_by_hand_needs_a_word_about_what_became_of_the_data() {
    let app = app().await;
    let (_, id) = task(&app, ManualAction::Erasure, &[]).await;
    let complete = format!("/api/v1/manual-task/{id}/complete");

    let nothing = app.send(Method::POST, &complete, json!({})).await;
    let stays = app.send(Method::POST, &complete, json!({"outcome": "unsupported"})).await;
    let said = json!({"outcome": "exempt", "reason": "tax law"});
    let done = app.send(Method::POST, &complete, said).await;

    assert_eq!(nothing.1["detail"][0]["loc"], json!(["body", "outcome"]));
    assert_eq!(stays.1["detail"][0]["loc"], json!(["body", "reason"]));
    assert_eq!((&done.1["outcome"], &done.1["reason"]), (&json!("exempt"), &json!("tax law")));
}

// rule: privacy-requests W-13
#[tokio::test]
async fn files_are_brought_for_forms_that_take_them() {
    let app = app().await;
    let connection =
        json!([{"name": "office", "key": "office", "connection_type": "manual_webhook", "access": "read"}]);
    app.send(Method::PATCH, "/api/v1/connection", connection).await;
    let fields = json!({"fields": [{"pii_field": "scan", "types": ["file"]}, {"pii_field": "note"}]});
    app.send(Method::POST, "/api/v1/connection/office/access_manual_webhook", fields).await;
    let id = app.enter_request(("ana", Intake::Authenticated), PrivacyRequestStatus::RequiresInput).await;
    let form = format!("/api/v1/privacy-request/{id}/access_manual_webhook/office");
    let file = |field: &str| format!("{form}/attachment?field={field}&file_name=a.txt");

    let text = app.send(Method::PATCH, &form, json!({"scan": "typed"})).await.0;
    app.send(Method::PATCH, &form, json!({"note": "n"})).await;
    let before = app.get(&form).await.1["checked"].clone();
    let refused = app.call(Method::POST, &file("note"), "text/plain", "x").await.status;
    let brought = app.call(Method::POST, &file("scan"), "text/plain", "x").await.status;

    assert_eq!((text, before), (StatusCode::UNPROCESSABLE_ENTITY, json!(false)));
    assert_eq!((refused, brought), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CREATED));
    assert_eq!(app.get(&form).await.1["checked"], json!(true));
}

// rule: privacy-requests C-1
#[tokio::test]
async fn the_actions_that_a_connection_serves_are_set_and_shown() {
    let app = app().await;
    let path = "/api/v1/connection/desk/enabled-actions";

    let set = app.send(Method::PUT, path, json!({"enabled_actions": ["access"]})).await;
    let shown = app.get("/api/v1/connection/desk").await.1["enabled_actions"].clone();
    let wrong = app.send(Method::PUT, path, json!({"enabled_actions": ["x"]})).await.0;
    let unsaid = app.send(Method::PUT, path, json!({})).await;
    let kept = app.get("/api/v1/connection/desk").await.1["enabled_actions"].clone();
    let all = app.send(Method::PUT, path, json!({"enabled_actions": null})).await;
    let missing =
        app.send(Method::PUT, &path.replace("desk", "none"), json!({"enabled_actions": null})).await.0;

    assert_eq!((set.0, shown), (StatusCode::OK, json!(["access"])));
    assert_eq!(unsaid.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(unsaid.1["detail"][0]["loc"], json!(["body", "enabled_actions"]));
    assert_eq!(kept, json!(["access"]), "erasure was switched on by leaving something out");
    assert_eq!(all, (StatusCode::OK, json!({"enabled_actions": null})));
    assert_eq!((wrong, missing), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::NOT_FOUND));
}

// rule: privacy-requests POL-14
#[tokio::test]
async fn conditions_of_policies_are_checked_kept_shown_and_cleared() {
    let app = app().await;
    let put = async |conditions: Value| {
        let policy = json!([{"name": "Ana", "key": "ana", "conditions": conditions}]);
        app.send(Method::PATCH, "/api/v1/dsr/policy", policy).await.1
    };
    let good = json!({"field_address": "privacy_request.location", "operator": "starts_with", "value": "US"});

    let kept = put(good.clone()).await;
    let collected = put(json!({"field_address": "shop:orders:id", "operator": "exists"})).await;
    let broken = put(json!({"logical_operator": "and", "conditions": [{"operator": "eq"}]})).await;
    let shown = app.get("/api/v1/dsr/policy/ana").await.1["conditions"].clone();
    let cleared = put(Value::Null).await;

    assert_eq!(kept["succeeded"][0]["conditions"], good);
    assert_eq!(shown, good);
    assert_eq!(collected["failed"].as_array().map(Vec::len), Some(1), "{collected}");
    assert!(
        broken["failed"][0]["message"].as_str().unwrap().contains("conditions.0.field_address"),
        "{broken}"
    );
    assert_eq!(cleared["succeeded"][0]["conditions"], Value::Null);
}

#[tokio::test]
async fn the_clock_stands_still_until_a_person_says_what_they_mean() {
    let app = app().await;
    let policy = json!([{"name": "Bea", "action_type": "access"}]);
    app.send(Method::PATCH, "/api/v1/dsr/policy", policy).await;
    let new = json!([{"policy_key": "bea", "identity": {"email": "ana@example.com"}, "location": "DE"}]);
    let (_, made) = app.send(Method::POST, "/api/v1/privacy-request/authenticated", new).await;
    let id: PrivacyRequestId =
        made["succeeded"][0]["id"].as_str().unwrap_or_else(|| panic!("{made}")).parse().unwrap();
    let path = format!("/api/v1/privacy-request/{id}/clarification");
    let deadline = format!("/api/v1/privacy-request/{id}/deadline");

    let before = app.get(&deadline).await.1;
    let decides = app.with_scopes(&[api::Scope::PrivacyRequestReview]).await;
    let unread = decides.send(Method::POST, &path, json!({"question": "Which account?"})).await.0;
    let asked = app.send(Method::POST, &path, json!({"question": "Which account?"})).await;
    let again = app.send(Method::POST, &path, json!({"question": "And?"})).await.0;
    let paused = app.get(&deadline).await.1["paused"].clone();
    let due = app.store().get_privacy_request(&id).await.unwrap().due_at;
    app.clock().advance(Duration::from_hours(5 * 24));
    let answered = app.send(Method::POST, &format!("{path}/answer"), json!({"answer": "All of them."})).await;
    let unasked = app.send(Method::POST, &format!("{path}/answer"), json!({"answer": "?"})).await.0;
    let after = app.get(&deadline).await.1;

    assert_eq!(unread, StatusCode::FORBIDDEN, "the reply shows what the person said before");
    assert_eq!((asked.0, again), (StatusCode::OK, StatusCode::BAD_REQUEST), "{}", asked.1);
    assert_eq!((paused, due), (json!(true), None));
    assert_eq!(answered.1[0]["answer"], "All of them.");
    assert_eq!(unasked, StatusCode::NOT_FOUND);
    assert_eq!(after["paused"], json!(false));
    assert!(after["last_day"].as_str() > before["last_day"].as_str(), "{before} {after}");
}
