//! Services that take messages by calls.

use crypto::Secret;
use messages::{Channels, ServiceDraft, Template, TemplateName, TestOutcome};
use rstest::rstest;
use serde_json::{Value, json};
use store::{Actor, MessageKind, MessagePerson, MessageState, MessagingService as Service, NewMessage};
use testkit::{Answer, FakeSaas};

use crate::bench::Bench;

const KEY: &str = "canary-key";

/// What a service is set with, and where it is called.
struct Known {
    service: Service,
    host: &'static str,
    path: &'static str,
    details: Value,
    secrets: Value,
    taken: Answer,
}

fn known(service: Service) -> Known {
    let known = |host, path, details, secrets, taken| Known { service, host, path, details, secrets, taken };
    match service {
        Service::Mailgun => known(
            "api.eu.mailgun.net",
            "/v3/mg.example.com/messages",
            json!({"domain": "mg.example.com", "is_eu_domain": true}),
            json!({"mailgun_api_key": KEY}),
            Answer::json(200, &json!({"id": "<1>", "message": "Queued. Thank you."})),
        ),
        Service::TwilioEmail => known(
            "api.sendgrid.com",
            "/v3/mail/send",
            json!({"twilio_email_from": "Privacy team <privacy@example.com>"}),
            json!({"twilio_api_key": KEY}),
            Answer::text(202, ""),
        ),
        Service::MailchimpTransactional => known(
            "mandrillapp.com",
            "/api/1.0/messages/send",
            json!({"email_from": "privacy@example.com"}),
            json!({"mailchimp_transactional_api_key": KEY}),
            Answer::json(200, &json!([{"email": "ana@example.com", "status": "queued"}])),
        ),
        Service::AwsSes => known(
            "email.eu-west-1.amazonaws.com",
            "/v2/email/outbound-emails",
            json!({"aws_region": "eu-west-1", "domain": "example.com"}),
            json!({"auth_method": "secret_keys", "aws_access_key_id": "AKID", "aws_secret_access_key": KEY}),
            Answer::json(200, &json!({"MessageId": "1"})),
        ),
        Service::TwilioText => known(
            "api.twilio.com",
            "/2010-04-01/Accounts/AC1/Messages.json",
            json!({}),
            json!({"twilio_account_sid": "AC1", "twilio_auth_token": KEY, "twilio_sender_phone_number": "+4930111111"}),
            Answer::json(201, &json!({"status": "queued"})),
        ),
        Service::Smtp => panic!("a mail server is not called"),
    }
}

impl Known {
    fn draft(&self) -> ServiceDraft {
        let Value::Object(details) = self.details.clone() else { panic!("an object") };
        let secrets = self.secrets.as_object().unwrap().iter();
        let secret = |value: &Value| Secret::new(value.as_str().unwrap().to_owned());
        let secrets = secrets.map(|(name, value)| (name.clone(), secret(value))).collect();
        ServiceDraft { key: None, name: None, service: self.service, details, secrets: Some(secrets) }
    }

    /// A server at which calls of the service arrive, with the service set.
    async fn start(&self, saas: &FakeSaas) -> Bench {
        let bench = Bench::start_routed(&[(self.host, &saas.base_url())]).await;
        bench.messages.service_create(self.draft(), &Actor::system()).await.unwrap();
        bench
    }
}

fn ana() -> MessagePerson {
    MessagePerson { email: Some("ana@example.com".to_owned()), phone_number: Some("+49301234567".to_owned()) }
}

fn code() -> NewMessage {
    NewMessage::to_person(MessageKind::VerificationCode, ana()).about("pri_1").with("code", "123456")
}

const ALL: [Service; 5] = [
    Service::Mailgun,
    Service::TwilioEmail,
    Service::MailchimpTransactional,
    Service::AwsSes,
    Service::TwilioText,
];

#[tokio::test]
async fn a_telephone_gets_text_whatever_a_customer_wrote_for_mail() {
    let known = known(Service::TwilioText);
    let saas = FakeSaas::start().await;
    saas.on("POST", known.path).then(known.taken.clone());
    let bench = known.start(&saas).await;
    let names = [TemplateName::TestMessage, TemplateName::IdentityVerification];
    let html = names.map(|name| Template::checked(name, "Hello", "<p>written for mail</p>").unwrap());
    bench.messages.templates_put(&html, &Actor::system()).await.unwrap();

    bench.messages.service_test(Service::TwilioText, &ana()).await.unwrap();
    bench.send(&[code()]).await;

    let calls = saas.calls();
    assert_eq!(calls.len(), 2);
    for call in calls {
        let body = String::from_utf8(call.body.to_vec()).unwrap();
        assert!(!body.contains("written"), "{body}");
    }
}

// rule: privacy-requests MSG-1
#[tokio::test]
async fn every_service_takes_a_message_and_its_test_tells_the_truth() {
    for service in ALL {
        let known = known(service);
        let saas = FakeSaas::start().await;
        saas.on("POST", known.path).then(known.taken.clone());
        let bench = known.start(&saas).await;

        let tried = bench.messages.service_test(service, &ana()).await.unwrap();
        bench.send(&[code()]).await;

        let name = service.as_str();
        assert_eq!(tried, TestOutcome::Sent, "{name}");
        assert_eq!(bench.last().await.0, MessageState::Sent, "{name}");
        let calls = saas.calls();
        assert_eq!(calls.len(), 2, "{name}");
        let body = String::from_utf8(calls[1].body.to_vec()).unwrap();
        assert!(body.contains("123456"), "{name}: {body}");
        let reached = if service == Service::TwilioText { "%2B49301234567" } else { "ana" };
        assert!(body.contains(reached), "{name}: {body}");
    }
}

#[tokio::test]
async fn a_call_is_made_as_each_service_wants_it() {
    let mut said = Vec::new();
    for service in ALL {
        let known = known(service);
        let saas = FakeSaas::start().await;
        saas.on("POST", known.path).then(known.taken.clone());
        let bench = known.start(&saas).await;
        bench.send(&[code()]).await;
        let call = saas.calls().remove(0);
        let authorization = call.header("authorization").unwrap_or_default().to_owned();
        said.push((authorization, String::from_utf8(call.body.to_vec()).unwrap()));
    }

    let [mailgun, send_grid, mandrill, ses, twilio] = said.as_slice() else { panic!("five") };
    assert_eq!(mailgun.0, "Basic YXBpOmNhbmFyeS1rZXk=");
    assert!(
        mailgun.1.starts_with("from=noreply%40mg.example.com&to=ana%40example.com&subject="),
        "{}",
        mailgun.1
    );
    assert_eq!(send_grid.0, "Bearer canary-key");
    let body: Value = serde_json::from_str(&send_grid.1).unwrap();
    assert_eq!(body["from"], json!({"email": "privacy@example.com", "name": "Privacy team"}));
    assert_eq!(body["personalizations"], json!([{"to": [{"email": "ana@example.com"}]}]));
    let body: Value = serde_json::from_str(&mandrill.1).unwrap();
    assert_eq!((&body["key"], &body["message"]["to"][0]["email"]), (&json!(KEY), &json!("ana@example.com")));
    let scope = "/eu-west-1/ses/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=";
    assert!(ses.0.starts_with("AWS4-HMAC-SHA256 Credential=AKID/") && ses.0.contains(scope), "{}", ses.0);
    let body: Value = serde_json::from_str(&ses.1).unwrap();
    assert_eq!(body["FromEmailAddress"], "noreply@example.com");
    assert_eq!(twilio.0, "Basic QUMxOmNhbmFyeS1rZXk=");
    assert!(twilio.1.starts_with("To=%2B49301234567&Body=") && twilio.1.ends_with("&From=%2B4930111111"));
}

#[rstest]
#[case::too_many(429, true, "service_later")]
#[case::broken(503, true, "service_later")]
#[case::account(401, true, "service_account")]
#[case::bad(400, false, "service_refused")]
#[case::unknown(404, false, "service_refused")]
#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_will_not_is_said(
    #[case] status: u16,
    #[case] again: bool,
    #[case] class: &str,
) {
    for service in ALL {
        let known = known(service);
        let saas = FakeSaas::start().await;
        saas.on("POST", known.path).then(Answer::text(status, "canary: ana@example.com is wrong"));
        let bench = known.start(&saas).await;

        let tried = bench.messages.service_test(service, &ana()).await.unwrap();
        bench.send(&[code()]).await;

        let expected = if again { MessageState::Waiting } else { MessageState::Failed };
        assert_eq!(bench.last().await, (expected, Some(class.to_owned())), "{}", service.as_str());
        let TestOutcome::Failed(why) = tried else { panic!("{} took it", service.as_str()) };
        assert!(why.contains(&status.to_string()) && !why.contains("ana@"), "{why}");
    }
}

#[rstest]
#[case::key(500, json!({"status": "error", "name": "Invalid_Key", "message": "canary"}), "service_account")]
#[case::wrong(500, json!({"status": "error", "name": "ValidationError"}), "service_refused")]
#[case::own_fault(500, json!({"status": "error", "name": "GeneralError"}), "service_later")]
#[case::rejected(200, json!([{"status": "rejected", "reject_reason": "hard-bounce"}]), "service_refused")]
#[case::no_answer(200, json!({}), "service_later")]
#[tokio::test]
async fn what_mandrill_says_counts_more_than_its_status(
    #[case] status: u16,
    #[case] answer: Value,
    #[case] class: &str,
) {
    let known = known(Service::MailchimpTransactional);
    let saas = FakeSaas::start().await;
    saas.on("POST", known.path).then(Answer::json(status, &answer));
    let bench = known.start(&saas).await;

    bench.send(&[code()]).await;

    assert_eq!(bench.last().await.1.as_deref(), Some(class));
}

// rule: privacy-requests MSG-1
#[tokio::test]
async fn mail_comes_before_texts_and_the_service_that_was_chosen_before_others() {
    let (mailgun, send_grid, twilio) =
        (known(Service::Mailgun), known(Service::TwilioEmail), known(Service::TwilioText));
    let saas = FakeSaas::start().await;
    for known in [&mailgun, &send_grid, &twilio] {
        saas.on("POST", known.path).then(known.taken.clone());
    }
    let url = saas.base_url();
    let hosts = [&mailgun, &send_grid, &twilio].map(|known| (known.host, url.as_str()));
    let bench = Bench::start_routed(&hosts).await;
    for known in [&twilio, &send_grid, &mailgun] {
        bench.messages.service_create(known.draft(), &Actor::system()).await.unwrap();
    }

    bench.send(&[code()]).await;
    let chosen = [("notifications.notification_service_type".to_owned(), json!("twilio_email"))];
    bench.store.setting_put(&chosen, store::OtherSettings::Keep, Actor::system()).await.unwrap();
    bench.send(&[code()]).await;
    let number = MessagePerson { email: None, ..ana() };
    bench.send(&[NewMessage::to_person(MessageKind::VerificationCode, number)]).await;

    let paths: Vec<String> = saas.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(paths, [mailgun.path, send_grid.path, twilio.path]);
    assert_eq!(bench.messages.channels().await.unwrap(), Channels { email: true, sms: true });
}

#[tokio::test]
async fn what_a_service_lacks_is_said_before_anything_is_called() {
    let saas = FakeSaas::start().await;
    let mut ses = known(Service::AwsSes);
    ses.secrets = json!({"auth_method": "automatic"});
    let bench = ses.start(&saas).await;

    let tried = bench.messages.service_test(Service::AwsSes, &ana()).await.unwrap();

    let TestOutcome::Failed(why) = tried else { panic!("nothing was sent") };
    assert!(why.contains("auth_method"), "{why}");
    assert!(!bench.messages.channels().await.unwrap().email);
}

// rule: architecture 13.19
#[tokio::test]
async fn settings_do_not_lead_a_secret_elsewhere() {
    let mut ses = known(Service::AwsSes);
    ses.details = json!({"aws_region": "evil.test/", "domain": "example.com"});
    let mut mailgun = known(Service::Mailgun);
    mailgun.details = json!({"domain": "../../evil.test/x", "api_version": "v3/../v9"});
    let saas = FakeSaas::start().await;

    let of_ses = ses.start(&saas).await;
    let hosts = [("api.mailgun.net", saas.base_url())];
    let of_mailgun = Bench::start_routed(&[(hosts[0].0, &hosts[0].1)]).await;
    of_mailgun.messages.service_create(mailgun.draft(), &Actor::system()).await.unwrap();
    let tried = of_ses.messages.service_test(Service::AwsSes, &ana()).await.unwrap();
    of_mailgun.messages.service_test(Service::Mailgun, &ana()).await.unwrap();

    assert!(matches!(&tried, TestOutcome::Failed(why) if why.contains("aws_region")), "{tried:?}");
    assert_eq!(saas.targets(), ["/v3%2F..%2Fv9/..%2F..%2Fevil.test%2Fx/messages"]);
}
