use model::{Identities, PrivacyRequestId};
use privacy::hold::{SOURCE, complete_rests};
use privacy::request::{By, NewRequest, Submitter};
use rstest::rstest;
use store::{HoldRest, PrivacyRequestFilter, PrivacyRequestStatus as Status, Window};

use super::office::Office;
use crate::lifecycle::bench::Backend;

impl Office {
    /// The request that completes what was held of `origin`.
    async fn follow_up(&self, origin: &PrivacyRequestId) -> PrivacyRequestId {
        let mut identities = Identities::default();
        identities.insert("email", "ana@example.com".into()).unwrap();
        let new = NewRequest {
            policy: "erase".to_owned(),
            identities,
            source: Some(SOURCE.to_owned()),
            external_id: Some(origin.as_str().to_owned()),
            ..NewRequest::default()
        };
        self.requests.create(new, Submitter { caller: Some(By::system()) }).await.unwrap().id
    }

    /// What is left of a request that is complete, about Ana and this application's number for her.
    async fn rest_of(&self, origin: &PrivacyRequestId) {
        let mut held = self.requests.identities(origin).await.unwrap();
        let mut derived = Identities::default();
        derived.insert("crm_number", "1".into()).unwrap();
        held.derive(&derived);
        let rest = HoldRest {
            request: origin.clone(),
            policy: "erase".to_owned(),
            identities: held.to_bytes(),
            due_at: Some(self.store.clock().now()),
        };
        self.store.hold_rest_put(&rest).await.unwrap();
    }

    async fn follow_ups(&self, origin: &PrivacyRequestId) -> u64 {
        let external_id = Some(origin.as_str().to_owned());
        let filter = PrivacyRequestFilter { external_id, ..PrivacyRequestFilter::default() };
        self.store.privacy_request_list(&filter, Window::ALL).await.unwrap().total
    }
}

#[rstest]
#[case::anybody(None, Status::RequiresInput, 0)]
#[case::a_caller(Some(By::system()), Status::InProcessing, 4)]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_needs_the_approval_that_its_origin_needed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] caller: Option<By>,
    #[case] expected: Status,
    #[case] writes: usize,
) {
    let Some(office) = Office::start(backend).await else { return };
    let origin = office.ask_as("erase_by_person", Submitter { caller }).await;
    let first = office.follow_up(&origin).await;
    office.requests.cancel(&first, &By::system(), None).await.unwrap();
    let second = office.follow_up(&first).await;

    office.work().await;

    assert_eq!(office.find(&second).await.status, expected);
    assert_eq!(office.bench.crm.writes().len(), writes);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_rest_with_an_identity_that_has_no_label_is_completed(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let origin = office.ask("access").await;
    office.work().await;
    office.rest_of(&origin).await;

    let made = complete_rests(&office.requests, &office.store).await.unwrap();

    assert_eq!((made, office.follow_ups(&origin).await), (1, 1));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_rest_is_completed_by_one_request_although_it_was_not_noted(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let origin = office.ask("access").await;
    office.work().await;
    office.rest_of(&origin).await;
    office.follow_up(&origin).await;

    let made = complete_rests(&office.requests, &office.store).await.unwrap();

    assert_eq!((made, office.follow_ups(&origin).await), (0, 1));
    assert!(office.store.hold_rest_due(10).await.unwrap().is_empty(), "it is noted now");
}
