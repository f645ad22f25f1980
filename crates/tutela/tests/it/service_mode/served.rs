//! A real server as the control plane.

use std::time::{Duration, Instant};

use sandbox::governance::TruthGrant;
use serde_json::{Value, json};

use crate::program::Program;
use crate::running::{Running, call, root_token};

const SECRET: &str = "canary-root-secret";
/// Stands in client ids.
pub(super) const HOST: &str = "tutela.example.test";
/// Longest wait for one task.
const LIMIT: Duration = Duration::from_secs(90);

pub(super) struct Served {
    program: Program,
    running: Running,
    token: String,
}

impl Served {
    /// Tokens live for five seconds, hearts beat each second, and who is silent for two seconds loses its task.
    pub(super) async fn start() -> Self {
        let program = Program::new()
            .with_environment("TUTELA_CLIENT_ID", "setup")
            .with_environment("TUTELA_CLIENT_SECRET", SECRET)
            .with_environment("TUTELA_SECURITY_REQUEST_RATE_LIMIT", "100000/minute")
            .with_environment("TUTELA_SELF_HOSTED_HOST", HOST)
            .with_environment("TUTELA_SELF_HOSTED_TOKEN_LIFE", "5s")
            .with_environment("TUTELA_SELF_HOSTED_POLL", "1s")
            .with_environment("TUTELA_SELF_HOSTED_HEARTBEAT", "1s")
            .with_environment("TUTELA_SELF_HOSTED_LEASE", "2s")
            .with_environment("TUTELA_SELF_HOSTED_TASK_TIME", "3s")
            .with_environment("TUTELA_SELF_HOSTED_ATTEMPTS", "20");
        let running = Running::start(&program, &[]);
        let token = root_token(&running, SECRET).await;
        let served = Self { program, running, token };
        let connection =
            json!([{"key": "office", "name": "Office", "connection_type": "saas", "access": "write"}]);
        served.ok("PATCH /api/v1/connection", Some(&connection)).await;
        served.of_connector("PUT", "", None).await;
        served
    }

    async fn ok(&self, line: &str, body: Option<&Value>) -> Value {
        let reply = call(&self.running, line, Some(&self.token), body).await;
        assert!((200..300).contains(&reply.status), "{line}: {} {}", reply.status, reply.text);
        reply.json()
    }

    pub(super) async fn of_connector(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.ok(&format!("{method} /api/v1/connection/office/self-hosted{path}"), body).await
    }

    /// Where it is, and a client id and secret.
    pub(super) async fn rotate(&self) -> (String, String, String) {
        let fresh = self.of_connector("POST", "/credential", None).await;
        let text = |name: &str| fresh[name].as_str().unwrap().to_owned();
        (self.running.url.clone(), text("client_id"), text("client_secret"))
    }

    /// Waits until the connector has said hello.
    pub(super) async fn greeted(&self) {
        let begun = Instant::now();
        while self.of_connector("GET", "", None).await["version"].is_null() {
            assert!(begun.elapsed() < LIMIT, "no hello came");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(super) async fn queue_sync(&self) -> String {
        id(&self.of_connector("POST", "/sync", None).await)
    }

    pub(super) async fn queue(&self, kind: &str, grant: &TruthGrant) -> String {
        let mut on = grant.entitlement.splitn(3, ':');
        let body = json!({
            "kind": kind,
            "entitlement": &*grant.entitlement,
            "resource": {"type": on.next(), "id": on.next()},
            "principal": {"type": grant.principal.kind, "id": &*grant.principal.id},
        });
        id(&self.of_connector("POST", "/task", Some(&body)).await)
    }

    /// The task when it is over.
    pub(super) async fn over(&self, task: &str) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.of_connector("GET", &format!("/task/{task}?wait_s=10"), None).await;
            match found["state"].as_str() {
                Some("queued" | "leased") if begun.elapsed() < LIMIT => {}
                _ => return found,
            }
        }
    }

    /// Ends it; nothing of it is lost with it.
    pub(super) fn end(self) {
        self.running.end().expect(0);
        drop(self.program);
    }
}

fn id(task: &Value) -> String {
    task["id"].as_str().unwrap().to_owned()
}
