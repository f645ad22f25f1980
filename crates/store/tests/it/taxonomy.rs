//! Entries of the taxonomy.

use jiff::Timestamp;
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, Approval, NewDataset, NewTaxonomyEntry, Policy, PolicyRule, PolicyTarget, Put, PutMode,
    RuleAction, StoreError, TaxonomyKind, TaxonomyRemoval, TaxonomyUser,
};

use crate::bench::{Backend, Bench};

const CATEGORY: TaxonomyKind = TaxonomyKind::DataCategory;

fn new(key: &str) -> NewTaxonomyEntry {
    NewTaxonomyEntry { key: key.to_owned(), name: String::new(), body: json!({"fides_key": key}).to_string() }
}

fn pat() -> Actor {
    Actor::person("pat")
}

impl Bench {
    async fn put_entries(&self, keys: &[&str], mode: PutMode) -> Result<Vec<Put>, StoreError> {
        let entries: Vec<NewTaxonomyEntry> = keys.iter().map(|key| new(key)).collect();
        self.store.taxonomy_put(CATEGORY, (&entries, mode), pat()).await
    }

    async fn remove_entry(&self, key: &str) -> TaxonomyRemoval {
        self.store.taxonomy_remove((CATEGORY, key), pat()).await.unwrap()
    }
}

// rule: fides-api 6.4
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn entries_are_kept_by_kind_all_or_none(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };

    let puts = bench.put_entries(&["acme", "acme.badge", "acme"], PutMode::Upsert).await.unwrap();
    let twice = bench.put_entries(&["acme.locker", "acme"], PutMode::Create).await;
    let absent = bench.put_entries(&["none"], PutMode::Update).await;

    assert_eq!(puts, [Put::Inserted, Put::Inserted, Put::Updated]);
    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    assert!(matches!(absent, Err(StoreError::NotFound { .. })), "{absent:?}");
    assert_eq!(bench.store.taxonomy_keys(CATEGORY).await.unwrap(), ["acme", "acme.badge"]);
    assert!(bench.store.taxonomy_list(TaxonomyKind::DataUse).await.unwrap().is_empty());
}

// rule: fides-api 6.4
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_something_needs_is_not_removed(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (store, key) = (&bench.store, "acme.badge_1");
    // A key that only looks as if it were below another: `_` stands for no other character.
    bench.put_entries(&["acme", key, "acme.badgeX1.door"], PutMode::Create).await.unwrap();
    let dataset = NewDataset {
        key: "shop".to_owned(),
        name: String::new(),
        body: "{}".to_owned(),
        categories: vec![key.to_owned()],
    };
    store.dataset_put((&dataset, PutMode::Create), None, pat()).await.unwrap();

    let above = bench.remove_entry("acme").await;
    let of_dataset = bench.remove_entry(key).await;
    store.dataset_remove("shop", pat()).await.unwrap();
    store.policy_put(&policy(key), pat()).await.unwrap();
    let of_target = bench.remove_entry(key).await;
    store.policy_remove("keep", pat()).await.unwrap();

    assert_eq!(above, TaxonomyRemoval::InUse(TaxonomyUser::Entry("acme.badgeX1.door".to_owned())));
    assert_eq!(of_dataset, TaxonomyRemoval::InUse(TaxonomyUser::Dataset("shop".to_owned())));
    let target = TaxonomyUser::Target { policy: "keep".to_owned(), rule: "keep_rule".to_owned() };
    assert_eq!(of_target, TaxonomyRemoval::InUse(target));
    assert_eq!(bench.remove_entry(key).await, TaxonomyRemoval::Removed);
    assert_eq!(bench.remove_entry(key).await, TaxonomyRemoval::Absent);
}

fn policy(category: &str) -> Policy {
    let target = PolicyTarget {
        key: "keep_target".to_owned(),
        name: "keep_target".to_owned(),
        data_category: category.to_owned(),
    };
    let rule = PolicyRule {
        key: "keep_rule".to_owned(),
        name: "keep_rule".to_owned(),
        action: RuleAction::Access,
        storage: None,
        masking: None,
        targets: vec![target],
    };
    Policy {
        key: "keep".to_owned(),
        name: "keep".to_owned(),
        drp_action: None,
        execution_timeframe: None,
        conditions: None,
        approval: Approval::Automatic,
        rules: vec![rule],
        version: 0,
        created_at: Timestamp::UNIX_EPOCH,
    }
}
