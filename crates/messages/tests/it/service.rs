use crypto::Secret;
use messages::{ServiceDraft, ServiceError, TestOutcome};
use serde_json::{Value, json};
use store::{Actor, MessageKind, MessagePerson, MessageState, MessagingService, NewMessage};

use crate::bench::{Bench, MailServer, receiver};

fn draft(service: MessagingService, details: Value) -> ServiceDraft {
    let Value::Object(details) = details else { panic!("an object") };
    ServiceDraft { key: None, name: None, service, details, secrets: None }
}

fn smtp(port: u64) -> ServiceDraft {
    let details =
        json!({"host": "127.0.0.1", "port": port, "security": "none", "email_from": "a@example.com"});
    draft(MessagingService::Smtp, details)
}

fn person(address: &str) -> MessagePerson {
    MessagePerson { email: Some(address.to_owned()), phone_number: None }
}

fn problems(error: ServiceError) -> Vec<String> {
    let ServiceError::Fields(problems) = error else { panic!("{error:?}") };
    problems.iter().map(|problem| format!("{} {} {}", problem.place, problem.name, problem.kind)).collect()
}

#[tokio::test]
async fn a_mail_server_of_the_api_sends_once_it_is_set_and_is_tried() {
    let Some(server) = MailServer::find() else { return };
    let bench = Bench::start("").await;
    assert!(!bench.messages.channels().await.unwrap().email);
    let (ana, ben) = (receiver("ana"), receiver("ben"));

    let made = bench.messages.service_create(smtp(server.port("none")), &Actor::system()).await.unwrap();
    let tried = bench.messages.service_test(MessagingService::Smtp, &person(&ana)).await.unwrap();
    bench.send(&[NewMessage::to_email(MessageKind::Receipt, &ben).about("pri_1")]).await;

    assert_eq!((made.key.as_str(), tried), ("default_messaging_config_smtp", TestOutcome::Sent));
    assert!(server.mails_for(&ana)[0].data.contains("Subject: Test message"));
    assert!(server.mails_for(&ben)[0].data.contains("Number of the request: pri_1"));
    assert_eq!(bench.last().await.0, MessageState::Sent);
    assert_eq!(bench.messages.service(&made.key).await.unwrap().tested.map(|(_, fine)| fine), Some(true));
}

// rule: architecture 13.19
#[tokio::test]
async fn a_mail_server_of_the_api_that_points_inside_is_not_called() {
    let Some(server) = MailServer::find() else { return };
    let bench = Bench::start_with("", &["127.0.0.1@other"]).await;
    bench.messages.service_create(smtp(server.port("none")), &Actor::system()).await.unwrap();
    let ana = receiver("ana");

    let tried = bench.messages.service_test(MessagingService::Smtp, &person(&ana)).await.unwrap();

    assert_eq!(tried, TestOutcome::Failed("the mail server may not be called".to_owned()));
    assert!(server.mails_for(&ana).is_empty());
}

#[tokio::test]
async fn a_password_does_not_follow_to_another_server_and_without_it_nothing_is_sent() {
    let bench = Bench::start("").await;
    let system = Actor::system();
    let with = |host: &str| {
        draft(
            MessagingService::Smtp,
            json!({"host": host, "username": "tutela", "email_from": "a@example.com"}),
        )
    };
    let password = vec![("smtp_password".to_owned(), Secret::new("canary".to_owned()))];
    let made = bench
        .messages
        .service_create(ServiceDraft { secrets: Some(password), ..with("mail.example.com") }, &system)
        .await
        .unwrap();
    let fine = bench.messages.service_problem(&made).await.unwrap();

    let moved = bench.messages.service_put(with("elsewhere.example.com"), &system).await.unwrap();

    assert_eq!(fine, None);
    assert!(bench.messages.service_problem(&moved).await.unwrap().unwrap().starts_with("No secrets"));
    assert!(!bench.messages.channels().await.unwrap().email);
}

#[tokio::test]
async fn services_without_secrets_are_kept_and_say_so_when_they_are_tried() {
    let bench = Bench::start("").await;
    let mailgun = draft(MessagingService::Mailgun, json!({"domain": "mg.example.com"}));
    bench.messages.service_create(mailgun, &Actor::system()).await.unwrap();

    let tried = bench.messages.service_test(MessagingService::Mailgun, &person("ana@example.com")).await;
    let unset = bench.messages.service_test(MessagingService::AwsSes, &person("ana@example.com")).await;

    let TestOutcome::Failed(why) = tried.unwrap() else { panic!("nothing was sent") };
    assert!(why.contains("No secrets") && why.contains("mailgun"), "{why}");
    assert!(matches!(unset, Err(ServiceError::NotSet { .. })), "{unset:?}");
}

#[tokio::test]
async fn what_does_not_fit_a_service_is_named_without_its_value() {
    let bench = Bench::start("").await;
    let details = json!({"host": "mail.example.com", "port": 0, "security": "none", "colour": "canary"});

    let settings =
        bench.messages.service_create(draft(MessagingService::Smtp, details), &Actor::system()).await;
    let mut secrets = draft(MessagingService::TwilioText, json!({}));
    secrets.secrets = Some(vec![("twilio_account_sid".to_owned(), Secret::new("canary".to_owned()))]);
    let secrets = bench.messages.service_create(secrets, &Actor::system()).await;

    assert_eq!(
        problems(settings.unwrap_err()),
        [
            "details port int_type",
            "details colour extra_forbidden",
            "details email_from missing",
            "details security value_error"
        ]
    );
    assert_eq!(
        problems(secrets.unwrap_err()),
        ["secrets twilio_auth_token missing", "secrets twilio_messaging_service_sid missing"]
    );
}

#[tokio::test]
async fn there_is_one_of_each_service() {
    let bench = Bench::start("").await;
    bench.messages.service_create(smtp(25), &Actor::system()).await.unwrap();

    let again = bench.messages.service_create(smtp(26), &Actor::system()).await;
    let other = draft(MessagingService::Mailgun, json!({"domain": "mg.example.com"}));
    let other = ServiceDraft { key: Some("default_messaging_config_smtp".to_owned()), ..other };
    let key = bench.messages.service_create(other, &Actor::system()).await;

    assert!(matches!(again, Err(ServiceError::Taken { .. })), "{again:?}");
    assert!(matches!(key, Err(ServiceError::Taken { .. })), "{key:?}");
}
