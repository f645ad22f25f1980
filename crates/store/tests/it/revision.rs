use model::ConnectionKey;
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, DatasetLink, NamedSecret,
    NewConnection, NewDataset, OtherLinks, OtherSettings, PutMode, StoreError,
};

use crate::bench::{Backend, Bench};

fn shop() -> ConnectionKey {
    "shop".parse().unwrap()
}

fn create() -> ConnectionStep {
    ConnectionStep::Create(NewConnection {
        name: Some("Shop".to_owned()),
        description: None,
        connection_type: "postgres".to_owned(),
        access: ConnectionAccess::Read,
        disabled: false,
        system_key: None,
    })
}

impl Bench {
    async fn revised(&self, steps: Vec<ConnectionStep>) -> ConnectionChanged {
        let change = ConnectionChange { key: &shop(), actor: Actor::person("pat"), steps };
        self.store.connection_change(change).await.unwrap()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn revision_grows_with_each_change_of_what_requests_are_worked_off_with(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let pat = || Actor::person("pat");
    let dataset = NewDataset {
        key: "shop".to_owned(),
        name: String::new(),
        body: "{}".to_owned(),
        categories: Vec::new(),
    };
    let link = DatasetLink { key: "shop".to_owned(), dataset: "shop".to_owned() };
    let secret = NamedSecret {
        name: "host".to_owned(),
        value: crypto::Secret::new(json!("db.example.com").to_string()),
    };
    let mut seen = vec![bench.store.revision().await.unwrap()];

    assert_eq!(bench.revised(vec![create()]).await, ConnectionChanged::Done);
    seen.push(bench.store.revision().await.unwrap());
    assert_eq!(
        bench.revised(vec![ConnectionStep::ReplaceSecrets(vec![secret])]).await,
        ConnectionChanged::Done
    );
    seen.push(bench.store.revision().await.unwrap());
    bench.store.dataset_put((&dataset, PutMode::Upsert), None, pat()).await.unwrap();
    seen.push(bench.store.revision().await.unwrap());
    bench.store.dataset_link_put(&shop(), (&[link], OtherLinks::Keep), pat()).await.unwrap();
    seen.push(bench.store.revision().await.unwrap());
    let setting = ("execution.masking_strict".to_owned(), json!(false));
    bench.store.setting_put(&[setting], OtherSettings::Keep, pat()).await.unwrap();
    seen.push(bench.again().await.revision().await.unwrap());

    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_was_not_done_or_changes_no_run_leaves_the_revision(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    assert_eq!(bench.revised(vec![create()]).await, ConnectionChanged::Done);
    let before = bench.store.revision().await.unwrap();

    let taken = bench.revised(vec![ConnectionStep::RemoveTokens, create()]).await;
    let gone = [DatasetLink { key: "gone".to_owned(), dataset: "gone".to_owned() }];
    let links = (gone.as_slice(), OtherLinks::Remove);
    let absent = bench.store.dataset_link_put(&shop(), links, Actor::person("pat")).await.unwrap_err();
    bench.store.connection_tested(&shop(), true).await.unwrap();

    assert_eq!(taken, ConnectionChanged::KeyTaken);
    assert!(matches!(absent, StoreError::NotFound { .. }));
    assert_eq!(bench.store.revision().await.unwrap(), before);
}
