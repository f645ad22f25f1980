//! Policies and storage destinations of a server, as runs take them.

use std::sync::Arc;

use crypto::{KeyRing, MasterKey, Secret};
use model::RandomIds;
use privacy::policy_book::{PolicyBook, PolicyError};
use privacy::storage_book::{
    BucketAuth, LocalSetup, ObjectNaming, S3Setup, StorageBook, StorageBookError, StorageDraft,
    StorageSecretValues, StorageSetup,
};
use spec::{ActionType, StoragePlace};
use store::{Access, Actor, Approval, StorageFormat, StorageKind, Store, StoreParts, StorePlace, Window};
use tempfile::TempDir;
use testkit::TestClock;

async fn store(folder: &TempDir) -> Store {
    let parts = StoreParts {
        place: StorePlace::File(folder.path().join("state.db")),
        keys: KeyRing::new(MasterKey::random()),
        clock: Arc::new(TestClock::new()),
        ids: Arc::new(RandomIds),
        access: Access::Write,
        max_bytes: None,
    };
    Store::open(parts).await.unwrap()
}

// rule: privacy-requests POL-12
#[tokio::test]
async fn the_first_start_makes_three_policies_which_do_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let book = PolicyBook::new(store(&folder).await);

    let first = book.seed(&Actor::system()).await.unwrap();
    book.remove("default_consent_policy", &Actor::person("pat")).await.unwrap();
    let second = book.seed(&Actor::system()).await.unwrap();

    assert_eq!((first, second), (3, 0));
    assert_eq!(book.list(Window::ALL).await.unwrap().total, 2);
    let erasure = book.get("default_erasure_policy").await.unwrap();
    assert_eq!(
        (erasure.execution_timeframe, erasure.rules[0].key.as_str()),
        (Some(45), "default_erasure_policy_rule")
    );
}

// rule: privacy-requests POL-8
#[tokio::test]
async fn a_run_takes_the_rules_that_read_or_write_and_learns_who_approves() {
    let folder = tempfile::tempdir().unwrap();
    let book = PolicyBook::new(store(&folder).await);
    book.seed(&Actor::system()).await.unwrap();

    let erasure = book.document("default_erasure_policy").await.unwrap();
    let consent = book.document("default_consent_policy").await.unwrap();
    book.rule_remove("default_consent_policy", "default_consent_rule", &Actor::system()).await.unwrap();
    let empty = book.document("default_consent_policy").await.unwrap_err();

    assert_eq!(erasure.approval, Approval::Automatic);
    let rule = &erasure.policy.rules[0];
    assert_eq!(
        (rule.action, rule.masking_strategy.as_ref().unwrap().strategy.as_str()),
        (ActionType::Erasure, "hmac")
    );
    assert!(rule.targets.contains(&"user.contact".to_owned()));
    assert!(graph::erasure_rules(&erasure.policy).is_ok());
    assert!(consent.policy.rules.is_empty());
    assert!(matches!(empty, PolicyError::NoRules { .. }), "{empty}");
}

fn bucket(auth_method: BucketAuth) -> StorageDraft {
    let setup = S3Setup {
        auth_method,
        bucket: "exports".to_owned(),
        naming: ObjectNaming::RequestId,
        max_retries: 0,
        enable_streaming: false,
        enable_access_package_redirect: false,
        prefix: Some("packages/".to_owned()),
        endpoint: None,
    };
    StorageDraft {
        key: "bucket".parse().ok(),
        name: "Bucket".to_owned(),
        setup: StorageSetup::S3(setup),
        format: StorageFormat::Csv,
    }
}

// rule: privacy-requests ST-2
#[tokio::test]
async fn packages_are_delivered_with_the_names_that_places_know() {
    let folder = tempfile::tempdir().unwrap();
    let book = StorageBook::new(store(&folder).await);
    let pat = Actor::person("pat");
    let destination = book.put(&bucket(BucketAuth::SecretKeys), &pat).await.unwrap();
    let given =
        [("aws_access_key_id", "one"), ("aws_secret_access_key", "two"), ("region_name", "eu-central-1")];
    let given = given.map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())));
    let secrets = StorageSecretValues::of(StorageKind::S3, given).unwrap();

    book.secrets_put(&destination, &secrets, &pat).await.unwrap();
    let document = book.document(&destination).await.unwrap();

    let names: Vec<_> =
        document.secrets.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
    assert_eq!(names, [("access_key_id", "one"), ("secret_access_key", "two")]);
    let StoragePlace::S3 { bucket, prefix, region, .. } = document.destination.place else {
        panic!("a bucket")
    };
    assert_eq!(
        (bucket.as_str(), prefix.as_str(), region.as_deref()),
        ("exports", "packages/", Some("eu-central-1"))
    );
}

#[tokio::test]
async fn a_destination_that_cannot_be_delivered_to_says_so_and_the_default_is_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let book = StorageBook::new(store(&folder).await);
    let automatic = book.put(&bucket(BucketAuth::Automatic), &Actor::system()).await.unwrap();

    let refused = book.document(&automatic).await.unwrap_err();
    let active = book.active_default(None).await.unwrap().unwrap();
    let document = book.document(&active).await.unwrap();

    assert!(matches!(refused, StorageBookError::Unusable { .. }), "{refused}");
    let local = StoragePlace::Local { folder: "fides_uploads".to_owned() };
    assert_eq!((active.format, document.destination.place), (StorageFormat::Html, local));
    assert!(book.active_default(Some(StorageKind::S3)).await.unwrap().is_none());
    let setup = StorageSetup::Local(LocalSetup::default());
    let csv = book.default_put(&setup, StorageFormat::Csv, &Actor::system()).await.unwrap_err();
    assert!(matches!(csv, StorageBookError::LocalFormat), "{csv}");
}
