use jiff::Timestamp;
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, Approval, DrpAction, Policy, PolicyRule, PolicyTarget, RuleAction, RuleMasking, StoreError, Window,
};

use crate::bench::{Backend, Bench};
use crate::storage::bucket;

pub(crate) fn policy(key: &str, rules: Vec<PolicyRule>) -> Policy {
    Policy {
        key: key.to_owned(),
        name: format!("Policy {key}"),
        drp_action: None,
        execution_timeframe: Some(45),
        conditions: None,
        approval: Approval::Automatic,
        rules,
        version: 0,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn rule(key: &str, categories: &[&str]) -> PolicyRule {
    let target = |category: &&str| PolicyTarget {
        key: format!("{key}-{category}"),
        name: format!("{category} of {key}"),
        data_category: (*category).to_owned(),
    };
    PolicyRule {
        key: key.to_owned(),
        name: format!("Rule {key}"),
        action: RuleAction::Erasure,
        storage: None,
        masking: Some(RuleMasking { strategy: "hash".to_owned(), configuration: json!({"length": 1.50}) }),
        targets: categories.iter().map(target).collect(),
    }
}

impl Bench {
    async fn policy_put(&self, policy: &Policy) -> Result<(), StoreError> {
        self.store.policy_put(policy, Actor::person("pat")).await
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_policy_comes_back_as_it_was_written_its_rules_and_targets_in_order(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    assert!(bench.store.policy_is_untouched().await.unwrap());
    bench.storage_put(&bucket("exports")).await.unwrap();
    assert!(!bench.store.policy_is_untouched().await.unwrap());
    let deliver = PolicyRule {
        action: RuleAction::Access,
        storage: Some("exports".to_owned()),
        masking: None,
        ..rule("deliver", &[])
    };
    let mut wanted = policy("ana", vec![rule("z", &["user.name", "user.contact"]), deliver]);
    wanted.drp_action = Some(DrpAction::Deletion);

    bench.policy_put(&wanted).await.unwrap();

    let mut found = bench.again().await.policy_find("ana").await.unwrap().unwrap();
    assert_eq!(found.version, 1);
    (found.version, found.created_at) = (0, Timestamp::UNIX_EPOCH);
    assert_eq!(found, wanted);
    assert_eq!(bench.store.policy_key_of_name("Policy ana").await.unwrap().as_deref(), Some("ana"));
    assert_eq!(bench.store.policy_key_of_rule("deliver").await.unwrap().as_deref(), Some("ana"));
    assert_eq!(bench.store.policy_rule_of_target("z-user.name").await.unwrap().as_deref(), Some("z"));
    assert!(bench.store.policy_find("other").await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn of_two_who_change_a_policy_the_second_reads_it_again_first(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.policy_put(&policy("ana", vec![rule("one", &["user"])])).await.unwrap();
    let read = bench.store.policy_find("ana").await.unwrap().unwrap();
    bench.clock.advance(std::time::Duration::from_mins(1));

    let first = Policy { rules: vec![rule("two", &["user.name"])], ..read.clone() };
    bench.policy_put(&first).await.unwrap();
    let second = bench.policy_put(&read).await;
    let new = bench.policy_put(&policy("ana", vec![])).await;

    assert!(matches!(second, Err(StoreError::Conflict { what: "policy", .. })), "{second:?}");
    assert!(matches!(new, Err(StoreError::Conflict { what: "policy", .. })), "{new:?}");
    let found = bench.store.policy_find("ana").await.unwrap().unwrap();
    assert_eq!((found.version, found.created_at), (2, read.created_at));
    assert_eq!(found.rules, first.rules);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_belongs_to_another_policy_is_refused_and_nothing_of_the_new_one_is_kept(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let mut kept = policy("ana", vec![rule("one", &["user"])]);
    kept.drp_action = Some(DrpAction::Access);
    bench.policy_put(&kept).await.unwrap();
    let mut same_target = rule("other", &["user"]);
    same_target.targets[0].key = "one-user".to_owned();
    let twice = rule("other", &["user", "user"]);
    let unknown_storage = PolicyRule { storage: Some("nowhere".to_owned()), ..rule("other", &[]) };

    for (what, wrong) in [
        ("policy name", Policy { name: "Policy ana".to_owned(), ..policy("bea", vec![]) }),
        ("data rights action", Policy { drp_action: kept.drp_action, ..policy("bea", vec![]) }),
        ("rule", policy("bea", vec![rule("one", &[])])),
        ("target", policy("bea", vec![same_target])),
        ("target", policy("bea", vec![twice])),
        ("storage", policy("bea", vec![unknown_storage])),
    ] {
        let refused = bench.policy_put(&wrong).await;

        assert!(
            matches!(&refused, Err(StoreError::Conflict { what: found, .. }) if *found == what),
            "{refused:?}"
        );
        assert!(bench.store.policy_find("bea").await.unwrap().is_none(), "{what}");
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn policies_are_listed_by_pages_the_newest_first(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    for key in ["a", "b", "c"] {
        let rules =
            vec![rule(&format!("{key}1"), &["user.name", "user.job_title"]), rule(&format!("{key}2"), &[])];
        bench.policy_put(&policy(key, rules)).await.unwrap();
        bench.clock.advance(std::time::Duration::from_secs(1));
    }

    let listed = bench.store.policy_list(Window { offset: 1, limit: 2 }).await.unwrap();

    let keys: Vec<_> = listed.items.iter().map(|policy| policy.key.as_str()).collect();
    assert_eq!((keys, listed.total), (vec!["b", "a"], 3));
    let shape = |policy: &Policy| policy.rules.iter().map(|rule| rule.targets.len()).collect::<Vec<_>>();
    assert!(listed.items.iter().all(|policy| shape(policy) == [2, 0]), "{listed:?}");
}

// rule: privacy-requests POL-11
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_policy_stays_while_a_run_refers_to_it(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["a"]).await;
    for key in ["erase_customer", "free"] {
        bench.policy_put(&policy(key, vec![rule(&format!("rule_of_{key}"), &["user"])])).await.unwrap();
    }

    let used = bench.store.policy_remove("erase_customer", Actor::person("pat")).await;
    let free = bench.store.policy_remove("free", Actor::person("pat")).await.unwrap();
    let again = bench.store.policy_remove("free", Actor::person("pat")).await.unwrap();

    assert!(matches!(used, Err(StoreError::Conflict { what: "policy", .. })), "{used:?}");
    assert_eq!((free, again), (true, false));
    assert_eq!(bench.store.policy_list(Window::ALL).await.unwrap().total, 1);
    assert!(bench.store.policy_key_of_rule("rule_of_free").await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn two_processes_writing_the_same_name_at_once_leave_one(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let other = bench.again().await;
    let second = Policy { name: "Policy ana".to_owned(), ..policy("bea", vec![]) };

    let first = policy("ana", vec![]);
    let (one, two) = tokio::join!(bench.policy_put(&first), other.policy_put(&second, Actor::person("sam")));

    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1, "{one:?} {two:?}");
    assert_eq!(bench.store.policy_list(Window::ALL).await.unwrap().total, 1);
}
