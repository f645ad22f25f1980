use std::sync::Arc;

use crypto::{KeyRing, MasterKey};
use jiff::Timestamp;
use model::{ConnectionKey, RandomIds, SystemClock};
use rstest::rstest;
use serde_json::json;
use store::{
    Access, Actor, Approval, ManualField, MessagingConfig, MessagingSecrets, OtherSettings, PutMode,
    StorageFormat, StorageSecrets, StoreParts, StorePlace, WebhookDirection,
};

use super::*;

/// What is configured.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Settings,
    Services,
    Forms,
    TaskSettings,
    Patterns,
    Policies,
    Webhooks,
    Destinations,
    Defaults,
}

impl Kind {
    async fn change(self, store: &Store) {
        let pat = || Actor::person("pat");
        let shop: ConnectionKey = "shop".parse().unwrap();
        match self {
            Self::Settings => {
                let setting = (ACTIVE_DEFAULT.to_owned(), json!("s3"));
                store.setting_put(&[setting], OtherSettings::Keep, pat()).await.unwrap();
            }
            Self::Services => {
                let service = MessagingConfig {
                    key: "mail".to_owned(),
                    name: "Mail".to_owned(),
                    service: MessagingService::Smtp,
                    details: json!({"host": "mail.example.com"}),
                    tested: None,
                    created_at: Timestamp::UNIX_EPOCH,
                };
                store.messaging_config_put(&service, MessagingSecrets::Keep, pat()).await.unwrap();
            }
            Self::Forms => {
                let field = ManualField {
                    pii_field: "name".to_owned(),
                    label: "name".to_owned(),
                    types: Vec::new(),
                    data_categories: Vec::new(),
                };
                store.manual_form_put((&shop, &[field]), PutMode::Upsert, pat()).await.unwrap();
            }
            Self::TaskSettings => {
                store.manual_task_config_put((&shop, &json!({})), pat()).await.unwrap();
            }
            Self::Patterns => store.redaction_pattern_put(&["acme".to_owned()], pat()).await.unwrap(),
            Self::Policies => {
                let policy = Policy {
                    key: "access".to_owned(),
                    name: "Access".to_owned(),
                    drp_action: None,
                    execution_timeframe: None,
                    conditions: None,
                    approval: Approval::Automatic,
                    rules: Vec::new(),
                    version: 0,
                    created_at: Timestamp::UNIX_EPOCH,
                };
                store.policy_put(&policy, pat()).await.unwrap();
            }
            Self::Webhooks => {
                let webhook = Webhook {
                    key: "crm".to_owned(),
                    name: "CRM".to_owned(),
                    connection: "crm".to_owned(),
                    direction: WebhookDirection::OneWay,
                };
                store.webhook_replace(WebhookList::PreApproval, (None, &[webhook]), pat()).await.unwrap();
            }
            Self::Destinations | Self::Defaults => {
                let destination = StorageDestination {
                    key: "exports".to_owned(),
                    name: "Exports".to_owned(),
                    kind: StorageKind::Local,
                    details: json!({}),
                    format: StorageFormat::Json,
                    is_default: true,
                    created_at: Timestamp::UNIX_EPOCH,
                };
                store.storage_put(&destination, StorageSecrets::Keep, pat()).await.unwrap();
            }
        }
    }

    /// Whether a configuration has what [`Kind::change`] puts.
    async fn is_in(self, configuration: &Configuration) -> bool {
        match self {
            Self::Settings => configuration.active_kind().await.unwrap() == Some(StorageKind::S3),
            Self::Services => !configuration.services().await.unwrap().is_empty(),
            Self::Forms => !configuration.forms().await.unwrap().is_empty(),
            Self::TaskSettings => !configuration.task_settings().await.unwrap().is_empty(),
            Self::Patterns => !configuration.redaction_patterns().await.unwrap().is_empty(),
            Self::Policies => configuration.policy("access").await.unwrap().is_some(),
            Self::Webhooks => !configuration.webhooks(WebhookList::PreApproval).await.unwrap().is_empty(),
            Self::Destinations => configuration.destination("exports").await.unwrap().is_some(),
            Self::Defaults => configuration.default_destination(StorageKind::Local).await.unwrap().is_some(),
        }
    }
}

async fn open(folder: &std::path::Path, key: &str) -> Store {
    Store::open(StoreParts {
        place: StorePlace::File(folder.join("state.db")),
        keys: KeyRing::new(MasterKey::from_base64(key).unwrap()),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        access: Access::Write,
        max_bytes: None,
    })
    .await
    .unwrap()
}

#[rstest]
#[tokio::test]
async fn what_another_process_changes_is_seen_with_the_next_look(
    #[values(
        Kind::Settings,
        Kind::Services,
        Kind::Forms,
        Kind::TaskSettings,
        Kind::Patterns,
        Kind::Policies,
        Kind::Webhooks,
        Kind::Destinations,
        Kind::Defaults
    )]
    kind: Kind,
) {
    let folder = tempfile::tempdir().unwrap();
    let key = MasterKey::random().to_base64();
    let configurations = Configurations::new(open(folder.path(), key.expose()).await);
    let other = open(folder.path(), key.expose()).await;
    let before = configurations.now().await.unwrap();
    assert!(!kind.is_in(&before).await, "{kind:?}");

    kind.change(&other).await;

    let after = configurations.now().await.unwrap();
    assert!(kind.is_in(&after).await && after.revision() > before.revision(), "{kind:?}");
}

#[tokio::test]
async fn what_did_not_change_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let key = MasterKey::random().to_base64();
    let store = open(folder.path(), key.expose()).await;
    let configurations = Configurations::new(store.clone());
    let first = configurations.now().await.unwrap();
    let (one, two) = (first.policy("access").await.unwrap(), first.redaction_patterns().await.unwrap());
    assert!(one.is_none() && two.is_empty());
    Kind::Policies.change(&store).await;

    let now = configurations.now().await.unwrap();
    let policy = now.policy("access").await.unwrap().unwrap();
    let again = configurations.clone().now().await.unwrap();

    assert!(!Arc::ptr_eq(&first, &now) && Arc::ptr_eq(&now, &again));
    assert!(Arc::ptr_eq(&policy, &again.policy("access").await.unwrap().unwrap()));
}
