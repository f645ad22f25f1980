use std::time::Duration;

use futures::FutureExt as _;
use model::SystemClock;
use serde_json::json;
use store::{MessageKind, MessageState, NewMessage};
use testkit::{Answer, FakeSaas};
use tokio::sync::oneshot;

use crate::bench::Bench;

fn settings(url: &str) -> String {
    format!("messages:\n  webhooks:\n    - {{name: crm, url: '{url}/hook', secret_from: [NEW_SECRET]}}\n")
}

fn failed(id: &str) -> NewMessage {
    NewMessage::to_staff(MessageKind::Failed).about(id).with("step", "access")
}

#[tokio::test]
async fn many_senders_send_each_message_once() {
    let crm = FakeSaas::start().await;
    crm.on("POST", "/hook").then(Answer::text(200, ""));
    let bench = Bench::start(&settings(&crm.base_url())).await;
    let messages: Vec<_> = (0..20).map(|number| failed(&format!("pri_{number}"))).collect();
    bench.store.message_put(&messages).await.unwrap();
    let senders = [bench.sender(), bench.sender(), bench.sender()];

    let sent = futures::future::join_all(senders.iter().map(messages::Sender::send_due)).await;

    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    // A sender that finds nothing ends while others are at work.
    bench.send_due().await;
    let mut ids: Vec<_> =
        crm.calls().iter().map(|call| call.header("webhook-id").unwrap_or_default().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((crm.calls().len(), ids.len()), (20, 20));
}

#[tokio::test]
async fn a_sender_that_died_in_the_middle_is_replaced() {
    let crm = FakeSaas::start().await;
    crm.on("POST", "/hook").then(Answer::text(200, ""));
    let bench = Bench::start(&settings(&crm.base_url())).await;
    bench.store.message_put(&[failed("pri_1")]).await.unwrap();
    let lease = Duration::from_mins(1);
    bench.store.message_claim("dead", lease).await.unwrap().unwrap();

    bench.send_due().await;
    let before = crm.calls().len();
    bench.clock.advance(lease + Duration::from_secs(1));
    bench.send_due().await;

    assert_eq!((before, crm.calls().len()), (0, 1));
}

#[tokio::test]
async fn a_running_sender_sends_what_is_put_and_ends_when_it_is_told() {
    let crm = FakeSaas::start().await;
    crm.on("POST", "/hook").then(Answer::text(200, ""));
    let bench = Bench::start_in_real_time(&settings(&crm.base_url())).await;
    let sender = bench.sender();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(async move { sender.run(stopped.map(|_| ())).await });

    bench.store.message_put(&[failed("pri_1")]).await.unwrap();
    let clock = SystemClock;
    while bench.all().await.len() < 2 || bench.last().await.0 != MessageState::Sent {
        model::Clock::sleep(&clock, Duration::from_millis(5)).await;
    }
    stop.send(()).unwrap();

    running.await.unwrap();
    assert_eq!(crm.calls().len(), 1);
}

#[tokio::test]
async fn staff_get_what_needs_a_person_and_nothing_else() {
    let settings = "smtp: {host: 127.0.0.1, port: 1, security: none, from: a@example.com}\nmessages: {staff: [ben@example.com]}\n";
    let bench = Bench::start(settings).await;
    let finished = NewMessage::to_staff(MessageKind::Finished).with("request_types", json!(["access"]));

    bench.send(&[failed("pri_1"), finished]).await;

    let all = bench.all().await;
    let mails: Vec<_> = all.iter().filter(|message| message.channel.as_str() == "email").collect();
    assert_eq!((all.len(), mails.len(), mails[0].kind), (3, 1, MessageKind::Failed));
}
