use model::ConnectionKey;
use rstest::rstest;
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, ConnectionUpdate,
    InstanceChange, NewConnection, NewDataset, NewTemplate, PutMode, StoreError,
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
