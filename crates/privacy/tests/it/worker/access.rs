use rstest::rstest;
use store::{PrivacyRequestStatus as Status, RequestStep};

use super::office::Office;
use crate::lifecycle::bench::Backend;

// rule: privacy-requests L-17
// rule: privacy-requests PK-2
// rule: privacy-requests X-23
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_read_packed_and_told(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("access").await;

    let worked = office.work().await;

    let request = office.find(&id).await;
    assert_eq!((worked, request.status, request.attention), (1, Status::Complete, None));
    assert!(request.started_at.is_some() && request.finished_at.is_some() && request.work_at.is_none());
    let package = office.bench.data_folder().join(format!("data/fides_uploads/{id}-access_access.zip"));
    assert!(package.is_file(), "{}", package.display());
    let read = office.log(&id, Some("crm")).await;
    let retrieved = |rows| ("complete".to_owned(), format!("success - retrieved {rows} records"));
    assert_eq!(read, [retrieved(1), retrieved(1), retrieved(2)]);
    let skipped = "Skipping connection warehouse: it has no dataset".to_owned();
    assert_eq!(office.log(&id, Some("Dataset traversal")).await, [("skipped".to_owned(), skipped)]);
    assert_eq!(office.log(&id, Some("Access package upload")).await[0].0, "complete");
    assert!(office.log(&id, None).await.iter().any(|(status, _)| status == "finished"));
    assert_eq!(office.bench.crm.writes(), Vec::<String>::new());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn data_that_cannot_be_read_is_an_error_and_tried_again_is_read_anew(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("access").await;
    for _ in 0..4 {
        office.bench.crm.fail("GET /letters", crate::lifecycle::crm::Fault::Refused);
    }

    office.work().await;
    let failed = office.find(&id).await;
    office.bench.crm.state().faults.clear();
    office.requests.retry(&id, &privacy::request::By::system()).await.unwrap();
    office.work().await;

    assert_eq!((failed.status, failed.step), (Status::Error, Some(RequestStep::Access)));
    assert_eq!(failed.attention.as_deref(), Some("incomplete"));
    assert_eq!(office.find(&id).await.status, Status::Complete);
}
