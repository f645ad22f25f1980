#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]
use crypto::AccessToken;
use rstest::rstest;
use store::{Actor, ClientChange, ClientId, NewClient, Window};

use crate::bench::{Backend, Bench};

pub(crate) fn new_client(name: &str) -> NewClient {
    NewClient {
        name: Some(name.to_owned()),
        description: None,
        scopes: vec!["connection:read".to_owned()],
        actor: Actor::person("pat"),
    }
}

impl Bench {
    /// Actions of the audit log that tell of `object`.
    pub(crate) async fn told(&self, object: &str) -> Vec<String> {
        let rows: Vec<(String,)> = sqlx::query_as("SELECT body FROM audit_entry ORDER BY id")
            .fetch_all(&self.sql().await)
            .await
            .unwrap();
        let bodies =
            rows.into_iter().map(|(body,)| serde_json::from_str::<serde_json::Value>(&body).unwrap());
        bodies
            .filter(|body| body["object"] == object)
            .map(|body| body["action"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_client_is_kept_with_the_hash_of_its_secret_and_the_log_tells_what_happened(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let (made, secret) = bench.store.client_create(new_client("billing")).await.unwrap();

    let kept = bench.again().await.client_find(&made.id).await.unwrap().unwrap();

    assert_eq!(kept, made);
    assert!(made.id.as_str().starts_with("cli_"));
    assert!(AccessToken::verify(secret.text().expose(), &kept.secret_hash));
    let change = ClientChange { scopes: Some(Vec::new()), ..ClientChange::default() };
    let changed = bench.store.client_change(&made.id, change, Actor::person("pat")).await.unwrap().unwrap();
    assert_eq!((changed.name.as_deref(), changed.scopes.len()), (Some("billing"), 0));
    let second = bench.store.client_secret_change(&made.id, Actor::person("pat")).await.unwrap().unwrap();
    let kept = bench.store.client_find(&made.id).await.unwrap().unwrap();
    assert!(AccessToken::verify(second.text().expose(), &kept.secret_hash));
    assert!(!AccessToken::verify(secret.text().expose(), &kept.secret_hash));
    assert!(bench.store.client_remove(&made.id, Actor::person("pat")).await.unwrap());
    assert!(!bench.store.client_remove(&made.id, Actor::person("pat")).await.unwrap());
    assert_eq!(bench.store.client_find(&made.id).await.unwrap(), None);
    assert_eq!(
        bench.told(made.id.as_str()).await,
        ["client.created", "client.changed", "client.secret_changed", "client.removed"]
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn clients_are_listed_in_parts_and_absent_ones_are_neither_changed_nor_given_secrets(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    for name in ["one", "two", "three"] {
        bench.store.client_create(new_client(name)).await.unwrap();
    }

    let part = bench.store.client_list(Window { offset: 1, limit: 1 }).await.unwrap();

    let names: Vec<_> = part.items.iter().map(|client| client.name.as_deref().unwrap()).collect();
    assert_eq!((names, part.total), (vec!["two"], 3));
    let absent = ClientId::parse("cli_absent").unwrap();
    let pat = || Actor::person("pat");
    assert!(bench.store.client_change(&absent, ClientChange::default(), pat()).await.unwrap().is_none());
    assert!(bench.store.client_secret_change(&absent, pat()).await.unwrap().is_none());
}
