use jiff::Timestamp;
use rstest::rstest;
use store::{Actor, Approval, Policy, StoreError, Webhook, WebhookDirection, WebhookList};

use crate::bench::{Backend, Bench};

pub(crate) fn webhook(key: &str, direction: WebhookDirection) -> Webhook {
    let name = format!("Webhook {key}");
    Webhook { key: key.to_owned(), name, connection: "crm".to_owned(), direction }
}

impl Bench {
    async fn webhooks(
        &self,
        list: WebhookList<'_>,
        before: Option<&[Webhook]>,
        after: &[Webhook],
    ) -> Result<(), StoreError> {
        self.store.webhook_replace(list, (before, after), Actor::person("pat")).await
    }

    async fn empty_policy(&self, key: &str) {
        let policy = Policy {
            key: key.to_owned(),
            name: key.to_owned(),
            drp_action: None,
            execution_timeframe: None,
            conditions: None,
            approval: Approval::Automatic,
            rules: Vec::new(),
            version: 0,
            created_at: Timestamp::UNIX_EPOCH,
        };
        self.store.policy_put(&policy, Actor::person("pat")).await.unwrap();
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn webhooks_are_replaced_as_a_list_and_keep_their_order(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.empty_policy("ana").await;
    let [pre, post] = [WebhookList::PreExecution("ana"), WebhookList::PostExecution("ana")];
    let first = [webhook("z", WebhookDirection::TwoWay), webhook("a", WebhookDirection::OneWay)];
    bench.webhooks(pre, None, &first).await.unwrap();
    bench.webhooks(post, None, &first).await.unwrap();
    bench.webhooks(WebhookList::PreApproval, None, &first[..1]).await.unwrap();

    let turned = [first[1].clone(), first[0].clone()];
    bench.webhooks(pre, Some(&first), &turned).await.unwrap();
    let late = bench.webhooks(pre, Some(&first), &[]).await;

    assert!(matches!(late, Err(StoreError::Conflict { what: "webhook list", .. })), "{late:?}");
    let later = bench.again().await;
    assert_eq!(later.webhook_list(pre).await.unwrap(), turned);
    assert_eq!(later.webhook_list(post).await.unwrap(), first);
    assert_eq!(later.webhook_list(WebhookList::PreApproval).await.unwrap(), first[..1]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_key_stands_once_in_a_stage_and_webhooks_go_with_their_policy(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    for key in ["ana", "bea"] {
        bench.empty_policy(key).await;
    }
    let one = [webhook("one", WebhookDirection::OneWay)];
    let two = [webhook("two", WebhookDirection::OneWay), one[0].clone()];
    bench.webhooks(WebhookList::PreExecution("ana"), None, &one).await.unwrap();

    let taken = bench.webhooks(WebhookList::PreExecution("bea"), None, &two).await;
    let nowhere = bench.webhooks(WebhookList::PreExecution("nowhere"), None, &[]).await;
    bench.store.policy_remove("ana", Actor::person("pat")).await.unwrap();
    let free = bench.webhooks(WebhookList::PreExecution("bea"), None, &two).await;

    assert!(matches!(taken, Err(StoreError::Conflict { what: "webhook", .. })), "{taken:?}");
    assert!(matches!(nowhere, Err(StoreError::NotFound { what: "policy", .. })), "{nowhere:?}");
    assert!(free.is_ok(), "{free:?}");
    assert_eq!(bench.store.webhook_list(WebhookList::PreExecution("ana")).await.unwrap(), []);
}
