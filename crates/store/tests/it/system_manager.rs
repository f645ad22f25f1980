use rstest::rstest;
use store::{Actor, NewApplication, PutMode};

use crate::bench::{Backend, Bench};
use crate::login::new_login;

impl Bench {
    async fn system(&self, key: &str) {
        let new = NewApplication { key: key.to_owned(), name: String::new(), body: "{}".to_owned() };
        self.store.application_put(&new, PutMode::Create, Actor::person("pat")).await.unwrap();
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn somebody_looks_after_exactly_the_systems_that_were_named_last(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (store, pat) = (&bench.store, Actor::person("pat"));
    let ana = bench.login(new_login("ana", "ana@example.com")).await.id;
    for key in ["crm", "mail", "shop"] {
        bench.system(key).await;
    }
    let keys = async || -> Vec<String> {
        let listed = store.system_manager_list(&ana).await.unwrap();
        listed.into_iter().map(|system| system.key).collect()
    };
    let set = async |keys: &[&str]| {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        store.system_manager_set(&ana, &keys, Actor::person("pat")).await.unwrap()
    };

    let first = (set(&["shop", "crm", "crm"]).await, keys().await);
    let unknown = (set(&["mail", "nothing"]).await, keys().await);
    let removed = [
        store.system_manager_remove(&ana, "crm", pat.clone()).await.unwrap(),
        store.system_manager_remove(&ana, "crm", pat.clone()).await.unwrap(),
    ];
    let is = (
        store.system_manager_is(&ana, "shop").await.unwrap(),
        store.system_manager_is(&ana, "crm").await.unwrap(),
    );
    store.application_remove("shop", pat).await.unwrap();

    assert_eq!(first, (None, vec!["crm".to_owned(), "shop".to_owned()]));
    assert_eq!(unknown, (Some("nothing".to_owned()), vec!["crm".to_owned(), "shop".to_owned()]));
    assert_eq!((removed, is), ([true, false], (true, false)));
    assert_eq!(keys().await, Vec::<String>::new());
}
