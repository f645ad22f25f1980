use rstest::rstest;

use super::*;
use crate::body::from_value;

fn checked(body: &Value) -> Result<Wanted, ApiError> {
    let search: Search =
        from_value(&[json!("body")], body).map_err(|wrong| ApiError::Invalid(vec![wrong]))?;
    search.checked("body", "2026-03-01T00:00:00Z".parse().unwrap())
}

// rule: fides-api 11.3
#[test]
fn every_part_of_a_search_is_taken() {
    let body = json!({
        "request_id": "pri_", "identities": {"email": "ana@example.com", "phone_number": null},
        "fuzzy_search_str": "ana", "custom_privacy_request_fields": {"shop": 3},
        "status": ["pending", "error"], "created_gt": "2026-01-01", "created_lt": "2026-02-01",
        "started_lt": "2026-02-01T00:00:00Z", "completed_gt": "2026-01-01", "external_id": "x",
        "location": "us_ca", "action_type": "access", "verbose": true, "include_identities": true,
        "include_custom_privacy_request_fields": true, "include_consent_webhook_requests": false,
        "include_deleted_requests": true, "is_overdue": true, "download_csv": false,
        "sort_field": "created_at", "sort_direction": "asc",
    });

    let Wanted { filter, show, csv } = checked(&body).unwrap();

    assert_eq!(filter.statuses, [PrivacyRequestStatus::Pending, PrivacyRequestStatus::Error]);
    assert_eq!((filter.identities.len(), filter.custom_fields.len()), (1, 1));
    assert_eq!(filter.location.as_deref(), Some("US-CA"));
    assert_eq!(filter.actions, [RuleAction::Access]);
    assert_eq!(filter.order, PrivacyRequestOrder::OldestFirst);
    assert!(filter.overdue_at.is_some() && filter.with_deleted && filter.with_unlisted);
    assert!(filter.created.after < filter.created.before && filter.completed.after.is_some());
    assert!(show.verbose && show.identities && show.custom_fields && !csv);
}

// rule: fides-api 11.3
#[rstest]
#[case(
    json!({"completed_lt": "2026-01-01", "errored_gt": "2026-01-01"}),
    400, json!("Cannot specify both succeeded and failed query params.")
)]
#[case(json!({"sort_field": "nonsense"}), 422, json!("nonsense is not on PrivacyRequest"))]
#[case(
    json!({"created_gt": "2026-01-02", "created_lt": "2026-01-01"}), 400,
    json!("Value specified for created_lt: 2026-01-01T00:00:00Z must be after created_gt: 2026-01-02T00:00:00Z.")
)]
fn a_search_that_finds_nothing_by_its_form_is_refused(
    #[case] body: Value,
    #[case] status: u16,
    #[case] detail: Value,
) {
    let error = checked(&body).unwrap_err();

    assert_eq!((error.status().as_u16(), error.detail()), (status, detail));
}

// rule: fides-api 11.3
#[rstest]
#[case(json!({"nonsense": 1}), json!(["body", "nonsense"]))]
#[case(json!({"status": "done"}), json!(["body", "status", 0]))]
#[case(json!({"status": ["pending", "done"]}), json!(["body", "status", 1]))]
#[case(json!({"action_type": "steal"}), json!(["body", "action_type", 0]))]
#[case(json!({"sort_direction": "up"}), json!(["body", "sort_direction"]))]
#[case(json!({"created_lt": "soon"}), json!(["body", "created_lt"]))]
#[case(json!({"identities": {"email": ["a"]}}), json!(["body", "identities", "email"]))]
#[case(json!({"request_id": 3}), json!(["body", "request_id"]))]
fn what_does_not_fit_is_told_with_its_place(#[case] body: Value, #[case] loc: Value) {
    let ApiError::Invalid(wrong) = checked(&body).unwrap_err() else { panic!("a list") };

    assert_eq!(json!(wrong[0].loc), loc);
}
