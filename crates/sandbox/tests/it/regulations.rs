use sandbox::segment::SegmentOptions;
use serde_json::{Value, json};

use crate::client::Client;

async fn create(client: &Client, path: &str, kind: &str, subjects: &Value) -> Value {
    let body = json!({"regulationType": kind, "subjectType": "USER_ID", "subjectIds": subjects}).to_string();
    let reply = client.public("POST", path, &body).await;
    assert_eq!(reply.status(), 200, "{}", reply.json());
    reply.json()["data"]["regulateId"].clone()
}

async fn status(client: &Client, id: &Value) -> Value {
    client.data(&format!("/regulations/{}", id.as_str().unwrap())).await["regulation"].clone()
}

async fn advance(client: &Client, seconds: u64) {
    client.inspect("POST", "time", &json!({"advance_s": seconds}).to_string()).await;
}

// rule: segment-api A79
#[tokio::test]
async fn a_regulation_runs_through_its_destinations_and_deletes_and_suppresses() {
    let client = Client::default().await;

    let id = create(&client, "/regulations", "SUPPRESS_WITH_DELETE", &json!(["ana@example.com"])).await;
    let mut seen = vec![status(&client, &id).await["overallStatus"].clone()];
    advance(&client, 1800).await;
    let before = client.profile("email:ana%40example.com/metadata").await.status();
    let running = status(&client, &id).await;
    seen.push(running["overallStatus"].clone());
    advance(&client, 1800).await;
    let after = client.profile("email:ana%40example.com/metadata").await.status();
    advance(&client, 3600 * 3).await;
    let finished = status(&client, &id).await;
    seen.push(finished["overallStatus"].clone());
    let suppressed = client.data("/suppressions?pagination.count=200").await;

    assert_eq!(seen, [json!("INITIALIZED"), json!("RUNNING"), json!("FINISHED")]);
    assert_eq!((before, after), (200, 404));
    assert_eq!(running["streamStatus"][0]["destinationStatus"][0]["finishedAt"], "0001-01-01T00:00:00Z");
    assert!(running.get("finishedAt").is_none() && finished["finishedAt"].is_string());
    assert_eq!(finished["streamStatus"][0]["destinationStatus"][1]["name"], "Braze");
    assert_eq!(
        suppressed["suppressed"],
        json!([{"subjectType": "USER_ID", "subjectIds": ["ana@example.com"]}])
    );
}

// rule: segment-api A80
#[tokio::test]
async fn destinations_end_as_set_and_decide_the_whole() {
    for (outcomes, expected) in [
        (json!({"Braze": "NOT_SUPPORTED"}), "FAILED"),
        (json!({"Braze": "FAILED"}), "PARTIAL_SUCCESS"),
        (json!({"Braze": "FAILED", "Amplitude": "FAILED", "Snowflake": "FAILED"}), "FAILED"),
        (json!({}), "FINISHED"),
    ] {
        let client = Client::default().await;
        client.inspect("POST", "settings", &json!({"destinations": outcomes}).to_string()).await;

        let id =
            create(&client, "/regulations", "DELETE_ONLY", &json!(["bo@example.com", "user_8f3k2b9d"])).await;
        advance(&client, 3600 * 24).await;

        assert_eq!(status(&client, &id).await["overallStatus"], expected, "{outcomes}");
        assert_eq!(
            client.profile("email:bo%40example.com/metadata").await.status(),
            404,
            "Segment's own part is done"
        );
    }
}

// rule: segment-api A75
#[tokio::test]
async fn an_unknown_id_is_taken_and_finishes_with_nothing_deleted() {
    let options = SegmentOptions { regulation_time: std::time::Duration::ZERO, ..SegmentOptions::default() };
    let client = Client::start(options).await;

    let id = create(&client, "/regulations", "DELETE_ONLY", &json!(["bo@example.com"])).await;

    assert_eq!(status(&client, &id).await["overallStatus"], "FINISHED");
    assert_eq!(client.inspect("GET", "state", "").await["deleted"], json!([]));
}

// rule: segment-api A78
#[tokio::test]
async fn regulations_are_kept_for_90_days() {
    let client = Client::default().await;
    let id = create(&client, "/regulations", "DELETE_ONLY", &json!(["x"])).await;

    advance(&client, 89 * 86_400).await;
    let kept =
        client.data("/regulations?pagination.count=200&status=FINISHED&regulationTypes.0=DELETE_ONLY").await;
    advance(&client, 2 * 86_400).await;
    let gone = client.public("GET", &format!("/regulations/{}", id.as_str().unwrap()), "").await;

    assert_eq!(kept["regulations"][0]["id"], id);
    assert_eq!(kept["regulations"][0]["subjects"], json!(["x"]));
    assert_eq!(gone.status(), 404);
}

// rule: segment-api A74
// rule: segment-api A76
#[tokio::test]
async fn bad_regulations_are_refused_and_the_quota_is_a_months() {
    let client = Client::default().await;
    let source =
        client.data("/sources?pagination.count=1").await["sources"][0]["id"].as_str().unwrap().to_owned();
    let many: Vec<String> = (0..5000).map(|number| format!("u{number}")).collect();
    let bad = [
        (
            "/regulations".to_owned(),
            json!({"regulationType": "DELETE_ONLY", "subjectType": "EMAIL", "subjectIds": ["a"]}),
        ),
        (
            "/regulations".to_owned(),
            json!({"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": []}),
        ),
        (
            "/regulations".to_owned(),
            json!({"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": [""]}),
        ),
        (
            "/regulations".to_owned(),
            json!({"regulationType": "DELETE_ARCHIVE_ONLY", "subjectType": "USER_ID", "subjectIds": ["a"]}),
        ),
        (
            format!("/regulations/sources/{source}"),
            json!({"regulationType": "DELETE_ONLY", "subjectType": "OBJECT_ID", "subjectIds": ["a"]}),
        ),
        (
            format!("/regulations/cloudsources/{source}"),
            json!({"regulationType": "DELETE_ONLY", "subjectType": "OBJECT_ID", "subjectIds": ["a"]}),
        ),
    ];

    for (path, body) in bad {
        assert_eq!(client.public("POST", &path, &body.to_string()).await.status(), 422, "{path} {body}");
    }
    for _ in 0..22 {
        create(&client, "/regulations", "DELETE_ONLY", &json!(many)).await;
    }
    let over = json!({"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": ["one more"]})
        .to_string();
    let refused = client.public("POST", "/regulations", &over).await;
    create(&client, "/regulations", "SUPPRESS_ONLY", &json!(["counted apart"])).await;
    advance(&client, 31 * 86_400).await;
    let next_month = client.public("POST", "/regulations", &over).await;

    assert_eq!(refused.status(), 429);
    assert_eq!((next_month.status(), next_month.header("x-ratelimit-remaining")), (200, Some("109999")));
    assert_eq!(next_month.header("x-ratelimit-reset"), Some("Sun, 01 Mar 2026 00:00:00 GMT"));
}

// rule: segment-api A84
#[tokio::test]
async fn a_sources_unsuppress_fails_for_a_user_suppressed_at_the_workspace() {
    let client = Client::default().await;
    let source =
        client.data("/sources?pagination.count=1").await["sources"][0]["id"].as_str().unwrap().to_owned();
    create(&client, "/regulations", "SUPPRESS_ONLY", &json!(["ana@example.com"])).await;
    advance(&client, 86_400).await;

    let at_source =
        create(&client, &format!("/regulations/sources/{source}"), "UNSUPPRESS", &json!(["ana@example.com"]))
            .await;
    advance(&client, 86_400).await;
    let still = client.inspect("GET", "state", "").await["suppressed"].clone();
    create(&client, "/regulations", "UNSUPPRESS", &json!(["ana@example.com"])).await;
    advance(&client, 86_400).await;

    assert_eq!(status(&client, &at_source).await["overallStatus"], "FAILED");
    assert_eq!(still, json!(["ana@example.com"]));
    assert_eq!(client.inspect("GET", "state", "").await["suppressed"], json!([]));
}
