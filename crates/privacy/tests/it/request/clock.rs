//! When the clock of a request stands still.

use privacy::deadline::Jurisdiction;
use privacy::request::{Deadlines, Longer, RequestSettings};
use store::PrivacyRequestStatus as Status;

use super::*;

const PHONE: &str = "+4915100000001";

/// A desk under a law that stops the clock, with a request of which one identity was shown and its person
/// asked what they mean; and when it was due before.
async fn asked(desk: &Desk) -> (PrivacyRequestId, BTreeMap<String, Secret<String>>, jiff::Timestamp) {
    let asked = desk.asked(&[("email", ANA), ("phone_number", PHONE)]).await;
    let codes = desk.codes().await;
    let shown = desk.requests.verify(&asked.id, codes.get(ANA).unwrap()).await.unwrap();
    assert_eq!(shown.status, Status::Pending);
    let question = Secret::new("which account?".to_owned());
    let paused = desk.requests.ask_what_is_meant(&asked.id, question, &pat()).await.unwrap();
    assert_eq!(paused.due_at, None);
    (asked.id, codes, shown.due_at.unwrap())
}

fn lawful() -> RequestSettings {
    let deadlines = Deadlines { jurisdiction: Some(Jurisdiction::Gdpr), ..Deadlines::default() };
    RequestSettings { manual_approval: true, deadlines, ..with_codes() }
}

#[tokio::test]
async fn a_code_does_not_start_the_clock_that_a_question_stopped() {
    let desk = Desk::open(lawful()).await;
    let (id, codes, due) = asked(&desk).await;

    let shown = desk.requests.verify(&id, &codes[PHONE]).await.unwrap();
    desk.clock.advance(Duration::from_hours(48));
    let answer = Secret::new("the first".to_owned());
    let answered = desk.requests.say_what_is_meant(&id, answer, &pat()).await.unwrap();

    assert_eq!(shown.due_at, None);
    assert!(answered.due_at > Some(due), "{:?}", answered.due_at);
}

#[tokio::test]
async fn a_longer_time_does_not_start_the_clock_that_a_question_stopped() {
    let desk = Desk::open(lawful()).await;
    let (id, _, due) = asked(&desk).await;

    let longer = Longer { why: Secret::new("many systems".to_owned()), named_day: None };
    desk.requests.extend(&id, longer, &pat()).await.unwrap();
    let extended = desk.requests.get(&id).await.unwrap();
    let answer = Secret::new("the first".to_owned());
    let answered = desk.requests.say_what_is_meant(&id, answer, &pat()).await.unwrap();

    assert_eq!(extended.due_at, None);
    assert!(answered.due_at > Some(due), "{:?}", answered.due_at);
}
