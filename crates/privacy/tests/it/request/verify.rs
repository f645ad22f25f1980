use privacy::request::{RequestError, RequestSettings, VerifiedBy};
use serde_json::json;
use store::{MessageKind, PrivacyRequestStatus as Status};

use super::*;

fn wrong() -> Secret<String> {
    Secret::new("no code".to_owned())
}

// rule: privacy-requests W-10
// rule: privacy-requests W-12
#[tokio::test]
async fn the_code_that_was_sent_shows_the_identity_and_puts_the_request_in_line() {
    let desk = Desk::open(with_codes()).await;
    let asked = desk.asked(&[("email", ANA)]).await;
    let codes = desk.codes().await;
    assert_eq!(codes[ANA].expose().len(), 6);
    assert_eq!((asked.status, asked.attention.as_deref()), (Status::IdentityUnverified, None));

    let shown = desk.requests.verify(&asked.id, &codes[ANA]).await.unwrap();

    assert_eq!((shown.status, shown.identity_verified_at), (Status::Pending, Some(desk.clock.now())));
    assert_eq!(shown.work_at, Some(desk.clock.now()));
    let told = desk.told().await;
    assert_eq!((told.len(), told[0].kind), (1, MessageKind::Receipt));
}

#[tokio::test]
async fn a_code_shows_the_identity_that_it_was_sent_to_and_no_other() {
    let desk = Desk::open(RequestSettings { manual_approval: true, ..with_codes() }).await;
    let asked = desk.asked(&[("email", ANA), ("phone_number", "+4915100000001"), ("external_id", "7")]).await;
    let codes = desk.codes().await;
    assert_eq!(codes.len(), 2);

    desk.requests.verify(&asked.id, &codes[ANA]).await.unwrap();

    let held = desk.requests.identities(&asked.id).await.unwrap();
    assert_eq!(held.get("email").unwrap().verified, Some(VerifiedBy::Code));
    assert_eq!(held.verified().kinds().collect::<Vec<_>>(), ["email"]);
    assert_eq!(held.all().values("external_id"), [json!("7")]);

    let shown = desk.requests.verify(&asked.id, &codes["+4915100000001"]).await.unwrap();

    assert_eq!(shown.status, Status::Pending);
    let held = desk.requests.identities(&asked.id).await.unwrap();
    assert_eq!(held.unverified().collect::<Vec<_>>(), ["external_id"]);
}

#[tokio::test]
async fn an_identity_that_nobody_has_shown_neither_seeds_the_graph_nor_goes_out() {
    let desk = Desk::open(with_codes()).await;
    let asked = desk.asked(&[("email", ANA), ("external_id", "of-somebody-else")]).await;
    let codes = desk.codes().await;
    desk.requests.verify(&asked.id, &codes[ANA]).await.unwrap();

    let begun = desk.requests.begin(&desk.claim().await).await.unwrap();

    let privacy::request::Begun::Go { subject, .. } = begun else { panic!("it goes on") };
    assert_eq!(subject.kinds().collect::<Vec<_>>(), ["email"]);
}

// rule: privacy-requests W-11
#[tokio::test]
async fn wrong_codes_are_counted_and_the_texts_are_those_that_clients_know() {
    let desk = Desk::open(with_codes()).await;
    let asked = desk.asked(&[("email", ANA)]).await;
    let codes = desk.codes().await;
    let id = &asked.id;
    for _ in 0..3 {
        let refused = desk.requests.verify(id, &wrong()).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("Incorrect identification code for '{id}'"));
    }

    let spent = desk.requests.verify(id, &codes[ANA]).await.unwrap_err();
    let gone = desk.requests.verify(id, &codes[ANA]).await.unwrap_err();

    assert_eq!(spent.to_string(), format!("Attempt limit hit for '{id}'"));
    assert_eq!(gone.to_string(), format!("Identification code expired for {id}."));
    let made = desk.made().await;
    let refused = desk.requests.verify(&made.id, &wrong()).await.unwrap_err();
    let expected =
        format!("Invalid identity verification request. Privacy request '{}' status = pending.", made.id);
    assert_eq!(refused.to_string(), expected);
}

#[tokio::test]
async fn a_code_ends_with_its_time_and_a_new_one_can_be_sent() {
    let desk = Desk::open(with_codes()).await;
    let asked = desk.asked(&[("email", ANA)]).await;
    let old = desk.codes().await;
    desk.clock.advance(Duration::from_mins(10));
    let late = desk.requests.verify(&asked.id, &old[ANA]).await.unwrap_err();
    assert!(matches!(late, RequestError::CodeExpired { .. }), "{late}");

    desk.requests.send_codes(&asked.id).await.unwrap();

    let new = desk.codes().await;
    let shown = desk.requests.verify(&asked.id, &new[ANA]).await.unwrap();
    assert_eq!(shown.status, Status::Pending);
    let refused = desk.requests.send_codes(&asked.id).await.unwrap_err();
    assert!(matches!(refused, RequestError::NotToVerify { .. }), "{refused}");
}

#[tokio::test]
async fn ten_codes_a_day_are_sent_for_a_request_and_then_no_more() {
    let desk = Desk::open(with_codes()).await;
    let asked = desk.asked(&[("email", ANA)]).await;
    for _ in 1..10 {
        desk.requests.send_codes(&asked.id).await.unwrap();
    }

    let refused = desk.requests.send_codes(&asked.id).await.unwrap_err();
    desk.clock.advance(Duration::from_hours(24));
    let tomorrow = desk.requests.send_codes(&asked.id).await;

    assert!(matches!(refused, RequestError::EnoughCodes { .. }), "{refused}");
    assert!(tomorrow.is_ok());
}

#[tokio::test]
async fn no_code_is_sent_where_nobody_can_be_written_to() {
    let only_email = Channels { email: true, sms: false };
    let desk = Desk::open(RequestSettings { channels: only_email, ..with_codes() }).await;

    let asked = desk.asked(&[("phone_number", "+4915100000001")]).await;

    assert_eq!(asked.attention.as_deref(), Some("no_way_to_verify"));
    let refused = desk.requests.send_codes(&asked.id).await.unwrap_err();
    assert!(matches!(refused, RequestError::NoChannel), "{refused}");
}

#[tokio::test]
async fn the_same_code_twice_at_the_same_time_counts_once() {
    let desk = Desk::open(RequestSettings { manual_approval: true, ..with_codes() }).await;
    let asked = desk.asked(&[("email", ANA)]).await;
    let codes = desk.codes().await;

    let both = futures::future::join(
        desk.requests.verify(&asked.id, &codes[ANA]),
        desk.requests.verify(&asked.id, &codes[ANA]),
    );
    let (one, two) = both.await;

    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
}

#[tokio::test]
async fn a_duplicate_that_is_shown_may_become_the_one_that_counts() {
    let settings = no_duplicates(RequestSettings { manual_approval: true, ..with_codes() });
    let desk = Desk::open(settings).await;
    let first = desk.asked(&[("email", ANA)]).await;
    let second = desk.asked(&[("email", ANA)]).await;
    desk.codes().await;
    // The code of the second was put after that of the first; new ones tell them apart.
    desk.requests.send_codes(&second.id).await.unwrap();
    let codes = desk.codes().await;

    let shown = desk.requests.verify(&second.id, &codes[ANA]).await.unwrap();

    assert_eq!(shown.status, Status::Pending);
    assert_eq!(desk.requests.get(&first.id).await.unwrap().status, Status::Duplicate);
}

#[tokio::test]
async fn a_mailbox_gets_codes_of_five_requests_a_day_and_whoever_asks_sees_no_difference() {
    let desk = Desk::open(with_codes()).await;
    let open = async |id: &PrivacyRequestId| desk.store.privacy_request_codes_open(id).await.unwrap();
    for _ in 0..5 {
        let asked = desk.asked(&[("email", ANA)]).await;
        assert_eq!(open(&asked.id).await, ["email"]);
    }

    let capped = desk.asked(&[("email", "ANA@example.com"), ("phone_number", "+4915100000001")]).await;
    let quiet = desk.asked(&[("email", ANA)]).await;
    desk.requests.send_codes(&quiet.id).await.unwrap();

    assert_eq!(open(&capped.id).await, ["phone_number"]);
    assert!(open(&quiet.id).await.is_empty());
    assert_eq!((quiet.status, quiet.attention.as_deref()), (Status::IdentityUnverified, None));
    assert_eq!(desk.codes().await.len(), 2, "to the mailbox and to the phone, to nobody else");
    desk.clock.advance(Duration::from_hours(24));
    desk.requests.send_codes(&quiet.id).await.unwrap();
    assert_eq!(open(&quiet.id).await, ["email"]);
}
