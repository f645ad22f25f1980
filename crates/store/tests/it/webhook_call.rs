use std::time::Duration;

use crypto::AccessToken;
use model::{Clock as _, PrivacyRequestId, RandomIds};
use rstest::rstest;
use store::{NewWebhookCall, WebhookCallState, WebhookStage};

use crate::bench::{Backend, Bench};

const PRE: WebhookStage = WebhookStage::PreExecution;

impl Bench {
    async fn call(&self, request: &PrivacyRequestId, token: &AccessToken) -> bool {
        let until = self.clock.now() + Duration::from_hours(1);
        let new = NewWebhookCall { request, stage: PRE, webhook: "crm", token: Some((token, until)) };
        self.store.webhook_call_begin(new).await.unwrap()
    }

    async fn end(&self, request: &PrivacyRequestId, from: WebhookCallState, to: WebhookCallState) -> bool {
        self.store.webhook_call_end((request, PRE, "crm"), (&[from], to)).await.unwrap()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_call_that_was_cut_off_is_made_again_and_one_that_was_answered_is_not(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let request = PrivacyRequestId::new(&RandomIds);
    let (first, second) = (AccessToken::random(), AccessToken::random());

    let begun = [bench.call(&request, &first).await, bench.call(&request, &second).await];
    let ended = bench.end(&request, WebhookCallState::Called, WebhookCallState::Done).await;
    let again = bench.call(&request, &first).await;

    assert_eq!((begun, ended, again), ([true, true], true, false));
    assert_eq!(bench.store.webhook_call_find(first.text().expose()).await.unwrap(), None);
    let found = bench.again().await.webhook_call_find(second.text().expose()).await.unwrap().unwrap();
    assert_eq!((found.state, found.webhook.as_str()), (WebhookCallState::Done, "crm"));
    assert_eq!(found.request, request.as_str());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_call_is_answered_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let request = PrivacyRequestId::new(&RandomIds);
    bench.call(&request, &AccessToken::random()).await;

    let first = bench.end(&request, WebhookCallState::Called, WebhookCallState::Eligible).await;
    let second = bench.end(&request, WebhookCallState::Called, WebhookCallState::NotEligible).await;

    assert_eq!([first, second], [true, false]);
    let calls = bench.store.webhook_call_list(&request, PRE).await.unwrap();
    assert_eq!((calls.len(), calls[0].state), (1, WebhookCallState::Eligible));
    assert!(calls[0].answered_at.is_some());
    let other = bench.store.webhook_call_list(&request, WebhookStage::PreApproval).await.unwrap();
    assert!(other.is_empty());
    bench.store.webhook_call_forget(&request).await.unwrap();
    assert!(bench.store.webhook_call_list(&request, PRE).await.unwrap().is_empty());
}
