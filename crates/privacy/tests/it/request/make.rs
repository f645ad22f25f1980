use model::Clock as _;
use privacy::request::{NewRequest, RequestError, RequestSettings, Submitter, VerifiedBy};
use serde_json::json;
use store::{
    Intake, MessageKind, PrivacyRequestFilter, PrivacyRequestStatus as Status, RequestLogKind, Window,
};

use super::*;

// rule: privacy-requests L-4
// rule: privacy-requests L-5
#[tokio::test]
async fn what_cannot_be_a_request_is_refused_and_not_kept() {
    let desk = Desk::open(RequestSettings::default()).await;

    for (new, expected) in [
        (
            NewRequest { policy: ERASE.to_owned(), ..NewRequest::default() },
            "You must provide at least one identity to process",
        ),
        (
            NewRequest { property_id: Some("FDS-1".to_owned()), ..about(ANA) },
            "Property ID must be valid to process",
        ),
        (NewRequest { policy: "nowhere".to_owned(), ..about(ANA) }, "Policy with key nowhere does not exist"),
        (
            NewRequest { policy: "a b'; --".to_owned(), ..about(ANA) },
            "Policy with key a b'; -- does not exist",
        ),
    ] {
        let refused = desk.requests.create(new, vouched()).await.unwrap_err();

        assert_eq!(refused.to_string(), expected);
    }
    let unlabelled = desk.requests.create(of(&[("customer", "7")]), vouched()).await.unwrap_err();
    assert!(matches!(unlabelled, RequestError::Unlabelled { kind } if kind == "customer"));
    let consent = NewRequest { policy: "default_consent_policy".to_owned(), ..about(ANA) };
    let consent = desk.requests.create(consent, vouched()).await.unwrap_err();
    assert!(matches!(consent, RequestError::ConsentOnly { .. }));
    let all = desk.store.privacy_request_list(&PrivacyRequestFilter::default(), Window::ALL).await.unwrap();
    assert_eq!(all.total, 0);
}

// rule: privacy-requests L-11
#[tokio::test]
async fn a_callers_request_is_in_line_at_once_and_its_identities_count() {
    let desk = Desk::open(RequestSettings::default()).await;

    let made = desk.made().await;

    assert_eq!((made.status, made.intake), (Status::Pending, Intake::Authenticated));
    assert_eq!(made.work_at, Some(desk.clock.now()));
    assert_eq!(desk.log(&made.id, RequestLogKind::Audit).await, ["approved system: "]);
    assert_eq!(made.due_at, Some(seconds_after(made.requested_at, 45 * 86_400)));
    let identities = desk.requests.identities(&made.id).await.unwrap();
    assert_eq!(identities.verified().values("email"), [json!(ANA)]);
    assert_eq!(identities.get("email").unwrap().verified, Some(VerifiedBy::Caller));
    assert!(desk.told().await.is_empty());
}

#[tokio::test]
async fn where_a_person_decides_a_request_waits_and_they_are_told_without_personal_data() {
    let desk = Desk::open(by_person()).await;

    let made = desk.made().await;

    assert_eq!((made.status, made.work_at), (Status::Pending, None));
    let told = desk.told().await;
    assert_eq!((told.len(), told[0].kind), (1, MessageKind::ApprovalNeeded));
    assert_eq!(told[0].to, MessageTo::Staff);
    assert!(!serde_json::to_string(&told[0].values).unwrap().contains("ana"));
}

#[tokio::test]
async fn where_webhooks_are_asked_a_worker_is_to_ask_them() {
    let desk = Desk::open(by_person()).await;
    let webhook = store::Webhook {
        key: "legal".to_owned(),
        name: "Legal".to_owned(),
        connection: "legal_tool".to_owned(),
        direction: store::WebhookDirection::OneWay,
    };
    let list = store::WebhookList::PreApproval;
    desk.store.webhook_replace(list, (None, &[webhook]), Actor::person("pat")).await.unwrap();

    let made = desk.made().await;

    assert_eq!((made.status, made.work_at), (Status::AwaitingPreApproval, Some(desk.clock.now())));
    let claimed = desk.claim().await;
    let begun = desk.requests.begin(&claimed).await.unwrap();
    assert!(matches!(begun, privacy::request::Begun::AskBeforeApproval(_)));
}

// rule: privacy-requests L-6
#[tokio::test]
async fn custom_fields_are_kept_where_that_is_allowed_and_found_by_their_values() {
    let fields = json!({"plan": {"label": "Plan", "value": "gold"}});
    let new = || NewRequest { custom_fields: fields.as_object().unwrap().clone(), ..about(ANA) };
    let open = RequestSettings { allow_custom_fields: true, ..RequestSettings::default() };
    for (settings, kept) in [(RequestSettings::default(), 0), (open, 1)] {
        let desk = Desk::open(settings).await;

        let made = desk.requests.create(new(), vouched()).await.unwrap();

        assert_eq!(desk.requests.custom_fields(&made.id).await.unwrap().len(), kept);
        let lookup = privacy::request::custom_field_lookup("plan", &json!("Gold"));
        let filter = PrivacyRequestFilter { custom_fields: vec![lookup], ..PrivacyRequestFilter::default() };
        let found = desk.store.privacy_request_list(&filter, Window::ALL).await.unwrap();
        assert_eq!(found.total, kept as u64);
    }
}

#[tokio::test]
async fn who_made_a_request_for_a_person_is_kept_where_it_was_made_by_hand() {
    let desk = Desk::open(RequestSettings::default()).await;
    for (source, expected) in [("Request Manager", Some("intake")), ("Privacy Center", None)] {
        let new = NewRequest { source: Some(source.to_owned()), ..about(ANA) };

        let made = desk.requests.create(new, vouched()).await.unwrap();

        assert_eq!(made.submitted_by.as_deref(), expected, "{source}");
    }
}

// rule: privacy-requests L-31
// rule: privacy-requests L-32
#[tokio::test]
async fn the_same_request_again_is_a_duplicate_and_others_are_not() {
    let desk = Desk::open(no_duplicates(by_person())).await;
    let first = desk.made().await;

    let second = desk.made().await;
    let other = desk.requests.create(about("bea@example.com"), vouched()).await.unwrap();
    let policy = "default_access_policy".to_owned();
    let access = desk.requests.create(NewRequest { policy, ..about(ANA) }, vouched()).await.unwrap();
    let no_email = desk.requests.create(of(&[("external_id", ANA)]), vouched()).await.unwrap();
    desk.clock.advance(Duration::from_hours(24 * 366));
    let late = desk.made().await;

    assert_eq!((first.status, second.status), (Status::Pending, Status::Duplicate));
    assert!(second.duplicate_group.is_some());
    for alone in [&other, &access, &no_email, &late] {
        assert_eq!((alone.status, alone.duplicate_group.as_ref()), (Status::Pending, None));
    }
    let log = desk.log(&second.id, RequestLogKind::Execution).await;
    assert_eq!(log, [format!("skipped : the same as {}, which counts", first.id)]);
}

#[tokio::test]
async fn a_request_that_somebody_vouched_for_takes_the_place_of_one_that_nobody_has_shown() {
    let desk = Desk::open(no_duplicates(by_person())).await;
    let asked = desk.asked(&[("email", ANA)]).await;
    assert_eq!(asked.status, Status::IdentityUnverified);

    let made = desk.made().await;

    assert_eq!(made.status, Status::Pending);
    let asked = desk.requests.get(&asked.id).await.unwrap();
    assert_eq!((asked.status, asked.duplicate_group), (Status::Duplicate, None));
    let refused = desk.requests.approve(&asked.id, &pat()).await.unwrap_err();
    assert_eq!(refused.to_string(), "Cannot approve unverified duplicate request");
}

#[tokio::test]
async fn anybody_can_ask_and_nothing_of_what_they_say_counts_before_it_is_shown() {
    let desk = Desk::open(RequestSettings::default()).await;

    let asked = desk.requests.create(about(ANA), Submitter::default()).await.unwrap();

    assert_eq!((asked.status, asked.intake), (Status::IdentityUnverified, Intake::Public));
    assert_eq!((asked.attention.as_deref(), asked.work_at), (Some("no_way_to_verify"), None));
    assert!(desk.requests.identities(&asked.id).await.unwrap().verified().is_empty());
    assert!(desk.nothing_is_due().await);
    assert_eq!(desk.told().await[0].kind, MessageKind::ApprovalNeeded);
}

#[tokio::test]
async fn texts_that_no_database_keeps_are_refused_or_made_fit() {
    let desk = Desk::open(RequestSettings::default()).await;
    let of = |text: &str| NewRequest { external_id: Some(text.to_owned()), ..about(ANA) };

    let long = desk.requests.create(of(&"x".repeat(256)), vouched()).await.unwrap_err();
    let fit = desk.requests.create(of("ticket\0-1"), vouched()).await.unwrap();

    assert_eq!(long.to_string(), "`external_id` has more than 255 characters");
    assert_eq!(fit.external_id.as_deref(), Some("ticket-1"));
}

#[tokio::test]
async fn an_identity_that_nobody_has_shown_makes_no_duplicate_of_another_request() {
    let desk = Desk::open(no_duplicates(RequestSettings { manual_approval: true, ..with_codes() })).await;
    let phone = "+4915100000001";
    let foreign = desk.asked(&[("email", ANA), ("phone_number", phone)]).await;
    let codes = desk.codes().await;
    desk.requests.verify(&foreign.id, &codes[phone]).await.unwrap();

    let made = desk.made().await;

    assert_eq!(made.status, Status::Pending);
    assert_eq!(desk.requests.get(&foreign.id).await.unwrap().status, Status::Duplicate);
}

/// A call whose answer got lost is made again.
#[tokio::test]
async fn a_call_that_is_made_again_with_its_key_makes_nothing_twice() {
    let desk = Desk::open(RequestSettings::default()).await;
    let call = |key: &str, email: &str, by: &str| {
        let new = NewRequest { repeat_key: Some(key.to_owned()), ..about(email) };
        let by = By { actor: Actor::client(by), user: Some(by.to_owned()) };
        desk.requests.create(new, Submitter { caller: Some(by) })
    };

    let first = call("k1", ANA, "shop").await.unwrap();
    let again = call("k1", ANA, "shop").await.unwrap();
    let (left, right) = tokio::join!(call("k2", ANA, "shop"), call("k2", ANA, "shop"));
    let other_caller = call("k1", ANA, "clinic").await.unwrap();
    let other_person = call("k1", "bo@example.com", "shop").await;

    assert_eq!(again.id, first.id);
    assert_eq!(left.unwrap().id, right.unwrap().id);
    assert_ne!(other_caller.id, first.id);
    assert!(matches!(other_person, Err(RequestError::KeyReused { id }) if id == first.id));
    let all = desk.store.privacy_request_list(&PrivacyRequestFilter::default(), Window::ALL).await.unwrap();
    assert_eq!(all.total, 3);
}

#[tokio::test]
async fn a_key_of_somebody_who_may_be_anybody_counts_for_nothing() {
    let desk = Desk::open(RequestSettings::default()).await;
    let call = || {
        let new = NewRequest { repeat_key: Some("k1".to_owned()), ..about(ANA) };
        desk.requests.create(new, Submitter::default())
    };

    let (first, second) = (call().await.unwrap(), call().await.unwrap());

    assert_ne!(first.id, second.id);
}
