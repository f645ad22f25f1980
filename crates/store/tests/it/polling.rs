//! Jobs of applications that read for somebody.

use std::time::Duration;

use jiff::SignedDuration;
use model::Clock as _;
use rstest::rstest;
use store::{Actor, ClaimedTask, Polling, StoreError};

use crate::bench::{Backend, Bench, CANARY};

impl Bench {
    fn polling(&self, task: &ClaimedTask, unit: u64) -> Polling {
        let now = self.clock.now();
        Polling {
            task: task.lease.task.as_str().to_owned(),
            unit,
            run: task.lease.run.clone(),
            name: "crm:letters".to_owned(),
            basis: "one".to_owned(),
            asked_at: now,
            look_at: now + SignedDuration::from_secs(10),
            until: now + SignedDuration::from_hours(720),
            job: CANARY.to_owned(),
        }
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_job_survives_the_process_and_is_known_by_its_unit_as_it_was_last(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["crm:letters"]).await;
    let task = bench.claim().await;
    let (first, other) = (bench.polling(&task, 0), bench.polling(&task, 1));
    bench.store.polling_put(&task.lease, &first).await.unwrap();
    bench.store.polling_put(&task.lease, &other).await.unwrap();
    let later = Polling { look_at: first.look_at + SignedDuration::from_secs(10), ..first };

    bench.store.polling_put(&task.lease, &later).await.unwrap();
    let store = bench.again().await;
    let found = store.polling_find(&task.lease, 0).await.unwrap();
    let listed = store.polling_list(&task.lease.run).await.unwrap();
    store.polling_drop(&task.lease, 0).await.unwrap();
    store.polling_drop(&task.lease, 0).await.unwrap();

    assert_eq!(found.as_ref(), Some(&later));
    let looks: Vec<_> = listed.iter().map(|one| one.look_at).collect();
    assert_eq!(looks, [later.look_at, other.look_at]);
    assert_eq!(store.polling_find(&task.lease, 0).await.unwrap(), None);
    assert_eq!(store.polling_find(&task.lease, 1).await.unwrap(), Some(other));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_worker_that_lost_its_task_keeps_and_ends_no_job(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["crm:letters"]).await;
    let task = bench.claim().await;
    let polling = bench.polling(&task, 0);
    bench.store.polling_put(&task.lease, &polling).await.unwrap();
    bench.clock.advance(Duration::from_secs(6));
    bench.claim().await;

    let kept = bench.store.polling_put(&task.lease, &polling).await;
    let dropped = bench.store.polling_drop(&task.lease, 0).await;

    for refused in [kept, dropped] {
        assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    }
    assert_eq!(bench.store.polling_list(&polling.run).await.unwrap().len(), 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_id_of_a_job_is_sealed_and_gone_with_its_run(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["crm:letters"]).await;
    let task = bench.claim().await;
    let polling = bench.polling(&task, 0);
    bench.store.polling_put(&task.lease, &polling).await.unwrap();
    let sealed: Vec<(Vec<u8>,)> =
        sqlx::query_as("SELECT sealed FROM polling").fetch_all(&bench.sql().await).await.unwrap();

    bench.store.run_cancel(&run, Actor::system()).await.unwrap();
    bench.store.run_forget(&run, Actor::system()).await.unwrap();

    assert!(!testkit::holds(&sealed[0].0, CANARY) && !format!("{polling:?}").contains(CANARY));
    assert!(bench.store.polling_list(&run).await.unwrap().is_empty());
}
