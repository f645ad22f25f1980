use std::time::Duration;

use crypto::{AccessToken, PasswordHash, Secret};
use model::Clock as _;
use rstest::rstest;
use store::{
    Actor, Login, LoginChange, LoginPerson, NewSession, NewSignInFlow, ProviderPerson, ProviderSignIn,
    SessionFor, TokenEnd, TokenHolder,
};

use crate::bench::{Backend, Bench};
use crate::login::new_login;

const LIFE: Duration = Duration::from_hours(12);
const IDLE: Duration = Duration::from_hours(1);
const ISSUER: &str = "https://id.example.com";

impl Bench {
    async fn session(&self, holder: SessionFor<'_>) -> Option<AccessToken> {
        let new = NewSession { holder, life: LIFE, actor: Actor::person("ana") };
        Some(self.store.session_open(new).await.unwrap()?.token)
    }

    async fn is_open(&self, token: &AccessToken) -> bool {
        self.store.session_find(token.text().expose(), IDLE).await.unwrap().is_some()
    }

    async fn signed_in(&self) -> (Login, AccessToken) {
        let login = self.login(new_login("ana", "ana@example.com")).await;
        let session = self.session(with_password(&login)).await.unwrap();
        (login, session)
    }

    async fn provided(&self, person: ProviderPerson<'_>) -> ProviderSignIn {
        self.store.login_of_provider(person).await.unwrap()
    }
}

fn with_password(login: &Login) -> SessionFor<'_> {
    SessionFor::Password { id: &login.id, password: login.password.as_ref().unwrap() }
}

fn person<'a>(subject: &'a str, email: &str) -> ProviderPerson<'a> {
    ProviderPerson {
        issuer: ISSUER,
        subject,
        username: email.to_owned(),
        person: LoginPerson { email_address: Some(email.to_owned()), ..LoginPerson::default() },
        roles: Some(vec!["approver".to_owned()]),
        first_roles: Vec::new(),
        link: false,
    }
}

fn known(outcome: ProviderSignIn) -> Login {
    match outcome {
        ProviderSignIn::Known(login) => *login,
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_session_is_no_token_for_programs_and_a_token_is_no_session(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (login, session) = bench.signed_in().await;
    let root = bench.session(SessionFor::Root { root_hash: [7; 32] }).await.unwrap();

    let held = bench.store.session_find(session.text().expose(), IDLE).await.unwrap().unwrap().holder;
    let of_root = bench.store.session_find(root.text().expose(), IDLE).await.unwrap().unwrap().holder;
    let as_token = bench.store.access_token_find(session.text().expose()).await.unwrap();

    let expected = TokenHolder::Login { id: login.id, username: "ana".to_owned(), roles: login.roles };
    assert_eq!(held, expected);
    assert_eq!(of_root, TokenHolder::Root { root_hash: vec![7; 32] });
    assert_eq!(as_token, None);
    assert!(!bench.is_open(&AccessToken::random()).await);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_when_its_time_is_over(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (login, used) = bench.signed_in().await;
    let unused = bench.session(with_password(&login)).await.unwrap();

    let mut open = Vec::new();
    for _ in 0..23 {
        bench.clock.advance(Duration::from_mins(31));
        open.push(bench.is_open(&used).await);
    }
    let idle = bench.is_open(&unused).await;
    bench.clock.advance(Duration::from_mins(31));
    let over = bench.is_open(&used).await;

    assert!(open.iter().all(|open| *open), "{open:?}");
    assert!(!idle && !over);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn another_password_a_locked_account_and_signing_out_end_sessions(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (login, first) = bench.signed_in().await;
    let actor = Actor::person("pat");
    let new = PasswordHash::make(&Secret::new("Canary-pass-2".to_owned()));

    bench.store.login_change(&login.id, LoginChange::Password(new.clone()), actor.clone()).await.unwrap();
    let (stale, old) = (bench.session(with_password(&login)).await.is_some(), bench.is_open(&first).await);
    let second = bench.session(SessionFor::Password { id: &login.id, password: &new }).await.unwrap();
    let out = bench.store.access_token_end(TokenEnd::Token(second.text().expose()), actor.clone()).await;
    let third = bench.session(SessionFor::Provider { id: &login.id }).await.unwrap();
    let before = bench.is_open(&third).await;
    bench.store.login_change(&login.id, LoginChange::Disabled(true), actor).await.unwrap();

    assert!(!stale && !old, "a password that is not theirs any more");
    assert_eq!(out.unwrap(), 1);
    assert!(!bench.is_open(&second).await);
    assert!(before && !bench.is_open(&third).await);
    assert!(bench.session(SessionFor::Provider { id: &login.id }).await.is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn who_comes_back_from_a_provider_is_taken_once_in_time_and_with_their_own_browser(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let put = async |hash: [u8; 32]| {
        let new = NewSignInFlow {
            hash,
            browser_hash: [9; 32],
            next_page: "/requests",
            life: Duration::from_mins(10),
        };
        bench.store.sign_in_flow_put(new).await.unwrap();
    };
    let take = async |hash, browser| bench.store.sign_in_flow_take(hash, browser).await.unwrap();
    put([1; 32]).await;
    put([2; 32]).await;

    let foreign = take([1; 32], [8; 32]).await;
    let own = take([1; 32], [9; 32]).await;
    let again = take([1; 32], [9; 32]).await;
    bench.clock.advance(Duration::from_mins(10));
    let late = take([2; 32], [9; 32]).await;

    assert_eq!(own.as_deref(), Some("/requests"));
    assert_eq!((foreign, again, late), (None, None, None));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_person_of_a_provider_is_the_same_whatever_they_are_called_and_has_the_roles_of_today(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let first = known(bench.provided(person("sub-1", "ana@example.com")).await);

    let renamed =
        ProviderPerson { roles: Some(vec!["viewer".to_owned()]), ..person("sub-1", "an@example.com") };
    let second = known(bench.provided(renamed).await);
    let kept =
        known(bench.provided(ProviderPerson { roles: None, ..person("sub-1", "x@example.com") }).await);
    let other = known(bench.provided(person("sub-2", "ben@example.com")).await);

    assert_eq!((first.username.as_str(), &first.id), ("ana@example.com", &second.id));
    assert!(first.password.is_none());
    assert_eq!((first.roles, second.roles), (vec!["approver".to_owned()], vec!["viewer".to_owned()]));
    assert_eq!(kept.roles, ["viewer"]);
    assert_ne!(other.id, second.id);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_account_that_is_here_already_is_taken_over_only_where_that_is_allowed(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let mine = bench.login(new_login("ana", "Ana@example.com")).await;

    let apart = bench.provided(person("sub-1", "ana@example.com")).await;
    let named = ProviderPerson { username: "ANA".to_owned(), ..person("sub-2", "other@example.com") };
    let same_name = bench.provided(named).await;
    let linked =
        known(bench.provided(ProviderPerson { link: true, ..person("sub-1", "ana@example.com") }).await);
    let again = known(bench.provided(person("sub-1", "ana@example.com")).await);
    bench.store.login_change(&mine.id, LoginChange::Disabled(true), Actor::person("pat")).await.unwrap();
    let locked = bench.provided(person("sub-1", "ana@example.com")).await;

    assert!(matches!(apart, ProviderSignIn::EmailTaken), "{apart:?}");
    assert!(matches!(same_name, ProviderSignIn::UsernameTaken), "{same_name:?}");
    assert_eq!((&linked.id, &again.id), (&mine.id, &mine.id));
    assert!(matches!(locked, ProviderSignIn::Disabled), "{locked:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn who_prepared_an_account_with_the_address_of_another_is_out_once_that_person_comes(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let (mine, session) = bench.signed_in().await;
    let code = AccessToken::random();
    let message = store::NewMessage::to_email(store::MessageKind::PasswordReset, "ana@example.com");
    let new = store::NewLoginCode {
        login: &mine.id,
        purpose: store::LoginCodePurpose::PasswordReset,
        code: &code,
        expires_at: bench.clock.now() + Duration::from_hours(1),
        message: &message,
        actor: Actor::person("pat"),
    };
    bench.store.login_code_put(new).await.unwrap();

    let linked =
        known(bench.provided(ProviderPerson { link: true, ..person("sub-1", "ana@example.com") }).await);

    assert_eq!((&linked.id, linked.password), (&mine.id, None));
    assert!(!bench.is_open(&session).await);
    assert!(bench.session(with_password(&mine)).await.is_none());
    let password = PasswordHash::make(&Secret::new("Other-pass-1".to_owned()));
    let code = (store::LoginCodePurpose::PasswordReset, code.text());
    let used = bench.store.login_code_use(code, None, &password).await.unwrap();
    assert!(matches!(used, store::LoginCodeUse::Unknown), "{used:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn whose_address_is_proven_keeps_password_and_sessions_when_linked(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let login = bench.login(new_login("ana", "ana@example.com")).await;
    sqlx::query("UPDATE login SET email_verified_at = 1").execute(&bench.sql().await).await.unwrap();
    let session = bench.session(with_password(&login)).await.unwrap();

    let linked =
        known(bench.provided(ProviderPerson { link: true, ..person("sub-1", "ana@example.com") }).await);

    assert_eq!(linked.password, login.password);
    assert!(bench.is_open(&session).await);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_last_owner_stays_owner_whatever_a_provider_says(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let owner =
        ProviderPerson { roles: Some(vec!["owner".to_owned()]), ..person("sub-1", "ana@example.com") };
    known(bench.provided(owner).await);

    let demoted = known(bench.provided(person("sub-1", "ana@example.com")).await);

    assert_eq!(demoted.roles, ["owner"]);
}
