//! Access that ends by itself (governance GRA-3).

use std::time::Duration;

use crypto::MasterKey;
use model::{Clock as _, ConnectionKey, RandomIds, RunId};
use rstest::rstest;
use sqlx::Row as _;
use store::{
    AccessEnd, AccessEndFilter, AccessEndRetry, AccessEndState as State, Actor, HeldAccess, MessageFilter,
    MessageKind, NewAccessEnd, NewIntent, StoreError, Window,
};

use crate::bench::{Backend, Bench, CANARY, LEASE, open, ring};

const HOUR: Duration = Duration::from_hours(1);

fn crm() -> ConnectionKey {
    "crm".parse().unwrap()
}

fn access() -> HeldAccess {
    HeldAccess {
        entitlement: "role:9:member".to_owned(),
        principal_kind: "user".to_owned(),
        principal_id: CANARY.to_owned(),
    }
}

impl Bench {
    async fn access_end(&self, due_in: Duration) -> AccessEnd {
        self.access_end_by(&RunId::new(&RandomIds), due_in).await
    }

    async fn access_end_by(&self, run: &RunId, due_in: Duration) -> AccessEnd {
        let new = NewAccessEnd {
            connection: &crm(),
            access: &access(),
            run,
            due_at: self.clock.now() + due_in,
            actor: Actor::person("pat"),
        };
        self.store.access_end_put(&new).await.unwrap()
    }

    async fn end_take(&self) -> Option<store::ClaimedAccessEnd> {
        self.again().await.access_end_claim("w", LEASE).await.unwrap()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_end_comes_at_its_time_for_one_process_and_for_another_if_that_falls_silent(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let end = bench.access_end(HOUR).await;
    let opened = bench.store.access_end_open(&end.id, end.due_at, Actor::system()).await.unwrap();

    let early = bench.end_take().await;
    let next = bench.store.access_end_next("other").await.unwrap();
    bench.clock.advance(HOUR);
    let taken = bench.end_take().await.expect("its time has come");
    let second = bench.end_take().await;
    bench.clock.advance(LEASE);
    let again = bench.end_take().await.expect("whoever had it is gone");
    let late = bench.store.access_end_beat(&taken.lease, LEASE).await.unwrap_err();
    let closed = bench.store.access_end_close(&end.id, State::Ended, Actor::system()).await.unwrap();
    let lost = bench.store.access_end_beat(&again.lease, LEASE).await.unwrap_err();

    assert!(opened && early.is_none() && second.is_none() && closed);
    assert_eq!(next, Some(end.due_at));
    assert_eq!((again.end.access, again.end.state), (access(), State::Open));
    assert!(matches!((late, lost), (StoreError::Fenced { .. }, StoreError::Fenced { .. })));
    assert!(bench.end_take().await.is_none());
    assert_eq!(bench.store.access_end_next("other").await.unwrap(), None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_same_access_has_one_end_which_can_be_put_off_and_closed(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (first, second) = (bench.access_end(HOUR).await, bench.access_end(HOUR * 3).await);

    let later = bench.clock.now() + HOUR * 5;
    bench.store.access_end_open(&second.id, later, Actor::system()).await.unwrap();
    let found = bench.store.access_end_find_open(&crm(), &access()).await.unwrap().unwrap();
    let closing = (State::Void, Actor::person("pat"));
    let closed = bench.store.access_end_close_of(&crm(), &access(), closing.clone()).await.unwrap();
    let twice = bench.store.access_end_close_of(&crm(), &access(), closing).await.unwrap();

    assert_eq!((&first.id, &first.id), (&second.id, &found.id));
    assert_eq!((found.state, found.due_at, found.next_at), (State::Open, later, later));
    assert!(closed.is_some() && twice.is_none());
    let open = AccessEndFilter { connection: Some(&crm()), open_only: true };
    assert_eq!(bench.store.access_end_list(open, Window::ALL).await.unwrap().total, 0);
    let all = bench.store.access_end_list(AccessEndFilter::default(), Window::ALL).await.unwrap();
    assert_eq!((all.total, all.items[0].state), (1, State::Void));
    assert_ne!(bench.access_end(HOUR).await.id, first.id);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn access_that_could_not_be_taken_is_told_once_and_tried_again(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.access_end(HOUR).await;
    bench.clock.advance(HOUR);

    for _ in 0..2 {
        let taken = bench.end_take().await.unwrap();
        let next = bench.clock.now() + Duration::from_mins(1);
        let error = "the application answers 503";
        let retry = AccessEndRetry { error, next_at: next, is_told: true };
        bench.store.access_end_retry(&taken.lease, &retry).await.unwrap();
        assert!(bench.end_take().await.is_none());
        bench.clock.advance(Duration::from_mins(1));
    }

    let end = bench.end_take().await.unwrap().end;
    assert_eq!((end.attempts, end.last_error.as_deref()), (2, Some("the application answers 503")));
    let told = bench.store.message_list(MessageFilter::default(), Window::ALL).await.unwrap();
    assert_eq!((told.total, told.items[0].kind), (1, MessageKind::AccessStays));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn access_that_stays_again_after_its_end_was_put_off_is_told_again(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let end = bench.access_end(HOUR).await;

    for times in 1..=2 {
        bench.clock.advance(HOUR);
        let taken = bench.end_take().await.unwrap();
        let next_at = bench.clock.now() + Duration::from_mins(1);
        let retry = AccessEndRetry { error: "the application answers 503", next_at, is_told: true };
        bench.store.access_end_retry(&taken.lease, &retry).await.unwrap();
        let told = bench.store.message_list(MessageFilter::default(), Window::ALL).await.unwrap();
        assert_eq!(told.total, times);
        let later = bench.clock.now() + HOUR;
        assert!(bench.store.access_end_open(&end.id, later, Actor::system()).await.unwrap());
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_end_that_is_put_off_while_somebody_tries_it_comes_at_its_new_time(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let end = bench.access_end(HOUR).await;
    bench.clock.advance(HOUR);
    let soon = AccessEndRetry {
        error: "the application answers 503",
        next_at: bench.clock.now() + Duration::from_mins(1),
        is_told: true,
    };

    let first = bench.end_take().await.unwrap();
    let later = bench.clock.now() + HOUR * 5;
    assert!(bench.store.access_end_open(&end.id, later, Actor::system()).await.unwrap());
    let put_off = bench.store.access_end_retry(&first.lease, &soon).await.unwrap_err();
    bench.clock.advance(HOUR);
    let early = bench.end_take().await;
    bench.clock.advance(HOUR * 4);
    let second = bench.end_take().await.expect("its new time has come");
    // The access is gone, which nobody could see yet, and is given anew.
    let anew = bench.access_end(HOUR).await;
    let given_anew = bench.store.access_end_retry(&second.lease, &soon).await.unwrap_err();

    assert!(early.is_none());
    assert!(matches!((put_off, given_anew), (StoreError::Fenced { .. }, StoreError::Fenced { .. })));
    let kept = bench.store.access_end_find(&end.id).await.unwrap().unwrap();
    assert_eq!((kept.next_at, kept.attempts, kept.last_error), (anew.due_at, 0, None));
    assert!(bench.end_take().await.is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn access_that_is_taken_while_somebody_is_about_to_give_it_keeps_the_end_of_what_comes(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, plan) = bench.applying(1).await;
    let close = async |state| {
        bench.store.access_end_close_of(&crm(), &access(), (state, Actor::system())).await.unwrap()
    };
    let end = bench.access_end_by(&claimed.lease.run, HOUR).await;

    let unsent = close(State::Ended).await;
    let kept = bench.store.access_end_find(&end.id).await.unwrap().unwrap();
    let intent = NewIntent { lease: claimed.lease.clone(), plan, operation: 0, attempt: 1 };
    bench.store.ledger_intent(intent).await.unwrap();
    let sent = close(State::Ended).await;
    bench.access_end(HOUR).await;
    let for_good = close(State::Void).await;

    assert_eq!((unsent, kept.state), (None, State::Pending));
    assert_eq!(sent.map(|end| end.id), Some(end.id));
    assert!(for_good.is_some());
    let all = bench.store.access_end_list(AccessEndFilter::default(), Window::ALL).await.unwrap().items;
    let mut states: Vec<&str> = all.iter().map(|end| end.state.as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["ended", "void"]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn who_holds_what_lies_sealed_opens_under_another_master_key_and_is_forgotten(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let end = bench.access_end(HOUR).await;

    let pool = bench.sql().await;
    let row = sqlx::query("SELECT sealed, subject_hash FROM access_end").fetch_one(&pool).await.unwrap();
    pool.close().await;
    for column in 0..2 {
        let bytes: Vec<u8> = row.get(column);
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"));
    }
    assert!(!format!("{end:?}").contains(CANARY));
    let new = MasterKey::random().to_base64();
    let both = ring(&new).with_older(MasterKey::from_base64(bench.key.expose()).unwrap());
    let store = open(&bench.place, both, &bench.clock).await.unwrap();
    store.keys_reseal(Actor::system()).await.unwrap();
    let store = open(&bench.place, ring(&new), &bench.clock).await.unwrap();
    let kept = store.access_end_find(&end.id).await.unwrap().unwrap();
    store.access_end_close(&end.id, State::Ended, Actor::system()).await.unwrap();
    let early = store.access_end_forget(bench.clock.now()).await.unwrap();
    bench.clock.advance(HOUR);
    let forgotten = store.access_end_forget(bench.clock.now()).await.unwrap();

    assert_eq!(kept.access, access());
    assert_eq!((early, forgotten), (0, 1));
    assert!(store.access_end_find(&end.id).await.unwrap().is_none());
}
