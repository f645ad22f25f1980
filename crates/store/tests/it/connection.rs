use std::collections::BTreeMap;

use crypto::Secret;
use model::ConnectionKey;
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionFilter, ConnectionStep,
    ConnectionUpdate, NamedSecret, NewConnection, Store, StoredConnector, TestStatus, Window,
};

use crate::bench::{Backend, Bench, CANARY};

fn key(text: &str) -> ConnectionKey {
    text.parse().unwrap()
}

fn new(name: &str, connection_type: &str) -> NewConnection {
    NewConnection {
        name: Some(name.to_owned()),
        description: None,
        connection_type: connection_type.to_owned(),
        access: ConnectionAccess::Read,
        disabled: false,
        system_key: None,
    }
}

fn secret(name: &str, value: &str) -> NamedSecret {
    NamedSecret { name: name.to_owned(), value: Secret::new(json!(value).to_string()) }
}

fn connector(version: &str) -> StoredConnector {
    StoredConnector {
        fides_key: "shop".to_owned(),
        name: "Shop".to_owned(),
        connector_type: "shop_type".to_owned(),
        version: version.to_owned(),
        document: json!({"fides_key": "shop", "version": version}),
        scripts: BTreeMap::from([("sign.star".to_owned(), "def f(): pass".to_owned())]),
    }
}

async fn change(store: &Store, connection: &str, steps: Vec<ConnectionStep>) -> ConnectionChanged {
    let change = ConnectionChange { key: &key(connection), actor: Actor::person("pat"), steps };
    store.connection_change(change).await.unwrap()
}

impl Bench {
    /// A SaaS connection `shop` with file and secrets, and a database `crm`.
    async fn connections(&self) {
        let steps = vec![
            ConnectionStep::Create(NewConnection {
                description: Some("Where ÄPFEL are sold, 100%_sure".to_owned()),
                ..new("Shop", "saas")
            }),
            ConnectionStep::SetConnector { connector: connector("1.0.0"), datasets: None },
            ConnectionStep::ReplaceSecrets(vec![
                secret("api_key", CANARY),
                secret("domain", "shop.example.com"),
            ]),
        ];
        assert_eq!(change(&self.store, "shop", steps).await, ConnectionChanged::Done);
        let crm =
            NewConnection { disabled: true, system_key: Some("sales".to_owned()), ..new("CRM", "postgres") };
        let steps = vec![ConnectionStep::Create(crm)];
        assert_eq!(change(&self.store, "crm", steps).await, ConnectionChanged::Done);
    }

    async fn done(&self, connection: &str, steps: Vec<ConnectionStep>) {
        assert_eq!(change(&self.store, connection, steps).await, ConnectionChanged::Done);
    }

    async fn found(&self, filter: ConnectionFilter) -> Vec<String> {
        let page = self.store.connection_list(&filter, Window { offset: 0, limit: 10 }).await.unwrap();
        assert_eq!(page.total, page.items.len() as u64);
        page.items.iter().map(|found| found.key.to_string()).collect()
    }

    async fn audited(&self) -> i64 {
        let sql = "SELECT COUNT(*) FROM audit_entry";
        sqlx::query_scalar(sql).fetch_one(&self.sql().await).await.unwrap()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_connection_comes_back_as_it_was_made(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connections().await;

    let found = bench.again().await.connection_find(&key("shop")).await.unwrap().unwrap();
    let absent = bench.store.connection_find(&key("other")).await.unwrap();

    assert_eq!((found.name.as_deref(), found.access), (Some("Shop"), ConnectionAccess::Read));
    assert_eq!(found.connector, Some(connector("1.0.0")));
    assert!(found.is_saas() && !found.disabled && !found.authorized && found.last_test.is_none());
    assert_eq!(found.created_at, found.updated_at);
    assert!(absent.is_none());
    let secrets = bench.store.vault_open(&key("shop")).await.unwrap();
    let secrets: Vec<_> =
        secrets.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
    assert_eq!(secrets, [("api_key", &*json!(CANARY).to_string()), ("domain", "\"shop.example.com\"")]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn keys_and_names_are_taken_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connections().await;
    let before = bench.audited().await;
    let rename = ConnectionUpdate { name: Some("Shop".to_owned()), ..ConnectionUpdate::default() };

    let same_key = change(&bench.store, "shop", vec![ConnectionStep::Create(new("Other", "saas"))]).await;
    let same_name = change(&bench.store, "other", vec![ConnectionStep::Create(new("Shop", "saas"))]).await;
    let renamed = change(&bench.store, "crm", vec![ConnectionStep::Update(rename.clone())]).await;
    let own_name = change(&bench.store, "shop", vec![ConnectionStep::Update(rename)]).await;
    let absent = change(&bench.store, "none", vec![ConnectionStep::RemoveTokens]).await;

    assert_eq!(same_key, ConnectionChanged::KeyTaken);
    assert_eq!((same_name, renamed), (ConnectionChanged::NameTaken, ConnectionChanged::NameTaken));
    assert_eq!((own_name, absent), (ConnectionChanged::Done, ConnectionChanged::Absent));
    assert_eq!(bench.audited().await, before + 1, "what was not done is not told of");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn two_that_make_a_connection_at_once_make_it_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let other = bench.again().await;
    let steps = || vec![ConnectionStep::Create(new("Shop", "saas"))];

    let (one, two) = tokio::join!(change(&bench.store, "shop", steps()), change(&other, "shop", steps()));

    assert!(one != two && [one, two].contains(&ConnectionChanged::Done), "{one:?} {two:?}");
    assert!([one, two].contains(&ConnectionChanged::KeyTaken));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_change_is_done_as_a_whole_or_not_at_all(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connections().await;
    let before = bench.audited().await;
    let steps = vec![
        ConnectionStep::Create(new("New", "saas")),
        ConnectionStep::ReplaceSecrets(vec![secret("api_key", "x")]),
        ConnectionStep::Update(ConnectionUpdate {
            name: Some("Shop".to_owned()),
            ..ConnectionUpdate::default()
        }),
    ];

    let changed = change(&bench.store, "new", steps).await;

    assert_eq!(changed, ConnectionChanged::NameTaken);
    assert!(bench.store.connection_find(&key("new")).await.unwrap().is_none());
    assert!(bench.store.vault_list(&key("new")).await.unwrap().is_empty());
    assert_eq!(bench.audited().await, before);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_update_changes_what_is_given(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connections().await;
    bench.clock.advance(std::time::Duration::from_secs(5));
    let update = ConnectionUpdate {
        access: Some(ConnectionAccess::Write),
        system_key: Some(None),
        masking_strict: Some(Some(false)),
        ..ConnectionUpdate::default()
    };

    let changed = change(&bench.store, "crm", vec![ConnectionStep::Update(update)]).await;

    let found = bench.store.connection_find(&key("crm")).await.unwrap().unwrap();
    assert_eq!(changed, ConnectionChanged::Done);
    assert_eq!(
        (found.access, found.system_key, found.masking_strict),
        (ConnectionAccess::Write, None, Some(false))
    );
    assert!(found.disabled && found.name.as_deref() == Some("CRM") && found.updated_at > found.created_at);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn secrets_are_replaced_merged_and_removed_by_name(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connections().await;
    let names = async || bench.store.vault_list(&key("shop")).await.unwrap();

    bench.done("shop", vec![ConnectionStep::MergeSecrets(vec![secret("region", "eu")])]).await;
    let merged = names().await;
    bench.done("shop", vec![ConnectionStep::RemoveSecrets(vec!["api_key".to_owned()])]).await;
    let removed = names().await;
    bench.done("shop", vec![ConnectionStep::ReplaceSecrets(vec![secret("api_key", "new")])]).await;
    let replaced = names().await;

    assert_eq!(merged, ["api_key", "domain", "region"]);
    assert_eq!(removed, ["domain", "region"]);
    assert_eq!(replaced, ["api_key"]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_file_has_a_history_that_ends_with_its_connection(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connections().await;
    let datasets = json!([{"fides_key": "shop"}]);
    let set = |version| ConnectionStep::SetConnector {
        connector: connector(version),
        datasets: Some(datasets.clone()),
    };
    bench.done("shop", vec![set("2.0.0")]).await;
    bench.done("shop", vec![ConnectionStep::ClearConnector]).await;

    let versions = bench.store.connector_version_list(&key("shop")).await.unwrap();
    let second = bench.store.connector_version_find(&key("shop"), "2.0.0").await.unwrap().unwrap();
    let third = bench.store.connector_version_find(&key("shop"), "3.0.0").await.unwrap();

    assert!(bench.store.connection_find(&key("shop")).await.unwrap().unwrap().connector.is_none());
    assert_eq!(versions.iter().map(|kept| kept.version.as_str()).collect::<Vec<_>>(), ["2.0.0", "1.0.0"]);
    assert_eq!((second.datasets, second.document["version"].as_str()), (Some(datasets), Some("2.0.0")));
    assert!(third.is_none());
    bench.done("shop", vec![ConnectionStep::Remove]).await;
    assert!(bench.store.connector_version_list(&key("shop")).await.unwrap().is_empty());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn nothing_is_left_of_a_removed_connection(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connections().await;
    let token = Secret::new(b"token".to_vec());
    bench.store.token_put((&key("shop"), "api"), &token).await.unwrap();
    assert!(bench.store.connection_find(&key("shop")).await.unwrap().unwrap().authorized);

    let removed = change(&bench.store, "shop", vec![ConnectionStep::Remove]).await;

    assert_eq!(removed, ConnectionChanged::Done);
    assert!(bench.store.connection_find(&key("shop")).await.unwrap().is_none());
    assert!(bench.store.vault_list(&key("shop")).await.unwrap().is_empty());
    assert!(bench.store.token_find(&key("shop"), "api").await.unwrap().is_none());
    assert_eq!(change(&bench.store, "shop", vec![ConnectionStep::Remove]).await, ConnectionChanged::Absent);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn each_filter_narrows_the_list(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connections().await;
    bench.store.connection_tested(&key("shop"), false).await.unwrap();
    let any = ConnectionFilter::default;
    let search = |text: &str| ConnectionFilter { search: Some(text.to_owned()), ..any() };
    let types = |types: &[&str]| ConnectionFilter {
        types: Some(types.iter().map(|text| (*text).to_owned()).collect()),
        ..any()
    };

    assert_eq!(bench.found(any()).await, ["crm", "shop"], "by name");
    assert_eq!(bench.found(search("äpfel")).await, ["shop"]);
    assert_eq!(bench.found(search("100%_S")).await, ["shop"], "text, not a pattern");
    assert_eq!(bench.found(search("_")).await, ["shop"]);
    assert_eq!(bench.found(search("")).await, ["crm", "shop"]);
    assert_eq!(bench.found(ConnectionFilter { disabled: Some(true), ..any() }).await, ["crm"]);
    assert_eq!(bench.found(ConnectionFilter { disabled: Some(false), ..any() }).await, ["shop"]);
    for (status, wanted) in
        [(TestStatus::Failed, &["shop"][..]), (TestStatus::Passed, &[]), (TestStatus::Untested, &["crm"])]
    {
        assert_eq!(bench.found(ConnectionFilter { test_status: Some(status), ..any() }).await, wanted);
    }
    assert_eq!(bench.found(types(&["postgres", "mysql"])).await, ["crm"]);
    assert_eq!(bench.found(types(&["shop_type", "mysql"])).await, ["shop"], "by type of the connector file");
    assert_eq!(bench.found(types(&["post", "%"])).await, [""; 0]);
    assert_eq!(bench.found(types(&[])).await, [""; 0]);
    let among = ConnectionFilter { among: Some(vec!["saas".to_owned()]), ..any() };
    assert_eq!(bench.found(among).await, ["shop"]);
    assert_eq!(bench.found(ConnectionFilter { orphaned: Some(true), ..any() }).await, ["shop"]);
    assert_eq!(bench.found(ConnectionFilter { orphaned: Some(false), ..any() }).await, ["crm"]);
    assert_eq!(
        bench.found(ConnectionFilter { system_key: Some("sales".to_owned()), ..any() }).await,
        ["crm"]
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_page_has_its_size_and_knows_the_total(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connections().await;

    let second = bench
        .store
        .connection_list(&ConnectionFilter::default(), Window { offset: 1, limit: 1 })
        .await
        .unwrap();
    let beyond = bench
        .store
        .connection_list(&ConnectionFilter::default(), Window { offset: u64::MAX, limit: 1 })
        .await
        .unwrap();

    assert_eq!((second.items.len(), second.items[0].key.as_str(), second.total), (1, "shop", 2));
    assert_eq!((beyond.items.len(), beyond.total), (0, 2));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn secrets_stand_nowhere_in_the_open(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.connections().await;
    let sql = bench.sql().await;

    let mut texts: Vec<String> = Vec::new();
    for query in
        ["SELECT body FROM audit_entry", "SELECT name FROM vault", "SELECT search_text FROM connection"]
    {
        texts.extend(sqlx::query_scalar::<_, String>(query).fetch_all(&sql).await.unwrap());
    }
    let sealed: Vec<Vec<u8>> = sqlx::query_scalar("SELECT sealed FROM vault").fetch_all(&sql).await.unwrap();

    assert!(texts.iter().any(|text| text.contains("api_key")) && sealed.len() == 2);
    assert!(!texts.iter().any(|text| text.contains(CANARY)));
    let canary = CANARY.as_bytes();
    assert!(!sealed.iter().any(|bytes| bytes.windows(canary.len()).any(|window| window == canary)));
}
