//! Trial runs on one dataset: who may ask for one, with what, and what they are shown.

use std::time::Duration;

use api::Scope;
use crypto::Secret;
use http::{Method, StatusCode};
use model::Clock as _;
use serde_json::{Value, json};
use store::{DatasetTrialEnd, DatasetTrialLevel, DatasetTrialLog, DatasetTrialState as State};

use crate::app::App;
use crate::privacy_request::made;

const CANARY: &str = "canary-5b1e@example.com";
const TEST: &str = "/api/v1/connection/shop/dataset/shop/test";
const HOUR: Duration = Duration::from_hours(1);

fn switched_on(settings: &mut api::ApiSettings) {
    settings.configured.server.security.dsr_testing_tools_enabled = true;
}

/// A shop with customers, and orders that are found by a field of another dataset; with policies.
async fn started() -> App {
    let app = App::start_with(switched_on).await;
    let ok = async |method: Method, path: &str, body: Value| {
        let (status, reply) = app.send(method, path, body).await;
        assert_eq!((status, &reply["failed"]), (StatusCode::OK, &json!([])), "{path}: {reply}");
    };
    let shop = json!([{"key": "shop", "name": "Shop", "connection_type": "mysql", "access": "read"}]);
    ok(Method::PATCH, "/api/v1/connection", shop).await;
    let number = json!({"references": [{"dataset": "crm", "field": "people.number", "direction": "from"}]});
    let tables = json!([{"fides_key": "shop", "collections": [
        {"name": "customers", "fields": [
            {"name": "mail", "data_categories": ["user.contact.email"], "fides_meta": {"identity": "email"}}]},
        {"name": "orders", "fields": [{"name": "customer", "fides_meta": number}]},
    ]}]);
    ok(Method::PATCH, "/api/v1/connection/shop/dataset", tables).await;
    let policies = json!([
        {"name": "Access", "key": "access", "action_type": "access"},
        {"name": "Erasure", "key": "erasure", "action_type": "erasure"},
    ]);
    ok(Method::PATCH, "/api/v1/dsr/policy", policies).await;
    app
}

impl App {
    async fn trial(&self) -> String {
        let body = json!({"policy_key": "access", "identities": {"email": CANARY}});
        let (status, reply) = self.send(Method::POST, TEST, body).await;
        assert_eq!(status, StatusCode::OK, "{reply}");
        reply["privacy_request_id"].as_str().unwrap().to_owned()
    }

    /// Ends the trial that waits, as a worker does.
    async fn trial_ends(&self) {
        let taken = self.store().dataset_trial_claim("w", HOUR).await.unwrap().unwrap();
        let end = DatasetTrialEnd {
            state: State::Complete,
            results: Secret::new(json!({"shop:customers": [{"mail": CANARY}]}).to_string().into_bytes()),
            is_cut: true,
            logs: vec![DatasetTrialLog {
                at: self.clock().now(),
                level: DatasetTrialLevel::Info,
                place: "shop:customers".to_owned(),
                message: "success - retrieved 1 records".to_owned(),
            }],
            life: HOUR,
        };
        self.store().dataset_trial_end(&taken.lease, end).await.unwrap();
    }

    async fn of_trial(&self, id: &str, what: &str) -> (StatusCode, Value) {
        self.get(&format!("/api/v1/privacy-request/{id}/{what}")).await
    }
}

// rule: fides-api 6
// rule: fides-api 11.6
#[tokio::test]
async fn a_trial_is_asked_for_and_shown_once_it_has_ended() {
    let app = started().await;
    let id = app.trial().await;

    let before = app.of_trial(&id, "filtered-results").await;
    let told_before = app.of_trial(&id, "logs").await;
    app.trial_ends().await;
    let after = app.of_trial(&id, "filtered-results").await;
    let told = app.of_trial(&id, "logs").await;
    app.clock().advance(HOUR);
    let gone = app.of_trial(&id, "filtered-results").await;

    let reply = |status: &str, results: Value, truncated: bool| json!({"privacy_request_id": id, "status": status, "results": results, "truncated": truncated});
    assert_eq!(before, (StatusCode::OK, reply("pending", json!({}), false)));
    assert_eq!(told_before, (StatusCode::OK, json!([])));
    let rows = json!({"shop:customers": [{"mail": CANARY}]});
    assert_eq!(after, (StatusCode::OK, reply("complete", rows, true)));
    let entry = &told.1[0];
    assert_eq!(
        (&entry["level"], &entry["module_info"], &entry["message"]),
        (&json!("INFO"), &json!("shop:customers"), &json!("success - retrieved 1 records"))
    );
    assert!(entry["timestamp"].as_str().unwrap().ends_with('Z'), "{entry}");
    assert_eq!(gone.0, StatusCode::NOT_FOUND);
    std::fs::create_dir_all(app.data()).unwrap();
    privacy::publish(app.store(), &app.data(), "test").await.unwrap();
    let log = app.store().audit_list(0, 1_000).await.unwrap();
    let of_it = |action: &str| log.iter().filter(|entry| entry.body.contains(action)).count();
    assert_eq!((of_it("dataset_trial.created"), of_it("dataset_trial.shown")), (1, 1));
    assert!(log.iter().all(|entry| !entry.body.contains(CANARY)));
}

#[tokio::test]
async fn a_trial_is_no_privacy_request_and_a_privacy_request_no_trial() {
    let app = started().await;
    let (trial, request) = (app.trial().await, made(&app).await);
    let request = request["id"].as_str().unwrap();
    app.trial_ends().await;

    for what in ["", "log", "tasks", "event", "plan", "certificate", "access-results", "transfer/access"] {
        let path = match what {
            "transfer/access" => format!("/api/v1/privacy-request/transfer/{trial}/access"),
            "" => format!("/api/v1/privacy-request/{trial}"),
            other => format!("/api/v1/privacy-request/{trial}/{other}"),
        };
        let (status, reply) = app.get(&path).await;
        let refused = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&status);
        assert!(refused && !reply.to_string().contains(CANARY), "{path}: {status} {reply}");
    }
    let body = json!({"request_ids": [trial]});
    let (_, approved) = app.send(Method::PATCH, "/api/v1/privacy-request/administrate/approve", body).await;
    assert_eq!((&approved["succeeded"], approved["failed"].as_array().unwrap().len()), (&json!([]), 1));
    let page = app.get("/api/v1/privacy-request").await.1;
    assert_eq!((&page["total"], &page["items"][0]["id"]), (&json!(1), &json!(request)));
    let by_id = json!({"request_id": trial});
    let found = app.send(Method::POST, "/api/v1/privacy-request/search", by_id).await.1;
    assert_eq!(found["total"], 0);
    for what in ["filtered-results", "logs"] {
        let text = format!("privacy request {request} is no trial run on a dataset");
        assert_eq!(app.of_trial(request, what).await, (StatusCode::FORBIDDEN, json!({"detail": text})));
        for unknown in ["pri_0197a6a0-0000-7000-8000-000000000000", "x"] {
            let text = format!("No privacy request found with id '{unknown}'.");
            let missing = (StatusCode::NOT_FOUND, json!({"detail": text}));
            assert_eq!(app.of_trial(unknown, what).await, missing);
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_makes_no_trial_and_no_value_is_told_again() {
    let app = started().await;
    let with = |policy: &str, identities: Value| json!({"policy_key": policy, "identities": identities});
    let by_field = json!({"crm:people:number": [7, "8"]});

    let (fits, _) = app.send(Method::POST, TEST, with("access", by_field)).await;
    let known = "it is read by `crm:people:number`, `email`";
    let expected = [
        (with("access", json!({"phone_number": CANARY})), format!("this dataset is not read by it; {known}")),
        (with("access", json!({})), format!("give somebody to read; {known}")),
        (with("access", json!({"email": null})), format!("give somebody to read; {known}")),
        (with("access", json!({"email": {"value": CANARY}})), "write a text of up to".to_owned()),
        (with("access", json!({"email": format!("{CANARY}\n")})), "write a text of up to".to_owned()),
        (with("access", json!({"email": vec![CANARY; 51]})), "at most 50 values".to_owned()),
        (with("erasure", json!({"email": CANARY})), "policy erasure has no access rule".to_owned()),
        (with("other", json!({"email": CANARY})), "No Policy found for key other.".to_owned()),
    ];
    for (body, text) in expected {
        let (status, reply) = app.send(Method::POST, TEST, body).await;
        let (status, reply) = (status.as_u16(), reply.to_string());
        assert!([400, 404, 422].contains(&status) && reply.contains(&text), "{text}: {status} {reply}");
        assert!(!reply.contains(CANARY), "{reply}");
    }
    for path in ["/api/v1/connection/shop/dataset/other/test", "/api/v1/connection/other/dataset/shop/test"] {
        let (status, _) = app.send(Method::POST, path, with("access", json!({"email": CANARY}))).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(fits, StatusCode::OK);
    assert!(app.store().dataset_trial_claim("w", HOUR).await.unwrap().is_some());
    assert!(app.store().dataset_trial_claim("w", HOUR).await.unwrap().is_none(), "nothing else was made");
}

#[tokio::test]
async fn where_testing_tools_are_off_nothing_is_tried_or_shown() {
    let app = started().await;
    let id = app.trial().await;
    app.trial_ends().await;
    let off = app.restarted(|settings| settings.configured.server.security.dsr_testing_tools_enabled = false);

    let body = json!({"policy_key": "access", "identities": {"email": CANARY}});
    let asked = off.send(Method::POST, TEST, body).await;
    let shown = off.of_trial(&id, "filtered-results").await;
    let told = off.of_trial(&id, "logs").await;

    let text = "testing tools are off on this server; `security.dsr_testing_tools_enabled` switches them on";
    let refused = (StatusCode::FORBIDDEN, json!({"detail": text}));
    assert_eq!([asked, shown, told], [refused.clone(), refused.clone(), refused]);
    assert!(!api::ApiSettings::default().configured.server.security.dsr_testing_tools_enabled);
}

/// The twin of the walk over all operations: whoever may see requests, and make trials, sees no rows.
#[tokio::test]
async fn rows_of_a_trial_are_shown_with_their_own_scope_alone() {
    let app = started().await;
    let id = app.trial().await;
    app.trial_ends().await;
    let almost: Vec<Scope> =
        Scope::ALL.iter().copied().filter(|one| *one != Scope::PrivacyRequestAccessResultsRead).collect();
    let (almost, only) =
        (app.with_scopes(&almost).await, app.with_scopes(&[Scope::PrivacyRequestAccessResultsRead]).await);

    let refused = almost.of_trial(&id, "filtered-results").await;
    let shown = only.of_trial(&id, "filtered-results").await;

    assert_eq!((refused.0, shown.0), (StatusCode::FORBIDDEN, StatusCode::OK));
    assert!(!refused.1.to_string().contains(CANARY));
}
