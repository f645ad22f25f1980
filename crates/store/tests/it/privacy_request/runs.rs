//! What a change does to the runs of a request.

use store::{NewIntent, RunState, RunsEnd};

use super::*;

/// A request whose plan is being carried out.
async fn carried_out(bench: &Bench) -> (PrivacyRequest, NewIntent) {
    let (claimed, plan) = bench.applying(1).await;
    let run = claimed.lease.run.clone();
    let request = bench.make_request(new_request()).await;
    let request = bench.edit(&request, |change| change.request.change_run = Some(run)).await.unwrap();
    (request, NewIntent { lease: claimed.lease, plan, operation: 0, attempt: 1 })
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_change_that_cancels_leaves_nothing_to_be_sent(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let (request, intent) = carried_out(&bench).await;
    let run = intent.lease.run.clone();

    bench.edit(&request, |change| change.runs = RunsEnd::Cancel).await.unwrap();
    let refused = bench.store.ledger_intent(intent).await;

    assert_eq!(bench.store.get_run(&run).await.unwrap().state, RunState::Cancelled);
    assert!(matches!(refused, Err(StoreError::Conflict { what: "run", .. })), "{refused:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_change_that_needs_settled_writes_is_refused_while_one_is_open(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let (request, intent) = carried_out(&bench).await;
    let run = intent.lease.run.clone();
    bench.store.ledger_intent(intent).await.unwrap();

    let refused = bench.edit(&request, |change| change.runs = RunsEnd::CancelSettled).await;

    assert!(matches!(refused, Err(StoreError::Conflict { what: "write", .. })), "{refused:?}");
    // Nothing of it was kept.
    assert_eq!(bench.store.get_run(&run).await.unwrap().state, RunState::Active);
    let now = bench.store.get_privacy_request(&request.id).await.unwrap();
    assert_eq!(now.version, request.version);
}

/// Whichever comes first: a request that begins anew and a write of its old plan exclude each other.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_intent_that_is_written_meanwhile_is_seen_or_refused(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let mut both = Vec::new();

    for _ in 0..30 {
        let (request, intent) = carried_out(&bench).await;
        let (changed, sent) = tokio::join!(
            bench.edit(&request, |change| change.runs = RunsEnd::CancelSettled),
            bench.store.ledger_intent(intent),
        );
        both.push((changed.is_ok(), sent.is_ok()));
    }

    assert!(both.iter().all(|(changed, sent)| changed != sent), "{both:?}");
}
