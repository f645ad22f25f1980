use std::time::Duration;

use crypto::Secret;
use jiff::Timestamp;
use model::{PrivacyRequestId, RandomIds};
use rstest::rstest;
use store::{
    Actor, DeadlineExtension, Hold, HoldRest, Lookup, NewHold, PrivacyRequestStatus, StoreError, Window,
};

use crate::bench::{Backend, Bench, CANARY};
use crate::manual::email;

impl Bench {
    async fn hold(&self, place: Option<&str>, until: Option<Timestamp>, people: Vec<Lookup>) -> Hold {
        let new = NewHold {
            place: place.map(str::to_owned),
            ground: "HGB 257".to_owned(),
            until,
            people,
            actor: Actor::person("pat"),
        };
        self.store.hold_create(new).await.unwrap()
    }

    async fn held(&self, request: &PrivacyRequestId) -> Vec<String> {
        let holds = self.store.hold_list_of(request).await.unwrap();
        holds.into_iter().map(|hold| hold.id).collect()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_hold_counts_for_its_people_until_it_ends_or_is_lifted(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let request = bench.request(PrivacyRequestStatus::Pending).await;
    let soon = bench.store.clock().now() + Duration::from_hours(1);
    let hers = bench.hold(None, Some(soon), vec![email(&CANARY.to_uppercase())]).await;
    bench.clock.advance(Duration::from_secs(1));
    let everybodys = bench.hold(Some("shop:invoices"), None, Vec::new()).await;
    bench.hold(None, None, vec![email("somebody@example.com")]).await;

    let at_first = bench.held(&request).await;
    bench.clock.advance(Duration::from_hours(2));
    let later = bench.held(&request).await;
    let lifted = bench.store.hold_lift(&everybodys.id, Actor::person("pat")).await.unwrap();
    let again = bench.store.hold_lift(&everybodys.id, Actor::person("pat")).await.unwrap();

    assert_eq!(at_first, [hers.id.clone(), everybodys.id.clone()]);
    assert_eq!(later, [everybodys.id]);
    assert_eq!((lifted, again), (true, false));
    assert_eq!(bench.held(&request).await, Vec::<String>::new());
    assert_eq!(bench.store.hold_list(Window::ALL).await.unwrap().total, 2);
    assert!(hers.of_people && !everybodys.of_people);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_rest_is_due_at_its_time_or_when_a_hold_is_lifted_and_is_followed_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let request = bench.request(PrivacyRequestStatus::Complete).await;
    let open_end = bench.request(PrivacyRequestStatus::Complete).await;
    let hold = bench.hold(None, None, Vec::new()).await;
    let rest = |request: &PrivacyRequestId, due_at| HoldRest {
        request: request.clone(),
        policy: "all".to_owned(),
        identities: Secret::new(CANARY.as_bytes().to_vec()),
        due_at,
    };
    let in_an_hour = bench.store.clock().now() + Duration::from_hours(1);
    bench.store.hold_rest_put(&rest(&request, Some(in_an_hour))).await.unwrap();
    bench.store.hold_rest_put(&rest(&open_end, None)).await.unwrap();
    let due = async || {
        let due = bench.store.hold_rest_due(10).await.unwrap();
        due.into_iter().map(|rest| (rest.request, rest.identities.expose().clone())).collect::<Vec<_>>()
    };

    let too_early = due().await;
    bench.clock.advance(Duration::from_hours(1));
    let at_its_time = due().await;
    let follow_up = PrivacyRequestId::new(&RandomIds);
    let first = bench.store.hold_rest_followed(&request, &follow_up).await.unwrap();
    let second = bench.store.hold_rest_followed(&request, &follow_up).await.unwrap();
    bench.store.hold_lift(&hold.id, Actor::person("pat")).await.unwrap();

    assert_eq!(too_early, []);
    assert_eq!(at_its_time, [(request, CANARY.as_bytes().to_vec())]);
    assert_eq!((first, second), (true, false));
    assert_eq!(due().await, [(open_end, CANARY.as_bytes().to_vec())]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_deadline_is_extended_once_and_the_reason_is_kept(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let request = bench.request(PrivacyRequestStatus::Pending).await;
    let extension = DeadlineExtension {
        announced_at: bench.store.clock().now(),
        named_day: Some("2026-12-01".parse().unwrap()),
        why: Secret::new(CANARY.to_owned()),
        extended_by: "pat".to_owned(),
    };
    let due = bench.store.clock().now() + Duration::from_hours(48);
    let extend = async |request: &PrivacyRequestId| {
        bench.store.deadline_extend(request, (&extension, Some(due), &[]), Actor::person("pat")).await
    };

    extend(&request).await.unwrap();
    let again = extend(&request).await;
    let nobody = extend(&PrivacyRequestId::new(&RandomIds)).await;

    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })), "{nobody:?}");
    let later = bench.again().await;
    assert_eq!(later.get_privacy_request(&request).await.unwrap().due_at, Some(due));
    let found = later.deadline_extension_find(&request).await.unwrap().unwrap();
    assert_eq!((found.named_day, found.why.expose()), (extension.named_day, &CANARY.to_owned()));
}
