//! Vendors that are written to about requests.

use std::collections::BTreeSet;

use model::{ConnectionKey, PrivacyRequestId};
use rstest::rstest;
use store::{
    Actor, ClaimedMessage, MessageKind, MessageTo, NewMessage, NewPrivacyRequest, NewRequestLog,
    PrivacyRequestChange, PrivacyRequestStatus as Status, VendorMail, VendorMailEnd, VendorRecipient, Window,
};

use crate::bench::{Backend, Bench, LEASE};
use crate::privacy_request::new_request;

fn vendor(key: &str) -> ConnectionKey {
    key.parse().unwrap()
}

/// What logs of requests say of it.
fn told(end: &VendorMailEnd) -> Vec<NewRequestLog> {
    vec![NewRequestLog::of_work(&end.mail.connection, "complete", "told")]
}

fn letter() -> NewMessage {
    NewMessage::new(MessageKind::VendorErasure, MessageTo::Mailbox("vendor@example.com".to_owned()))
}

impl Bench {
    async fn waiting_request(&self, vendors: &[&str]) -> PrivacyRequestId {
        let new = NewPrivacyRequest { status: Status::AwaitingEmailSend, ..new_request() };
        let id = self.make_request(new).await.id;
        let vendors: Vec<ConnectionKey> = vendors.iter().map(|key| vendor(key)).collect();
        self.store.vendor_mail_await(&id, &vendors).await.unwrap();
        id
    }

    async fn letters(&self) -> Vec<(String, PrivacyRequestId)> {
        let mut letters = Vec::new();
        for connection in self.store.vendor_mail_vendors().await.unwrap() {
            let mut after = None;
            // One at a time: the next begins where the one before ended.
            while let Some(mail) =
                self.store.vendor_mail_waiting(&connection, after.as_ref(), 1).await.unwrap().pop()
            {
                after = Some(mail.request.clone());
                letters.push((mail.connection, mail.request));
            }
        }
        letters
    }

    async fn letter_take(&self) -> ClaimedMessage {
        self.store.message_claim("sender", LEASE).await.unwrap().unwrap()
    }
}

// rule: privacy-requests W-21
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_request_is_told_of_once_and_is_done_when_all_messages_left(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let (store, one) = (&bench.store, bench.waiting_request(&["ads", "mail"]).await);
    let two = bench.waiting_request(&["ads"]).await;
    assert_eq!(bench.letters().await.len(), 3);

    let sent = store
        .vendor_mail_send(("ads", &VendorRecipient::ONLY), &[one.clone(), two.clone()], &letter())
        .await
        .unwrap();
    let twice = store
        .vendor_mail_send(("ads", &VendorRecipient::ONLY), std::slice::from_ref(&two), &letter())
        .await
        .unwrap();

    assert!(sent && !twice);
    assert_eq!(bench.letters().await, [("mail".to_owned(), one.clone())]);
    assert!(store.vendor_mail_settle(told).await.unwrap().is_empty(), "it is on its way");
    let taken = bench.letter_take().await;
    store.message_sent(&taken).await.unwrap();
    let ends = store.vendor_mail_settle(told).await.unwrap();
    assert_eq!(ends.iter().filter(|end| end.failure.is_none()).count(), 2);
    assert_eq!(store.vendor_mail_done().await.unwrap(), [two]);
    assert_eq!(store.vendor_mail_unsent(&one).await.unwrap(), ["mail"]);
}

// rule: privacy-requests W-24
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_did_not_leave_waits_for_the_next_batch(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let (store, one) = (&bench.store, bench.waiting_request(&["ads"]).await);
    store
        .vendor_mail_send(("ads", &VendorRecipient::ONLY), std::slice::from_ref(&one), &letter())
        .await
        .unwrap();

    let taken = bench.letter_take().await;
    store.message_give_up(&taken, "mail_refused").await.unwrap();
    let ends = store.vendor_mail_settle(told).await.unwrap();

    assert_eq!(ends[0].failure.as_deref(), Some("mail_refused"));
    assert_eq!(bench.letters().await, [("ads".to_owned(), one)]);
    assert!(store.vendor_mail_done().await.unwrap().is_empty());
}

// rule: privacy-requests W-24
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_message_that_left_is_noted_with_its_entry_or_not_at_all(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let (store, one) = (&bench.store, bench.waiting_request(&["ads"]).await);
    store
        .vendor_mail_send(("ads", &VendorRecipient::ONLY), std::slice::from_ref(&one), &letter())
        .await
        .unwrap();
    let taken = bench.letter_take().await;
    store.message_sent(&taken).await.unwrap();
    let sql = bench.sql().await;
    sqlx::query("ALTER TABLE privacy_request_log RENAME TO away").execute(&sql).await.unwrap();

    let failed = store.vendor_mail_settle(told).await;
    let unsent = store.vendor_mail_unsent(&one).await.unwrap();
    sqlx::query("ALTER TABLE away RENAME TO privacy_request_log").execute(&sql).await.unwrap();
    let ends = bench.again().await.vendor_mail_settle(told).await.unwrap();

    assert!(failed.is_err());
    assert_eq!((unsent, ends.len()), (vec!["ads".to_owned()], 1));
    let log = store.privacy_request_log_list(&one, None, Window::ALL).await.unwrap().items;
    assert_eq!(log.iter().filter(|log| log.entry.message.as_deref() == Some("told")).count(), 1);
}

// rule: privacy-requests W-23
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_request_waits_for_each_vendor_that_was_looked_up_for_it(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let (store, one) = (&bench.store, bench.waiting_request(&["ads"]).await);
    let mail = VendorMail { request: one.clone(), connection: "ads".to_owned() };
    let [north, south, west] =
        ["north", "south", "west"].map(|name| store.vendor_recipient("a@example.com", name));
    let send = async |to: &VendorRecipient| {
        store.vendor_mail_send(("ads", to), std::slice::from_ref(&one), &letter()).await.unwrap()
    };

    store.vendor_mail_address(&mail, &BTreeSet::from([north.clone(), south.clone()])).await.unwrap();
    let nobody = send(&VendorRecipient::ONLY).await;
    let sent = send(&north).await;
    store.message_sent(&bench.letter_take().await).await.unwrap();
    store.vendor_mail_settle(told).await.unwrap();
    let between = store.vendor_mail_done().await.unwrap();
    // The second vendor turns out to be another one, and the first stays told.
    store.vendor_mail_await(&one, &[vendor("ads")]).await.unwrap();
    store.vendor_mail_address(&mail, &BTreeSet::from([north.clone(), west.clone()])).await.unwrap();
    let open = async |to: &VendorRecipient| {
        store.vendor_mail_open(("ads", to), std::slice::from_ref(&one)).await.unwrap().len()
    };
    let left = (open(&north).await, open(&south).await, open(&west).await, bench.letters().await.len());
    let last = send(&west).await;
    store.message_sent(&bench.letter_take().await).await.unwrap();
    store.vendor_mail_settle(told).await.unwrap();

    assert!(!nobody && sent && between.is_empty());
    assert_eq!((left, last), ((0, 0, 1, 1), true));
    assert_eq!(store.vendor_mail_done().await.unwrap(), [one]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_request_that_was_stopped_is_told_of_no_more(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let one = bench.waiting_request(&["ads"]).await;

    let request = bench.store.get_privacy_request(&one).await.unwrap();
    let mut change = PrivacyRequestChange::of(&request);
    change.request.status = Status::Canceled;
    bench.store.privacy_request_change(change, Actor::system(), "privacy_request.canceled").await.unwrap();

    assert!(bench.letters().await.is_empty());
    assert!(bench.store.vendor_mail_done().await.unwrap().is_empty());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_is_done_by_a_schedule_goes_on_where_it_stood(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let since = async || bench.store.scheduled_since("mail").await.unwrap();
    let first = since().await;
    let later = first + std::time::Duration::from_mins(1);

    bench.store.scheduled_done("mail", later).await.unwrap();
    bench.store.scheduled_done("mail", first).await.unwrap();

    assert_eq!(since().await, later);
}
