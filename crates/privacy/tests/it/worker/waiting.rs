use privacy::request::{By, Submitter};
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

impl Office {
    /// A request whose plan waits for approval.
    async fn ask_and_plan(&self) -> model::PrivacyRequestId {
        let id = self.ask("erase_by_person").await;
        self.work().await;
        id
    }
}
