//! The server as a process.

use std::net::TcpListener;

use rstest::rstest;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::program::{Program, Ran};
use crate::running::{Reply, Running, call, root_token};

const PASSWORD: &str = "canary-Owner-1!";
const SECRET: &str = "canary-root-secret";

fn program() -> Program {
    Program::new()
        .with_environment("TUTELA_CLIENT_ID", "setup")
        .with_environment("TUTELA_CLIENT_SECRET", SECRET)
}

async fn sign_in(running: &Running, username: &str, password: &str) -> Reply {
    let who = json!({"username": username, "password": password});
    call(running, "POST /api/v1/login", None, Some(&who)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_named_owner_and_the_root_client_get_in_and_nothing_of_them_is_said() {
    let program = program()
        .with_environment("TUTELA_OWNER_USERNAME", "olga")
        .with_environment("TUTELA_OWNER_PASSWORD", PASSWORD);
    let running = Running::start(&program, &["-vv"]);

    let health = call(&running, "GET /health", None, None).await;
    let signed_in = sign_in(&running, "olga", PASSWORD).await;
    let token = root_token(&running, SECRET).await;
    let settings = call(&running, "GET /api/v1/config", Some(&token), None).await;
    let without = call(&running, "GET /api/v1/config", None, None).await;
    let ran = running.end().expect(0);

    assert_eq!((health.status, health.json()["webserver"].as_str()), (200, Some("healthy")));
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    assert_eq!((settings.status, without.status), (200, 401));
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!said.contains("canary"), "{said}");
    assert!(!said.contains(&token), "{said}");
    let data = std::fs::read_dir(program.folder().join("data")).unwrap();
    for file in data.map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        let bytes = std::fs::read(file).unwrap();
        let found = bytes.windows(6).any(|bytes| bytes == b"canary");
        assert!(!found, "a secret lies in the data folder");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_an_owner_that_nobody_named_is_said_once() {
    let program = Program::new();

    let first = Running::start(&program, &[]);
    let url = first.url.clone();
    let said = first.end().expect(0).stderr;
    let password =
        said.split("password `").nth(1).and_then(|rest| rest.split('`').next()).unwrap().to_owned();
    let second = Running::start(&program, &[]);
    let wrong = sign_in(&second, "owner", "Wrong-password-1").await;
    let right = sign_in(&second, "owner", &password).await;
    let silent = second.end().expect(0).stderr;

    assert!(url.starts_with("http://127.0.0.1:"));
    assert_eq!((wrong.status, right.status), (403, 200));
    assert!(!silent.contains("password"), "{silent}");
}

const HOMES: [&str; 3] = ["HOME", "XDG_CONFIG_HOME", "APPDATA"];

#[tokio::test(flavor = "multi_thread")]
async fn account_without_a_home_serves_with_a_key_and_is_told_without() {
    let program = program();
    let serve = ["--format", "json", "serve", "--listen", "127.0.0.1:0", "--data", "data"];
    let homeless = || {
        let mut command = program.command(&serve);
        for name in HOMES {
            command.env_remove(name);
        }
        command
    };
    let key = crypto::MasterKey::random().to_base64();

    let refused = Ran::of(homeless().output().unwrap()).expect(2);
    let running = Running::of(homeless().env("TUTELA_KEY", key.expose()));
    let health = call(&running, "GET /health", None, None).await;

    refused.complains(&["no home folder", "TUTELA_KEY"]);
    assert_eq!(health.status, 200);
    running.end().expect(0);
}

/// A call whose body has not arrived when the server is told to end.
async fn half_a_call(running: &Running) -> TcpStream {
    let address = running.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /api/v1/oauth/token HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
                content-type: application/x-www-form-urlencoded\r\ncontent-length: 11\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body only once it is at work on the call.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&asked));
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_is_answered_before_the_server_ends_and_new_ones_are_not() {
    let program = program();
    let running = Running::start(&program, &[]);
    let address = running.url.strip_prefix("http://").unwrap().to_owned();
    let mut stream = half_a_call(&running).await;

    running.ask_to_end();
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(b"client_id=a").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let ran = running.wait().expect(0);

    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(!ran.stderr.contains("still busy"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_does_not_end_is_given_up_when_the_wait_is_over() {
    let program = program().with_environment("TUTELA_SERVER_SHUTDOWN_WAIT", "0s");
    let running = Running::start(&program, &[]);
    let _stream = half_a_call(&running).await;

    running.ask_to_end();

    running.wait().expect(0).complains(&["1 connections were still busy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_has_its_own_tls() {
    let program = program();
    program.file("cert.pem", include_str!("fixtures/localhost.pem"));
    program.file("key.pem", include_str!("fixtures/localhost.key"));
    program.file("server.yml", "tls: {certificate: cert.pem, key: key.pem}\n");
    let running = Running::start(&program, &["--config", "server.yml"]);

    let health = call(&running, "GET /health", None, None).await;
    let mut plain = TcpStream::connect(running.url.strip_prefix("https://").unwrap()).await.unwrap();
    plain.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;

    assert_eq!(health.status, 200);
    assert!(!answer.starts_with(b"HTTP"), "plain HTTP was answered");
}

#[rstest]
#[case::absent("tls: {certificate: none.pem, key: key.pem}\n", "`tls.certificate`")]
#[case::no_certificate("tls: {certificate: key.pem, key: key.pem}\n", "holds no certificate")]
#[case::no_key("tls: {certificate: cert.pem, key: cert.pem}\n", "`tls.key`")]
#[case::other_key("tls: {certificate: cert.pem, key: other.pem}\n", "do not work together")]
#[case::half("tls: {certificate: cert.pem}\n", "stands without `tls.key`")]
#[case::unknown("lisen: 127.0.0.1:1\n", "did you mean `listen`?")]
#[case::no_address("listen: here\n", "no address with a port")]
fn a_server_with_wrong_settings_does_not_start(#[case] file: &str, #[case] says: &str) {
    let program = Program::new();
    program.file("cert.pem", include_str!("fixtures/localhost.pem"));
    program.file("key.pem", include_str!("fixtures/localhost.key"));
    program.file("other.pem", include_str!("fixtures/other.key"));
    program.file("server.yml", &format!("data: data\n{file}"));

    let ran = program.run(&["serve", "--config", "server.yml"]);

    ran.expect(2).complains(&[says]);
}

#[rstest]
#[case::owner("TUTELA_OWNER_USERNAME", "TUTELA_OWNER_PASSWORD")]
#[case::password("TUTELA_OWNER_PASSWORD", "TUTELA_OWNER_USERNAME")]
#[case::client("TUTELA_CLIENT_ID", "TUTELA_CLIENT_SECRET")]
#[case::secret("TUTELA_CLIENT_SECRET", "TUTELA_CLIENT_ID")]
fn half_of_a_pair_is_refused_by_name(#[case] given: &str, #[case] missing: &str) {
    let program = Program::new().with_environment(given, "canary");

    let ran = program.run(&["serve", "--listen", "127.0.0.1:0", "--data", "data"]).expect(2);

    ran.complains(&[given, missing]);
    assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
}

#[test]
fn a_taken_port_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let program = Program::new();

    let ran = program.run(&["serve", "--listen", &address, "--data", "data"]);

    ran.expect(1).complains(&[&address, "--listen"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_signed_while_the_server_runs() {
    let program = program();
    let running = Running::start(&program, &[]);
    let checkpoints = program.folder().join("data/checkpoints.jsonl");

    while !checkpoints.exists() {
        tokio::task::yield_now().await;
    }
    running.end().expect(0);

    program.run(&["audit", "verify", "--data", "data"]).expect(0);
}
