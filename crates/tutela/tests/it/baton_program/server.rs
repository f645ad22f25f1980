//! Programs of somebody else as connections of a server (decision 059).

use std::time::Duration;

use model::{Clock as _, SystemClock};
use sandbox::segment::SegmentSandbox;
use serde_json::{Value, json};

use super::office::{self, RUN, connector, free, is_held, options, writes};
use crate::program::Program;
use crate::running::{Reply, Running, call, root_token};
use crate::segment;

const SECRET: &str = "canary-root-secret";

fn program() -> Program {
    Program::new()
        .with_environment("TUTELA_CLIENT_ID", "setup")
        .with_environment("TUTELA_CLIENT_SECRET", SECRET)
}

/// The server's own configuration.
fn configure(program: &Program, sha256: &str, more: &str) {
    let user = office::user(program);
    program.file(
        "server.yml",
        &format!(
            "baton:\n  office:\n    program: ./connector/baton-office\n    sha256: {sha256}\n    user: \"{user}\"\n    \
             secrets: {{ token: '${{OFFICE_TOKEN}}' }}\n    access: write\n    delete: [user]\n{more}egress: {{ read_timeout_ms: 200 }}\n"
        ),
    );
}

struct Server {
    running: Running,
    token: String,
}

impl Server {
    async fn start(program: &Program, sandbox: &SegmentSandbox) -> Self {
        let token = sandbox.description().tokens.access_token.clone();
        let arguments = ["--format", "json", "-v", "serve", "--listen", "127.0.0.1:0", "--data", "data"];
        let arguments = [&arguments[..], &["--config", "server.yml"]].concat();
        let running = Running::of(program.command(&arguments).env("OFFICE_TOKEN", token));
        let token = root_token(&running, SECRET).await;
        Self { running, token }
    }

    async fn call(&self, line: &str, body: Option<&Value>) -> Reply {
        call(&self.running, line, Some(&self.token), body).await
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.call(&format!("GET /api/v1/{path}"), None).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.json()
    }

    /// The status of a connection once it is so.
    async fn until(&self, key: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..6_000 {
            let status = self.get(&format!("connection/{key}/sync")).await;
            if is_so(&status) {
                return status;
            }
            SystemClock.sleep(Duration::from_millis(10)).await;
        }
        panic!("{}", self.get(&format!("connection/{key}/sync")).await);
    }

    async fn until_label(&self, key: &str, label: &str) -> Value {
        self.until(key, |status| status["label"] == label).await
    }

    /// A change of access, carried out.
    async fn change(&self, action: &str, (entitlement, principal): &(String, String)) -> Value {
        let body = json!({"action": action, "entitlement": entitlement, "principal": principal, "yes": true});
        let reply = self.call("POST /api/v1/connection/office/access-change", Some(&body)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }
}

// rule: governance 3.3, 3.4; baton C-6; architecture law 8
#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_the_configuration_is_a_connection_that_syncs_and_changes_access() {
    let (sandbox, program) = (segment::start(options(24)).await, program());
    configure(&program, &connector(&program, &sandbox, RUN), "  nowhere: { file: ./nothing.c1z }\n");
    let server = Server::start(&program, &sandbox).await;

    let status = server.until_label("office", "Connected").await;
    let failed = server.until_label("nowhere", "Error").await;

    assert!(status["lacks"].is_null() && status["last_success_at"].is_string(), "{status}");
    assert!(failed["last_error"].as_str().unwrap().contains("is no file"), "{failed}");
    let truth = sandbox.governance_truth();
    let users = truth.resources.iter().filter(|found| found.key.kind == "user").count();
    let accounts = server.get("connection/office/access/account").await.to_string();
    let user = free(&sandbox).1;
    assert!(accounts.contains(user.trim_start_matches("user:")), "{accounts}");
    let history = server.get("connection/office/sync/history").await.to_string();
    assert!(history.contains("complete"), "{history}");
    let log = server.get("connection/office/sync/log").await.to_string();
    assert!(log.contains(&format!("`user` is complete, {users} resources")), "{log}");
    let (who, before) = (free(&sandbox), writes(&sandbox));
    let granted = server.change("grant", &who).await;
    assert_eq!((&granted["result"], is_held(&sandbox)), (&json!("confirmed"), true), "{granted}");
    let again = server.change("grant", &who).await;
    let revoked = server.change("revoke", &who).await;
    assert_eq!((&again["result"], &revoked["result"]), (&json!("already"), &json!("confirmed")));
    assert_eq!((is_held(&sandbox), writes(&sandbox)), (false, before + 2));
    // Removing is allowed by kind.
    let group = json!({"action": "delete", "resource": "group:x"});
    let refused = server.call("POST /api/v1/connection/office/access-change", Some(&group)).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("may not delete a `group`"), "{}", refused.text);
    let user = json!({"action": "delete", "resource": who.1, "yes": true});
    let removed = server.call("POST /api/v1/connection/office/access-change", Some(&user)).await.json();
    assert_eq!((&removed["result"], writes(&sandbox)), (&json!("confirmed"), before + 3), "{removed}");
    // A pause stops both.
    let paused =
        server.call("POST /api/v1/connection/office/sync/pause", Some(&json!({"reason": "audit"}))).await;
    assert!(paused.status < 300, "{}", paused.text);
    let body = json!({"action": "grant", "entitlement": who.0, "principal": who.1});
    let stopped = server.call("POST /api/v1/connection/office/access-change", Some(&body)).await;
    assert_eq!(stopped.status, 409, "{}", stopped.text);
    let config = server.get("config").await.to_string();
    let ran = server.running.end().expect(0);
    let token = &sandbox.description().tokens.access_token;
    for said in [&ran.stdout, &ran.stderr, &log, &config, &granted.to_string()] {
        assert!(!said.contains(token.as_str()), "{said}");
    }
    assert!(ran.stderr.contains("the program says"), "{}", ran.stderr);
}

// rule: architecture §9; decision 059
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_the_configuration_is_not_changed_over_the_api() {
    let (sandbox, program) = (segment::start(options(12)).await, program());
    configure(&program, &connector(&program, &sandbox, RUN), "");
    let server = Server::start(&program, &sandbox).await;
    server.until_label("office", "Connected").await;
    let own = |key: &str, kind: &str| json!([{"key": key, "name": key, "connection_type": kind, "access": "write"}]);

    for body in [own("office", "saas"), own("office", "baton"), own("other", "baton")] {
        let put = server.call("PATCH /api/v1/connection", Some(&body)).await;
        let failed = put.json()["failed"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert!(failed.contains("own configuration (`baton`)"), "{}", put.text);
    }
    let secret = server.call("PUT /api/v1/connection/office/secret", Some(&json!({"token": "x"}))).await;
    let actions = json!({"enabled_actions": ["access"]});
    let actions = server.call("PUT /api/v1/connection/office/enabled-actions", Some(&actions)).await;
    let removed = server.call("DELETE /api/v1/connection/office", None).await;
    let hosted = server.call("PUT /api/v1/connection/office/self-hosted", None).await;

    assert_eq!((secret.status, actions.status, removed.status, hosted.status), (422, 409, 409, 409));
    assert!(removed.text.contains("take it out of `baton`"), "{}", removed.text);
    assert_eq!(server.call("GET /api/v1/connection/other", None).await.status, 404);
    let shown = server.get("connection/office").await;
    assert_eq!((&shown["connection_type"], &shown["access"]), (&json!("baton"), &json!("write")));
    server.running.end().expect(0);
    // Out of the configuration: switched off, still there, and to be removed.
    program.file("server.yml", "limits: {}\n");
    let server = Server::start(&program, &sandbox).await;
    let status = server.until("office", |status| status["lacks"].is_string()).await;
    assert!(status["lacks"].as_str().unwrap().contains("has no `baton.office`"), "{status}");
    assert_eq!(server.get("connection/office").await["disabled"], true);
    server.get("connection/office/access/account").await;
    let removed = server.call("DELETE /api/v1/connection/office", None).await;
    assert!(removed.status < 300, "{}", removed.text);
    assert_eq!(server.call("GET /api/v1/connection/office", None).await.status, 404);
}

// rule: governance 3.3; architecture laws 8, 10
#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_lacks_is_its_status_and_another_program_is_not_run() {
    let (sandbox, program) = (segment::start(options(12)).await, program());
    let sha256 = connector(&program, &sandbox, &format!("touch \"$SEEN\"\n{RUN}"));
    let unset = "  empty:\n    program: /bin/true\n    sha256: ".to_owned()
        + &"a".repeat(64)
        + "\n    user: nobody-is-called-so\n    secrets: { token: '${NOT_SET_ANYWHERE}' }\n";
    configure(&program, &sha256, &unset);
    // Replaced behind the configuration's back.
    connector(&program, &sandbox, &format!("touch \"$SEEN\"; exit 0\n{RUN}"));

    let server = Server::start(&program, &sandbox).await;
    let failed = server.until_label("office", "Error").await;
    let lacking = server.until_label("empty", "Not connected").await;

    let why = failed["last_error"].as_str().unwrap();
    assert!(why.contains("it was not started") && why.contains(&sha256), "{failed}");
    assert!(!office::seen(&program).exists());
    assert!(lacking["lacks"].as_str().unwrap().contains("NOT_SET_ANYWHERE"), "{lacking}");
    let change = json!({"action": "grant", "entitlement": "role:1:member", "principal": "user:1"});
    let refused = server.call("POST /api/v1/connection/office/access-change", Some(&change)).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let ran = server.running.end().expect(0);
    assert!(!ran.stderr.contains(&sandbox.description().tokens.access_token));
}

// rule: architecture §9
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_connection_is_refused_at_the_start() {
    let (sandbox, program) = (segment::start(options(12)).await, program());
    program.file("server.yml", "limits: {}\n");
    let server = Server::start(&program, &sandbox).await;
    let body = json!([{"key": "office", "name": "office", "connection_type": "postgres", "access": "read"}]);
    let put = server.call("PATCH /api/v1/connection", Some(&body)).await;
    assert_eq!(put.json()["failed"], json!([]), "{}", put.text);
    server.running.end().expect(0);
    configure(&program, &connector(&program, &sandbox, RUN), "");

    let ran = program.run(&["serve", "--listen", "127.0.0.1:0", "--data", "data", "--config", "server.yml"]);

    ran.expect(2).complains(&["`baton.office`", "another kind"]);
}
