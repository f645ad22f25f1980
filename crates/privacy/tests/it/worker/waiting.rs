use privacy::request::{By, RequestError, Submitter};
use rstest::rstest;
use store::{Actor, PrivacyRequestStatus as Status, RequestStep};

use super::office::Office;
use crate::lifecycle::bench::Backend;

fn pat() -> By {
    By { actor: Actor::person("pat"), user: Some("pat".to_owned()) }
}

// rule: privacy-requests L-14
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_waits_without_a_worker_until_exactly_it_is_approved(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("erase_by_person").await;

    office.work().await;
    let waiting = office.find(&id).await;
    let idle = office.work().await;
    let before = office.bench.crm.writes();
    office.requests.approve_plan(&id, waiting.plan.as_ref().unwrap(), &pat()).await.unwrap();
    office.work().await;

    assert_eq!((waiting.status, waiting.step), (Status::RequiresInput, Some(RequestStep::ApprovePlan)));
    assert_eq!(waiting.attention.as_deref(), Some("plan_approval"));
    assert_eq!((idle, waiting.work_at, before.len()), (0, None, 0));
    assert_eq!(office.bench.crm.writes().len(), 4);
    let head = office.store.plan_of_run(waiting.change_run.as_ref().unwrap()).await.unwrap().unwrap();
    assert_eq!(head.approval.unwrap().0, "person:pat", "the approval is that of the person");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_plan_of_a_request_that_anybody_made_waits_whatever_the_policy_says(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask_as("erase", Submitter { caller: None }).await;
    if office.find(&id).await.status == Status::IdentityUnverified {
        office.requests.approve(&id, &pat()).await.unwrap();
    }

    office.work().await;

    let waiting = office.find(&id).await;
    assert_ne!(waiting.status, Status::Complete);
    assert_eq!(office.bench.crm.writes(), Vec::<String>::new());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_the_plan_is_planned_anew_and_waits_again(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask_and_plan().await;
    let first = office.find(&id).await.plan.unwrap();
    sqlx::query("UPDATE customers SET name = 'Anna' WHERE id = 7").execute(&office.bench.shop).await.unwrap();
    office.bench.crm.state().contacts[0]["name"] = "Anna".into();

    office.requests.approve_plan(&id, &first, &pat()).await.unwrap();
    office.work().await;
    let waiting = office.find(&id).await;
    let old = office.requests.approve_plan(&id, &first, &pat()).await;

    if waiting.status == Status::RequiresInput {
        assert_ne!(waiting.plan.as_ref(), Some(&first));
        assert!(old.is_err(), "the old plan cannot be approved any more");
        assert_eq!(office.bench.crm.writes(), Vec::<String>::new());
    } else {
        // What the masks do not depend on may change.
        assert_eq!(waiting.plan.as_ref(), Some(&first));
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_stopped_is_let_go_of(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask_and_plan().await;

    office.requests.cancel(&id, &pat(), None).await.unwrap();
    let worked = office.work().await;

    assert_eq!((office.find(&id).await.status, worked), (Status::Canceled, 0));
    assert_eq!(office.bench.crm.writes(), Vec::<String>::new());
}

/// Stopped at whichever call, reading, reading again or writing: what was not on its way by then is
/// never sent, although the worker goes on until it learns of it.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_for_a_request_once_it_is_stopped(#[case] backend: Backend) {
    let (mut before_any_write, mut after_some) = (0, 0);
    for calls in 1..=10 {
        let Some(office) = Office::start(backend).await else { return };
        let id = office.ask("erase").await;
        let worker = office.worker().await;
        let work = tokio::spawn(async move { worker.work_off().await });

        office.bench.crm.saas.until_calls(calls).await;
        let stopped = office.requests.cancel(&id, &pat(), None).await.unwrap();
        let sent = office.begun(&stopped).await;
        work.await.unwrap().unwrap();

        assert_eq!(office.find(&id).await.status, Status::Canceled, "stopped at call {calls}");
        assert_eq!(office.begun(&stopped).await, sent, "stopped at call {calls}");
        assert!(office.bench.crm.writes().len() <= sent, "stopped at call {calls}");
        *(if sent == 0 { &mut before_any_write } else { &mut after_some }) += 1;
    }
    assert!(before_any_write > 0 && after_some > 0, "{before_any_write} and {after_some}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_sent_is_not_begun_anew(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    office.bench.crm.fail("PUT /contacts/1", crate::lifecycle::crm::Fault::AppliedUnanswered);
    let id = office.ask("erase").await;
    office.work().await;
    let waits = office.find(&id).await;

    let refused = office.requests.resubmit(&id, &pat()).await;

    assert_eq!(waits.attention.as_deref(), Some("write_unknown"));
    assert!(matches!(refused, Err(RequestError::StillWaits { .. })), "{refused:?}");
    let now = office.find(&id).await;
    assert_eq!((now.status, now.change_run), (waits.status, waits.change_run));
}

impl Office {
    /// How many writes of the request were on their way, or may have been.
    async fn begun(&self, request: &store::PrivacyRequest) -> usize {
        let Some(plan) = &request.plan else { return 0 };
        let ledger = self.store.ledger_list(plan).await.unwrap();
        ledger.iter().filter(|entry| entry.state != store::LedgerState::Planned).count()
    }

    /// A request whose plan waits for approval.
    async fn ask_and_plan(&self) -> model::PrivacyRequestId {
        let id = self.ask("erase_by_person").await;
        self.work().await;
        id
    }
}
