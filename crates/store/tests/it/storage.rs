use crypto::{MasterKey, Secret};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, Approval, Policy, PolicyRule, RuleAction, StorageDestination, StorageFilter, StorageFormat,
    StorageKind, StorageSecrets, StoreError, Window,
};

use crate::bench::{Backend, Bench, open, ring};

pub(crate) fn bucket(key: &str) -> StorageDestination {
    StorageDestination {
        key: key.to_owned(),
        name: format!("Bucket {key}"),
        kind: StorageKind::S3,
        details: json!({"bucket": "exports", "max_retries": 2}),
        format: StorageFormat::Csv,
        is_default: false,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

impl Bench {
    pub(crate) async fn storage_put(&self, destination: &StorageDestination) -> Result<(), StoreError> {
        self.store.storage_put(destination, StorageSecrets::Keep, Actor::person("pat")).await
    }

    async fn storage_secrets(&self, key: &str) -> Option<String> {
        self.again().await.storage_secrets_find(key).await.unwrap().map(|found| found.expose().clone())
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_destination_is_replaced_by_its_key_and_found_by_key_name_and_default(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.storage_put(&bucket("exports")).await.unwrap();
    let before = bench.store.storage_find("exports").await.unwrap().unwrap();
    bench.clock.advance(std::time::Duration::from_mins(1));
    let wanted = StorageDestination {
        is_default: true,
        format: StorageFormat::Html,
        created_at: before.created_at,
        ..bucket("exports")
    };

    bench.storage_put(&wanted).await.unwrap();

    let found = bench.again().await.storage_find("exports").await.unwrap().unwrap();
    assert_eq!(found, wanted);
    assert_eq!(bench.store.storage_default_find(StorageKind::S3).await.unwrap(), Some(wanted));
    assert_eq!(bench.store.storage_default_find(StorageKind::Local).await.unwrap(), None);
    assert_eq!(bench.store.storage_key_of_name("Bucket exports").await.unwrap().as_deref(), Some("exports"));
    assert_eq!(bench.store.storage_key_of_name("exports").await.unwrap(), None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_name_and_being_the_default_of_a_kind_belong_to_one(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.storage_put(&StorageDestination { is_default: true, ..bucket("first") }).await.unwrap();

    let name = StorageDestination { name: "Bucket first".to_owned(), ..bucket("second") };
    let name = bench.storage_put(&name).await;
    let default = bench.storage_put(&StorageDestination { is_default: true, ..bucket("second") }).await;

    assert!(matches!(name, Err(StoreError::Conflict { what: "storage name", .. })), "{name:?}");
    assert!(matches!(default, Err(StoreError::Conflict { what: "default storage", .. })), "{default:?}");
    bench.clock.advance(std::time::Duration::from_secs(1));
    bench.storage_put(&bucket("second")).await.unwrap();
    let all = bench.store.storage_list(StorageFilter::All, Window { offset: 0, limit: 1 }).await.unwrap();
    assert_eq!((all.items[0].key.as_str(), all.total), ("second", 2));
    let defaults = bench.store.storage_list(StorageFilter::Defaults, Window::ALL).await.unwrap();
    assert_eq!((defaults.items[0].key.as_str(), defaults.total), ("first", 1));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn secrets_stay_with_their_destination_and_survive_a_change_of_keys(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let secrets = Secret::new("{\"aws_access_key_id\":\"canary\"}".to_owned());
    let pat = || Actor::person("pat");
    bench.storage_put(&bucket("exports")).await.unwrap();
    let none = bench.store.storage_secrets_put("nowhere", &secrets, pat()).await;
    bench.store.storage_secrets_put("exports", &secrets, pat()).await.unwrap();
    bench.storage_put(&bucket("exports")).await.unwrap();

    let fresh = MasterKey::random().to_base64();
    let both = ring(&fresh).with_older(MasterKey::from_base64(bench.key.expose()).unwrap());
    open(&bench.place, both, &bench.clock).await.unwrap().keys_reseal(pat()).await.unwrap();
    let later = open(&bench.place, ring(&fresh), &bench.clock).await.unwrap();

    assert!(matches!(none, Err(StoreError::NotFound { what: "storage", .. })), "{none:?}");
    let found = later.storage_secrets_find("exports").await.unwrap().unwrap();
    assert_eq!(found.expose(), secrets.expose());
    later.storage_put(&bucket("exports"), StorageSecrets::Clear, pat()).await.unwrap();
    assert!(later.storage_secrets_find("exports").await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn secrets_moved_to_another_destination_do_not_open(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.storage_put(&bucket("exports")).await.unwrap();
    let secrets = Secret::new("canary".to_owned());
    bench.store.storage_secrets_put("exports", &secrets, Actor::person("pat")).await.unwrap();
    assert_eq!(bench.storage_secrets("exports").await.as_deref(), Some("canary"));

    sqlx::query("UPDATE storage SET key = 'elsewhere'").execute(&bench.sql().await).await.unwrap();

    let moved = bench.store.storage_secrets_find("elsewhere").await;
    assert!(matches!(moved, Err(StoreError::Sealed { .. })), "{moved:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_destination_stays_while_a_rule_names_it(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    for key in ["used", "free"] {
        bench.storage_put(&bucket(key)).await.unwrap();
    }
    let rule = PolicyRule {
        key: "deliver".to_owned(),
        name: "Deliver".to_owned(),
        action: RuleAction::Access,
        storage: Some("used".to_owned()),
        masking: None,
        targets: Vec::new(),
    };
    let policy = Policy {
        key: "ana".to_owned(),
        name: "Ana".to_owned(),
        drp_action: None,
        execution_timeframe: None,
        conditions: None,
        approval: Approval::Person,
        rules: vec![rule],
        version: 0,
        created_at: Timestamp::UNIX_EPOCH,
    };
    bench.store.policy_put(&policy, Actor::person("pat")).await.unwrap();

    let used = bench.store.storage_remove("used", Actor::person("pat")).await;
    let free = bench.store.storage_remove("free", Actor::person("pat")).await.unwrap();
    let again = bench.store.storage_remove("free", Actor::person("pat")).await.unwrap();

    assert!(matches!(used, Err(StoreError::Conflict { what: "storage", .. })), "{used:?}");
    assert_eq!((free, again), (true, false));
}
