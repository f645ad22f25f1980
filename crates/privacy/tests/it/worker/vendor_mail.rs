//! Vendors that erase by hand are written to.

use crypto::Secret;
use jiff::SignedDuration;
use model::{Identities, PrivacyRequestId};
use privacy::hold::complete_rests;
use privacy::request::{By, NewRequest, Submitter};
use rstest::rstest;
use serde_json::{Value, json};
use store::{
    Actor, ClaimedMessage, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep,
    MessageKind, MessageTo, NamedSecret, NewConnection, NewHold, PrivacyRequestStatus as Status, RequestStep,
    Window,
};

use super::office::Office;
use crate::lifecycle::bench::Backend;

impl Office {
    pub(super) async fn vendor(&self, key: &str, connection_type: &str, secrets: Value) {
        let new = NewConnection {
            name: None,
            description: None,
            connection_type: connection_type.to_owned(),
            access: ConnectionAccess::Write,
            disabled: false,
            system_key: None,
        };
        let secret = |(name, value): (&String, &Value)| NamedSecret {
            name: name.clone(),
            value: Secret::new(value.to_string()),
        };
        let secrets = secrets.as_object().unwrap().iter().map(secret).collect();
        let steps = vec![ConnectionStep::Create(new), ConnectionStep::ReplaceSecrets(secrets)];
        let key = key.parse().unwrap();
        let change = ConnectionChange { key: &key, actor: Actor::system(), steps };
        assert_eq!(self.store.connection_change(change).await.unwrap(), ConnectionChanged::Done);
    }

    /// A vendor that wants addresses.
    async fn ads(&self) {
        let secrets =
            json!({"third_party_vendor_name": "Ads", "recipient_email_address": "erase@ads.example.com"});
        self.vendor("ads", "generic_erasure_email", secrets).await;
    }

    /// Works until nothing but vendors is outstanding.
    pub(super) async fn erase_all(&self) {
        self.work().await;
        self.bench.crm.state().end_jobs("FINISHED");
        self.bench.clock.advance(std::time::Duration::from_hours(1));
        self.work().await;
    }

    pub(super) async fn letter(&self) -> Option<ClaimedMessage> {
        let claimed = self.store.message_claim("sender", std::time::Duration::from_mins(1)).await.unwrap();
        claimed.inspect(|message| assert_eq!(message.kind, MessageKind::VendorErasure))
    }

    pub(super) async fn entries(&self, id: &PrivacyRequestId) -> Vec<(String, String)> {
        let window = Window { offset: 0, limit: 100 };
        let logs = self.store.privacy_request_log_list(id, None, window).await.unwrap().items;
        let of_vendor = logs.into_iter().filter(|log| log.entry.connection_key.as_deref() == Some("ads"));
        of_vendor.map(|log| (log.entry.status, log.entry.message.unwrap_or_default())).collect()
    }
}

// rule: privacy-requests W-20
// rule: privacy-requests W-21
// rule: privacy-requests W-22
#[rstest]
#[case(Backend::Sqlite, "erase")]
#[case(Backend::Postgres, "both")]
#[tokio::test(flavor = "multi_thread")]
async fn vendors_are_asked_in_one_message_and_then_requests_go_on(
    #[case] backend: Backend,
    #[case] policy: &str,
) {
    let Some(office) = Office::start(backend).await else { return };
    office.ads().await;
    let (first, second) = (office.ask(policy).await, office.ask(policy).await);
    office.erase_all().await;
    let waiting = office.find(&first).await;
    assert_eq!((waiting.status, waiting.step), (Status::AwaitingEmailSend, Some(RequestStep::EmailPostSend)));

    let sent = office.requests.vendor_mail_send(None).await.unwrap();
    let again = office.requests.vendor_mail_send(None).await.unwrap();
    let letter = office.letter().await.unwrap();
    assert!(office.letter().await.is_none());
    assert_eq!(office.requests.vendor_mail_settle().await.unwrap(), 0, "it has not left yet");
    office.store.message_sent(&letter).await.unwrap();
    let gone_on = office.requests.vendor_mail_settle().await.unwrap();
    office.work().await;

    assert_eq!((sent.messages, sent.requests, again.messages), (1, 2, 0));
    assert_eq!(letter.to, MessageTo::Mailbox("erase@ads.example.com".to_owned()));
    assert_eq!(letter.values["identities"], "- email ana@example.com\n- email ana@example.com");
    assert_eq!((&letter.values["vendor"], letter.about.as_deref()), (&json!("Ads"), Some("ads")));
    assert_eq!(gone_on, 2);
    for id in [first, second] {
        assert_eq!(office.find(&id).await.status, Status::Complete);
        let entries = office.entries(&id).await;
        let last = entries.last().unwrap();
        assert!(last.0 == "complete" && last.1.starts_with("requested:"), "{entries:?}");
        assert!(!entries.iter().any(|(_, text)| text.contains("ana@")), "{entries:?}");
    }
}

// rule: privacy-requests W-24
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_does_not_leave_keeps_the_request_waiting_for_the_next_batch() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.ads().await;
    let id = office.ask("erase").await;
    office.erase_all().await;

    office.requests.vendor_mail_send(None).await.unwrap();
    let letter = office.letter().await.unwrap();
    office.store.message_give_up(&letter, "mail_refused").await.unwrap();
    office.requests.vendor_mail_settle().await.unwrap();
    let failed = (office.find(&id).await.status, office.entries(&id).await.pop().unwrap());
    let sent = office.requests.vendor_mail_send(None).await.unwrap();
    office.store.message_sent(&office.letter().await.unwrap()).await.unwrap();
    office.requests.vendor_mail_settle().await.unwrap();
    office.work().await;

    assert_eq!(failed.0, Status::AwaitingEmailSend);
    assert!(failed.1.0 == "error" && failed.1.1.contains("mail_refused"), "{failed:?}");
    assert_eq!((sent.requests, office.find(&id).await.status), (1, Status::Complete));
}

// rule: privacy-requests W-21
#[rstest]
#[case::wants_a_number(json!({"recipient_email_address": "a@ads.example.com", "advanced_settings": {"identity_types": {"email": false, "phone_number": true}}}))]
#[case::wants_nothing(json!({"recipient_email_address": "a@ads.example.com", "advanced_settings": {"identity_types": {}}}))]
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_wants_nothing_that_is_known_is_left_in_peace(#[case] secrets: Value) {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.vendor("ads", "attentive_email", secrets).await;

    let erased = office.ask("erase").await;
    office.erase_all().await;

    assert_eq!(office.find(&erased).await.status, Status::Complete);
    assert!(office.letter().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_written_to_about_a_request_for_data() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.ads().await;

    let id = office.ask("access").await;
    office.work().await;

    assert_eq!(office.find(&id).await.status, Status::Complete);
    assert!(office.letter().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_went_away_holds_no_request_up() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.ads().await;
    let id = office.ask("erase").await;
    office.erase_all().await;

    let key = "ads".parse().unwrap();
    let change = ConnectionChange { key: &key, actor: Actor::system(), steps: vec![ConnectionStep::Remove] };
    assert_eq!(office.store.connection_change(change).await.unwrap(), ConnectionChanged::Done);
    let sent = office.requests.vendor_mail_send(None).await.unwrap();
    office.requests.vendor_mail_settle().await.unwrap();
    office.work().await;

    assert_eq!((sent.messages, office.find(&id).await.status), (0, Status::Complete));
    assert_eq!(office.entries(&id).await.pop().unwrap().0, "skipped");
}

impl Office {
    /// Everything, or what the vendor has, is kept for a month.
    async fn keep(&self, place: Option<&str>) {
        let hold = NewHold {
            place: place.map(str::to_owned),
            ground: "HGB 257".to_owned(),
            until: Some(self.store.clock().now() + SignedDuration::from_hours(24 * 30)),
            people: Vec::new(),
            actor: Actor::person("lex"),
        };
        self.store.hold_create(hold).await.unwrap();
    }
}

#[rstest]
#[case::everything(Backend::Sqlite, None)]
#[case::what_the_vendor_has(Backend::Postgres, Some("ads"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_must_keep_what_it_has_is_written_to_when_the_hold_has_ended(
    #[case] backend: Backend,
    #[case] place: Option<&str>,
) {
    let Some(office) = Office::start(backend).await else { return };
    office.ads().await;
    office.keep(place).await;

    let id = office.ask("erase").await;
    office.erase_all().await;

    assert_eq!(office.find(&id).await.status, Status::Complete);
    let entry = office.entries(&id).await.pop().unwrap();
    assert!(entry.0 == "skipped" && entry.1.starts_with("kept under HGB 257 until "), "{entry:?}");
    assert_eq!(office.requests.vendor_mail_send(None).await.unwrap().messages, 0);
    office.bench.clock.advance(std::time::Duration::from_hours(24 * 31));
    assert_eq!(complete_rests(&office.requests, &office.store).await.unwrap(), 1);
    office.erase_all().await;
    assert_eq!(office.requests.vendor_mail_send(None).await.unwrap().requests, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_comes_before_the_batch_counts() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.ads().await;
    let id = office.ask("erase").await;
    office.erase_all().await;
    assert_eq!(office.find(&id).await.status, Status::AwaitingEmailSend);

    office.keep(Some("ads")).await;
    let sent = office.requests.vendor_mail_send(None).await.unwrap();
    office.requests.vendor_mail_settle().await.unwrap();
    office.work().await;

    assert_eq!((sent.messages, office.find(&id).await.status), (0, Status::Complete));
    office.bench.clock.advance(std::time::Duration::from_hours(24 * 31));
    assert_eq!(complete_rests(&office.requests, &office.store).await.unwrap(), 1);
}

#[rstest]
#[case::nothing_else_to_erase("zoe@example.com")]
#[case::more_to_erase("ana@example.com")]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_written_to_before_a_person_approved_where_a_person_must(#[case] email: &str) {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.ads().await;
    let mut identities = Identities::default();
    identities.insert("email", email.into()).unwrap();
    let new = NewRequest { policy: "erase_by_person".to_owned(), identities, ..NewRequest::default() };
    let by = By { actor: Actor::client("shop"), user: Some("shop".to_owned()) };
    let id = office.requests.create(new, Submitter { caller: Some(by) }).await.unwrap().id;
    office.erase_all().await;

    let waiting = office.find(&id).await;
    let before = office.requests.vendor_mail_send(None).await.unwrap();
    let by = By { actor: Actor::person("pat"), user: Some("pat".to_owned()) };
    office.requests.approve_plan(&id, waiting.plan.as_ref().unwrap(), &by).await.unwrap();
    office.erase_all().await;

    assert_eq!((waiting.status, waiting.step), (Status::RequiresInput, Some(RequestStep::ApprovePlan)));
    assert_eq!(before.messages, 0);
    let logs = office.store.privacy_request_log_list(&id, None, Window::ALL).await.unwrap().items;
    let names_it = |text: &str| text.ends_with("with it these vendors are written to: ads");
    assert!(logs.iter().any(|log| log.entry.message.as_deref().is_some_and(names_it)), "{logs:?}");
    assert_eq!(office.find(&id).await.status, Status::AwaitingEmailSend);
    assert_eq!(office.requests.vendor_mail_send(None).await.unwrap().requests, 1);
}
