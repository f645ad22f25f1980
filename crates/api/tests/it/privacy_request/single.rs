use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use super::{id, made, now, started};
use crate::app::App;

async fn post(app: &App, request: &Value, action: &str) -> (StatusCode, Value) {
    app.send(Method::POST, &format!("/api/v1/privacy-request/{}/{action}", id(request)), json!({})).await
}

// rule: fides-api 11.5
#[rstest]
#[case("retry", 400, "Cannot restart privacy request from failure: privacy request '{id}' status = pending.")]
#[case("requeue", 400, "Cannot re-queue privacy request {id} with status pending")]
#[case(
    "resume_from_requires_input",
    400,
    "Cannot resume privacy request from 'requires_input': privacy request '{id}' status = pending."
)]
#[case(
    "finalize",
    400,
    "Cannot manually finalize privacy request '{id}': status is pending, not requires_manual_finalization."
)]
#[tokio::test]
async fn what_does_not_fit_the_status_is_refused(
    #[case] action: &str,
    #[case] expected: u16,
    #[case] text: &str,
) {
    let app = started().await;
    let request = made(&app).await;

    let (status, reply) = post(&app, &request, action).await;

    let text = text.replace("{id}", id(&request));
    assert_eq!((status.as_u16(), &reply["detail"]), (expected, &json!(text)));
    assert_eq!(now(&app, &request).await["status"], "pending");
}

// rule: fides-api 11.3
// rule: fides-api 11.5
#[rstest]
#[case(Method::GET, "")]
#[case(Method::GET, "/log")]
#[case(Method::POST, "/retry")]
#[case(Method::POST, "/requeue")]
#[case(Method::POST, "/resubmit")]
#[case(Method::POST, "/finalize")]
#[case(Method::POST, "/soft-delete")]
#[case(Method::POST, "/verify")]
#[tokio::test]
async fn an_id_of_nothing_is_not_found(#[case] method: Method, #[case] action: &str) {
    let app = started().await;

    for id in ["pri_00000000-0000-7000-8000-000000000000", "run_1", "..%2f..%2fetc", "%27%20OR%201=1"] {
        let path = format!("/api/v1/privacy-request/{id}{action}");
        let (status, reply) = app.send(method.clone(), &path, json!({"code": "123456"})).await;

        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {reply}");
    }
}

// rule: fides-api 11.5
// rule: privacy-requests L-2
#[tokio::test]
async fn a_deleted_request_is_read_and_not_changed() {
    let app = started().await;
    let request = made(&app).await;

    let deleted = post(&app, &request, "soft-delete").await;
    let (status, reply) = post(&app, &request, "retry").await;

    assert_eq!(deleted, (StatusCode::OK, Value::Null));
    let text = format!("Privacy request with id {} has been deleted.", id(&request));
    assert_eq!((status, &reply["detail"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(text)));
    assert!(now(&app, &request).await["deleted_at"].is_string());
}

#[tokio::test]
async fn a_note_stands_in_the_log() {
    let app = started().await;
    let request = made(&app).await;
    let path = format!("/api/v1/privacy-request/{}/note", id(&request));

    let (status, _) = app.send(Method::POST, &path, json!({"message": "called her back"})).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(now(&app, &request).await["results"]["Notes"][0]["message"], "called her back");
}

// rule: privacy-requests W-11
#[tokio::test]
async fn a_code_that_nobody_sent_verifies_nothing() {
    let app = started().await;
    let request = made(&app).await;
    let path = format!("/api/v1/privacy-request/{}/verify", id(&request));
    let anybody = app.without_token();

    let (status, reply) = anybody.send(Method::POST, &path, json!({"code": "123456"})).await;
    let (without, _) = anybody.send(Method::POST, &path, json!({})).await;

    let text = format!(
        "Invalid identity verification request. Privacy request '{}' status = pending.",
        id(&request)
    );
    assert_eq!((status, &reply["detail"]), (StatusCode::BAD_REQUEST, &json!(text)));
    assert_eq!(without, StatusCode::UNPROCESSABLE_ENTITY);
}
