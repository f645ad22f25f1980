//! The server as the control plane of connectors that run elsewhere: tokens, calls in gRPC and uploads over its
//! one port, through restarts and on two servers.
#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]

mod process;

use std::time::Duration;

use protos::c1::connector::v2::Capability;
use serde_json::{Value, json};
use tonic::Code;

use self::process::{Caller, Process, file, program};
use crate::program::Program;
use crate::running::Running;
use crate::sweep_database::Place;

/// A server with one registered connector.
struct Server {
    running: Running,
    caller: Caller,
}

impl Server {
    async fn start(program: &Program, more: &[&str]) -> Self {
        let running = Running::start(program, more);
        let caller = Caller::of(&running).await;
        Self { running, caller }
    }

    async fn with_connector(program: &Program, more: &[&str]) -> Self {
        let server = Self::start(program, more).await;
        let connection =
            json!([{"key": "office", "name": "Office", "connection_type": "saas", "access": "read"}]);
        server.caller.ok("PATCH /api/v1/connection", Some(&connection)).await;
        server.caller.ok("PUT /api/v1/connection/office/self-hosted", None).await;
        server
    }

    async fn rotate(&self) -> Value {
        self.caller.ok("POST /api/v1/connection/office/self-hosted/credential", None).await
    }

    async fn process(&self, host: &str) -> Process {
        Process::new(&self.running.url, &self.rotate().await, host)
    }

    async fn status(&self) -> Value {
        self.caller.ok("GET /api/v1/connection/office/self-hosted", None).await
    }

    async fn sync_now(&self) -> Value {
        self.caller.ok("POST /api/v1/connection/office/self-hosted/sync", None).await
    }

    /// A whole sync that brings so many users.
    async fn sync(&self, process: &Process, users: usize) {
        self.sync_now().await;
        let task = process.task().await.unwrap();
        process.upload(&task, &file(users)).await.unwrap();
        process.done(&task).await.unwrap();
    }
}

// rule: baton P-26
// rule: governance CON-19
#[tokio::test(flavor = "multi_thread")]
async fn sync_goes_over_the_servers_port_and_a_broken_or_empty_file_does_not() {
    let program = program();
    let server = Server::with_connector(&program, &[]).await;
    let before = server.status().await;
    let process = server.process("pod-1").await;

    process.hello(&[Capability::Sync]).await;
    server.sync_now().await;
    let task = process.task().await.unwrap();
    let during = server.status().await;
    let wrong = process.upload_as(&task, &file(20), [0; 32]).await.unwrap_err();
    let empty = process.upload(&task, &file(0)).await.unwrap_err();
    process.upload(&task, &file(20)).await.unwrap();
    process.done(&task).await.unwrap();

    assert_eq!(before["label"], "Not connected");
    assert_eq!(during["label"], "Syncing");
    assert_eq!((wrong.code(), empty.code()), (Code::DataLoss, Code::FailedPrecondition));
    assert!(empty.message().contains("empty"), "{}", empty.message());
    let after = server.status().await;
    assert_eq!(
        (after["label"].as_str(), after["status"].as_str()),
        (Some("Connected"), Some("SYNC_STATUS_DONE"))
    );
    assert_eq!((after["host_id"].as_str(), after["display_name"].as_str()), (Some("pod-1"), Some("Office")));
    let log = server.caller.ok("GET /api/v1/connection/office/self-hosted/log", None).await;
    assert!(log.to_string().contains("checksum"), "{log}");
    let left = std::fs::read_dir(program.folder().join("data/uploads")).unwrap().count();
    assert_eq!(left, 0, "no file outlives its call");
    server.running.end().expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_uploads_that_a_kill_left_are_removed_beside_the_calls() {
    let program = program();
    let folder = program.folder().join("data/uploads");
    std::fs::create_dir_all(&folder).unwrap();
    let (left, young) = (folder.join("left.upload"), folder.join("young.upload"));
    for path in [&left, &young] {
        std::fs::write(path, b"rows of people").unwrap();
    }
    let old = std::fs::metadata(&left).unwrap().modified().unwrap() - Duration::from_hours(2);
    std::fs::File::options().write(true).open(&left).unwrap().set_modified(old).unwrap();

    let server = Server::start(&program, &[]).await;
    let removed = async {
        while left.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), removed).await.expect("it is removed");

    assert!(young.exists(), "it may be under way");
    server.running.end().expect(0);
}

// rule: governance CON-24
#[tokio::test(flavor = "multi_thread")]
async fn shrunken_sync_is_held_until_a_person_confirms_it() {
    let program = program();
    let server = Server::with_connector(&program, &[]).await;
    let process = server.process("pod-1").await;
    process.hello(&[Capability::Sync]).await;
    server.sync(&process, 20).await;

    server.sync(&process, 5).await;

    let held = server.status().await;
    assert_eq!((held["label"].as_str(), held["paused_category"].as_str()), (Some("Paused"), Some("anomaly")));
    assert!(process.task().await.is_none(), "a paused connector gets no work");
    let task = server.caller.ok("POST /api/v1/connection/office/self-hosted/confirm", None).await;
    assert_eq!(task["kind"], "sync_full");
    let next = process.task().await.unwrap();
    process.upload(&next, &file(5)).await.unwrap();
    process.done(&next).await.unwrap();
    assert_eq!(server.status().await["label"], "Connected");
}

// rule: governance CON-15
#[tokio::test(flavor = "multi_thread")]
async fn rotated_credentials_overlap_and_a_revoked_one_ends_its_tokens() {
    let program = program();
    let server = Server::with_connector(&program, &[]).await;
    let first = server.process("pod-1").await;
    let second = server.process("pod-2").await;
    first.hello(&[Capability::Sync]).await;
    second.hello(&[Capability::Sync]).await;
    let token = first.token().await.unwrap();

    let listed = server.caller.ok("GET /api/v1/connection/office/self-hosted/credential", None).await;
    let old = listed[1]["id"].as_str().unwrap();
    let revoke = format!("DELETE /api/v1/connection/office/self-hosted/credential/{old}");
    assert_eq!(server.caller.status(&revoke).await, 204);

    let refused = first.ask_with(&token).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(first.token().await, None);
    assert!(second.token().await.is_some());
    let instances = server.caller.ok("GET /api/v1/connection/office/self-hosted/instance", None).await;
    assert_eq!(instances.as_array().unwrap().len(), 2, "several processes of one connector");
}

// rule: baton P-22
#[tokio::test(flavor = "multi_thread")]
async fn task_outlives_a_restart_of_the_server_between_its_hand_out_and_its_end() {
    let program = program();
    let server = Server::with_connector(&program, &[]).await;
    let credential = server.rotate().await;
    let process = Process::new(&server.running.url, &credential, "pod-1");
    process.hello(&[Capability::Sync]).await;
    server.sync_now().await;
    let task = process.task().await.unwrap();
    server.running.end().expect(0);

    let server = Server::start(&program, &[]).await;
    let process = Process::new(&server.running.url, &credential, "pod-1");
    process.upload(&task, &file(20)).await.unwrap();
    process.done(&task).await.unwrap();
    process.done(&task).await.unwrap();

    assert_eq!(server.status().await["label"], "Connected");
}

// rule: baton P-6
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_share_tokens_tasks_and_uploads_and_take_an_assertion_once() {
    let Some(place) = Place::on_server("self_hosted") else { return };
    place.renew().await;
    let program = program();
    let url = place.url();
    let one = Server::with_connector(&program, &["--state", &url]).await;
    let mut command = program.command(&[
        "--format",
        "json",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        "other",
        "--state",
        &url,
    ]);
    let other = Running::of(&mut command);
    let credential = one.rotate().await;
    let here = Process::new(&one.running.url, &credential, "pod-1");
    let there = Process::new(&other.url, &credential, "pod-1");

    here.hello(&[Capability::Sync]).await;
    let token = here.token().await.unwrap();
    one.sync_now().await;
    let asked = there.ask_with(&token).await.unwrap();
    let task = asked.task.map(|task| task.id).filter(|id| !id.is_empty()).unwrap();
    there.upload(&task, &file(20)).await.unwrap();
    here.done(&task).await.unwrap();
    let mut overheard = 0;
    for _ in 0..10 {
        let form = here.form();
        let (first, second) = tokio::join!(here.token_by(form.clone()), there.token_by(form));
        overheard += usize::from(first.is_some() == second.is_some());
    }

    assert_eq!(one.status().await["label"], "Connected");
    assert_eq!(overheard, 0, "one of the two servers gives a token, and the other none");
}
