use model::ConnectionKey;
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, DatasetLink, ManualField,
    MessagingSecrets, NamedSecret, NewConnection, NewDataset, OtherLinks, OtherSettings, PutMode,
    StorageSecrets, Store, StoreError, WebhookDirection, WebhookList,
};

use crate::bench::{Backend, Bench};
use crate::messaging::smtp;
use crate::policy::policy;
use crate::storage::bucket;
use crate::webhook::webhook;

fn shop() -> ConnectionKey {
    "shop".parse().unwrap()
}

fn create() -> ConnectionStep {
    ConnectionStep::Create(NewConnection {
        name: Some("Shop".to_owned()),
        description: None,
        connection_type: "postgres".to_owned(),
        access: ConnectionAccess::Read,
        disabled: false,
        system_key: None,
    })
}

impl Bench {
    async fn revised(&self, steps: Vec<ConnectionStep>) -> ConnectionChanged {
        let change = ConnectionChange { key: &shop(), actor: Actor::person("pat"), steps };
        self.store.connection_change(change).await.unwrap()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn revision_grows_with_each_change_of_what_requests_are_worked_off_with(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let pat = || Actor::person("pat");
    let dataset = NewDataset {
        key: "shop".to_owned(),
        name: String::new(),
        body: "{}".to_owned(),
        categories: Vec::new(),
    };
    let link = DatasetLink { key: "shop".to_owned(), dataset: "shop".to_owned() };
    let secret = NamedSecret {
        name: "host".to_owned(),
        value: crypto::Secret::new(json!("db.example.com").to_string()),
    };
    let mut seen = vec![bench.store.revision().await.unwrap()];

    assert_eq!(bench.revised(vec![create()]).await, ConnectionChanged::Done);
    seen.push(bench.store.revision().await.unwrap());
    assert_eq!(
        bench.revised(vec![ConnectionStep::ReplaceSecrets(vec![secret])]).await,
        ConnectionChanged::Done
    );
    seen.push(bench.store.revision().await.unwrap());
    bench.store.dataset_put((&dataset, PutMode::Upsert), None, pat()).await.unwrap();
    seen.push(bench.store.revision().await.unwrap());
    bench.store.dataset_link_put(&shop(), (&[link], OtherLinks::Keep), pat()).await.unwrap();
    seen.push(bench.store.revision().await.unwrap());
    let setting = ("execution.masking_strict".to_owned(), json!(false));
    bench.store.setting_put(&[setting], OtherSettings::Keep, pat()).await.unwrap();
    seen.push(bench.again().await.revision().await.unwrap());

    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_was_not_done_or_changes_no_run_leaves_the_revision(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    assert_eq!(bench.revised(vec![create()]).await, ConnectionChanged::Done);
    let before = bench.store.revision().await.unwrap();

    let taken = bench.revised(vec![ConnectionStep::RemoveTokens, create()]).await;
    let gone = [DatasetLink { key: "gone".to_owned(), dataset: "gone".to_owned() }];
    let links = (gone.as_slice(), OtherLinks::Remove);
    let absent = bench.store.dataset_link_put(&shop(), links, Actor::person("pat")).await.unwrap_err();
    bench.store.connection_tested(&shop(), true).await.unwrap();

    assert_eq!(taken, ConnectionChanged::KeyTaken);
    assert!(matches!(absent, StoreError::NotFound { .. }));
    assert_eq!(bench.store.revision().await.unwrap(), before);
}

/// What is kept in memory by the revision, and the ways in which it changes.
#[derive(Debug, Clone, Copy)]
enum Kept {
    Settings,
    MessagingService,
    MessagingServiceRemoved,
    Policy,
    PolicyRemoved,
    Webhooks,
    Form,
    FormRemoved,
    TaskSettings,
    Patterns,
    Destination,
    DestinationSecrets,
    DestinationRemoved,
}

impl Kept {
    /// What has to be there before.
    async fn prepare(self, store: &Store) {
        match self {
            Self::MessagingServiceRemoved => Box::pin(Self::MessagingService.change(store)).await,
            Self::PolicyRemoved | Self::Webhooks => Box::pin(Self::Policy.change(store)).await,
            Self::FormRemoved => Box::pin(Self::Form.change(store)).await,
            Self::DestinationSecrets | Self::DestinationRemoved => {
                Box::pin(Self::Destination.change(store)).await;
            }
            Self::Settings
            | Self::MessagingService
            | Self::Policy
            | Self::Form
            | Self::TaskSettings
            | Self::Patterns
            | Self::Destination => {}
        }
    }

    async fn change(self, store: &Store) {
        let pat = || Actor::person("pat");
        match self {
            Self::Settings => {
                let setting = ("notifications.receipt".to_owned(), json!(true));
                store.setting_put(&[setting], OtherSettings::Keep, pat()).await.unwrap();
            }
            Self::MessagingService => {
                store.messaging_config_put(&smtp(), MessagingSecrets::Keep, pat()).await.unwrap();
            }
            Self::MessagingServiceRemoved => {
                assert!(store.messaging_config_remove("mail", pat()).await.unwrap());
            }
            Self::Policy => {
                store.policy_put(&policy("ana", vec![]), pat()).await.unwrap();
            }
            Self::PolicyRemoved => assert!(store.policy_remove("ana", pat()).await.unwrap()),
            Self::Webhooks => {
                let list = [webhook("one", WebhookDirection::OneWay)];
                let put = store.webhook_replace(WebhookList::PostExecution("ana"), (None, &list), pat());
                put.await.unwrap();
            }
            Self::Form => {
                let field = ManualField {
                    pii_field: "a".to_owned(),
                    label: "a".to_owned(),
                    types: Vec::new(),
                    data_categories: Vec::new(),
                };
                store.manual_form_put((&shop(), &[field]), PutMode::Upsert, pat()).await.unwrap();
            }
            Self::FormRemoved => assert!(store.manual_form_remove(&shop(), pat()).await.unwrap()),
            Self::TaskSettings => {
                store.manual_task_config_put((&shop(), &json!({})), pat()).await.unwrap();
            }
            Self::Patterns => {
                store.redaction_pattern_put(&["acme".to_owned()], pat()).await.unwrap();
            }
            Self::Destination => {
                store.storage_put(&bucket("exports"), StorageSecrets::Keep, pat()).await.unwrap();
            }
            Self::DestinationSecrets => {
                let secrets = crypto::Secret::new("{}".to_owned());
                store.storage_secrets_put("exports", &secrets, pat()).await.unwrap();
            }
            Self::DestinationRemoved => assert!(store.storage_remove("exports", pat()).await.unwrap()),
        }
    }
}

#[rstest]
#[tokio::test]
async fn another_process_sees_the_change_of_whatever_is_kept_by_the_revision(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(
        Kept::Settings,
        Kept::MessagingService,
        Kept::MessagingServiceRemoved,
        Kept::Policy,
        Kept::PolicyRemoved,
        Kept::Webhooks,
        Kept::Form,
        Kept::FormRemoved,
        Kept::TaskSettings,
        Kept::Patterns,
        Kept::Destination,
        Kept::DestinationSecrets,
        Kept::DestinationRemoved
    )]
    kept: Kept,
) {
    let Some(bench) = backend.start().await else { return };
    assert_eq!(bench.revised(vec![create()]).await, ConnectionChanged::Done);
    kept.prepare(&bench.store).await;
    let other = bench.again().await;
    let before = other.revision().await.unwrap();

    kept.change(&bench.store).await;

    assert!(other.revision().await.unwrap() > before, "{kept:?}");
}
