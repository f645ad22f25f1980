//! Datasets and their links.

use std::time::Duration;

use model::ConnectionKey;
use rstest::rstest;
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, DatasetFilter, DatasetLink,
    DatasetLinks, NewConnection, NewDataset, OtherLinks, Put, PutMode, StoreError, Window,
};

use crate::bench::{Backend, Bench};

fn shop() -> ConnectionKey {
    "shop".parse().unwrap()
}

fn new(key: &str, categories: &[&str]) -> NewDataset {
    NewDataset {
        key: key.to_owned(),
        name: format!("Data of {key}"),
        body: format!("{{\"fides_key\":\"{key}\"}}"),
        categories: categories.iter().map(|&one| one.to_owned()).collect(),
    }
}

fn pat() -> Actor {
    Actor::person("pat")
}

impl Bench {
    async fn put_dataset(&self, key: &str, categories: &[&str], connection: Option<&ConnectionKey>) -> Put {
        let new = new(key, categories);
        self.store.dataset_put((&new, PutMode::Upsert), connection, pat()).await.unwrap()
    }

    async fn datasets(&self, filter: DatasetFilter<'_>) -> Vec<String> {
        let found = self.store.dataset_list(filter, Window::ALL).await.unwrap();
        assert_eq!(found.total, found.items.len() as u64);
        found.items.into_iter().map(|dataset| dataset.key).collect()
    }

    async fn links(&self, connection: &ConnectionKey) -> Vec<String> {
        let found = self.store.dataset_link_list(connection).await.unwrap();
        found.into_iter().map(|(link, dataset)| format!("{}={}", link.key, dataset.key)).collect()
    }

    /// Makes the connection `shop` with its dataset.
    async fn change(&self, connection_type: &str, mode: PutMode) -> Result<ConnectionChanged, StoreError> {
        let connection = NewConnection {
            name: None,
            description: None,
            connection_type: connection_type.to_owned(),
            access: ConnectionAccess::Read,
            disabled: false,
            system_key: None,
        };
        let dataset = ConnectionStep::PutDataset { dataset: new("shop", &["user.name"]), mode };
        let steps = vec![ConnectionStep::Create(connection), dataset];
        self.store.connection_change(ConnectionChange { key: &shop(), actor: pat(), steps }).await
    }

    async fn remove(&self) -> ConnectionChanged {
        let change = ConnectionChange { key: &shop(), actor: pat(), steps: vec![ConnectionStep::Remove] };
        self.store.connection_change(change).await.unwrap()
    }

    /// `action object` of every entry, in the order they were entered.
    async fn entries(&self) -> Vec<String> {
        let rows: Vec<(String,)> = sqlx::query_as("SELECT body FROM audit_entry ORDER BY id")
            .fetch_all(&self.sql().await)
            .await
            .unwrap();
        let text = |body: &serde_json::Value, key| body.get(key).unwrap().as_str().unwrap().to_owned();
        let said = |body: &str| {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            format!("{} {}", text(&body, "action"), text(&body, "object"))
        };
        rows.iter().map(|(body,)| said(body)).collect()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_dataset_is_put_found_replaced_and_removed(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };

    let first = bench.put_dataset("shop", &["user.name"], None).await;
    bench.clock.advance(Duration::from_secs(9));
    let second = bench.put_dataset("shop", &["user.contact"], Some(&shop())).await;

    assert_eq!((first, second), (Put::Inserted, Put::Updated));
    let found = bench.again().await.dataset_find("shop").await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.body.as_str()), ("Data of shop", "{\"fides_key\":\"shop\"}"));
    assert_eq!(found.updated_at.duration_since(found.created_at).as_secs(), 9);
    assert_eq!(bench.links(&shop()).await, ["shop=shop"]);
    assert!(bench.store.dataset_remove("shop", pat()).await.unwrap());
    assert!(!bench.store.dataset_remove("shop", pat()).await.unwrap());
    assert!(bench.store.dataset_find("shop").await.unwrap().is_none());
    assert!(bench.links(&shop()).await.is_empty());
    let expected = ["dataset.put shop", "dataset.put shop", "dataset.linked shop", "dataset.removed shop"];
    assert_eq!(bench.entries().await, expected);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn creating_twice_and_updating_what_is_not_there_is_refused(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let dataset = new("shop", &[]);

    let early = bench.store.dataset_put((&dataset, PutMode::Update), None, pat()).await;
    bench.store.dataset_put((&dataset, PutMode::Create), None, pat()).await.unwrap();
    let twice = bench.store.dataset_put((&dataset, PutMode::Create), None, pat()).await;

    assert!(matches!(early, Err(StoreError::NotFound { .. })), "{early:?}");
    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn datasets_are_listed_by_text_connection_category_and_link(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.put_dataset("shop_a", &["user.name", "user.contact"], Some(&shop())).await;
    bench.put_dataset("shopxb", &["user.name_extra"], None).await;
    bench.put_dataset("other", &["user.contact"], None).await;
    let search = |text| DatasetFilter { search: Some(text), ..DatasetFilter::default() };
    let (key, one, two) =
        (shop(), ["user.name".to_owned()], ["user.contact".to_owned(), "user.name_extra".to_owned()]);

    assert_eq!(bench.datasets(search("SHOP")).await, ["shop_a", "shopxb"]);
    assert_eq!(bench.datasets(search("p_a")).await, ["shop_a"], "`_` is itself");
    assert_eq!(bench.datasets(search("data of o")).await, ["other"], "names are searched");
    assert!(bench.datasets(search("%")).await.is_empty());
    let of_shop = DatasetFilter { connection: Some(&key), ..DatasetFilter::default() };
    assert_eq!(bench.datasets(of_shop).await, ["shop_a"]);
    let unlinked = DatasetFilter { links: DatasetLinks::None, ..DatasetFilter::default() };
    assert_eq!(bench.datasets(unlinked).await, ["other", "shopxb"]);
    let by_one = DatasetFilter { categories: &one, ..DatasetFilter::default() };
    assert_eq!(bench.datasets(by_one).await, ["shop_a"]);
    let by_two = DatasetFilter { categories: &two, ..DatasetFilter::default() };
    assert_eq!(bench.datasets(by_two).await, ["other", "shop_a", "shopxb"]);
    let part =
        bench.store.dataset_list(DatasetFilter::default(), Window { offset: 1, limit: 1 }).await.unwrap();
    assert_eq!((part.items[0].key.as_str(), part.items.len(), part.total), ("shop_a", 1, 3));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_key_linked_to_one_connection_is_refused_for_another_and_nothing_is_kept(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.put_dataset("shop", &[], Some(&shop())).await;
    let other: ConnectionKey = "other".parse().unwrap();
    let changed = NewDataset { body: "{}".to_owned(), ..new("shop", &[]) };

    let taken = bench.store.dataset_put((&changed, PutMode::Upsert), Some(&other), pat()).await;

    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    let kept = bench.store.dataset_find("shop").await.unwrap().unwrap();
    assert_eq!(kept.body, new("shop", &[]).body);
    assert_eq!(bench.store.dataset_connections("shop").await.unwrap(), [shop()]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn links_are_put_all_or_none_and_others_go_only_if_told(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    for key in ["a", "b", "c"] {
        bench.put_dataset(key, &[], None).await;
    }
    let link = |key: &str, dataset: &str| DatasetLink { key: key.to_owned(), dataset: dataset.to_owned() };
    let store = &bench.store;
    let key = shop();

    store.dataset_link_put(&key, (&[link("a", "a")], OtherLinks::Keep), pat()).await.unwrap();
    store.dataset_link_put(&key, (&[link("b", "c")], OtherLinks::Keep), pat()).await.unwrap();
    let kept = bench.links(&key).await;
    let missing = [link("c", "c"), link("d", "nowhere")];
    let refused = store.dataset_link_put(&key, (&missing, OtherLinks::Remove), pat()).await;
    let after_refusal = bench.links(&key).await;
    store.dataset_link_put(&key, (&[link("b", "b")], OtherLinks::Remove), pat()).await.unwrap();

    assert_eq!(kept, ["a=a", "b=c"]);
    assert_eq!(store.dataset_link_owner("b").await.unwrap(), Some(key.clone()));
    assert_eq!(store.dataset_link_owner("a").await.unwrap(), None);
    assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
    assert_eq!(after_refusal, kept);
    assert_eq!(bench.links(&key).await, ["b=b"]);
    assert!(store.dataset_find("a").await.unwrap().is_some(), "the dataset itself stays");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_removed_link_takes_its_dataset_along_unless_another_connection_has_it(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let other: ConnectionKey = "other".parse().unwrap();
    bench.put_dataset("own", &[], Some(&shop())).await;
    bench.put_dataset("common", &["user"], Some(&shop())).await;
    let common = DatasetLink { key: "of_other".to_owned(), dataset: "common".to_owned() };
    bench.store.dataset_link_put(&other, (&[common], OtherLinks::Keep), pat()).await.unwrap();

    let removed = [
        bench.store.dataset_link_remove(&shop(), "own", pat()).await.unwrap(),
        bench.store.dataset_link_remove(&shop(), "common", pat()).await.unwrap(),
        bench.store.dataset_link_remove(&shop(), "of_other", pat()).await.unwrap(),
    ];

    assert_eq!(removed, [true, true, false]);
    assert_eq!(bench.datasets(DatasetFilter::default()).await, ["common"]);
    assert_eq!(bench.links(&other).await, ["of_other=common"]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_connection_is_made_and_removed_together_with_its_dataset(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let made = bench.change("saas", PutMode::Create).await.unwrap();
    let taken = bench.change("saas", PutMode::Create).await;
    let of_saas = DatasetFilter { not_of_type: Some("saas"), ..DatasetFilter::default() };
    assert_eq!(made, ConnectionChanged::Done);
    assert_eq!(taken.unwrap(), ConnectionChanged::KeyTaken);
    assert_eq!(bench.links(&shop()).await, ["shop=shop"]);
    assert!(bench.datasets(of_saas).await.is_empty());

    assert_eq!(bench.remove().await, ConnectionChanged::Done);

    assert!(bench.datasets(DatasetFilter::default()).await.is_empty());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_connection_is_not_made_if_its_dataset_cannot_be_kept(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.put_dataset("shop", &[], None).await;

    let refused = bench.change("saas", PutMode::Create).await;

    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert!(bench.store.connection_find(&shop()).await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_dataset_of_a_database_outlives_its_connection_and_gets_a_new_one(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let made = bench.change("postgres", PutMode::Create).await.unwrap();
    let removed = bench.remove().await;
    assert_eq!([made, removed], [ConnectionChanged::Done; 2]);
    let unlinked = DatasetFilter { links: DatasetLinks::None, ..DatasetFilter::default() };
    assert_eq!(bench.datasets(unlinked).await, ["shop"]);

    let again = bench.change("postgres", PutMode::Upsert).await.unwrap();

    assert_eq!(again, ConnectionChanged::Done);
    assert_eq!(bench.links(&shop()).await, ["shop=shop"]);
}
