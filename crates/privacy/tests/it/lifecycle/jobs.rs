use std::sync::Mutex;
use std::time::Duration;

use model::Outcome;
use privacy::{ApplyOptions, ApplyProgress, ApplyState, OperationState, ResolveDecision};
use rstest::rstest;

use super::bench::{Backend, actor, apply, options, verify};
use super::crm;

const LETTERS: &str = "crm:letters";

fn of_letters(status: &privacy::RunStatus) -> &privacy::OperationStatus {
    let is_it = |one: &&privacy::OperationStatus| {
        one.collections.iter().any(|address| address.to_string() == LETTERS)
    };
    status.operations.iter().find(is_it).unwrap()
}

#[rstest]
#[case::done("FINISHED", Outcome::Erased)]
#[case::failed("FAILED", Outcome::Failed)]
#[case::unsupported("NOT_SUPPORTED", Outcome::Unsupported)]
#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_looked_at_at_once_and_never_sent_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] word: &str,
    #[case] outcome: Outcome,
) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let accepted = apply(&bench.process().await, &plan).await.unwrap();
    bench.crm.state().end_jobs(word);

    let status = bench.process().await.status(&plan.contents().run).await.unwrap();
    let again = apply(&bench.process().await, &plan).await.unwrap();

    assert_eq!(of_letters(&accepted).state, OperationState::Accepted);
    assert!(accepted.has_open_jobs() && of_letters(&accepted).next_poll_at.is_some());
    let found = of_letters(&status);
    assert_eq!((found.outcome, found.state), (Some(outcome), OperationState::Ended));
    assert_eq!((found.destinations[0].name.as_str(), found.destinations[0].status.as_str()), ("Post", word));
    assert_eq!(of_letters(&again), found);
    assert_eq!(bench.crm.writes().iter().filter(|write| write.starts_with("POST")).count(), 1);
    assert_eq!(again.state, ApplyState::Ended);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn waiting_follows_a_job_by_its_interval_and_no_longer_than_asked(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let waits = Mutex::new(Vec::new());
    let on_progress = |progress: ApplyProgress| {
        if let ApplyProgress::Following { next, .. } = progress {
            let mut waits = waits.lock().unwrap();
            waits.push(next);
            if waits.len() == 3 {
                bench.crm.state().end_jobs("FINISHED");
            }
        }
    };
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let wait = |time| ApplyOptions { wait: Some(time), ..options() };
    let service = bench.process().await;

    let early = service.apply(&plan, plan.digest(), wait(hours(2)), &on_progress).await.unwrap();
    let asked = bench.crm.saas.calls_to("/erasures/job-1").len();
    let late = service.apply(&plan, plan.digest(), wait(hours(48)), &on_progress).await.unwrap();

    assert_eq!(of_letters(&early).outcome, Some(Outcome::Accepted));
    assert!(asked <= 4, "two hours at one look an hour, and one at once: {asked}");
    assert_eq!(of_letters(&late).outcome, Some(Outcome::Erased));
    let waits = waits.into_inner().unwrap();
    assert!(waits.iter().all(|wait| *wait <= hours(1)) && waits.len() <= 4, "{waits:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_open_job_is_not_proven_and_its_end_is(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let run = &plan.contents().run;
    apply(&bench.process().await, &plan).await.unwrap();

    let open = verify(&bench.process().await, run).await.unwrap();
    bench.crm.state().end_jobs("FINISHED");
    let done = verify(&bench.process().await, run).await.unwrap();

    assert!(!open.is_proven());
    assert_eq!(open.certificate.conclusion.outcome, Some(Outcome::Accepted));
    assert!(done.is_proven(), "{:#?}", done.certificate);
}

#[rstest]
#[case(ResolveDecision::TookEffect, Outcome::Erased)]
#[case(ResolveDecision::DidNotTakeEffect, Outcome::Failed)]
#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_about_a_job_that_the_application_forgot(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] decision: ResolveDecision,
    #[case] outcome: Outcome,
) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let run = &plan.contents().run;
    let service = bench.process().await;
    apply(&service, &plan).await.unwrap();
    bench.crm.state().jobs.clear();

    let forgotten = service.status(run).await.unwrap();
    let order = of_letters(&forgotten).order;
    let decided = service.resolve(run, order, decision, actor()).await.unwrap();
    let twice = service.resolve(run, order, decision, actor()).await;

    assert_eq!(of_letters(&forgotten).state, OperationState::Unknown);
    assert_eq!(
        (of_letters(&decided).outcome, of_letters(&decided).state),
        (Some(outcome), OperationState::Ended)
    );
    assert!(twice.is_err());
    assert_eq!(bench.crm.writes().iter().filter(|write| write.starts_with("POST")).count(), 1);
}

#[rstest]
#[case::of_the_person("customer 1 is locked", false)]
#[case::of_nobody("the service is locked", true)]
#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_not_kept_if_it_holds_what_stood_in_the_path(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] message: &str,
    #[case] is_kept: bool,
) {
    let file = crm::FILE.replace("path: /erasures\n", "path: /erasures/<customer>\n").replace(
        "param_values: [{name: email, identity: email}]\n          body",
        "param_values: [{name: email, identity: email}, {name: customer, references: [{dataset: crm, field: contacts.id, direction: from}]}]\n          body",
    );
    let Some(bench) = backend.start_with(&file).await else { return };
    let plan = bench.plan().await;
    let service = bench.process().await;
    apply(&service, &plan).await.unwrap();
    for job in bench.crm.state().jobs.values_mut() {
        job["parts"][0]["note"] = message.into();
    }

    let status = service.status(&plan.contents().run).await.unwrap();

    assert!(bench.crm.writes().contains(&"POST /erasures/1".to_owned()), "{:?}", bench.crm.writes());
    let kept = of_letters(&status).destinations[0].message.clone().unwrap();
    assert_eq!(kept == message, is_kept, "{kept}");
}
