use std::time::Duration;

use rstest::rstest;
use store::PrivacyRequestStatus as Status;

use super::erasure::sorted;
use super::office::Office;
use crate::lifecycle::bench::Backend;

/// A worker that is gone after so many calls that reached the application, at whatever it was doing.
async fn work_until_call(office: &Office, calls: usize) -> bool {
    let before = office.bench.crm.saas.calls().len();
    let worker = office.worker().await;
    let mut work = tokio::spawn(async move { worker.work_off().await });
    let reached = office.bench.crm.saas.until_calls(before + calls);
    tokio::select! {
        _ = &mut work => true,
        () = reached => {
            work.abort();
            // Gone before time goes on: it takes nothing any more.
            let _ = work.await;
            false
        }
    }
}

/// Killed at whichever call, once and then again a little later: the next worker goes on, and no write
/// is sent twice.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_anywhere_is_followed_by_one_that_goes_on(#[case] backend: Backend) {
    let (mut kills, mut unknown) = (0, 0);
    for first in 1..=16 {
        let Some(office) = Office::start(backend).await else { return };
        let id = office.ask("both").await;

        for calls in [first, 2] {
            if !work_until_call(&office, calls).await {
                kills += 1;
            }
            // The leases of whoever is gone end.
            office.bench.clock.advance(Duration::from_secs(4));
        }
        for _ in 0..3 {
            office.work().await;
            office.bench.clock.advance(Duration::from_secs(4));
        }
        office.bench.crm.state().end_jobs("FINISHED");
        office.bench.clock.advance(Duration::from_hours(1));
        office.work().await;

        let request = office.find(&id).await;
        if request.status == Status::RequiresInput {
            // Killed between a write and its answer: nobody knows, so nothing is sent again by itself.
            assert_eq!(request.attention.as_deref(), Some("write_unknown"), "killed at call {first}");
            unknown += 1;
        } else {
            assert_eq!(request.status, Status::Complete, "killed at call {first}: {request:?}");
        }
        let effects = sorted(office.bench.crm.state().effects.clone());
        let mut once = effects.clone();
        once.dedup();
        assert_eq!(effects, once, "killed at call {first}, a write took effect twice");
    }
    assert!(kills >= 16, "only {kills} were killed, so little was shown");
    assert!(unknown < 16, "nothing was ever done");
}
