use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use model::ConnectionKey;
use privacy::PrivacyService;
use privacy::dataset_trial::Alone;
use privacy::worker::{Services, ServicesError};
use rstest::rstest;
use store::PrivacyRequestStatus as Status;

use super::office::Office;
use crate::lifecycle::bench::Backend;

/// Connections of which one is half set up.
#[derive(Debug)]
pub(super) struct HalfSetUp;

impl Services for HalfSetUp {
    fn current(&self, _: u64) -> BoxFuture<'_, Result<PrivacyService, ServicesError>> {
        let (connection, reason) = ("mail".to_owned(), "it has no secrets".to_owned());
        async { Err(ServicesError::Connection { connection, reason }) }.boxed()
    }

    fn alone<'a>(
        &'a self,
        connection: &'a ConnectionKey,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Alone, ServicesError>> {
        let (connection, reason) = (connection.to_string(), "it has no secrets".to_owned());
        async { Err(ServicesError::Connection { connection, reason }) }.boxed()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_half_set_up_puts_requests_off_and_they_go_on(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("access").await;
    let worker = office.worker_with(Arc::new(HalfSetUp)).await;

    for _ in 0..2 {
        worker.work_off().await.unwrap();
        office.bench.clock.advance(Duration::from_mins(1));
    }
    let waiting = office.find(&id).await;
    let log = office.log(&id, Some("Dataset traversal")).await;
    office.work().await;

    assert_eq!((waiting.status, waiting.attention.as_deref()), (Status::InProcessing, Some("connection")));
    assert!(waiting.work_at.is_some());
    let said = log.iter().filter(|(_, message)| message.contains("`mail` cannot be used")).count();
    assert_eq!(said, 1, "{log:?}");
    assert_eq!(office.find(&id).await.status, Status::Complete);
}
