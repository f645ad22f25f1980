//! Applications of the data map.

use rstest::rstest;
use store::{Actor, NewApplication, Put, PutMode, StoreError, Window};

use crate::bench::Backend;

fn new(key: &str) -> NewApplication {
    NewApplication { key: key.to_owned(), name: format!("The {key}"), body: "{}".to_owned() }
}

fn pat() -> Actor {
    Actor::person("pat")
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_application_is_put_listed_and_removed(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let store = &bench.store;

    let puts = store.application_put_all(&[new("shop"), new("crm"), new("shop")], pat()).await.unwrap();
    let twice = store.application_put(&new("crm"), PutMode::Create, pat()).await;
    let absent = store.application_put(&new("none"), PutMode::Update, pat()).await;

    assert_eq!(puts, [Put::Inserted, Put::Inserted, Put::Updated]);
    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    assert!(matches!(absent, Err(StoreError::NotFound { .. })), "{absent:?}");
    let keys = async |search, window| {
        let part = store.application_list(search, window).await.unwrap();
        (part.items.into_iter().map(|item| item.key).collect::<Vec<_>>(), part.total)
    };
    assert_eq!(keys(None, Window { offset: 0, limit: 1 }).await, (vec!["crm".to_owned()], 2));
    assert_eq!(keys(Some("THE S"), Window::ALL).await, (vec!["shop".to_owned()], 1));
    assert!(store.application_remove("crm", pat()).await.unwrap());
    assert!(!store.application_remove("crm", pat()).await.unwrap());
    assert!(store.application_find("crm").await.unwrap().is_none());
}
