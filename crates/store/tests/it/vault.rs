use crypto::{KeyRing, MasterKey, Secret};
use model::ConnectionKey;
use rstest::rstest;
use store::{Actor, NewPage, NewSecret, PackedRows, StoreError};

use crate::bench::{Backend, Bench, open, ring};

fn segment() -> ConnectionKey {
    "segment".parse().unwrap()
}

impl Bench {
    async fn put(&self, name: &str, value: &str) {
        let (connection, value) = (segment(), Secret::new(value.to_owned()));
        let new = NewSecret { connection: &connection, name, value: &value, actor: Actor::person("pat") };
        self.store.vault_put(new).await.unwrap();
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn secrets_come_back_by_name_and_their_fingerprint_tells_a_change(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let empty = bench.store.vault_fingerprint(&segment()).await.unwrap();
    bench.put("access_token", "one").await;
    let first = bench.store.vault_fingerprint(&segment()).await.unwrap();
    bench.put("access_token", "two").await;
    bench.put("domain", "api.segmentapis.com").await;

    let found = bench.again().await.vault_find(&segment(), "access_token").await.unwrap().unwrap();

    assert_eq!(found.expose(), "two");
    assert_eq!(bench.store.vault_list(&segment()).await.unwrap(), ["access_token", "domain"]);
    let second = bench.store.vault_fingerprint(&segment()).await.unwrap();
    assert!(first != empty && second != first);
    assert_eq!(bench.store.vault_remove(&segment(), Some("domain"), Actor::person("pat")).await.unwrap(), 1);
    assert_eq!(bench.store.vault_remove(&segment(), None, Actor::person("pat")).await.unwrap(), 1);
    assert!(bench.store.vault_find(&segment(), "access_token").await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_secret_moved_to_another_name_does_not_open(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.put("access_token", "canary").await;

    sqlx::query("UPDATE vault SET name = 'domain'").execute(&bench.sql().await).await.unwrap();

    let moved = bench.store.vault_find(&segment(), "domain").await;
    assert!(matches!(moved, Err(StoreError::Sealed { .. })));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn after_a_change_of_the_master_key_the_old_one_opens_nothing_and_nothing_is_lost(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let claimed = bench.claim().await;
    let rows = [serde_json::Map::from_iter([("id".to_owned(), 1.into())])];
    let packed = PackedRows::pack(&rows).unwrap();
    let page = NewPage { unit: 0, page: 0, rows: &packed, mark: None, state: Some(b"") };
    bench.store.page_append(&claimed.lease, &[page]).await.unwrap();
    bench.put("access_token", "one").await;
    let public = bench.store.public_key();
    let new = MasterKey::random().to_base64();
    let new_ring = || KeyRing::new(MasterKey::from_base64(new.expose()).unwrap());

    let both = new_ring().with_older(MasterKey::from_base64(bench.key.expose()).unwrap());
    let store = open(&bench.place, both, &bench.clock).await.unwrap();
    let first = store.keys_reseal(Actor::person("pat")).await.unwrap().records;
    let second = store.keys_reseal(Actor::person("pat")).await.unwrap().records;

    // One secret, two keys of the installation, one data key.
    assert_eq!((first, second), (4, 0));
    let old = open(&bench.place, ring(&bench.key), &bench.clock).await;
    assert!(matches!(old, Err(StoreError::Sealed { .. })));
    let store = open(&bench.place, new_ring(), &bench.clock).await.unwrap();
    assert_eq!(store.public_key(), public);
    assert_eq!(store.vault_find(&segment(), "access_token").await.unwrap().unwrap().expose(), "one");
    let (_, read) = store.page_list(&run, &claimed.lease.task).next_page().await.unwrap().unwrap();
    assert_eq!(read, rows);
}
