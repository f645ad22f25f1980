use jiff::SignedDuration;
use model::{Clock as _, Outcome, RunId};
use rstest::rstest;
use store::{
    Actor, Destination, EndedWrite, JobEnd, JobFilter, JobState, LedgerEnd, NewIntent, NewJob, Observation,
    PlanDigest, StoreError,
};

use crate::bench::{Backend, Bench};

impl Bench {
    fn job(&self, run: &RunId) -> NewJob {
        let now = self.clock.now();
        NewJob {
            run: run.clone(),
            plan: PlanDigest::of(b"plan"),
            operation: 0,
            connection: "segment".parse().unwrap(),
            place: "data_protection_request[0]".to_owned(),
            external_id: "regulation_1".to_owned(),
            next_poll_at: now + SignedDuration::from_secs(60),
            deadline_at: now + SignedDuration::from_hours(24 * 30),
        }
    }
}

fn says(status: &str) -> Vec<Destination> {
    vec![Destination { name: "Warehouse".to_owned(), status: status.to_owned(), message: None }]
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_job_is_followed_over_restarts_to_its_end(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let id = bench.store.job_track(&bench.job(&run)).await.unwrap();
    assert_eq!(bench.store.job_track(&bench.job(&run)).await.unwrap(), id);
    assert!(bench.store.job_list(JobFilter::Due, 10).await.unwrap().is_empty());

    bench.clock.advance(std::time::Duration::from_mins(1));
    let store = bench.again().await;
    let due = store.job_list(JobFilter::Due, 10).await.unwrap().remove(0);
    let later = bench.clock.now() + SignedDuration::from_secs(60);
    store
        .job_observe(&due, &Observation { destinations: says("RUNNING"), end: JobEnd::NotYet(later) })
        .await
        .unwrap();
    let open = store.job_list(JobFilter::Run(&run), 10).await.unwrap().remove(0);
    store
        .job_observe(
            &open,
            &Observation { destinations: says("NOT_SUPPORTED"), end: JobEnd::Ended(Outcome::Unsupported) },
        )
        .await
        .unwrap();

    assert_eq!((due.id, due.outcome, due.polls), (id, Outcome::Accepted, 0));
    assert_eq!((open.state, open.next_poll_at), (JobState::Open, later));
    let ended = store.job_list(JobFilter::Run(&run), 10).await.unwrap().remove(0);
    assert_eq!(
        (ended.state, ended.outcome, ended.destinations),
        (JobState::Ended, Outcome::Unsupported, says("NOT_SUPPORTED"))
    );
    assert!(ended.ended_at.is_some());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_older_observation_does_not_undo_a_newer_one(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    bench.store.job_track(&bench.job(&run)).await.unwrap();
    let seen = bench.store.job_list(JobFilter::Run(&run), 10).await.unwrap().remove(0);

    let newer = Observation { destinations: says("FINISHED"), end: JobEnd::Ended(Outcome::Erased) };
    bench.store.job_observe(&seen, &newer).await.unwrap();
    let older = Observation { destinations: says("RUNNING"), end: JobEnd::NotYet(bench.clock.now()) };
    let refused = bench.store.job_observe(&seen, &older).await;

    assert!(matches!(refused, Err(StoreError::Conflict { what: "job", .. })), "{refused:?}");
    assert_eq!(bench.store.job_list(JobFilter::Run(&run), 10).await.unwrap()[0].outcome, Outcome::Erased);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_end_that_a_person_decided_is_told_from_one_that_was_seen(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    bench.store.job_track(&bench.job(&run)).await.unwrap();
    let open = bench.store.job_list(JobFilter::Run(&run), 10).await.unwrap().remove(0);
    let given_up = Observation { destinations: vec![], end: JobEnd::Ended(Outcome::Unknown) };
    bench.store.job_observe(&open, &given_up).await.unwrap();

    let actor = || Actor::person("pat");
    bench.store.job_decide(&open, Outcome::Erased, actor()).await.unwrap();
    let twice = bench.store.job_decide(&open, Outcome::Failed, actor()).await;

    let decided = bench.store.job_list(JobFilter::Run(&run), 10).await.unwrap().remove(0);
    assert_eq!((decided.state, decided.outcome), (JobState::Decided, Outcome::Erased));
    assert!(decided.ended_at.is_some() && twice.is_err());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_job_is_followed_from_the_commit_that_ends_its_write(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, plan) = bench.applying(2).await;
    let new = NewIntent { lease: claimed.lease.clone(), plan: plan.clone(), operation: 0, attempt: 1 };
    let sent = bench.store.ledger_intent(new).await.unwrap();
    let before = bench.store.ledger_counts().commits;
    let ended = EndedWrite {
        id: sent.id().clone(),
        end: LedgerEnd::Applied(Outcome::Accepted),
        detail: Some("http_202".to_owned()),
        job: Some(NewJob { plan: plan.clone(), ..bench.job(&claimed.lease.run) }),
    };

    bench.store.ledger_end(&ended).await.unwrap();
    let commits = bench.store.ledger_counts().commits - before;
    bench.store.ledger_end(&ended).await.unwrap();

    let other = bench.again().await;
    let attempts = other.ledger_find(&plan, 0).await.unwrap();
    let job = other.job_find(&plan, 0).await.unwrap().unwrap();
    assert_eq!((commits, attempts.len(), attempts[0].outcome), (1, 1, Some(Outcome::Accepted)));
    assert_eq!(
        (job.external_id.as_str(), job.place.as_str()),
        ("regulation_1", "data_protection_request[0]")
    );
    assert!(other.job_find(&plan, 1).await.unwrap().is_none());
    assert_eq!(other.job_list(JobFilter::Run(&claimed.lease.run), 9).await.unwrap().len(), 1);
}
