//! What becomes of connections when a server starts with a newer library (saas-config 24.12–24.14).
#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]

use connections::{Categories, DatasetDocument, Instance, NotBroughtUp, Template};
use crypto::Secret;
use serde_json::{Value, json};
use spec::DomainValidation;
use store::{
    ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, NamedSecret, NewConnection,
    NewTemplate, PutMode,
};

use crate::world::{World, key, pat};

const OLD: &str = "0.9.0";
const TYPE: &str = "mailchimp";

fn template() -> &'static Template {
    Template::find(TYPE).unwrap()
}

fn newest() -> &'static str {
    &template().file().version
}

fn instance(instance: &str) -> Instance {
    template().instance(&key(instance), DomainValidation::Enabled).unwrap()
}

fn fields(dataset: &mut Value) -> &mut Vec<Value> {
    let collections = dataset["collections"].as_array_mut().unwrap();
    let member = collections.iter_mut().find(|collection| collection["name"] == "member").unwrap();
    member["fields"].as_array_mut().unwrap()
}

fn field<'a>(dataset: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    fields(dataset).iter_mut().find(|field| field["name"] == name)
}

/// The dataset as the old version of the template had it: no `status`, a `fax`, and other categories for
/// `language` and `location`.
fn old_dataset(of: &str) -> Value {
    let mut dataset = instance(of).dataset.document;
    fields(&mut dataset).retain(|field| field["name"] != "status");
    fields(&mut dataset).push(json!({"name": "fax", "data_categories": ["user.contact"]}));
    for name in ["language", "location"] {
        field(&mut dataset, name).unwrap()["data_categories"] = json!(["user.contact"]);
    }
    DatasetDocument::check(&dataset, &Categories::Any).unwrap().document
}

/// What people made of it: a field of their own, `web_id` taken out, and another category for `location`.
fn own_dataset(of: &str) -> Value {
    let mut dataset = old_dataset(of);
    fields(&mut dataset).retain(|field| field["name"] != "web_id");
    fields(&mut dataset).push(json!({"name": "of_ours", "data_categories": ["user.name"]}));
    field(&mut dataset, "location").unwrap()["data_categories"] = json!(["user.location"]);
    DatasetDocument::check(&dataset, &Categories::Any).unwrap().document
}

impl World {
    /// A connection made from the template when it was at its old version, with a dataset that people
    /// changed.
    async fn old(&self, connection: &str) {
        self.old_of(connection, (OLD, Some(json!([old_dataset(connection)])))).await;
        let own = DatasetDocument::check(&own_dataset(connection), &Categories::Any).unwrap().to_kept();
        self.store().dataset_put((&own, PutMode::Update), None, pat()).await.unwrap();
    }

    async fn old_of(&self, connection: &str, (version, first_datasets): (&str, Option<Value>)) {
        let mut connector = instance(connection).connector;
        connector.version = version.to_owned();
        connector.document["version"] = json!(version);
        connector.document["name"] = json!("Mailchimp of old");
        let dataset = DatasetDocument::check(&old_dataset(connection), &Categories::Any).unwrap().to_kept();
        let secret = |name: &str, value: &str| NamedSecret {
            name: name.to_owned(),
            value: Secret::new(json!(value).to_string()),
        };
        let steps = vec![
            ConnectionStep::Create(NewConnection {
                name: Some(connection.to_owned()),
                description: None,
                connection_type: "saas".to_owned(),
                access: ConnectionAccess::Write,
                disabled: false,
                system_key: None,
            }),
            ConnectionStep::SetConnector { connector, datasets: first_datasets },
            ConnectionStep::ReplaceSecrets(vec![
                secret("domain", "us1.api.mailchimp.com"),
                secret("api_key", "canary-key"),
            ]),
            ConnectionStep::PutDataset { dataset, mode: PutMode::Create },
        ];
        let change = ConnectionChange { key: &key(connection), actor: pat(), steps };
        assert_eq!(self.store().connection_change(change).await.unwrap(), ConnectionChanged::Done);
    }

    /// The old version as a server that ran with it recorded it.
    async fn record_old(&self) {
        let dataset = serde_json::to_string(&json!({"dataset": [old_dataset("x")]})).unwrap();
        let new = NewTemplate {
            connector_type: TYPE.to_owned(),
            version: OLD.to_owned(),
            config: "of old".to_owned(),
            dataset: dataset.replace("\"x\"", "\"<instance_fides_key>\""),
            icon: None,
        };
        self.store().library_template_record(&[new]).await.unwrap();
    }

    async fn version_of(&self, connection: &str) -> String {
        let found = self.store().connection_find(&key(connection)).await.unwrap().unwrap();
        found.connector.unwrap().version
    }

    async fn dataset_of(&self, connection: &str) -> Value {
        let found = self.store().dataset_find(connection).await.unwrap().unwrap();
        serde_json::from_str(&found.body).unwrap()
    }

    /// Keys of connections that a start of the server brought up.
    async fn started(&self) -> Vec<String> {
        let brought = self.connections.bring_up_to_library().await.unwrap();
        assert!(brought.left.is_empty(), "{:?}", brought.left);
        brought.updated.iter().map(ToString::to_string).collect()
    }
}

/// The template's dataset of now, with what people changed in theirs and nothing of the old one.
fn assert_merged(mut dataset: Value) {
    let categories =
        |name: &str, dataset: &mut Value| field(dataset, name).map(|field| field["data_categories"].clone());
    assert_eq!(categories("status", &mut dataset), Some(json!(["system.operations"])), "new");
    assert_eq!(categories("language", &mut dataset), Some(json!(["user.demographic.language"])), "new");
    assert_eq!(categories("location", &mut dataset), Some(json!(["user.location"])), "theirs");
    assert_eq!(categories("of_ours", &mut dataset), Some(json!(["user.name"])), "theirs");
    assert_eq!(categories("web_id", &mut dataset), None, "they took it out");
    assert_eq!(categories("fax", &mut dataset), None, "it is gone");
}

// rule: saas-config 24.12
// rule: saas-config 24.13
#[tokio::test]
async fn start_brings_connections_up_to_the_library_and_keeps_what_people_changed() {
    let world = World::start().await;
    world.old("newsletter").await;
    world.record_old().await;

    let first = world.started().await;
    let again = world.started().await;

    assert_eq!((first, again), (vec!["newsletter".to_owned()], Vec::<String>::new()));
    assert_eq!(world.version_of("newsletter").await, newest());
    assert_merged(world.dataset_of("newsletter").await);
    let history = world.store().connector_version_list(&key("newsletter")).await.unwrap();
    let versions: Vec<&str> = history.iter().map(|entry| entry.version.as_str()).collect();
    assert_eq!(versions, [newest(), OLD]);
    let secrets = world.store().vault_list(&key("newsletter")).await.unwrap();
    assert!(secrets.iter().any(|name| name == "api_key"), "the host is the same");
}

#[tokio::test]
async fn what_people_changed_is_known_from_the_history_where_the_old_version_was_not_recorded() {
    let world = World::start().await;
    world.old("newsletter").await;

    world.started().await;

    assert_eq!(world.version_of("newsletter").await, newest());
    assert_merged(world.dataset_of("newsletter").await);
}

// twin: the comparison above does notice a dataset that was not merged
#[tokio::test]
#[should_panic(expected = "new")]
async fn dataset_that_was_not_merged_is_noticed() {
    let world = World::start().await;
    world.old("newsletter").await;

    assert_merged(world.dataset_of("newsletter").await);
}

#[tokio::test]
async fn file_that_a_person_sent_and_newer_ones_are_left_alone() {
    let world = World::start().await;
    world.old_of("of_a_person", (OLD, None)).await;
    world.old_of("newer", ("99.0.0", Some(json!([old_dataset("newer")])))).await;

    let brought = world.started().await;

    assert_eq!(brought, Vec::<String>::new());
    assert_eq!(world.version_of("of_a_person").await, OLD);
    assert_eq!(world.version_of("newer").await, "99.0.0");
    assert_eq!(world.dataset_of("of_a_person").await, old_dataset("of_a_person"));
}

#[tokio::test]
async fn connection_that_cannot_be_brought_up_keeps_its_file_and_the_others_go_on() {
    let world = World::start().await;
    world.old("first").await;
    world.old_of("odd", ("newest", Some(json!([old_dataset("odd")])))).await;
    world.old("taken").await;
    world.old("last").await;
    // Its dataset was given to another connection.
    world.put("crm", "postgres").await;
    world.store().dataset_link_put(&key("taken"), (&[], store::OtherLinks::Remove), pat()).await.unwrap();
    let link = store::DatasetLink { key: "taken".to_owned(), dataset: "taken".to_owned() };
    world.store().dataset_link_put(&key("crm"), (&[link], store::OtherLinks::Keep), pat()).await.unwrap();

    let brought = world.connections.bring_up_to_library().await.unwrap();

    let updated: Vec<String> = brought.updated.iter().map(ToString::to_string).collect();
    assert_eq!(updated, ["first", "last"]);
    let reasons: Vec<_> = brought.left.iter().map(|(key, reason)| (key.as_str(), reason)).collect();
    assert!(
        matches!(reasons[..], [("odd", NotBroughtUp::Version { .. }), ("taken", NotBroughtUp::Store(_))]),
        "{reasons:?}"
    );
    assert_eq!(
        (world.version_of("odd").await, world.version_of("taken").await),
        ("newest".into(), OLD.into())
    );
    assert_eq!(world.dataset_of("taken").await, own_dataset("taken"));
    assert_eq!(world.store().connector_version_list(&key("taken")).await.unwrap().len(), 1);
}

// rule: saas-config 24.14
#[tokio::test]
async fn older_versions_of_the_librarys_templates_stay_to_be_read() {
    let world = World::start().await;
    world.record_old().await;
    world.started().await;

    let versions = world.connections.template_versions(TYPE).await.unwrap();

    let known: Vec<(&str, bool)> =
        versions.iter().map(|version| (version.version.as_str(), version.is_custom)).collect();
    assert_eq!(known, [(newest(), false), (OLD, false)]);
    assert_eq!(
        (versions[0].config.as_str(), versions[1].config.as_str()),
        (template().config_text(), "of old")
    );
}
