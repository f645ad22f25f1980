//! Applications of the data map.

use rstest::rstest;
use store::{Actor, ApplicationKind, ApplicationStep, NewApplication, Put, PutMode, StoreError, Window};

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

// rule: governance 2.1, APP-5, APP-7
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_found_application_is_promoted_once_and_keeps_its_parent_until_it_is_detached(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let store = &bench.store;
    store.application_put_all(&[new("okta"), new("crm")], pat()).await.unwrap();
    let found = ApplicationStep::Found { parent: "okta".to_owned() };

    let managed = store.application_state_find("crm").await.unwrap().unwrap();
    let child = store.application_step("crm", &found, pat()).await.unwrap();
    store.application_put(&new("crm"), PutMode::Update, pat()).await.unwrap();
    let promoted = store.application_step("crm", &ApplicationStep::Promote, pat()).await.unwrap();
    let twice = store.application_step("crm", &ApplicationStep::Promote, pat()).await.unwrap_err();
    let below = ApplicationStep::Found { parent: "crm".to_owned() };
    let circle = store.application_step("okta", &below, pat()).await.unwrap_err();
    let kept = store.application_remove("okta", pat()).await.unwrap_err();
    let children = store.application_child_list("okta").await.unwrap();
    store.application_step("crm", &ApplicationStep::Detach, pat()).await.unwrap();

    assert_eq!((managed.kind, managed.parent), (ApplicationKind::Managed, None));
    assert_eq!((child.kind, child.parent.as_deref()), (ApplicationKind::Unmanaged, Some("okta")));
    assert_eq!((promoted.kind, promoted.parent.as_deref()), (ApplicationKind::Managed, Some("okta")));
    assert!(promoted.promoted_at.is_some());
    for refused in [twice, circle, kept] {
        assert!(matches!(refused, StoreError::Conflict { .. }), "{refused}");
    }
    assert_eq!((children.len(), children[0].key.as_str()), (1, "crm"));
    assert!(store.application_remove("okta", pat()).await.unwrap());
}
