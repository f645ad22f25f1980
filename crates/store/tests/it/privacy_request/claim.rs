use std::time::Duration;

use futures::FutureExt as _;
use model::{Clock as _, PrivacyRequestId};
use rstest::rstest;
use store::{
    Actor, ClaimEnd, ClaimedRequest, NewPrivacyRequest, Next, PrivacyRequestStatus as Status, RequestStep,
    StoreError,
};

use super::new_request;
use crate::bench::{Backend, Bench, LEASE};

impl Bench {
    /// A request that is due so many seconds from now; negative: since then.
    async fn due(&self, seconds: i64) -> PrivacyRequestId {
        let at = self.clock.now() + jiff::SignedDuration::from_secs(seconds);
        let new = NewPrivacyRequest { work_at: Some(at), status: Status::Approved, ..new_request() };
        self.make_request(new).await.id
    }

    async fn take(&self, worker: &str) -> Option<ClaimedRequest> {
        self.store.privacy_request_claim(worker, LEASE).await.unwrap()
    }
}

fn next(status: Status) -> Next {
    Next { status, step: None, attention: None, work_at: None, logs: Vec::new() }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_longest_due_request_is_taken_first_and_by_one_worker(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let (late, early, later) = (bench.due(-1).await, bench.due(-2).await, bench.due(60).await);
    bench.make_request(new_request()).await;
    assert_eq!(bench.store.privacy_request_queue().await.unwrap(), (2, 0));

    let first = bench.take("one").await.unwrap();
    let second = bench.take("two").await.unwrap();
    let nothing = bench.take("one").await;

    assert_eq!((first.request.id, second.request.id), (early, late));
    assert_eq!(first.request.worker.as_deref(), Some("one"));
    assert!(nothing.is_none());
    assert_eq!(bench.store.privacy_request_queue().await.unwrap(), (0, 2));
    let due = bench.store.privacy_request_next_due().await.unwrap().unwrap();
    assert_eq!(due, bench.clock.now() + jiff::SignedDuration::from_mins(1));
    bench.clock.advance(Duration::from_mins(1));
    let third = bench.take("three").await.map(|taken| taken.request.id);
    assert!(third.is_some_and(|id| id != later), "the silent workers' requests are due for longer");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_worker_that_fell_silent_loses_its_request_and_can_write_nothing_more(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    bench.due(0).await;
    let lost = bench.take("one").await.unwrap();
    bench.clock.advance(LEASE / 2);
    bench.store.privacy_request_beat(&lost.lease, LEASE).await.unwrap();
    bench.clock.advance(LEASE / 2);
    assert!(bench.take("two").await.is_none(), "a heartbeat holds on");
    bench.clock.advance(LEASE);

    let taken = bench.take("two").await.unwrap();

    assert_eq!((taken.request.id.clone(), taken.request.attempts), (lost.request.id, 2));
    let by = (Actor::system(), "privacy_request.step");
    let beat = bench.store.privacy_request_beat(&lost.lease, LEASE).await;
    let change = bench.store.privacy_request_change_held(&lost.lease, by, |_| {}).await;
    let release = bench.store.privacy_request_release(&lost.lease, next(Status::Complete), "x").await;
    let back = bench.store.privacy_request_give_back(&lost.lease, bench.clock.now()).await;
    for refused in [beat.err(), change.err(), release.err(), back.err()] {
        assert!(matches!(refused, Some(StoreError::Fenced { .. })), "{refused:?}");
    }
    let found = bench.store.get_privacy_request(&taken.request.id).await.unwrap();
    assert_eq!(found.status, Status::Approved);
    bench.store.privacy_request_beat(&taken.lease, LEASE).await.unwrap();
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_lease_from_the_future_is_free(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    bench.due(-7200).await;
    bench.take("one").await.unwrap();

    bench.clock.set(bench.clock.now() - jiff::SignedDuration::from_hours(1));

    assert!(bench.take("two").await.is_some());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_request_goes_behind_the_others_when_it_is_given_back(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let (long, short) = (bench.due(-10).await, bench.due(-5).await);
    let taken = bench.take("one").await.unwrap();
    assert_eq!(taken.request.id, long);

    bench.store.privacy_request_give_back(&taken.lease, bench.clock.now()).await.unwrap();

    let second = bench.take("one").await.unwrap();
    assert_eq!((second.request.id, bench.take("one").await.unwrap().request.id), (short, long));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_released_request_waits_for_its_time_or_for_somebody_else(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    bench.due(0).await;
    let taken = bench.take("one").await.unwrap();
    let again = bench.clock.now() + jiff::SignedDuration::from_mins(5);
    let later = Next {
        step: Some(RequestStep::FinalizeErasure),
        attention: Some("jobs_open".to_owned()),
        work_at: Some(again),
        ..next(Status::InProcessing)
    };

    let released = bench.store.privacy_request_release(&taken.lease, later, "privacy_request.waits").await;

    let released = released.unwrap();
    assert_eq!((released.status, released.step), (Status::InProcessing, Some(RequestStep::FinalizeErasure)));
    assert_eq!((released.attempts, released.attention.as_deref()), (0, Some("jobs_open")));
    assert!(bench.take("one").await.is_none());
    bench.clock.advance(Duration::from_mins(5));
    let taken = bench.take("one").await.unwrap();
    bench.store.privacy_request_release(&taken.lease, next(Status::Complete), "x").await.unwrap();
    bench.clock.advance(Duration::from_hours(24));
    assert!(bench.take("one").await.is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_person_who_stops_a_request_takes_it_from_its_worker(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    bench.due(0).await;
    let taken = bench.take("one").await.unwrap();
    let by = (Actor::system(), "privacy_request.started");
    let held = bench.store.privacy_request_change_held(&taken.lease, by, |change| {
        change.request.status = Status::InProcessing;
    });
    let held = held.await.unwrap();
    assert_eq!(held.status, Status::InProcessing);

    let canceled = bench
        .edit(&held, |change| {
            change.request.status = Status::Canceled;
            change.request.work_at = None;
            change.claim = ClaimEnd::End;
        })
        .await
        .unwrap();

    assert_eq!(canceled.status, Status::Canceled);
    let beat = bench.store.privacy_request_beat(&taken.lease, LEASE).await;
    assert!(matches!(beat, Err(StoreError::Fenced { .. })), "{beat:?}");
    bench.clock.advance(LEASE * 2);
    assert!(bench.take("two").await.is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn many_workers_share_the_requests_and_none_is_taken_twice(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    for _ in 0..40 {
        bench.due(0).await;
    }

    let workers: Vec<_> = (0..4)
        .map(|number| {
            let store = bench.store.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                while let Some(claimed) =
                    store.privacy_request_claim(&format!("worker-{number}"), LEASE).await.unwrap()
                {
                    taken.push(claimed.request.id.to_string());
                }
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await.unwrap());
    }

    let all = taken.len();
    taken.sort();
    taken.dedup();
    assert_eq!((all, taken.len()), (40, 40));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn workers_are_told_of_a_request_that_is_due_and_of_none_that_waits_for_its_time(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let mut taken = Vec::new();
    for worker in ["one", "two"] {
        bench.due(0).await;
        taken.push(bench.take(worker).await.unwrap().lease);
    }
    let release = |at: usize, seconds: i64| {
        let work_at = bench.clock.now() + jiff::SignedDuration::from_secs(seconds);
        let later = Next { work_at: Some(work_at), ..next(Status::InProcessing) };
        bench.store.privacy_request_release(&taken[at], later, "privacy_request.waits")
    };
    let mut listener = bench.store.wake_listener().await.unwrap();

    release(0, 1).await.unwrap();
    let later = listener.wait(Duration::from_hours(1)).now_or_never();
    release(1, 0).await.unwrap();
    let now = listener.wait(Duration::from_hours(1)).now_or_never();

    assert_eq!((later, now), (None, Some(())));
}
