use model::Outcome;
use privacy::{OperationState, ResolveDecision, ResolveError};
use rstest::rstest;
use store::{LedgerState, Resolution};

use super::bench::{Backend, actor, apply};
use super::crm::{self, Fault};

#[rstest]
#[case::it_did(Fault::AppliedUnanswered, ResolveDecision::TookEffect, 1)]
#[case::it_did_not(Fault::LostUnanswered, ResolveDecision::DidNotTakeEffect, 2)]
#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_what_nobody_knows(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] fault: Fault,
    #[case] decision: ResolveDecision,
    #[case] sent: usize,
) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let run = &plan.contents().run;
    bench.crm.fail("DELETE /notes/11", fault);
    let service = bench.process().await;

    let before = apply(&service, &plan).await.unwrap();
    let again = apply(&service, &plan).await.unwrap();
    let unknown = before.operations.iter().find(|one| one.state == OperationState::Unknown).unwrap();
    let held = before.operations.iter().find(|one| one.state == OperationState::Held).unwrap();
    let sent_before = bench.crm.writes().iter().filter(|write| *write == "DELETE /notes/11").count();
    service.resolve(run, unknown.order, decision, actor()).await.unwrap();
    let twice = service.resolve(run, unknown.order, decision, actor()).await.unwrap_err();
    let after = apply(&service, &plan).await.unwrap();

    assert_eq!((before.outcome, again.outcome), (Some(Outcome::Unknown), Some(Outcome::Unknown)));
    assert_eq!(sent_before, 1, "never a blind second send");
    assert_eq!(held.held_by, Some(unknown.order), "contacts wait for notes");
    assert_eq!(held.collections[0].to_string(), "crm:contacts");
    assert!(matches!(twice, ResolveError::NotUnknown { .. }), "{twice}");
    assert_eq!(bench.crm.writes().iter().filter(|write| *write == "DELETE /notes/11").count(), sent);
    assert_eq!(bench.crm.state().effects.iter().filter(|write| *write == "DELETE /notes/11").count(), 1);
    assert_eq!(after.outcome, Some(Outcome::Accepted), "all but the job has ended: {after:#?}");
    let log = bench.store().await.audit_list(0, 1000).await.unwrap();
    assert!(
        log.iter().any(|entry| entry.body.contains("write.resolved") && entry.body.contains("person:pat"))
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_cannot_be_decided(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let run = &plan.contents().run;
    let service = bench.process().await;
    let decide = |order| service.resolve(run, order, ResolveDecision::TookEffect, actor());

    let planned = decide(1).await.unwrap_err();
    apply(&service, &plan).await.unwrap();
    let ended = decide(1).await.unwrap_err();
    let missing = decide(99).await.unwrap_err();

    assert!(matches!(planned, ResolveError::NotUnknown { .. }), "{planned}");
    assert!(matches!(ended, ResolveError::NotUnknown { .. }), "{ended}");
    assert!(matches!(missing, ResolveError::NoOperation { .. }), "{missing}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_refused_write_is_not_sent_and_says_so(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    bench.crm.fail("DELETE /notes/12", Fault::Refused);
    let service = bench.process().await;

    let status = apply(&service, &plan).await.unwrap();
    let sent = bench.crm.writes();
    let again = apply(&service, &plan).await.unwrap();

    let held = status.operations.iter().find(|one| one.state == OperationState::Held).unwrap();
    assert_eq!(status.outcome, Some(Outcome::Failed));
    assert!(held.held_by.is_some() && held.outcome.is_none());
    assert!(!sent.contains(&"PUT /contacts/1".to_owned()));
    assert_eq!(again.outcome, Some(Outcome::Accepted), "a refused write may be sent again: {again:#?}");
    assert!(bench.crm.writes().contains(&"PUT /contacts/1".to_owned()));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_write_that_was_refused_is_sent_again(#[case] backend: Backend) {
    let file = crm::FILE.replace("method: DELETE\n", "method: DELETE\n          repeatable: true\n");
    let Some(bench) = backend.start_with(&file).await else { return };
    let plan = bench.plan().await;
    // The last is used first.
    bench.crm.fail("DELETE /notes/11", Fault::Refused);
    bench.crm.fail("DELETE /notes/11", Fault::LostUnanswered);

    let refused = apply(&bench.process().await, &plan).await.unwrap();
    let after = apply(&bench.process().await, &plan).await.unwrap();

    assert_eq!(refused.outcome, Some(Outcome::Failed), "{refused:#?}");
    assert_eq!(after.outcome, Some(Outcome::Accepted), "all but the job has ended: {after:#?}");
    assert!(bench.crm.state().effects.contains(&"DELETE /notes/11".to_owned()));
}

/// What a kill leaves behind between the decision to repeat a write and the next intent.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_about_to_be_repeated_is_sent(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    bench.crm.fail("DELETE /notes/11", Fault::LostUnanswered);
    apply(&bench.process().await, &plan).await.unwrap();
    let store = bench.store().await;
    let entries = store.ledger_list(plan.digest()).await.unwrap();
    let unknown = entries.iter().find(|entry| entry.state == LedgerState::Unknown).unwrap();
    store.ledger_resolve(&unknown.id, &Resolution::Repeat).await.unwrap();

    let after = apply(&bench.process().await, &plan).await.unwrap();

    assert_eq!(after.outcome, Some(Outcome::Accepted), "all but the job has ended: {after:#?}");
    assert!(bench.crm.state().effects.contains(&"DELETE /notes/11".to_owned()));
}
