use std::time::Duration;

use rstest::rstest;
use store::{MessageKind, MessageState, NewMessage};

use crate::bench::{Bench, MailServer, receiver};

fn code(address: &str) -> NewMessage {
    NewMessage::to_email(MessageKind::VerificationCode, address)
        .about("pri_1")
        .with("code", "123456")
        .with("minutes", 10)
}

#[rstest]
#[case::starttls("starttls", true)]
#[case::tls("tls", true)]
#[case::none("none", false)]
#[tokio::test]
async fn a_code_arrives_by_each_kind_of_connection(#[case] security: &str, #[case] secret: bool) {
    let Some(server) = MailServer::find() else { return };
    let bench = Bench::start(&server.settings(security)).await;
    let ana = receiver("ana");

    bench.send(&[code(&ana)]).await;

    let mails = server.mails_for(&ana);
    assert_eq!((mails.len(), bench.last().await), (1, (MessageState::Sent, None)));
    assert_eq!((mails[0].tls, mails[0].account.as_deref()), (secret, secret.then_some("tutela")));
    for says in
        ["Subject: Your code is 123456", "within 10 minutes", "From: \"Privacy team\" <privacy@example.com>"]
    {
        assert!(mails[0].data.contains(says), "{says}: {}", mails[0].data);
    }
}

#[tokio::test]
async fn a_server_with_a_certificate_of_somebody_else_gets_nothing() {
    let Some(server) = MailServer::find() else { return };
    let settings = server.settings("tls");
    let (without, _) = settings.split_once(", certificate_authority").unwrap();
    let bench = Bench::start(&format!("{without}}}\n")).await;
    let ana = receiver("ana");

    bench.send(&[code(&ana)]).await;

    assert_eq!(bench.last().await.0, MessageState::Waiting);
    assert!(server.mails_for(&ana).is_empty());
}

#[tokio::test]
async fn a_server_that_offers_no_tls_gets_nothing_where_tls_is_wanted() {
    let Some(server) = MailServer::find() else { return };
    let port = server.port("none");
    let bench = Bench::start(&format!(
        "smtp: {{host: localhost, port: {port}, security: starttls, from: privacy@example.com}}\n"
    ))
    .await;
    let ana = receiver("ana");

    bench.send(&[code(&ana)]).await;

    assert_eq!(bench.last().await.0, MessageState::Waiting);
    assert!(server.mails_for(&ana).is_empty());
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_not_tried_again() {
    let Some(server) = MailServer::find() else { return };
    let bench = Bench::start(&server.settings("none")).await;

    bench.send(&[code(&receiver("refused"))]).await;

    assert_eq!(bench.last().await, (MessageState::Failed, Some("mail_refused".to_owned())));
}

#[tokio::test]
async fn a_server_that_cannot_now_is_asked_again_later_until_the_message_is_of_no_use() {
    let Some(server) = MailServer::find() else { return };
    let bench = Bench::start(&server.settings("none")).await;
    let until = model::Clock::now(&bench.clock) + Duration::from_secs(20);

    bench.send(&[code(&receiver("later")).until(until)]).await;

    assert_eq!(bench.last().await, (MessageState::Waiting, Some("mail_later".to_owned())));
    bench.clock.advance(Duration::from_secs(6));
    bench.send_due().await;
    let again = bench.all().await.iter().map(|message| message.attempts).max();
    assert_eq!((again, bench.last().await.0), (Some(2), MessageState::Waiting));
    bench.clock.advance(Duration::from_mins(1));
    bench.send_due().await;
    assert_eq!(bench.last().await, (MessageState::Failed, Some("expired".to_owned())));
}

#[tokio::test]
async fn nobody_who_listens_means_that_a_message_is_tried_again() {
    let settings = "smtp: {host: 127.0.0.1, port: 1, security: none, from: privacy@example.com}\n";
    let bench = Bench::start(settings).await;

    bench.send(&[code("ana@example.com")]).await;

    assert_eq!(bench.last().await, (MessageState::Waiting, Some("mail_unreachable".to_owned())));
}

#[tokio::test]
async fn a_text_of_the_customer_stands_in_place_of_ours() {
    let Some(server) = MailServer::find() else { return };
    let bench = Bench::start(&server.settings("none")).await;
    let name = messages::TemplateName::IdentityVerification;
    let template =
        messages::Template::checked(name, "Code __CODE__", "<p>Use <b>{{ code }}</b> &amp; go</p>").unwrap();
    bench.messages.templates_put(&[template], &store::Actor::system()).await.unwrap();
    let ana = receiver("ana");

    bench.send(&[code(&ana).with("code", "1<2")]).await;

    let mails = server.mails_for(&ana);
    assert!(mails[0].data.contains("Subject: Code 1<2"), "{}", mails[0].data);
    assert!(mails[0].data.contains("Content-Type: text/html"), "{}", mails[0].data);
    assert!(mails[0].data.contains("<b>1&lt;2</b>"), "{}", mails[0].data);
}
