use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use super::{found, id, made, now, started};

const APPROVE: &str = "/api/v1/privacy-request/administrate/approve";
const DENY: &str = "/api/v1/privacy-request/administrate/deny";
const CANCEL: &str = "/api/v1/privacy-request/administrate/cancel";
const UNKNOWN: &str = "pri_00000000-0000-7000-8000-000000000000";

// rule: fides-api 11.4
// rule: privacy-requests L-12
#[tokio::test]
async fn approving_says_who_and_when_and_happens_once() {
    let app = started().await;
    let request = made(&app).await;

    let (status, reply) = app.send(Method::PATCH, APPROVE, json!([id(&request), UNKNOWN, "nonsense"])).await;
    let (_, again) = app.send(Method::PATCH, APPROVE, json!({"request_ids": [id(&request)]})).await;

    assert_eq!(status, StatusCode::OK);
    let approved = &reply["succeeded"][0];
    assert!(approved["reviewed_at"].is_string() && approved["reviewed_by"].is_string(), "{approved}");
    assert_eq!(approved["reviewer"], Value::Null, "a client is no person");
    let failed: Vec<&Value> = reply["failed"].as_array().unwrap().iter().map(|one| &one["message"]).collect();
    assert_eq!(
        failed,
        [
            &json!(format!("No privacy request found with id '{UNKNOWN}'")),
            &json!("No privacy request found with id 'nonsense'")
        ]
    );
    assert_eq!(reply["failed"][1]["data"], json!({"privacy_request_id": "nonsense"}));
    assert_eq!(again["failed"][0]["message"], "Cannot transition status");
    assert_eq!(again["failed"][0]["data"]["id"], request["id"]);
}

// rule: fides-api 11.4
// rule: privacy-requests L-27
#[tokio::test]
async fn denying_and_cancelling_are_final() {
    let app = started().await;
    let (denied, canceled) = (made(&app).await, made(&app).await);

    let deny = json!({"request_ids": [id(&denied)], "reason": "not a customer"});
    let (_, reply) = app.send(Method::PATCH, DENY, deny).await;
    let (_, stopped) = app.send(Method::PATCH, CANCEL, json!([id(&canceled)])).await;
    let (_, late) = app.send(Method::PATCH, CANCEL, json!([id(&denied), id(&canceled)])).await;

    assert_eq!(reply["succeeded"][0]["status"], "denied");
    assert_eq!(stopped["succeeded"][0]["status"], "canceled");
    let failed: Vec<&Value> = late["failed"].as_array().unwrap().iter().map(|one| &one["message"]).collect();
    assert_eq!(
        failed,
        [
            "Cannot cancel privacy request in denied status",
            "Cannot cancel privacy request in canceled status"
        ]
    );
    assert_eq!(now(&app, &denied).await["results"]["Request denied"][0]["message"], "not a customer");
}

// rule: fides-api 11.4
#[tokio::test]
async fn a_search_selects_but_for_those_that_are_left_out() {
    let app = started().await;
    let (first, second) = (made(&app).await, made(&app).await);
    let body = json!({"filters": {"status": "pending"}, "exclude_ids": [id(&first)]});

    let (status, reply) = app.send(Method::PATCH, CANCEL, body).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(reply["succeeded"].as_array().unwrap().len(), 1);
    assert_eq!(now(&app, &second).await["status"], "canceled");
    assert_eq!(now(&app, &first).await["status"], "pending");
}

// rule: fides-api 11.4
#[rstest]
#[case(json!({}), "At least one of 'request_ids' or 'filters' must be provided. 'request_ids' cannot be empty.")]
#[case(
    json!({"request_ids": ["a"], "filters": {}}),
    "'request_ids' and 'filters' are mutually exclusive. Please provide only one."
)]
#[case(
    json!({"request_ids": ["a"], "exclude_ids": ["b"]}),
    "'exclude_ids' can only be used with 'filters', not with 'request_ids'"
)]
#[tokio::test]
async fn a_selection_says_one_thing(#[case] body: Value, #[case] expected: &str) {
    let app = started().await;

    let (status, reply) = app.send(Method::PATCH, APPROVE, body).await;

    assert_eq!((status, &reply["detail"][0]["msg"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(expected)));
}

// rule: fides-api 11.4
// rule: privacy-requests L-2
// rule: privacy-requests L-28
#[tokio::test]
async fn deleted_requests_stay_and_are_changed_no_more() {
    let app = started().await;
    let request = made(&app).await;
    let ids = json!([id(&request)]);
    let delete = "/api/v1/privacy-request/bulk/soft-delete";

    let (_, deleted) = app.send(Method::POST, delete, ids.clone()).await;
    let (_, again) = app.send(Method::POST, delete, ids.clone()).await;
    let (_, approved) = app.send(Method::PATCH, APPROVE, ids.clone()).await;
    let (_, retried) = app.send(Method::POST, "/api/v1/privacy-request/bulk/retry", ids.clone()).await;
    let (log, _) = app.get(&format!("/api/v1/privacy-request/{}/log", id(&request))).await;

    assert_eq!(deleted, json!({"succeeded": ids, "failed": []}));
    let text = format!("Privacy request '{}' has already been deleted.", id(&request));
    assert_eq!(again["failed"][0]["message"], text.as_str());
    assert_eq!(approved["failed"][0]["message"], "Cannot transition status for a deleted request");
    assert_eq!(retried["failed"][0]["message"], "Cannot restart a deleted privacy request");
    assert_eq!(log, StatusCode::OK);
    assert!(found(&app, json!({})).await.is_empty());
    assert_eq!(found(&app, json!({"include_deleted_requests": true})).await, [id(&request)]);
}

// rule: fides-api 11.4
#[tokio::test]
async fn only_what_failed_is_tried_again_and_only_what_waits_is_finalized() {
    let app = started().await;
    let request = made(&app).await;
    let ids = json!([id(&request)]);

    let (_, retried) = app.send(Method::POST, "/api/v1/privacy-request/bulk/retry", ids.clone()).await;
    let (_, finalized) = app.send(Method::POST, "/api/v1/privacy-request/bulk/finalize", ids).await;

    let text = format!(
        "Cannot restart privacy request from failure: privacy request '{}' status = pending.",
        id(&request)
    );
    assert_eq!(retried["failed"][0]["message"], text.as_str());
    assert_eq!(
        finalized["failed"][0]["message"],
        "Cannot manually finalize privacy request: status is pending, not requires_manual_finalization"
    );
}

// rule: fides-api 11.4
#[tokio::test]
async fn a_search_approves_nobody_whose_identity_is_not_shown_and_a_named_request_is_vouched_for() {
    let app = started().await;
    let known = made(&app).await;
    let body = json!([{"policy_key": "erasure", "identity": {"email": "bob@example.com"}}]);
    let (_, reply) = app.without_token().send(Method::POST, "/api/v1/privacy-request", body).await;
    let stranger = &reply["succeeded"][0];
    assert_eq!(stranger["status"], "identity_unverified", "{reply}");

    let (status, reply) = app.send(Method::PATCH, APPROVE, json!({"filters": {}})).await;
    let unchanged = now(&app, stranger).await["status"].clone();
    let (_, named) = app.send(Method::PATCH, APPROVE, json!([id(stranger)])).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(reply["succeeded"][0]["id"], known["id"], "{reply}");
    assert_eq!(reply["succeeded"].as_array().unwrap().len(), 1);
    assert_eq!(reply["failed"][0]["message"], "Cannot transition status");
    assert_eq!(reply["failed"][0]["data"]["id"], stranger["id"]);
    assert_eq!(unchanged, "identity_unverified");
    assert_eq!(named["succeeded"][0]["id"], stranger["id"], "{named}");
}
