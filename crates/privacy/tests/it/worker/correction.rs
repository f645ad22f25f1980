//! Requests that correct data, and limits that are raised for one plan.

use std::time::Duration;

use model::{Identities, PrivacyRequestId};
use privacy::RaisedLimits;
use privacy::certificate::Certificate;
use privacy::plan::PlanAction;
use privacy::request::{By, NewRequest, RequestError, Submitter};
use rstest::rstest;
use serde_json::json;
use spec::PlanLimits;
use store::{Actor, PrivacyRequestStatus as Status, RequestStep};

use super::office::Office;
use crate::lifecycle::bench::Backend;

fn shop() -> By {
    By { actor: Actor::client("shop"), user: Some("shop".to_owned()) }
}

fn of(policy: &str) -> NewRequest {
    let mut identities = Identities::default();
    identities.insert("email", "ana@example.com".into()).unwrap();
    NewRequest { policy: policy.to_owned(), identities, ..NewRequest::default() }
}

fn correcting(policy: &str, name: &str) -> NewRequest {
    NewRequest { corrections: vec![("shop:customers.name".to_owned(), json!(name))], ..of(policy) }
}

fn raising(policy: &str, max_writes: u64) -> NewRequest {
    let raised = RaisedLimits { max_writes: Some(max_writes), ..RaisedLimits::default() };
    NewRequest { raised, ..of(policy) }
}

impl Office {
    async fn take(&self, new: NewRequest) -> Result<PrivacyRequestId, RequestError> {
        let made = self.requests.create(new, Submitter { caller: Some(shop()) }).await;
        made.map(|request| request.id)
    }

    async fn names(&self) -> Vec<Option<String>> {
        self.bench.shop_rows("SELECT name FROM customers ORDER BY id").await
    }

    async fn approve(&self, id: &PrivacyRequestId) {
        let digest = self.find(id).await.plan.unwrap();
        self.requests.approve_plan(id, &digest, &shop()).await.unwrap();
        self.work().await;
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn right_values_are_written_and_nothing_is_erased(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.take(correcting("everything", "Anna")).await.unwrap();

    office.work().await;

    let request = office.find(&id).await;
    assert_eq!((request.status, request.corrects), (Status::Complete, true), "{request:?}");
    assert_eq!(office.names().await, [Some("Anna".to_owned()), Some("Ben".to_owned())]);
    assert!(office.bench.crm.writes().is_empty(), "the policy has an erasure rule as well");
    let run = request.change_run.as_ref().unwrap();
    let kept = office.store.certificate_find(run).await.unwrap().unwrap();
    assert!(kept.is_proven);
    let certificate = Certificate::verify(&kept.envelope, &[office.store.public_key()]).unwrap();
    assert_eq!(certificate.action, PlanAction::Rectification);
    let log = office.log(&id, Some("shop")).await;
    assert!(log.iter().any(|(status, _)| status == "complete"), "{log:?}");
    assert!(!log.iter().any(|(_, message)| message.contains("Anna")), "{log:?}");
}

#[rstest]
#[case::the_caller_wants_to_see_it("correct", true)]
#[case::the_policy_says_so("correct_by_person", false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_waits_for_the_approval_of_its_plan_like_an_erasure(
    #[case] policy: &str,
    #[case] asks_for_plan: bool,
) {
    let office = Office::start(Backend::Sqlite).await.unwrap();
    let id = office.take(NewRequest { asks_for_plan, ..correcting(policy, "Anna") }).await.unwrap();

    office.work().await;
    let (waiting, before) = (office.find(&id).await, office.names().await);
    let anew = office.requests.ask_for_plan(&id, &shop()).await;
    office.work().await;
    office.approve(&id).await;

    assert_eq!((waiting.status, waiting.step), (Status::RequiresInput, Some(RequestStep::ApprovePlan)));
    assert_eq!(before, [Some("Ana".to_owned()), Some("Ben".to_owned())], "nothing is written before");
    assert!(anew.is_ok(), "{anew:?}");
    assert_eq!(office.find(&id).await.status, Status::Complete);
    assert_eq!(office.names().await, [Some("Anna".to_owned()), Some("Ben".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_does_not_allow_is_not_taken() {
    let office = Office::start(Backend::Sqlite).await.unwrap();

    let no_rule = office.take(correcting("erase", "Anna")).await;
    let nothing = office.take(of("correct")).await;
    let no_change = office.take(raising("access", 9)).await;
    let anybody = office.requests.create(correcting("correct", "Anna"), Submitter::default()).await;
    let anybody_more = office.requests.create(raising("erase", 9), Submitter::default()).await;

    assert!(matches!(no_rule, Err(RequestError::NoRectification { .. })), "{no_rule:?}");
    assert!(matches!(nothing, Err(RequestError::NothingToCorrect { .. })), "{nothing:?}");
    assert!(matches!(no_change, Err(RequestError::NothingToLimit { .. })), "{no_change:?}");
    for refused in [anybody, anybody_more] {
        assert!(matches!(refused, Err(RequestError::OfCallers { .. })), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_made_again_with_other_values_is_another_call() {
    let office = Office::start(Backend::Sqlite).await.unwrap();
    let keyed = |new: NewRequest| NewRequest { repeat_key: Some("k".to_owned()), ..new };

    let first = office.take(keyed(correcting("everything", "Anna"))).await.unwrap();
    let again = office.take(keyed(correcting("everything", "Anna"))).await.unwrap();
    let other = office.take(keyed(correcting("everything", "Anne"))).await;
    let erasure = office.take(keyed(of("everything"))).await;
    let raised = office
        .take(keyed(NewRequest { raised: raising("erase", 9).raised, ..correcting("everything", "Anna") }));

    assert_eq!(again, first);
    for refused in [other, erasure, raised.await] {
        assert!(matches!(refused, Err(RequestError::KeyReused { .. })), "{refused:?}");
    }
}

/// The defect is planted: the values are gone, and the rest of the request is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_whose_values_are_lost_never_passes_for_an_erasure() {
    let office = Office::start(Backend::Sqlite).await.unwrap();
    let id = office.take(correcting("everything", "Anna")).await.unwrap();
    let path = office.bench.data_folder().join("state.db");
    let state = sqlx::AnyPool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("UPDATE privacy_request SET sealed_corrections = NULL").execute(&state).await.unwrap();

    office.work().await;

    let request = office.find(&id).await;
    assert_eq!(request.status, Status::Error, "{request:?}");
    assert_eq!(office.names().await, [Some("Ana".to_owned()), Some("Ben".to_owned())]);
    assert!(office.bench.crm.writes().is_empty());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn raised_limits_let_one_plan_through_once_somebody_approved_them(#[case] backend: Backend) {
    let Some(mut office) = Office::start(backend).await else { return };
    office.bench.limits = PlanLimits { max_writes: 2, ..PlanLimits::default() };
    let refused = office.take(of("erase")).await.unwrap();
    let raised = office.take(raising("erase", 50)).await.unwrap();

    office.work().await;
    let (first, waiting) = (office.find(&refused).await, office.find(&raised).await);
    // Begun again, nobody asked for its plan by name any more.
    office.requests.resubmit(&raised, &shop()).await.unwrap();
    office.work().await;
    let again = office.find(&raised).await;
    let plan = office.bench.process().await.plan_kept(again.change_run.as_ref().unwrap()).await.unwrap();
    office.approve(&raised).await;
    office.bench.crm.state().end_jobs("FINISHED");
    office.bench.clock.advance(Duration::from_hours(1));
    office.work().await;

    assert_eq!((first.status, first.attention.as_deref()), (Status::Error, Some("limits")));
    for waiting in [waiting, again] {
        assert_eq!((waiting.status, waiting.step), (Status::RequiresInput, Some(RequestStep::ApprovePlan)));
    }
    let done = office.find(&raised).await;
    assert_eq!(done.status, Status::Complete, "{done:?}");
    assert_eq!(plan.unwrap().contents().raised.max_writes, Some(50));
}
