use jiff::Timestamp;
use privacy::request::{By, JournaledError, RequestError, RequestSettings, Wanted};
use serde_json::{Value, json};
use store::JournalEntry;

use super::{ANA, Desk, ERASE};

fn entry(policy: &str, subject: &Value) -> JournalEntry {
    JournalEntry {
        at: Timestamp::UNIX_EPOCH,
        run: "run_1".to_owned(),
        policy: policy.to_owned(),
        plan: "sha256:0".to_owned(),
        subject: subject.to_string(),
    }
}

// rule: privacy-requests L-4
#[tokio::test]
async fn whoever_was_erased_before_a_restore_is_asked_about_again() {
    let desk = Desk::open(RequestSettings::default()).await;
    let subject = json!({"identities": {"email": [ANA], "loyalty_number": ["L-1"]}});

    let made = desk
        .requests
        .create_journaled(&entry(ERASE, &subject), (By::system(), Wanted::default()))
        .await
        .unwrap();

    assert_eq!((made.policy.as_str(), made.source.as_deref()), (ERASE, Some("Restore")));
    assert_eq!(desk.claim().await.request.id, made.id);
}

#[tokio::test]
async fn a_correction_without_a_rule_an_unknown_policy_and_another_form_are_said_and_nothing_is_made() {
    let desk = Desk::open(RequestSettings::default()).await;
    let ana = json!({"identities": {"email": [ANA]}});
    let correction =
        json!({"identities": {"email": [ANA]}, "corrections": [{"field": "name", "value": "Ann"}]});

    let corrected =
        desk.requests.create_journaled(&entry(ERASE, &correction), (By::system(), Wanted::default())).await;
    let unknown = desk
        .requests
        .create_journaled(&entry("no_such_policy", &ana), (By::system(), Wanted::default()))
        .await;
    let newer = desk
        .requests
        .create_journaled(&entry(ERASE, &json!({"who": ANA})), (By::system(), Wanted::default()))
        .await;

    assert!(matches!(newer, Err(JournaledError::Unreadable)), "{newer:?}");
    assert!(matches!(unknown, Err(JournaledError::Request(_))), "{unknown:?}");
    let refused = |error: &JournaledError| {
        matches!(error, JournaledError::Request(RequestError::NoRectification { .. }))
    };
    assert!(corrected.as_ref().is_err_and(refused), "{corrected:?}");
    assert!(desk.nothing_is_due().await);
}
