//! Jobs are followed to the end of each destination.

use std::time::Duration;

use engine::{Concurrency, JobPoll, Jobs, Limits, Source, operation_outcome, poll_jobs};
use model::{Clock, Outcome};
use rstest::rstest;
use sandbox::server::Answer;
use serde_json::{Value, json};
use store::{Job, JobState};

use super::bench::{Backend, Bench, person};

async fn started(backend: Backend, operations: u32) -> Option<Bench> {
    let bench = backend.start(operations).await?;
    for number in 1..=operations {
        let id = format!("job_{number}");
        bench.saas.on("POST", "/jobs").then(Answer::json(202, &json!({"data": {"id": id}})));
        let process = bench.process().await;
        process.writer.settle(&process.hold, &bench.order(number - 1, "jobs")).await.unwrap();
        process.hold.release().await.unwrap();
    }
    Some(bench)
}

fn says(bench: &Bench, job: &str, status: &str, parts: &Value) {
    let body = json!({"data": {"status": status, "parts": parts}});
    bench.saas.on("GET", &format!("/jobs/{job}")).then(Answer::json(200, &body));
}

async fn poll(bench: &Bench, which: Jobs) -> Vec<Job> {
    let sources = [("acme".parse().unwrap(), Source::Connector(bench.connector(None)))].into();
    let poll = JobPoll {
        store: &bench.store,
        sources: &sources,
        person: &person(),
        known_values: &["usr_ana".to_owned()],
        expected: &[(0, Outcome::Erased)].into(),
        limits: &Concurrency::new(Limits::default()),
        clock: &bench.clock,
    };
    poll_jobs(poll, &bench.run, which).await.unwrap()
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_operation_is_accepted_until_its_job_ended_and_then_what_the_worst_destination_says(
    #[case] backend: Backend,
) {
    let Some(bench) = started(backend, 1).await else { return };
    let running = json!([{"name": "Warehouse", "status": "FINISHED"}, {"name": "Mail", "status": "RUNNING"}]);
    says(&bench, "job_1", "RUNNING", &running);

    let early = poll(&bench, Jobs::AllOpen).await;
    let failed = json!([{"name": "Warehouse", "status": "FINISHED"}, {"name": "Mail", "status": "NOT_SUPPORTED", "note": "no deletion"}]);
    says(&bench, "job_1", "FINISHED", &failed);
    let late = poll(&bench, Jobs::AllOpen).await;

    let ledger = bench.ledger().await;
    assert_eq!(operation_outcome(&ledger, early.first()), Some(Outcome::Accepted));
    assert_eq!((early[0].state, early[0].destinations[1].status.as_str()), (JobState::Open, "RUNNING"));
    assert_eq!(operation_outcome(&ledger, late.first()), Some(Outcome::Unsupported));
    assert_eq!(late[0].destinations[1].message.as_deref(), Some("no deletion"));
    assert_eq!(bench.writes().len(), 1);
}

#[tokio::test]
async fn what_asking_for_jobs_needs_can_be_logged_without_naming_the_person() {
    let bench = Backend::Sqlite.start(0).await.unwrap();
    let poll = JobPoll {
        store: &bench.store,
        sources: &[("acme".parse().unwrap(), Source::Connector(bench.connector(None)))].into(),
        person: &person(),
        known_values: &["usr_ana".to_owned()],
        expected: &[(0, Outcome::Erased)].into(),
        limits: &Concurrency::new(Limits::default()),
        clock: &bench.clock,
    };

    let shown = format!("{poll:?}");

    assert!(!shown.contains("usr_ana") && !shown.contains("ana@example.com"), "{shown}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_failed_is_not_sent_again_by_itself(#[case] backend: Backend) {
    let Some(bench) = started(backend, 1).await else { return };
    says(&bench, "job_1", "FAILED", &json!([{"name": "Mail", "status": "FAILED"}]));

    poll(&bench, Jobs::AllOpen).await;
    bench.clock.advance(engine::LEASE);
    let process = bench.process().await;
    let again = process.writer.settle(&process.hold, &bench.order(0, "jobs")).await.unwrap();

    assert_eq!((again.outcome, bench.writes().len()), (Outcome::Failed, 1));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn all_open_jobs_are_asked_at_once_and_intervals_pace_only_those_that_are_due(
    #[case] backend: Backend,
) {
    let Some(bench) = started(backend, 3).await else { return };
    for job in ["job_1", "job_2", "job_3"] {
        says(&bench, job, "RUNNING", &json!([]));
    }
    let asked =
        |bench: &Bench| bench.saas.calls().iter().filter(|call| call.path.starts_with("/jobs/job_")).count();

    poll(&bench, Jobs::Due).await;
    let not_due = asked(&bench);
    poll(&bench, Jobs::AllOpen).await;
    let open = asked(&bench);
    bench.clock.advance(Duration::from_secs(61));
    poll(&bench, Jobs::Due).await;

    assert_eq!((not_due, open, asked(&bench)), (0, 3, 6));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_job_that_does_not_end_in_time_is_unknown_and_one_without_answer_stays_open(
    #[case] backend: Backend,
) {
    let Some(bench) = started(backend, 2).await else { return };
    says(&bench, "job_1", "RUNNING", &json!([{"name": "Mail", "status": "RUNNING"}]));
    bench.saas.on("GET", "/jobs/job_2").then(Answer::status(500));

    let before = poll(&bench, Jobs::AllOpen).await;
    bench.clock.set(before[0].deadline_at.max(before[1].deadline_at));
    let after = poll(&bench, Jobs::AllOpen).await;

    assert!(before.iter().all(|job| job.state == JobState::Open && job.outcome == Outcome::Accepted));
    assert!(after.iter().all(|job| job.state == JobState::Ended && job.outcome == Outcome::Unknown));
    assert_eq!(after[0].destinations[0].name, "Mail");
    assert!(
        before[1].next_poll_at > Clock::now(&bench.clock).min(before[1].next_poll_at) || before[1].polls == 1
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_job_that_the_application_forgot_is_unknown_and_keeps_what_was_said(#[case] backend: Backend) {
    let Some(bench) = started(backend, 1).await else { return };
    says(&bench, "job_1", "RUNNING", &json!([{"name": "Mail", "status": "FINISHED"}]));
    poll(&bench, Jobs::AllOpen).await;
    bench.saas.on("GET", "/jobs/job_1").then(Answer::status(404));

    let jobs = poll(&bench, Jobs::AllOpen).await;

    assert_eq!((jobs[0].state, jobs[0].outcome), (JobState::Ended, Outcome::Unknown));
    assert_eq!(jobs[0].destinations[0].status, "FINISHED");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn words_of_the_application_that_name_the_person_are_not_kept(#[case] backend: Backend) {
    let Some(bench) = started(backend, 1).await else { return };
    let parts = json!([
        {"name": "Mail", "status": "FAILED", "note": "no contact ANA@example.com"},
        {"name": "Ads", "status": "FAILED", "note": "usr_ana is locked"},
        {"name": "Warehouse", "status": "FAILED", "note": "token expired"},
    ]);
    says(&bench, "job_1", "FAILED", &parts);

    let jobs = poll(&bench, Jobs::AllOpen).await;

    let messages: Vec<_> = jobs[0].destinations.iter().filter_map(|part| part.message.as_deref()).collect();
    assert_eq!(messages[2], "token expired");
    assert!(messages[0].contains("left out") && messages[1].contains("left out"));
    assert!(!format!("{jobs:?}").to_lowercase().contains("ana@example.com"));
    assert!(!testkit::holds(format!("{jobs:?}").as_bytes(), "usr_ana"));
}
