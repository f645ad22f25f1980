use std::path::Path;

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use super::{found, id, made, made_with, started};
use crate::app::App;

async fn several() -> (App, Vec<String>) {
    let app = started().await;
    let mut ids = Vec::new();
    for request in [
        json!({"policy_key": "access", "identity": {"email": "ana@example.com"}, "external_id": "t-1", "location": "US-CA"}),
        json!({"policy_key": "erasure", "identity": {"email": "bob@example.com", "phone_number": "+15558675309"}, "location": "US"}),
        json!({"policy_key": "access", "identity": {"x": {"label": "X", "value": 7}}, "location": "DE"}),
    ] {
        ids.push(id(&made_with(&app, request).await).to_owned());
        app.clock().advance(std::time::Duration::from_mins(1));
    }
    let deny = json!({"request_ids": [ids[2]], "reason": "=not ours"});
    let path = "/api/v1/privacy-request/administrate/deny";
    assert_eq!(app.send(Method::PATCH, path, deny).await.0, StatusCode::OK);
    (app, ids)
}

// rule: fides-api 11.3
#[rstest]
#[case(json!({}), &[2, 1, 0])]
#[case(json!({"sort_direction": "asc"}), &[0, 1, 2])]
#[case(json!({"status": "pending"}), &[1, 0])]
#[case(json!({"status": ["denied", "complete"]}), &[2])]
#[case(json!({"identities": {"email": "ana@example.com"}}), &[0])]
#[case(json!({"identities": {"email": "ana@example.com", "phone_number": "+15558675309"}}), &[1, 0])]
#[case(json!({"identities": {"email": "ana"}}), &[])]
#[case(json!({"identities": {"x": 7}}), &[2])]
#[case(json!({"fuzzy_search_str": "bob@"}), &[1])]
#[case(json!({"external_id": "t-"}), &[0])]
#[case(json!({"location": "US"}), &[1, 0])]
#[case(json!({"location": "us_ca"}), &[0])]
#[case(json!({"action_type": "erasure"}), &[1])]
#[case(json!({"action_type": ["access", "erasure"]}), &[2, 1, 0])]
#[case(json!({"created_gt": "2100-01-01"}), &[])]
#[case(json!({"is_overdue": true}), &[])]
#[tokio::test]
async fn a_search_finds_what_fits(#[case] search: Value, #[case] expected: &[usize]) {
    let (app, ids) = several().await;

    let found = found(&app, search).await;

    assert_eq!(found, expected.iter().map(|at| ids[*at].clone()).collect::<Vec<_>>());
}

// rule: fides-api 11.3
#[tokio::test]
async fn pages_queries_and_ids_find_the_same() {
    let (app, ids) = several().await;

    let (_, page) = app.get("/api/v1/privacy-request?size=2&page=2&sort_direction=asc").await;
    let (_, two) =
        app.get("/api/v1/privacy-request?status=pending&status=denied&identity=bob@example.com").await;
    let by_id = found(&app, json!({"request_id": &ids[0][4..]})).await;

    assert_eq!((page["total"].clone(), page["pages"].clone()), (json!(3), json!(2)));
    assert_eq!(page["items"][0]["id"], ids[2].as_str());
    assert_eq!((two["total"].clone(), two["items"][0]["id"].clone()), (json!(1), json!(ids[1])));
    assert_eq!(by_id, [ids[0].clone()]);
}

// rule: fides-api 11.3
#[tokio::test]
async fn identities_and_log_entries_are_shown_when_asked_for() {
    let (app, _) = several().await;
    let search = json!({"include_identities": true, "verbose": true, "status": "denied"});

    let (_, reply) = app.send(Method::POST, "/api/v1/privacy-request/search", search).await;

    let item = &reply["items"][0];
    assert_eq!(item["identity"]["x"], json!({"label": "X", "value": 7}));
    assert_eq!(item["results"]["Request denied"][0]["message"], "=not ours");
    assert!(item["task_status_by_dataset"].is_object());
}

// rule: fides-api 11.3
#[rstest]
#[case(json!({"nonsense": 1}), StatusCode::UNPROCESSABLE_ENTITY)]
#[case(json!({"sort_field": "nonsense"}), StatusCode::UNPROCESSABLE_ENTITY)]
#[case(json!({"completed_lt": "2026-01-01", "errored_lt": "2026-01-01"}), StatusCode::BAD_REQUEST)]
#[case(json!({"created_lt": "2026-01-01", "created_gt": "2026-01-02"}), StatusCode::BAD_REQUEST)]
#[case(json!({"fuzzy_search_str": "' OR 1=1 --"}), StatusCode::OK)]
#[case(json!({"request_id": "%_\\"}), StatusCode::OK)]
#[case(json!({"location": "'; DROP TABLE privacy_request"}), StatusCode::OK)]
#[tokio::test]
async fn a_search_that_makes_no_sense_is_refused_and_no_text_is_more_than_a_text(
    #[case] search: Value,
    #[case] expected: StatusCode,
) {
    let app = started().await;
    made(&app).await;

    let (status, reply) = app.send(Method::POST, "/api/v1/privacy-request/search", search).await;

    assert_eq!(status, expected, "{reply}");
    assert_eq!(app.get("/api/v1/privacy-request").await.1["total"], 1);
}

// rule: fides-api 11.3
#[tokio::test]
async fn a_file_has_a_line_for_each_request_and_no_formula() {
    let (app, ids) = several().await;
    let search = json!({"download_csv": true, "sort_direction": "asc"}).to_string();

    let reply = app.call(Method::POST, "/api/v1/privacy-request/search", "application/json", search).await;

    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.header("content-type").starts_with("text/csv"));
    let name = reply.header("content-disposition");
    let name = name.strip_prefix("attachment; filename=privacy_requests_download_").unwrap();
    assert!(Path::new(name).extension().is_some_and(|ending| ending == "csv"), "{name}");
    let text = reply.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "Status,Request Type,Time Received,Deadline,Reviewed By,Request ID,Time Approved/Denied,Denial Reason,\
         Last Updated,Completed On,Email,Phone number,External ID,Fides user device ID,GA client ID,LJT reader ID,X"
    );
    assert!(lines[1].starts_with("Pending,access,") && lines[1].contains(&ids[0]));
    assert!(lines[2].contains("bob@example.com,+15558675309"));
    assert!(
        lines[3].starts_with("Denied,access,")
            && lines[3].contains(",'=not ours,")
            && lines[3].ends_with(",7")
    );
}

// rule: fides-api 11.3
#[tokio::test]
async fn a_file_with_too_many_lines_is_refused() {
    let (app, _) = several().await;
    let app = app.restarted(|settings| settings.configured.server.max_privacy_request_download_rows = 2);

    let (status, reply) = app.get("/api/v1/privacy-request?download_csv=true").await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        reply["detail"],
        "Requested privacy request report would contain 3 rows. A maximum of 2 rows is permitted. Please narrow your date range and try again."
    );
}

// rule: fides-api 11.3
#[tokio::test]
async fn a_file_whose_columns_strangers_multiply_is_refused() {
    let app = started().await;
    for request in 0..5 {
        let kinds = (0..50).map(|kind| {
            let kind = format!("kind_{request}_{kind}");
            (kind.clone(), json!({"label": kind, "value": "x"}))
        });
        let identity: serde_json::Map<String, Value> = kinds.collect();
        made_with(&app, json!({"policy_key": "access", "identity": identity})).await;
    }

    let (status, reply) = app.get("/api/v1/privacy-request?download_csv=true").await;

    let text = "the file would have more than 200 columns, one for each kind of identity and custom field; narrow the search";
    assert_eq!((status, &reply["detail"]), (StatusCode::BAD_REQUEST, &json!(text)));
}
