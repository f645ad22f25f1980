use connections::{Categories, DatasetDocument, LeftOutReason, WireOptions, Wired};
use engine::Source;
use graph::MaskingMode;
use model::CollectionAddress;
use serde_json::{Value, json};
use store::{ConnectionChange, ConnectionChanged, ConnectionStep, ConnectionUpdate, PutMode};

use crate::world::{World, key, map, pat};

fn mailchimp() -> Value {
    json!({"domain": "us1.api.mailchimp.com", "username": "ana", "api_key": "canary-key"})
}

fn crm(dataset: &str) -> Value {
    json!({
        "fides_key": dataset,
        "collections": [{"name": "people", "fields": [
            {"name": "id", "data_categories": ["system.operations"], "fides_meta": {"primary_key": true}},
            {"name": "email", "data_categories": ["user.contact.email"], "fides_meta": {"identity": "email"}}
        ]}]
    })
}

impl World {
    async fn wired(&self) -> Wired {
        let options = WireOptions { worker: "test".to_owned(), mode: MaskingMode::Strict };
        self.connections.wire(&options).await.unwrap()
    }

    async fn put_dataset(&self, connection: &str, dataset: &Value) {
        let document = DatasetDocument::check(dataset, &Categories::Any).unwrap();
        let new = document.to_kept();
        let connection = key(connection);
        self.store().dataset_put((&new, PutMode::Upsert), Some(&connection), pat()).await.unwrap();
    }

    async fn crm_secrets(&self, connection: &str) {
        let secrets = map(&json!({"host": "127.0.0.1", "port": 5432, "dbname": "crm"}));
        let secrets = (secrets, connections::SecretsMode::Replace);
        self.connections.put_secrets(&key(connection), secrets, pat()).await.unwrap();
    }

    async fn switch_off(&self, connection: &str) {
        let update = ConnectionUpdate { disabled: Some(true), ..ConnectionUpdate::default() };
        let steps = vec![ConnectionStep::Update(update)];
        let change = ConnectionChange { key: &key(connection), actor: pat(), steps };
        assert_eq!(self.store().connection_change(change).await.unwrap(), ConnectionChanged::Done);
    }
}

fn reasons(wired: &Wired) -> Vec<(&str, &LeftOutReason)> {
    wired.left_out.iter().map(|left| (left.connection.as_str(), &left.reason)).collect()
}

#[tokio::test]
async fn application_is_in_the_graph_under_the_key_of_its_dataset() {
    let world = World::start().await;
    world.instantiate("mailchimp", ("marketing", "mailchimp_primary"), mailchimp()).await;

    let wired = world.wired().await;

    let member = &wired.members[0];
    assert_eq!((member.key.as_str(), member.connection.as_str()), ("mailchimp_primary", "marketing"));
    assert_eq!(member.connector, "mailchimp");
    assert_eq!(member.mode, MaskingMode::Strict);
    assert!(member.sha256.starts_with("sha256:") && member.file.is_some());
    assert!(wired.graph.find(&CollectionAddress::new("mailchimp_primary", "member")).is_some());
    assert!(matches!(wired.sources[&member.key], Source::Connector(_)));
    assert!(wired.left_out.is_empty());
    assert!(!format!("{wired:?}").contains("canary-key"));
}

#[tokio::test]
async fn each_dataset_of_a_database_has_a_source_of_its_own() {
    let world = World::start().await;
    world.put("warehouse", "mysql").await;
    world.crm_secrets("warehouse").await;
    for dataset in ["sales", "support"] {
        world.put_dataset("warehouse", &crm(dataset)).await;
    }

    let wired = world.wired().await;

    let keys: Vec<(&str, &str)> =
        wired.members.iter().map(|member| (member.key.as_str(), member.connection.as_str())).collect();
    assert_eq!(keys, [("sales", "warehouse"), ("support", "warehouse")]);
    assert!(wired.members.iter().all(|member| member.mode == MaskingMode::Any && member.file.is_none()));
    assert!(wired.sources.values().all(|source| matches!(source, Source::Database(_))));
    assert_ne!(wired.members[0].sha256, wired.members[1].sha256);
}

#[tokio::test]
async fn what_cannot_be_read_is_left_out_and_says_whether_data_may_be_missing() {
    let world = World::start().await;
    for (connection, connection_type) in [
        ("a_form", "manual_webhook"),
        ("b_empty", "postgres"),
        ("c_lake", "bigquery"),
        ("d_app", "saas"),
        ("e_off", "bigquery"),
    ] {
        world.put(connection, connection_type).await;
    }
    world.switch_off("e_off").await;

    let wired = world.wired().await;

    let found = reasons(&wired);
    assert_eq!(found[0], ("a_form", &LeftOutReason::NotRead));
    assert_eq!(found[1], ("b_empty", &LeftOutReason::NoDataset));
    assert!(matches!(found[2].1, LeftOutReason::Broken(_)) && found[2].1.is_fault());
    assert!(found[3].1.to_string().contains("has no SaaS config"), "{:?}", found[3]);
    assert_eq!(found[4], ("e_off", &LeftOutReason::Disabled));
    assert!(wired.members.is_empty() && wired.sources.is_empty());
}

#[tokio::test]
async fn application_without_its_secrets_is_a_fault_and_others_are_wired_all_the_same() {
    let world = World::start().await;
    world.instantiate("mailchimp", ("marketing", "mailchimp_primary"), mailchimp()).await;
    world.instantiate("mailchimp", ("second", "second"), mailchimp()).await;
    let steps = vec![ConnectionStep::RemoveSecrets(vec!["api_key".to_owned()])];
    let change = ConnectionChange { key: &key("second"), actor: pat(), steps };
    assert_eq!(world.store().connection_change(change).await.unwrap(), ConnectionChanged::Done);

    let wired = world.wired().await;

    assert_eq!(wired.members.len(), 1);
    let found = reasons(&wired);
    assert!(found[0].0 == "second" && found[0].1.to_string().contains("api_key"), "{found:?}");
    assert!(found[0].1.is_fault() && !found[0].1.to_string().contains("canary-key"));
}

#[tokio::test]
async fn dataset_of_two_connections_is_read_through_one_of_them_only() {
    let world = World::start().await;
    for connection in ["one", "two"] {
        world.put(connection, "mysql").await;
        world.crm_secrets(connection).await;
    }
    world.put_dataset("one", &crm("people")).await;
    let link = store::DatasetLink { key: "people_again".to_owned(), dataset: "people".to_owned() };
    let links = (&[link][..], store::OtherLinks::Keep);
    world.store().dataset_link_put(&key("two"), links, pat()).await.unwrap();

    let wired = world.wired().await;

    assert_eq!(wired.members.len(), 1);
    assert!(wired.members[0].connection == key("one"));
    assert!(reasons(&wired)[0].1.to_string().contains("belongs to another connection"));
}

#[tokio::test]
async fn digest_changes_with_the_dataset_and_with_nothing_else() {
    let world = World::start().await;
    world.put("warehouse", "mysql").await;
    world.crm_secrets("warehouse").await;
    world.put_dataset("warehouse", &crm("sales")).await;
    let first = world.wired().await.members[0].sha256.clone();
    world.switch_off_and_on("warehouse").await;
    let same = world.wired().await.members[0].sha256.clone();
    let mut changed = crm("sales");
    changed["collections"][0]["name"] = json!("customers");

    world.put_dataset("warehouse", &changed).await;

    assert_eq!(first, same);
    assert_ne!(world.wired().await.members[0].sha256, first);
}

impl World {
    async fn switch_off_and_on(&self, connection: &str) {
        self.switch_off(connection).await;
        let update = ConnectionUpdate { disabled: Some(false), ..ConnectionUpdate::default() };
        let steps = vec![ConnectionStep::Update(update)];
        let change = ConnectionChange { key: &key(connection), actor: pat(), steps };
        assert_eq!(self.store().connection_change(change).await.unwrap(), ConnectionChanged::Done);
    }
}
