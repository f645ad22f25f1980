//! What is done to an installation itself.

use serde_json::json;

use crate::program::Program;
use crate::running::{Running, call};

const DATA: [&str; 4] = ["--data", "data", "--format", "json"];

fn admin(program: &Program, arguments: &[&str]) -> crate::program::Ran {
    program.run(&[&["admin"], arguments, &DATA].concat())
}

/// An installation with its owner `olga`.
fn installation() -> Program {
    let program = Program::new()
        .with_environment("TUTELA_OWNER_USERNAME", "olga")
        .with_environment("TUTELA_OWNER_PASSWORD", "canary-Owner-1!");
    Running::start(&program, &[]).end().expect(0);
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_tokens_are_made_without_a_server_and_hold_on_it() {
    let program = installation();

    let new = admin(&program, &["user", "new", "vera", "--role", "viewer"]).expect(0).json();
    let taken = admin(&program, &["user", "new", "Vera", "--role", "viewer"]);
    let unknown = admin(&program, &["user", "new", "walter", "--role", "king"]);
    let list = admin(&program, &["user", "list"]).expect(0).json();
    let made = admin(&program, &["token", "new", "vera"]).expect(0).json();
    let bearer = made["access_token"].as_str().unwrap();
    let running = Running::start(&program, &[]);
    let who = json!({"username": "vera", "password": new["password"]});
    let signed_in = call(&running, "POST /api/v1/login", None, Some(&who)).await;
    let may = call(&running, "GET /api/v1/connection", Some(bearer), None).await;
    let may_not = call(&running, "GET /api/v1/config", Some(bearer), None).await;
    let ended = admin(&program, &["token", "revoke", "vera"]).expect(0).json();
    let after = call(&running, "GET /api/v1/connection", Some(bearer), None).await;

    assert_eq!((taken.code, unknown.code), (2, 2));
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!((signed_in.status, may.status, may_not.status, after.status), (200, 200, 403, 403));
    assert_eq!(ended["ended"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_old_one_and_the_tokens() {
    let program = installation();
    let token = admin(&program, &["token", "new", "olga"]).expect(0).json();

    let new = admin(&program, &["user", "password", "olga"]).expect(0).json();

    let running = Running::start(&program, &[]);
    let sign_in = async |password: &str| {
        let who = json!({"username": "olga", "password": password});
        call(&running, "POST /api/v1/login", None, Some(&who)).await.status
    };
    let old = call(&running, "GET /api/v1/connection", token["access_token"].as_str(), None).await;
    assert_eq!(sign_in("canary-Owner-1!").await, 403);
    assert_eq!(sign_in(new["password"].as_str().unwrap()).await, 200);
    assert_eq!(old.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_the_new_key_is_enough_and_the_old_one_opens_nothing() {
    let first = Program::new();
    let keys = ["one.key", "two.key"].map(|name| {
        first.run(&["admin", "key", "new", "--out", name]).expect(0);
        first.folder().join(name).display().to_string()
    });
    let again = first.run(&["admin", "key", "new", "--out", "one.key"]);
    let program = Program::new()
        .with_environment("TUTELA_OWNER_USERNAME", "olga")
        .with_environment("TUTELA_OWNER_PASSWORD", "canary-Owner-1!");
    let with = |key: &str, other: Option<&str>, arguments: &[&str]| {
        let mut command = program.command(arguments);
        command.env("TUTELA_KEY_FILE", key);
        if let Some(other) = other {
            command.env("TUTELA_OTHER_KEYS_FILE", other);
        }
        crate::program::Ran::of(command.output().unwrap())
    };
    let list = [&["admin", "user", "list"], &DATA[..]].concat();
    let rotate = [&["admin", "key", "rotate"], &DATA[..]].concat();
    serve_once(&program, &keys[0]);

    let unknown = with(&keys[1], None, &list);
    let rotated = with(&keys[1], Some(&keys[0]), &rotate).expect(0).json();
    let new = with(&keys[1], None, &list);
    let old = with(&keys[0], None, &list);

    assert_eq!(again.code, 2);
    assert_ne!(unknown.code, 0);
    assert!(rotated["records"].as_u64().unwrap() > 0);
    assert_eq!(new.expect(0).json()[0]["username"], "olga");
    assert_ne!(old.code, 0);
}

/// Starts a server with this key and ends it.
fn serve_once(program: &Program, key: &str) {
    let mut command =
        program.command(&["--format", "json", "serve", "--listen", "127.0.0.1:0", "--data", "data"]);
    Running::of(command.env("TUTELA_KEY_FILE", key)).end().expect(0);
}
