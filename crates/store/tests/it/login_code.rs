use std::time::Duration;

use crypto::{AccessToken, PasswordHash, Secret};
use model::Clock as _;
use rstest::rstest;
use store::{
    Actor, Login, LoginChange, LoginCodePurpose, LoginCodeUse, LoginPut, MessageFilter, MessageKind,
    NewLoginCode, NewMessage, Window,
};

use crate::bench::{Backend, Bench, CANARY};
use crate::login::new_login;

impl Bench {
    async fn invite(&self, login: &Login, code: &AccessToken) {
        let message = NewMessage::to_email(MessageKind::Invitation, CANARY);
        let new = NewLoginCode {
            login: &login.id,
            purpose: LoginCodePurpose::Invitation,
            code,
            expires_at: self.clock.now() + Duration::from_hours(1),
            message: &message,
            actor: Actor::person("pat"),
        };
        self.store.login_code_put(new).await.unwrap();
    }

    async fn accept(&self, code: &AccessToken, username: Option<&str>) -> LoginCodeUse {
        let password = PasswordHash::make(&Secret::new("Other-pass-1".to_owned()));
        let code = (LoginCodePurpose::Invitation, code.text());
        self.store.login_code_use(code, username, &password).await.unwrap()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_code_is_mailed_and_taken_once_for_a_password(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let login = bench.login(new_login("ana", CANARY)).await;
    let code = AccessToken::random();
    bench.invite(&login, &code).await;
    let mailed = bench.store.message_list(MessageFilter::default(), Window::ALL).await.unwrap();
    let invited = bench.store.login_invitation_list().await.unwrap();

    let used = bench.accept(&code, Some("ANA")).await;
    let again = bench.accept(&code, Some("ana")).await;

    assert_eq!((mailed.total, invited.len(), &invited[0].login), (1, 1, &login.id));
    let LoginCodeUse::Done(changed) = used else { panic!("{used:?}") };
    assert_ne!(changed.password, login.password);
    assert!(changed.email_verified_at.is_some());
    assert!(matches!(again, LoginCodeUse::Unknown), "{again:?}");
    assert_eq!(bench.store.login_invitation_find(&login.id).await.unwrap(), None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_code_of_another_purpose_or_person_or_time_is_refused(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let login = bench.login(new_login("ana", CANARY)).await;
    let (older, code) = (AccessToken::random(), AccessToken::random());
    bench.invite(&login, &older).await;
    bench.invite(&login, &code).await;
    let password = PasswordHash::make(&Secret::new("Other-pass-1".to_owned()));

    let purpose = (LoginCodePurpose::PasswordReset, code.text());
    let purpose = bench.store.login_code_use(purpose, None, &password).await.unwrap();
    let person = bench.accept(&code, Some("ben")).await;
    let replaced = bench.accept(&older, None).await;
    bench.clock.advance(Duration::from_mins(61));
    let late = bench.accept(&code, None).await;

    for refused in [purpose, person, replaced] {
        assert!(matches!(refused, LoginCodeUse::Unknown), "{refused:?}");
    }
    assert!(matches!(late, LoginCodeUse::Expired), "{late:?}");
    assert_eq!(bench.store.login_find(&login.id).await.unwrap().unwrap().password, login.password);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn nobody_who_is_kept_out_gets_in_with_a_code_and_it_goes_with_the_account(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let login = bench.login(new_login("ana", CANARY)).await;
    let code = AccessToken::random();
    bench.invite(&login, &code).await;

    let put =
        bench.store.login_change(&login.id, LoginChange::Disabled(true), Actor::system()).await.unwrap();
    assert!(matches!(put, LoginPut::Done(_)), "{put:?}");
    let refused = bench.accept(&code, None).await;

    assert!(matches!(refused, LoginCodeUse::Unknown), "{refused:?}");
    bench.store.login_remove(&login.id, Actor::system()).await.unwrap();
    assert!(bench.store.login_invitation_list().await.unwrap().is_empty());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_person_is_found_by_their_address_in_any_case(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let login = bench.login(new_login("ana", "Ana@Example.com")).await;

    let found = bench.again().await.login_find_addressed(" ana@example.COM ").await.unwrap();
    let nobody = bench.store.login_find_addressed("ben@example.com").await.unwrap();

    assert_eq!((found.map(|found| found.id), nobody), (Some(login.id), None));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn another_password_another_address_and_a_lock_end_codes_and_another_name_does_not(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let login = bench.login(new_login("ana", CANARY)).await;
    let address = |email: &str, name: &str| {
        LoginChange::Person(store::LoginPerson {
            email_address: Some(email.to_owned()),
            first_name: Some(name.to_owned()),
            last_name: None,
        })
    };
    let used_after = async |changes: Vec<LoginChange>| {
        let code = AccessToken::random();
        bench.invite(&login, &code).await;
        for change in changes {
            bench.store.login_change(&login.id, change, Actor::person("pat")).await.unwrap();
        }
        matches!(bench.accept(&code, None).await, LoginCodeUse::Done(_))
    };
    let password = PasswordHash::make(&Secret::new("Other-pass-2".to_owned()));

    let renamed = used_after(vec![address(&CANARY.to_uppercase(), "Other")]).await;
    let with_password = used_after(vec![LoginChange::Password(password)]).await;
    let locked = used_after(vec![LoginChange::Disabled(true), LoginChange::Disabled(false)]).await;
    let moved = used_after(vec![address("new@example.com", "Other")]).await;

    assert!(renamed);
    assert_eq!((with_password, locked, moved), (false, false, false));
}
