use std::time::Duration;

use crypto::Secret;
use model::{PrivacyRequestId, RandomIds};
use rstest::rstest;
use store::{Actor, Approval, Download, Intake, NewPrivacyRequest, Policy, PrivacyRequestStatus, StoreError};

use crate::bench::{Backend, Bench};

const DAY: Duration = Duration::from_hours(24);

async fn request(bench: &Bench) -> PrivacyRequestId {
    let policy = Policy {
        key: "access".to_owned(),
        name: "Access".to_owned(),
        drp_action: None,
        execution_timeframe: None,
        conditions: None,
        approval: Approval::Automatic,
        rules: Vec::new(),
        version: 0,
        created_at: jiff::Timestamp::UNIX_EPOCH,
    };
    bench.store.policy_put(&policy, Actor::system()).await.unwrap();
    let id = PrivacyRequestId::new(&RandomIds);
    let new = NewPrivacyRequest {
        id: id.clone(),
        policy: "access".to_owned(),
        status: PrivacyRequestStatus::Pending,
        step: None,
        intake: Intake::Authenticated,
        source: None,
        external_id: None,
        location: None,
        property_id: None,
        requested_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        due_at: None,
        identity_verified_at: None,
        reviewed: None,
        submitted_by: None,
        planned_by: None,
        duplicate_group: None,
        attention: None,
        work_at: None,
        identities: Secret::new(b"{}".to_vec()),
        custom_fields: None,
        encryption_key: None,
        corrections: None,
        raised_limits: None,
        lookups: Vec::new(),
        codes: Vec::new(),
        logs: Vec::new(),
        messages: Vec::new(),
        actor: Actor::system(),
    };
    bench.store.privacy_request_create(new).await.unwrap();
    id
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_link_is_good_once_and_until_it_ends(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let store = &bench.store;
    let download = Download { request: request(&bench).await, rule: Some("rule".to_owned()) };
    let issue = async || store.download_issue(&download, DAY, Actor::system()).await.unwrap();
    let take = async |token: &str| store.download_take(token, Actor::system()).await.unwrap();
    let find = async |token: &str| store.download_find(token).await.unwrap();

    let (first, second) = (issue().await, issue().await);
    let text = first.token.text().expose();
    let found = [find("nonsense").await, find(text).await, find(text).await];
    let used = [take("nonsense").await, take(text).await, take(text).await];
    let gone = find(text).await;
    let ends = second.token.text().expose();
    let waits = find(ends).await;
    bench.clock.advance(DAY);
    let ended = find(ends).await;
    let late = take(second.token.text().expose()).await;

    assert_eq!(found, [None, Some(download.clone()), Some(download.clone())], "looking uses nothing up");
    assert_eq!((gone, waits, ended), (None, Some(download.clone()), None));
    assert_eq!(used, [None, Some(download.clone()), None]);
    assert_eq!(late, None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn two_who_use_a_link_at_once_do_not_both_get_it(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let download = Download { request: request(&bench).await, rule: None };
    let issued = bench.store.download_issue(&download, DAY, Actor::system()).await.unwrap();
    let token = issued.token.text().expose();

    let taken =
        futures::future::join_all((0..8).map(|_| bench.store.download_take(token, Actor::system()))).await;

    let got = taken.into_iter().filter(|taken| taken.as_ref().unwrap().is_some()).count();
    assert_eq!(got, 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn there_is_no_link_to_a_request_that_is_not_there(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let download = Download { request: PrivacyRequestId::new(&RandomIds), rule: None };

    let refused = bench.store.download_issue(&download, DAY, Actor::system()).await;

    assert!(matches!(refused, Err(StoreError::NotFound { .. })));
}
