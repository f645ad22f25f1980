use crypto::{PasswordHash, Secret};
use rstest::rstest;
use store::{
    Actor, Login, LoginChange, LoginId, LoginPerson, LoginPut, LoginRemoval, NewLogin, StoreError, Window,
};

use crate::bench::{Backend, Bench, CANARY};

pub(crate) fn new_login(username: &str, email: &str) -> NewLogin {
    NewLogin {
        username: username.to_owned(),
        person: person(email),
        password: Some(PasswordHash::make(&Secret::new("Canary-pass-1".to_owned()))),
        disabled: false,
        roles: vec!["viewer".to_owned()],
        actor: Actor::person("pat"),
    }
}

fn person(email: &str) -> LoginPerson {
    LoginPerson {
        email_address: Some(email.to_owned()),
        first_name: Some("Canary-First".to_owned()),
        last_name: Some("Canary-Last".to_owned()),
    }
}

impl Bench {
    pub(crate) async fn login(&self, new: NewLogin) -> Login {
        done(self.store.login_create(new).await)
    }

    async fn login_change(&self, id: &LoginId, change: LoginChange) -> Result<LoginPut, StoreError> {
        self.store.login_change(id, change, Actor::person("pat")).await
    }
}

fn done(put: Result<LoginPut, StoreError>) -> Login {
    match put.unwrap() {
        LoginPut::Done(login) => *login,
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_person_is_found_by_id_and_by_name_in_any_case(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let made = bench.login(new_login("Ana", CANARY)).await;

    let store = bench.again().await;

    assert_eq!(store.login_find(&made.id).await.unwrap().unwrap(), made);
    assert_eq!(store.login_find_named("aNA").await.unwrap().unwrap(), made);
    assert_eq!(store.login_find_named("ana\0").await.unwrap(), None);
    assert_eq!(made.person, person(CANARY));
    assert!(made.id.as_str().starts_with("fid_"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn neither_a_name_nor_an_address_belongs_to_two_people(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.login(new_login("ana", CANARY)).await;
    let ben = bench.login(new_login("ben", "ben@example.com")).await;

    let same_name = bench.store.login_create(new_login("ANA", "other@example.com")).await.unwrap();
    let same_address = bench.store.login_create(new_login("cleo", &CANARY.to_uppercase())).await.unwrap();
    let taken_over = bench.login_change(&ben.id, LoginChange::Person(person(CANARY))).await.unwrap();

    assert!(matches!(same_name, LoginPut::UsernameTaken), "{same_name:?}");
    assert!(matches!(same_address, LoginPut::EmailTaken), "{same_address:?}");
    assert!(matches!(taken_over, LoginPut::EmailTaken), "{taken_over:?}");
    let kept = done(bench.login_change(&ben.id, LoginChange::Person(person("ben@example.com"))).await);
    assert_eq!(kept.person.email_address.as_deref(), Some("ben@example.com"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn people_without_an_address_do_not_stand_in_each_others_way(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };

    for name in ["ana", "ben"] {
        bench.login(NewLogin { person: LoginPerson::default(), ..new_login(name, "") }).await;
    }

    assert_eq!(bench.store.login_list(None, Window::ALL).await.unwrap().total, 2);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn changes_are_kept_and_told_in_the_log_without_personal_data(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let made = bench.login(new_login("ana", CANARY)).await;
    let other = PasswordHash::make(&Secret::new("Canary-pass-2".to_owned()));

    done(bench.login_change(&made.id, LoginChange::Person(person("canary-2@example.com"))).await);
    done(bench.login_change(&made.id, LoginChange::Password(other.clone())).await);
    done(bench.login_change(&made.id, LoginChange::Roles(vec!["approver".to_owned()])).await);
    let changed = done(bench.login_change(&made.id, LoginChange::Disabled(true)).await);

    assert_eq!(changed.person.email_address.as_deref(), Some("canary-2@example.com"));
    assert_eq!(changed.password, Some(other));
    assert_eq!(changed.roles, ["approver"]);
    assert!(changed.disabled);
    let told = ["created", "changed", "password_changed", "roles_set", "disabled"];
    assert_eq!(bench.told(made.id.as_str()).await, told.map(|word| format!("login.{word}")));
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT body FROM audit_entry").fetch_all(&bench.sql().await).await.unwrap();
    assert!(!format!("{rows:?}").to_lowercase().contains("canary"), "{rows:?}");
    let absent = LoginId::parse("fid_absent").unwrap();
    assert!(matches!(
        bench.login_change(&absent, LoginChange::Disabled(true)).await.unwrap(),
        LoginPut::Absent
    ));
}

#[tokio::test]
async fn the_database_file_shows_neither_address_nor_names_nor_password() {
    let bench = Backend::Sqlite.start().await.unwrap();
    bench.login(new_login("ana", CANARY)).await;
    bench.store.close().await;

    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }

    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    // The twin: what is not sealed is found by the same look.
    assert!(text.contains("viewer"));
    assert!(!text.contains("canary"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_account_copied_over_another_does_not_open(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let ana = bench.login(new_login("ana", CANARY)).await;
    bench.login(new_login("ben", "ben@example.com")).await;

    sqlx::query("UPDATE login SET sealed = (SELECT sealed FROM login WHERE username = 'ben')")
        .execute(&bench.sql().await)
        .await
        .unwrap();

    let opened = bench.store.login_find(&ana.id).await;
    assert!(matches!(opened, Err(StoreError::Sealed { .. })), "{opened:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn people_are_listed_newest_first_and_found_by_a_part_of_their_name(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    for name in ["ana", "ana_b", "Banana", "cleo"] {
        bench.login(new_login(name, &format!("{name}@example.com"))).await;
    }
    let names = async |username, window| {
        let part = bench.store.login_list(username, window).await.unwrap();
        (part.items.into_iter().map(|login| login.username).collect::<Vec<_>>(), part.total)
    };

    let (all, part) =
        (names(None, Window::ALL).await, names(Some("ANA"), Window { offset: 1, limit: 1 }).await);

    assert_eq!(all.0, ["cleo", "Banana", "ana_b", "ana"]);
    assert_eq!(part, (vec!["ana_b".to_owned()], 3));
    assert_eq!(names(Some("a_"), Window::ALL).await.0, ["ana_b"]);
    assert_eq!(names(Some("%"), Window::ALL).await.1, 0);
    assert_eq!(names(Some("a\0"), Window::ALL).await.1, 0);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_last_owner_who_is_let_in_stays(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let owner = || vec!["owner".to_owned()];
    let ana = bench.login(NewLogin { roles: owner(), ..new_login("ana", CANARY) }).await;
    let ben = bench.login(NewLogin { roles: owner(), ..new_login("ben", "ben@example.com") }).await;
    done(bench.login_change(&ben.id, LoginChange::Disabled(true)).await);
    let pat = || Actor::person("pat");

    let disabled = bench.login_change(&ana.id, LoginChange::Disabled(true)).await.unwrap();
    let demoted = bench.login_change(&ana.id, LoginChange::Roles(vec!["viewer".to_owned()])).await.unwrap();
    let removed = bench.store.login_remove(&ana.id, pat()).await.unwrap();

    assert!(matches!(disabled, LoginPut::LastOwner), "{disabled:?}");
    assert!(matches!(demoted, LoginPut::LastOwner), "{demoted:?}");
    assert_eq!(removed, LoginRemoval::LastOwner);
    done(bench.login_change(&ben.id, LoginChange::Disabled(false)).await);
    assert_eq!(bench.store.login_remove(&ana.id, pat()).await.unwrap(), LoginRemoval::Done);
    assert_eq!(bench.store.login_remove(&ana.id, pat()).await.unwrap(), LoginRemoval::Absent);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn of_two_owners_who_remove_each_other_at_once_one_stays(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let owner = || vec!["owner".to_owned()];
    let ana = bench.login(NewLogin { roles: owner(), ..new_login("ana", CANARY) }).await;
    let ben = bench.login(NewLogin { roles: owner(), ..new_login("ben", "ben@example.com") }).await;
    let other = bench.again().await;

    let (one, two) = tokio::join!(
        bench.store.login_remove(&ben.id, Actor::person("ana")),
        other.login_remove(&ana.id, Actor::person("ben"))
    );

    let gone = [one, two].into_iter().filter(|removal| matches!(removal, Ok(LoginRemoval::Done))).count();
    assert!(gone <= 1);
    assert!(bench.store.login_list(None, Window::ALL).await.unwrap().total >= 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_first_account_is_made_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let other = bench.again().await;

    let (one, two) = tokio::join!(
        bench.store.login_create_first(new_login("owner", CANARY)),
        other.login_create_first(new_login("owner", CANARY))
    );

    assert_eq!([one.unwrap(), two.unwrap()].into_iter().flatten().count(), 1);
    assert_eq!(bench.store.login_create_first(new_login("ben", "ben@example.com")).await.unwrap(), None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn accounts_open_after_a_change_of_the_master_key(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let made = bench.login(new_login("ana", CANARY)).await;
    let new = crypto::MasterKey::random().to_base64();
    let ring = || crypto::KeyRing::new(crypto::MasterKey::from_base64(new.expose()).unwrap());
    let both = ring().with_older(crypto::MasterKey::from_base64(bench.key.expose()).unwrap());

    crate::bench::open(&bench.place, both, &bench.clock)
        .await
        .unwrap()
        .keys_reseal(Actor::system())
        .await
        .unwrap();

    let store = crate::bench::open(&bench.place, ring(), &bench.clock).await.unwrap();
    assert_eq!(store.login_find(&made.id).await.unwrap().unwrap(), made);
    let twin = store.login_create(new_login("ben", CANARY)).await.unwrap();
    assert!(matches!(twin, LoginPut::EmailTaken), "{twin:?}");
}
