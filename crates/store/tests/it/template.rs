use std::collections::BTreeMap;

use model::ConnectionKey;
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, ConnectionUpdate,
    InstanceChange, InstanceUpdate, NewConnection, NewDataset, NewTemplate, PutMode, StoreError,
    StoredConnector,
};

use crate::bench::{Backend, Bench};

fn key(text: &str) -> ConnectionKey {
    text.parse().unwrap()
}

fn pat() -> Actor {
    Actor::person("pat")
}

fn template(version: &str, config: &str) -> NewTemplate {
    NewTemplate {
        connector_type: "shop".to_owned(),
        version: version.to_owned(),
        config: config.to_owned(),
        dataset: "dataset: []".to_owned(),
        icon: Some("<svg/>".to_owned()),
    }
}

fn renamed(connection: &str, name: &str) -> InstanceChange {
    let update = ConnectionUpdate { name: Some(name.to_owned()), ..ConnectionUpdate::default() };
    InstanceChange { key: key(connection), steps: vec![ConnectionStep::Update(update)] }
}

impl Bench {
    async fn make(&self, connection: &str) {
        let new = NewConnection {
            name: Some(connection.to_owned()),
            description: None,
            connection_type: "saas".to_owned(),
            access: ConnectionAccess::Read,
            disabled: false,
            system_key: None,
        };
        let change = ConnectionChange {
            key: &key(connection),
            actor: pat(),
            steps: vec![ConnectionStep::Create(new)],
        };
        assert_eq!(self.store.connection_change(change).await.unwrap(), ConnectionChanged::Done);
    }

    async fn name_of(&self, connection: &str) -> String {
        self.store.connection_find(&key(connection)).await.unwrap().unwrap().name.unwrap()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn newest_template_of_a_type_is_in_use_and_older_versions_stay_to_be_read(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    for (version, config) in [("1.0.0", "one"), ("2.0.0", "two"), ("2.0.0", "two again")] {
        bench.store.template_put(&template(version, config), &[], pat()).await.unwrap();
        bench.clock.advance(std::time::Duration::from_secs(1));
    }

    let used = bench.again().await.template_find("shop").await.unwrap().unwrap();
    let listed = bench.store.template_list().await.unwrap();
    let versions = bench.store.template_versions("shop").await.unwrap();
    let removed = bench.store.template_remove("shop", &[], pat()).await.unwrap();
    let again = bench.store.template_remove("shop", &[], pat()).await.unwrap();

    assert_eq!(used.content, template("2.0.0", "two again"));
    assert_eq!(listed, [used]);
    assert_eq!(
        versions.iter().map(|kept| kept.content.version.as_str()).collect::<Vec<_>>(),
        ["2.0.0", "1.0.0"]
    );
    assert_eq!((removed, again), (true, false));
    assert!(bench.store.template_find("shop").await.unwrap().is_none());
    assert_eq!(bench.store.template_versions("shop").await.unwrap().len(), 2);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn template_and_its_connections_change_together_or_not_at_all(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.make("one").await;
    bench.make("two").await;
    let dataset = NewDataset {
        key: "of_one".to_owned(),
        name: String::new(),
        body: "{}".to_owned(),
        categories: Vec::new(),
    };
    bench.store.dataset_put((&dataset, PutMode::Upsert), Some(&key("one")), pat()).await.unwrap();

    let both = [renamed("one", "1"), renamed("gone", "x"), renamed("two", "2")];
    bench.store.template_put(&template("1.0.0", "a"), &both, pat()).await.unwrap();
    let mut broken = renamed("two", "2 again");
    broken.steps.push(ConnectionStep::PutDataset { dataset, mode: PutMode::Upsert });
    let refused = bench.store.template_put(&template("2.0.0", "b"), &[broken], pat()).await;

    assert!(matches!(refused, Err(StoreError::Conflict { .. })));
    assert_eq!((bench.name_of("one").await, bench.name_of("two").await), ("1".to_owned(), "2".to_owned()));
    assert_eq!(bench.store.template_find("shop").await.unwrap().unwrap().content.version, "1.0.0");
}

fn connector(version: &str) -> StoredConnector {
    StoredConnector {
        fides_key: "of_one".to_owned(),
        name: "Shop".to_owned(),
        connector_type: "shop".to_owned(),
        version: version.to_owned(),
        document: json!({"fides_key": "of_one", "version": version}),
        scripts: BTreeMap::new(),
    }
}

fn of_one(body: &str) -> NewDataset {
    NewDataset {
        key: "of_one".to_owned(),
        name: String::new(),
        body: body.to_owned(),
        categories: Vec::new(),
    }
}

/// From version 1 with the dataset `{}` to `version`.
fn update(version: &str) -> InstanceUpdate {
    let dataset = of_one("{\"new\":1}");
    InstanceUpdate {
        key: key("one"),
        connector: connector("1"),
        dataset: Some("{}".to_owned()),
        version: version.to_owned(),
        steps: vec![
            ConnectionStep::SetConnector { connector: connector(version), datasets: None },
            ConnectionStep::PutDataset { dataset, mode: PutMode::Upsert },
        ],
    }
}

impl Bench {
    /// The connection `one` with a file of version 1 and a dataset.
    async fn instance(&self) {
        self.make("one").await;
        let steps = vec![
            ConnectionStep::SetConnector { connector: connector("1"), datasets: None },
            ConnectionStep::PutDataset { dataset: of_one("{}"), mode: PutMode::Create },
        ];
        let change = ConnectionChange { key: &key("one"), actor: pat(), steps };
        assert_eq!(self.store.connection_change(change).await.unwrap(), ConnectionChanged::Done);
    }

    /// The version of the connection's file, and its dataset.
    async fn state_of_one(&self) -> (String, String) {
        let connection = self.store.connection_find(&key("one")).await.unwrap().unwrap();
        let dataset = self.store.dataset_find("of_one").await.unwrap().unwrap();
        (connection.connector.unwrap().version, dataset.body)
    }

    /// How often the connection was brought up, as the audit log says.
    async fn applied(&self) -> usize {
        self.told("one").await.iter().filter(|action| *action == "template.applied").count()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn recorded_version_of_the_library_never_changes(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };

    for (version, config) in [("1.0.0", "one"), ("2.0.0", "two"), ("1.0.0", "something else")] {
        let new = NewTemplate { icon: None, ..template(version, config) };
        bench.store.library_template_record(&[new]).await.unwrap();
        bench.clock.advance(std::time::Duration::from_secs(1));
    }

    let versions = bench.again().await.library_template_versions("shop").await.unwrap();
    let kept: Vec<_> = versions.iter().map(|kept| (&*kept.content.version, &*kept.content.config)).collect();
    assert_eq!(kept, [("2.0.0", "two"), ("1.0.0", "one")]);
    let shop = |version: &str| ("shop".to_owned(), version.to_owned());
    assert_eq!(bench.store.library_template_list().await.unwrap(), [shop("1.0.0"), shop("2.0.0")]);
    assert!(bench.store.template_find("shop").await.unwrap().is_none(), "nobody brought one");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn two_servers_that_start_at_once_bring_a_connection_up_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.instance().await;
    let (one, other) = (update("2"), update("2"));

    let (one, other) = tokio::join!(
        bench.store.instance_bring_up(&one, Actor::system()),
        bench.store.instance_bring_up(&other, Actor::system())
    );

    assert_ne!(one.unwrap(), other.unwrap());
    assert_eq!(bench.state_of_one().await, ("2".to_owned(), "{\"new\":1}".to_owned()));
    assert_eq!(bench.applied().await, 1);
    assert_eq!(bench.store.connector_version_list(&key("one")).await.unwrap().len(), 2);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn connection_that_changed_meanwhile_is_not_brought_up(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.instance().await;
    let mine = of_one("{\"mine\":1}");
    bench.store.dataset_put((&mine, PutMode::Upsert), None, pat()).await.unwrap();

    let changed = bench.store.instance_bring_up(&update("2"), Actor::system()).await.unwrap();
    let mut foreign = update("2");
    foreign.dataset = Some("{\"mine\":1}".to_owned());
    foreign.steps.push(ConnectionStep::Create(NewConnection {
        name: None,
        description: None,
        connection_type: "saas".to_owned(),
        access: ConnectionAccess::Read,
        disabled: false,
        system_key: None,
    }));
    let half = bench.store.instance_bring_up(&foreign, Actor::system()).await.unwrap();

    assert_eq!((changed, half), (false, false));
    assert_eq!(bench.state_of_one().await, ("1".to_owned(), "{\"mine\":1}".to_owned()));
    assert_eq!(bench.applied().await, 0);
}
