use std::time::Duration;

use crypto::{AccessToken, PasswordHash, Secret};
use rstest::rstest;
use store::{
    Actor, Client, ClientChange, Login, LoginChange, NewAccessToken, TokenEnd, TokenFor, TokenHolder,
};

use crate::bench::{Backend, Bench};
use crate::client::new_client;
use crate::login::new_login;

const LIFE: Duration = Duration::from_mins(1);

impl Bench {
    async fn issue(&self, holder: TokenFor<'_>) -> Option<AccessToken> {
        let scopes = ["connection:read".to_owned()];
        let new = NewAccessToken { holder, scopes: &scopes, life: LIFE, actor: Actor::person("pat") };
        Some(self.store.access_token_issue(new).await.unwrap()?.token)
    }

    async fn client_and_token(&self) -> (Client, AccessToken) {
        let (client, _) = self.store.client_create(new_client("billing")).await.unwrap();
        let token = self.issue(of_client(&client)).await.unwrap();
        (client, token)
    }

    async fn login_and_token(&self) -> (Login, AccessToken) {
        let login = self.login(new_login("ana", "ana@example.com")).await;
        let token = self.issue(of_login(&login)).await.unwrap();
        (login, token)
    }

    async fn holder(&self, token: &AccessToken) -> Option<TokenHolder> {
        Some(self.store.access_token_find(token.text().expose()).await.unwrap()?.holder)
    }
}

fn of_client(client: &Client) -> TokenFor<'_> {
    TokenFor::Client { id: &client.id, secret_hash: &client.secret_hash }
}

fn of_login(login: &Login) -> TokenFor<'_> {
    TokenFor::Login { id: &login.id, password: login.password.as_ref().unwrap() }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_token_tells_who_holds_it_until_it_expires(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (client, of_client) = bench.client_and_token().await;
    let (login, of_login) = bench.login_and_token().await;
    let of_root = bench.issue(TokenFor::Root { root_hash: [7; 32] }).await.unwrap();

    let held = [
        bench.holder(&of_client).await.unwrap(),
        bench.holder(&of_login).await.unwrap(),
        bench.holder(&of_root).await.unwrap(),
    ];

    assert_eq!(
        held,
        [
            TokenHolder::Client { id: client.id, scopes: client.scopes },
            TokenHolder::Login { id: login.id, username: "ana".to_owned(), roles: login.roles },
            TokenHolder::Root { root_hash: vec![7; 32] },
        ]
    );
    assert_eq!(bench.holder(&AccessToken::random()).await, None);
    bench.clock.advance(LIFE.checked_sub(Duration::from_micros(1)).unwrap());
    assert!(bench.holder(&of_client).await.is_some());
    bench.clock.advance(Duration::from_micros(1));
    for token in [of_client, of_login, of_root] {
        assert_eq!(bench.holder(&token).await, None);
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn expired_tokens_are_thrown_away_when_the_next_is_handed_out(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.client_and_token().await;
    bench.clock.advance(LIFE);

    bench.client_and_token().await;

    let (kept,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM access_token").fetch_one(&bench.sql().await).await.unwrap();
    assert_eq!(kept, 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_a_client_may_do_today_is_told_with_its_token(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (client, token) = bench.client_and_token().await;

    let change = ClientChange { scopes: Some(Vec::new()), ..ClientChange::default() };
    bench.store.client_change(&client.id, change, Actor::person("pat")).await.unwrap();

    assert_eq!(bench.holder(&token).await, Some(TokenHolder::Client { id: client.id, scopes: Vec::new() }));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn tokens_end_with_their_client_and_with_its_secret(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let ((one, of_one), (two, of_two)) = (bench.client_and_token().await, bench.client_and_token().await);

    bench.store.client_remove(&one.id, Actor::person("pat")).await.unwrap();
    bench.store.client_secret_change(&two.id, Actor::person("pat")).await.unwrap();

    assert_eq!(bench.holder(&of_one).await, None);
    assert_eq!(bench.holder(&of_two).await, None);
    assert!(bench.issue(of_client(&one)).await.is_none());
    assert!(bench.issue(of_client(&two)).await.is_none(), "the old secret was proven, not the new one");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn tokens_end_when_a_person_is_kept_out_or_removed_or_has_another_password(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let pat = || Actor::person("pat");
    let (login, first) = bench.login_and_token().await;

    bench.store.login_change(&login.id, LoginChange::Disabled(true), pat()).await.unwrap();
    let while_out = (bench.holder(&first).await, bench.issue(of_login(&login)).await.is_some());
    bench.store.login_change(&login.id, LoginChange::Disabled(false), pat()).await.unwrap();
    let second = bench.issue(of_login(&login)).await.unwrap();
    let other = PasswordHash::make(&Secret::new("Canary-pass-2".to_owned()));
    bench.store.login_change(&login.id, LoginChange::Password(other.clone()), pat()).await.unwrap();
    let after_change = (bench.holder(&second).await, bench.issue(of_login(&login)).await.is_some());
    let third = bench.issue(TokenFor::Login { id: &login.id, password: &other }).await.unwrap();
    bench.store.login_remove(&login.id, pat()).await.unwrap();

    assert_eq!(while_out, (None, false));
    assert_eq!(bench.holder(&first).await, None, "what ended does not come back");
    assert_eq!(after_change, (None, false));
    assert_eq!(bench.holder(&third).await, None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_person_who_is_kept_out_past_the_store_is_kept_out_all_the_same(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (_, token) = bench.login_and_token().await;

    sqlx::query("UPDATE login SET disabled = 1").execute(&bench.sql().await).await.unwrap();

    assert_eq!(bench.holder(&token).await, None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn one_token_or_all_of_a_person_can_be_ended(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (_, of_client) = bench.client_and_token().await;
    let (login, first) = bench.login_and_token().await;
    let second = bench.issue(of_login(&login)).await.unwrap();
    let end = async |end| bench.store.access_token_end(end, Actor::person("pat")).await.unwrap();

    let ended = (end(TokenEnd::Login(&login.id)).await, end(TokenEnd::Login(&login.id)).await);

    assert_eq!(ended, (2, 0));
    assert_eq!((bench.holder(&first).await, bench.holder(&second).await), (None, None));
    assert_eq!(end(TokenEnd::Token(of_client.text().expose())).await, 1);
    assert_eq!(bench.holder(&of_client).await, None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn all_tokens_of_one_root_can_be_ended_and_no_others(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (mine, other) = ([1; 32], [2; 32]);
    let first = bench.issue(TokenFor::Root { root_hash: mine }).await.unwrap();
    let second = bench.issue(TokenFor::Root { root_hash: mine }).await.unwrap();
    let others = bench.issue(TokenFor::Root { root_hash: other }).await.unwrap();
    let (_, of_client) = bench.client_and_token().await;

    let ended = bench.store.access_token_end(TokenEnd::Root(&mine), Actor::person("pat")).await.unwrap();

    assert_eq!(ended, 2);
    assert_eq!((bench.holder(&first).await, bench.holder(&second).await), (None, None));
    assert!(bench.holder(&others).await.is_some() && bench.holder(&of_client).await.is_some());
}

#[tokio::test]
async fn the_database_file_shows_no_token() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let (client, secret) = bench.store.client_create(new_client("billing")).await.unwrap();
    let token = bench.issue(of_client(&client)).await.unwrap();
    bench.store.close().await;

    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }

    let shows = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(shows(b"billing"));
    for text in [token.text().expose(), secret.text().expose()] {
        assert!(!shows(text.as_bytes()));
    }
}
