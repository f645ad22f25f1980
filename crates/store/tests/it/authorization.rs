use std::time::Duration;

use crypto::Secret;
use model::ConnectionKey;
use rstest::rstest;
use store::{
    Actor, Authorization, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep,
    NewAuthorization, NewConnection, StoreError, WebHookToken,
};

use crate::bench::{Backend, Bench, CANARY};

const LIFE: Duration = Duration::from_mins(10);

fn shop() -> ConnectionKey {
    "shop".parse().unwrap()
}

fn state(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

impl Bench {
    async fn shop_step(&self, step: ConnectionStep) {
        let change = ConnectionChange { key: &shop(), actor: Actor::person("pat"), steps: vec![step] };
        assert_eq!(self.store.connection_change(change).await.unwrap(), ConnectionChanged::Done);
    }

    async fn make_shop(&self) {
        self.shop_step(ConnectionStep::Create(NewConnection {
            name: Some("Shop".to_owned()),
            description: None,
            connection_type: "https".to_owned(),
            access: ConnectionAccess::Read,
            disabled: false,
            system_key: None,
        }))
        .await;
    }

    async fn send_away(&self, text: &str) -> Result<(), StoreError> {
        let new = NewAuthorization {
            connection: &shop(),
            state: &state(text),
            return_to: Some("https://console.example.com".to_owned()),
            life: LIFE,
            actor: Actor::person("pat"),
        };
        self.store.authorization_begin(new).await
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn person_comes_back_once_from_any_process_and_nobody_else_does(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.make_shop().await;
    bench.send_away("s1").await.unwrap();

    let other = bench.store.authorization_take(&state("s2")).await.unwrap();
    let first = bench.again().await.authorization_take(&state("s1")).await.unwrap();
    let second = bench.store.authorization_take(&state("s1")).await.unwrap();

    assert_eq!((other, second), (None, None));
    let expected = Authorization {
        connection: shop(),
        actor: Actor::person("pat"),
        return_to: Some("https://console.example.com".to_owned()),
    };
    assert_eq!(first, Some(expected));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn who_comes_back_too_late_or_after_a_change_of_secrets_is_nobody(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.make_shop().await;
    bench.send_away("late").await.unwrap();
    bench.clock.advance(LIFE);
    let late = bench.store.authorization_take(&state("late")).await.unwrap();
    bench.send_away("changed").await.unwrap();

    bench.shop_step(ConnectionStep::RemoveTokens).await;

    assert_eq!(late, None);
    assert_eq!(bench.store.authorization_take(&state("changed")).await.unwrap(), None);
    bench.shop_step(ConnectionStep::Remove).await;
    assert!(matches!(bench.send_away("gone").await, Err(StoreError::NotFound { .. })));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn way_to_a_token_is_sealed_replaced_and_goes_with_its_connection(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.make_shop().await;
    let put = async |text: &str| {
        bench.store.connection_oauth_put(&shop(), &state(text), Actor::person("pat")).await.unwrap();
        bench.again().await.connection_oauth_find(&shop()).await.unwrap().unwrap().expose().clone()
    };

    let first = put(CANARY).await;
    let second = put("{}").await;
    let removed = bench.store.connection_oauth_remove(&shop(), Actor::person("pat")).await.unwrap();
    let again = bench.store.connection_oauth_remove(&shop(), Actor::person("pat")).await.unwrap();
    put(CANARY).await;
    bench.shop_step(ConnectionStep::Remove).await;

    assert_eq!((first.as_str(), second.as_str()), (CANARY, "{}"));
    assert_eq!((removed, again), (true, false));
    assert!(bench.store.connection_oauth_find(&shop()).await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_token_of_a_web_hook_is_sealed_and_goes_with_the_way_to_it(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.make_shop().await;
    let put = async || {
        bench.store.connection_oauth_put(&shop(), &state("{}"), Actor::person("pat")).await.unwrap();
    };
    put().await;
    let old = bench.store.connection_oauth_grant(&shop()).await.unwrap().unwrap();
    put().await;
    let now = bench.store.connection_oauth_grant(&shop()).await.unwrap().unwrap();
    let token = WebHookToken { token: state(CANARY), expires_at: None };

    bench.store.connection_oauth_token_put(&shop(), &old, &token).await.unwrap();
    let of_another_way = bench.store.connection_oauth_grant(&shop()).await.unwrap().unwrap().token;
    bench.store.connection_oauth_token_put(&shop(), &now, &token).await.unwrap();
    let kept = bench.again().await.connection_oauth_grant(&shop()).await.unwrap().unwrap().token;
    put().await;
    let after = bench.store.connection_oauth_grant(&shop()).await.unwrap().unwrap().token;

    assert!(of_another_way.is_none() && after.is_none());
    assert_eq!(kept.unwrap().token.expose(), CANARY);
}
