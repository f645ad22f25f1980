use serde_json::json;

use crate::client::Client;

// rule: segment-api C2
// rule: segment-api C3
// rule: segment-api C5
#[tokio::test]
async fn workspaces_are_listed_and_regulations_made_read_and_cancelled() {
    let client = Client::default().await;
    let body = r#"{"regulation_type":"Suppress_With_Delete","attributes":{"name":"userId","values":["ana@example.com"]}}"#;

    let workspaces = client.config("GET", "/v1beta/workspaces/", "").await.json();
    let path = "/v1beta/workspaces/acme-analytics/regulations";
    let created = client.config("POST", path, body).await.json();
    let id = created["regulate_id"].as_str().unwrap();
    let details = client.config("GET", &format!("{path}/{id}"), "").await.json();
    let listed = client
        .config("GET", &format!("{path}?status=initialized&regulation_types=Suppress_With_Delete"), "")
        .await;
    let cancelled = client.config("DELETE", &format!("{path}/{id}"), "").await;
    let gone = client.config("GET", &format!("{path}/{id}"), "").await;

    assert_eq!(workspaces["workspaces"][0]["name"], "workspaces/acme-analytics");
    assert_eq!(details["overall_status"], "initialized");
    assert_eq!(
        listed.json()["entries"][0]["attributes"],
        json!({"name": "userId", "values": ["ana@example.com"]})
    );
    assert_eq!((cancelled.status(), gone.status()), (200, 404));
}

// rule: segment-api C8
#[tokio::test]
async fn errors_have_text_and_code_and_a_wrong_url_is_503_without_json() {
    let client = Client::default().await;
    let read_only =
        format!("Authorization: Bearer {}\r\n", client.segment.description().tokens.config_read_token);
    let path = "/v1beta/workspaces/acme-analytics/regulations";

    let invalid = client.config("POST", path, r#"{"regulation_type":"Nothing"}"#).await;
    let denied = client.send(("POST", path), &read_only, "{}").await;
    let other = client.config("GET", "/v1beta/workspaces/other/regulations", "").await;
    let wrong = client.config("GET", "/v1beta/nothing", "").await;

    assert_eq!((invalid.status(), invalid.json()["code"].clone()), (400, json!(3)));
    assert_eq!((denied.status(), denied.json()["code"].clone()), (403, json!(7)));
    assert_eq!((other.status(), other.json()["code"].clone()), (404, json!(5)));
    assert_eq!((wrong.status(), wrong.json()), (503, json!(null)));
}
