use std::time::Duration;

use messages::{Channels, Signed, WebhookSecret};
use rstest::rstest;
use serde_json::{Value, json};
use store::{MessageKind, MessageState, NewMessage};
use testkit::{Answer, FakeSaas};

use crate::bench::{Bench, SECRETS};

fn settings(url: &str, events: &str) -> String {
    format!(
        "messages:\n  webhooks:\n    - {{name: crm, url: '{url}/hook', secret_from: [NEW_SECRET, OLD_SECRET]{events}}}\n"
    )
}

fn finished() -> NewMessage {
    NewMessage::to_staff(MessageKind::Finished).about("pri_1").with("request_types", json!(["access"]))
}

async fn crm() -> FakeSaas {
    let crm = FakeSaas::start().await;
    crm.on("POST", "/hook").then(Answer::text(204, ""));
    crm
}

#[tokio::test]
async fn a_webhook_is_told_by_a_call_that_either_of_its_secrets_shows_to_be_ours() {
    let crm = crm().await;
    let bench = Bench::start(&settings(&crm.base_url(), "")).await;

    bench.send(&[finished()]).await;

    let calls = crm.calls();
    assert_eq!((calls.len(), bench.last().await.0), (1, MessageState::Sent));
    let header = |name: &str| calls[0].header(name).unwrap_or_default().to_owned();
    let signed = Signed {
        id: &header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap(),
        body: calls[0].body.as_ref(),
    };
    for secret in SECRETS {
        let secret = WebhookSecret::parse(secret).unwrap();
        assert!(signed.verify(&header("webhook-signature"), &[secret]));
    }
    let body: Value = serde_json::from_slice(signed.body).unwrap();
    assert_eq!(body["type"], "finished");
    assert_eq!(body["data"], json!({"about": "pri_1", "request_types": ["access"]}));
}

#[tokio::test]
async fn what_a_person_gets_goes_to_a_webhook_only_if_it_is_named_there() {
    let code =
        || NewMessage::to_email(MessageKind::VerificationCode, "ana@example.com").with("code", "123456");
    let (silent, told) = (crm().await, crm().await);
    let bench = Bench::start(&settings(&silent.base_url(), "")).await;
    let other = Bench::start(&settings(&told.base_url(), ", events: [verification_code]")).await;

    bench.send(&[code()]).await;
    other.send(&[code(), finished()]).await;

    assert!(silent.calls().is_empty());
    assert_eq!(bench.all().await[0].failure.as_deref(), Some("no_channel"));
    assert_eq!(told.calls().len(), 1);
    let body: Value = serde_json::from_slice(told.calls()[0].body.as_ref()).unwrap();
    assert_eq!(body["data"]["person"], json!({"email": "ana@example.com"}));
    assert_eq!(body["data"]["code"], "123456");
    let channels = [bench.messages.channels().await.unwrap(), other.messages.channels().await.unwrap()];
    assert_eq!(channels, [Channels::default(), Channels { email: true, sms: true }]);
}

// A person is told of the end, and so is staff; a program that listens hears of it once.
#[tokio::test]
async fn a_webhook_hears_of_the_end_of_a_request_once() {
    let crm = crm().await;
    let bench = Bench::start(&settings(&crm.base_url(), ", events: [finished]")).await;
    let to_person = NewMessage::to_email(MessageKind::Finished, "ana@example.com").about("pri_1");

    bench.send(&[to_person, finished()]).await;

    assert_eq!(crm.calls().len(), 1);
    let body: Value = serde_json::from_slice(crm.calls()[0].body.as_ref()).unwrap();
    assert_eq!(body["data"]["person"], Value::Null);
}

#[rstest]
#[case::refused(500, MessageState::Waiting, "webhook_refused")]
#[case::not_found(404, MessageState::Waiting, "webhook_refused")]
#[case::gone(410, MessageState::Failed, "webhook_gone")]
#[case::redirect(307, MessageState::Waiting, "webhook_unreachable")]
#[tokio::test]
async fn a_call_that_is_not_taken_is_made_again_unless_the_webhook_is_gone(
    #[case] status: u16,
    #[case] state: MessageState,
    #[case] failure: &str,
) {
    let crm = FakeSaas::start().await;
    let answer = Answer::text(status, "canary").header("location", "https://elsewhere.example.com");
    crm.on("POST", "/hook").then(answer);
    let bench = Bench::start(&settings(&crm.base_url(), "")).await;

    bench.send(&[finished()]).await;

    assert_eq!(bench.last().await, (state, Some(failure.to_owned())));
}

#[tokio::test]
async fn a_call_that_is_made_again_has_the_same_id_and_a_signature_of_its_own_time() {
    let crm = FakeSaas::start().await;
    crm.on("POST", "/hook").then(Answer::text(503, "")).then(Answer::text(200, ""));
    let bench = Bench::start(&settings(&crm.base_url(), "")).await;
    bench.send(&[finished()]).await;

    bench.clock.advance(Duration::from_secs(6));
    bench.send_due().await;

    let calls = crm.calls();
    let header = |at: usize, name: &str| calls[at].header(name).unwrap_or_default().to_owned();
    assert_eq!((calls.len(), bench.last().await.0), (2, MessageState::Sent));
    assert_eq!(header(0, "webhook-id"), header(1, "webhook-id"));
    assert_ne!(header(0, "webhook-signature"), header(1, "webhook-signature"));
}

#[tokio::test]
async fn a_webhook_on_an_address_that_is_not_listed_is_never_called() {
    let crm = crm().await;
    let bench = Bench::start_with(&settings(&crm.base_url(), ""), &["127.0.0.1@other"]).await;

    bench.send(&[finished()]).await;

    assert_eq!(bench.last().await, (MessageState::Waiting, Some("webhook_unreachable".to_owned())));
    assert!(crm.calls().is_empty());
}

#[tokio::test]
async fn after_the_last_failure_a_message_is_given_up() {
    let crm = FakeSaas::start().await;
    for _ in 0..12 {
        crm.on("POST", "/hook").then(Answer::text(500, ""));
    }
    let bench = Bench::start(&settings(&crm.base_url(), "")).await;
    bench.send(&[finished()]).await;

    for _ in 0..12 {
        bench.clock.advance(Duration::from_hours(9));
        bench.send_due().await;
    }

    assert_eq!((crm.calls().len(), bench.last().await.0), (11, MessageState::Failed));
}
