use rstest::rstest;
use serde_json::{Value, json};
use store::{AUDIT_LEASE, Actor, OtherSettings};

use crate::bench::{Backend, LEASE};

fn pair(key: &str, value: Value) -> (String, Value) {
    (key.to_owned(), value)
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn settings_are_added_replaced_and_removed_together(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let strict = |value: bool| pair("execution.masking_strict", json!(value));
    let origins = pair("security.cors_origins", json!(["https://console.example.com"]));
    let put = async |settings: &[(String, Value)], others| {
        bench.store.setting_put(settings, others, Actor::person("olga")).await.unwrap();
        bench.again().await.setting_list().await.unwrap()
    };

    let none = bench.store.setting_list().await.unwrap();
    let first = put(&[origins.clone(), strict(true)], OtherSettings::Keep).await;
    let second = put(&[strict(false)], OtherSettings::Keep).await;
    let replaced = put(std::slice::from_ref(&origins), OtherSettings::Remove).await;
    let gone = put(&[], OtherSettings::Remove).await;

    assert_eq!((none, gone), (vec![], vec![]));
    assert_eq!(first, [strict(true), origins.clone()]);
    assert_eq!(second, [strict(false), origins.clone()]);
    assert_eq!(replaced, [origins]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn each_change_of_settings_is_in_the_audit_log(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let setting = pair("execution.masking_strict", json!(false));

    bench.store.setting_put(&[setting], OtherSettings::Remove, Actor::person("olga")).await.unwrap();
    let lease = bench.store.lease_take(AUDIT_LEASE, "test", LEASE).await.unwrap().unwrap();
    bench.store.audit_sequence(&lease, 10).await.unwrap();

    let entries = bench.store.audit_list(0, 10).await.unwrap();
    let entry: Value = serde_json::from_str(&entries.last().unwrap().body).unwrap();
    assert_eq!(entry["action"], "setting.put");
    assert_eq!(entry["actor"], "person:olga");
    assert_eq!(entry["details"], json!({"keys": ["execution.masking_strict"], "others_removed": true}));
}
