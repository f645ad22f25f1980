use std::time::Duration;

use crypto::MasterKey;
use jiff::Timestamp;
use model::Clock as _;
use rstest::rstest;
use sqlx::Row as _;
use store::{
    Actor, ClaimedMessage, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep,
    FailureNotice, MessageChannel, MessageFilter, MessageKind, MessageState, MessageTo, NewConnection,
    NewMessage, StoreError, StoredMessage, Window,
};

use crate::bench::{Backend, Bench, CANARY, LEASE, open, ring};

fn code() -> NewMessage {
    NewMessage::to_email(MessageKind::VerificationCode, CANARY).about("pri_1").with("code", "123456")
}

fn failed() -> NewMessage {
    NewMessage::to_staff(MessageKind::Failed).about("pri_1")
}

impl Bench {
    async fn message(&self, message: NewMessage) -> usize {
        self.store.message_put(&[message]).await.unwrap().len()
    }

    async fn message_take(&self) -> Option<ClaimedMessage> {
        self.again().await.message_claim("sender", LEASE).await.unwrap()
    }

    async fn messages(&self) -> Vec<StoredMessage> {
        self.store.message_list(MessageFilter::default(), Window::ALL).await.unwrap().items
    }

    fn later(&self, seconds: u64) -> Timestamp {
        self.clock.now() + Duration::from_secs(seconds)
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_message_is_taken_by_one_and_says_what_was_put(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.message(code()).await;

    let taken = bench.message_take().await.unwrap();
    let again = bench.message_take().await;

    assert_eq!((taken.kind, taken.attempt), (MessageKind::VerificationCode, 1));
    assert!(matches!(&taken.to, MessageTo::Person(person) if person.email.as_deref() == Some(CANARY)));
    assert_eq!(taken.values.get("code").and_then(|code| code.as_str()), Some("123456"));
    assert!(again.is_none());
    assert!(!format!("{taken:?}").contains(CANARY), "{taken:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_same_message_is_put_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };

    let first = bench.message(code().once("code|pri_1|1")).await;
    let second = bench.message(code().once("code|pri_1|1")).await;
    let other = bench.message(code().once("code|pri_1|2")).await;

    assert_eq!([first, second, other], [1, 0, 1]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_message_whose_sender_fell_silent_is_taken_by_another_and_the_first_writes_no_more(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    bench.message(code()).await;
    let first = bench.message_take().await.unwrap();

    bench.clock.advance(LEASE + Duration::from_secs(1));
    let second = bench.message_take().await.unwrap();

    assert_eq!((&second.id, second.attempt), (&first.id, 2));
    for refused in [
        bench.store.message_sent(&first).await,
        bench.store.message_give_up(&first, "refused").await,
        bench.store.message_retry(&first, bench.later(1), "refused").await,
        bench.store.message_route(&first, &[MessageTo::Mailbox(CANARY.to_owned())]).await.map(|_| ()),
    ] {
        assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    }
    bench.store.message_sent(&second).await.unwrap();
    let all = bench.messages().await;
    assert_eq!((all.len(), all[0].state), (1, MessageState::Sent));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_message_that_did_not_leave_is_due_again_later(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.message(code()).await;
    let taken = bench.message_take().await.unwrap();

    bench.store.message_retry(&taken, bench.later(30), "unreachable").await.unwrap();

    assert!(bench.message_take().await.is_none());
    assert_eq!(bench.messages().await[0].failure.as_deref(), Some("unreachable"));
    bench.clock.advance(Duration::from_secs(31));
    assert_eq!(bench.message_take().await.unwrap().attempt, 2);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_message_becomes_one_for_each_of_its_ways(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.message(code().until(bench.later(600))).await;
    let open = bench.message_take().await.unwrap();
    let ways =
        [MessageTo::Mailbox(CANARY.to_owned()), MessageTo::Webhook { name: "crm".to_owned(), person: None }];

    let made = bench.store.message_route(&open, &ways).await.unwrap();

    assert_eq!(made, 2);
    let (one, other) = (bench.message_take().await.unwrap(), bench.message_take().await.unwrap());
    assert_eq!([&one.to, &other.to], [&ways[0], &ways[1]]);
    assert_eq!((&one.values, &one.about, one.expires_at), (&open.values, &open.about, open.expires_at));
    let mut found: Vec<_> =
        bench.messages().await.iter().map(|message| (message.channel, message.state)).collect();
    found.sort_by_key(|(channel, _)| channel.as_str());
    assert_eq!(
        found,
        [
            (MessageChannel::Email, MessageState::Sending),
            (MessageChannel::Open, MessageState::Sent),
            (MessageChannel::Webhook, MessageState::Sending)
        ]
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_message_without_a_way_is_given_up_and_says_so(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.message(code()).await;

    let made = bench.store.message_route(&bench.message_take().await.unwrap(), &[]).await.unwrap();

    let all = bench.messages().await;
    assert_eq!((made, all[0].state), (0, MessageState::Failed));
    assert_eq!(all[0].failure.as_deref(), Some("no_channel"));
    bench.message(failed()).await;
    bench.store.message_route(&bench.message_take().await.unwrap(), &[]).await.unwrap();
    assert_eq!(
        (bench.messages().await[0].state, bench.message_take().await.is_none()),
        (MessageState::Sent, true)
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_a_message_said_is_sealed_and_destroyed_when_it_is_over(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let sql = bench.sql().await;
    let sealed = async || {
        let row = sqlx::query("SELECT sealed FROM message").fetch_one(&sql).await.unwrap();
        row.try_get::<Option<Vec<u8>>, _>(0).unwrap()
    };
    bench.message(code()).await;
    let before = sealed().await.unwrap();

    bench.store.message_sent(&bench.message_take().await.unwrap()).await.unwrap();

    assert!(!String::from_utf8_lossy(&before).contains("canary"));
    assert_eq!(sealed().await, None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_is_of_no_use_any_more_is_given_up_and_what_is_long_over_goes(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.message(code().until(bench.later(600))).await;
    bench.message(failed()).await;
    bench.clock.advance(Duration::from_secs(601));

    let swept = bench.store.message_sweep(bench.later(0)).await.unwrap();

    let all = bench.messages().await;
    assert_eq!((swept, all.len()), (0, 2));
    let late = all.iter().find(|message| message.kind == MessageKind::VerificationCode).unwrap();
    assert_eq!((late.state, late.failure.as_deref()), (MessageState::Failed, Some("expired")));
    assert_eq!(bench.store.message_sweep(bench.later(1)).await.unwrap(), 1);
    assert_eq!(bench.messages().await.len(), 1);
}

// rule: privacy-requests MSG-6
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn after_so_many_failures_people_are_told_how_many_there_were(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let notice = FailureNotice { addresses: vec![CANARY.to_owned()], after: 2 };
    bench.store.failure_notice_put(&notice, Actor::system()).await.unwrap();
    let mut made = Vec::new();

    for _ in 0..4 {
        bench.message(failed()).await;
        made.push(bench.store.message_route(&bench.message_take().await.unwrap(), &[]).await.unwrap());
        if *made.last().unwrap() > 0 {
            let told = bench.message_take().await.unwrap();
            assert_eq!(told.to, MessageTo::Mailbox(CANARY.to_owned()));
            assert_eq!(told.values["failures"], 2);
            bench.store.message_sent(&told).await.unwrap();
        }
    }

    assert_eq!(made, [0, 1, 0, 1]);
    assert_eq!(bench.again().await.failure_notice_find().await.unwrap(), Some(notice));
    let nobody = FailureNotice { addresses: Vec::new(), after: 1 };
    bench.store.failure_notice_put(&nobody, Actor::system()).await.unwrap();
    assert_eq!(bench.store.failure_notice_find().await.unwrap(), None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_connection_that_worked_and_does_not_any_more_is_told_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let new = NewConnection {
        name: None,
        description: None,
        connection_type: "https".to_owned(),
        access: ConnectionAccess::Read,
        disabled: false,
        system_key: None,
    };
    let (key, steps) = ("crm".parse().unwrap(), vec![ConnectionStep::Create(new)]);
    let change = ConnectionChange { key: &key, actor: Actor::system(), steps };
    assert_eq!(bench.store.connection_change(change).await.unwrap(), ConnectionChanged::Done);

    for succeeded in [false, true, true, false, false] {
        bench.store.connection_tested(&key, succeeded).await.unwrap();
    }

    let all = bench.messages().await;
    assert_eq!((all.len(), all[0].kind), (1, MessageKind::ConnectionBroken));
    assert_eq!(all[0].about.as_deref(), Some("crm"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn messages_open_under_another_master_key(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.message(code()).await;
    let notice = FailureNotice { addresses: vec![CANARY.to_owned()], after: 2 };
    bench.store.failure_notice_put(&notice, Actor::system()).await.unwrap();
    let new = MasterKey::random().to_base64();
    let both = ring(&new).with_older(MasterKey::from_base64(bench.key.expose()).unwrap());
    let store = open(&bench.place, both, &bench.clock).await.unwrap();

    store.keys_reseal(Actor::system()).await.unwrap();

    let store = open(&bench.place, ring(&new), &bench.clock).await.unwrap();
    let taken = store.message_claim("sender", LEASE).await.unwrap().unwrap();
    assert_eq!(taken.values["code"], "123456");
    assert_eq!(store.failure_notice_find().await.unwrap(), Some(notice));
}
