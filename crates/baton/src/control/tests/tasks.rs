use std::time::Duration;

use prost_types::Any;
use protos::c1::connector::v2::{AccountInfo, Capability, Entitlement, Grant, Resource};
use protos::c1::connectorapi::baton::v1::task::TaskType;
use serde_json::Value;
use store::{AUDIT_LEASE, BatonTaskId, BatonTaskState};
use tonic::Code;

use super::plane::{Bench, SILENCE, bench, bench_with, pat};
use crate::control::{ConnectorLabel, ControlError};

const WRITES: &[Capability] = &[Capability::Sync, Capability::Provision];

async fn label(bench: &Bench) -> &'static str {
    bench.plane.status(&bench.connector).await.unwrap().label.as_str()
}

async fn grant(bench: &Bench) -> BatonTaskId {
    let entitlement = Entitlement { id: "group:g1:member".to_owned(), ..Entitlement::default() };
    let pair = (entitlement, Resource::default());
    bench.plane.queue_grant(&bench.connector, pair, pat()).await.unwrap().id
}

// rule: baton P-11
// rule: baton P-12
// rule: baton P-23
// rule: baton P-24
// rule: governance CON-16
#[tokio::test]
async fn sync_goes_from_hello_to_its_end_and_its_label_with_it() {
    let bench = bench().await;
    assert_eq!(label(&bench).await, "Not connected");
    let process = bench.process("pod-1").await;
    assert!(process.ask().await.is_none(), "a process may ask before it says hello");
    process.hello(WRITES).await;
    let sync = bench.plane.queue_sync(&bench.connector, pat()).await.unwrap();
    assert_eq!(label(&bench).await, "Syncing");

    let task = process.ask().await.unwrap();
    let Some(TaskType::SyncFull(wanted)) = &task.task_type else { panic!("{task:?}") };
    assert_eq!((task.id.as_str(), wanted.storage_engine.as_str()), (sync.id.as_str(), "sqlite"));
    assert!(process.beat(&task.id).await);
    process.upload(&task.id, &bench.file(20)).await.unwrap();
    process.done(&task.id, None).await.unwrap();
    process.done(&task.id, None).await.unwrap();

    let status = bench.plane.status(&bench.connector).await.unwrap();
    assert_eq!((status.label, status.last_error), (ConnectorLabel::Connected, None));
    assert_eq!(status.connector.display_name.as_deref(), Some("Segment"));
    assert!(status.completed_at.is_some() && status.started_at.is_some());
    assert_eq!(bench.taken().await, 1);
    assert_eq!(bench.plane.instances(&bench.connector).await.unwrap().len(), 1);
    assert_eq!(std::fs::read_dir(bench.folder.path().join("uploads")).unwrap().count(), 0);
}

// rule: baton P-16
// rule: baton P-20
#[tokio::test]
async fn grant_and_revoke_bring_the_connectors_answer() {
    let bench = bench().await;
    let process = bench.process("pod-1").await;
    process.hello(WRITES).await;
    let granted = grant(&bench).await;
    let answer = Any { type_url: "type.googleapis.com/x".to_owned(), value: vec![1] };

    let task = process.ask().await.unwrap();
    assert!(matches!(&task.task_type, Some(TaskType::Grant(_))));
    process.done(&task.id, Some(answer.clone())).await.unwrap();
    let wanted = Grant { id: "group:g1:member:user:u1".to_owned(), ..Grant::default() };
    let revoked = bench.plane.queue_revoke(&bench.connector, wanted, pat()).await.unwrap().id;
    let task = process.ask().await.unwrap();
    assert!(matches!(&task.task_type, Some(TaskType::Revoke(_))));
    process.failed(&task.id, Code::PermissionDenied).await.unwrap();

    let outcome = bench.plane.wait(&granted, Duration::from_secs(1)).await.unwrap().unwrap();
    assert_eq!((outcome.task.state, outcome.response), (BatonTaskState::Done, Some(answer)));
    let outcome = bench.plane.outcome(&revoked).await.unwrap().unwrap();
    assert_eq!((outcome.task.state, outcome.task.code), (BatonTaskState::Failed, Some(7)));
}

// rule: baton P-17
#[tokio::test]
async fn connector_that_does_not_write_is_given_no_change() {
    let bench = bench().await;
    let process = bench.process("pod-1").await;
    process.hello(WRITES).await;
    grant(&bench).await;
    process.hello(&[Capability::Sync]).await;

    assert!(process.ask().await.is_none());

    let pair = (Entitlement::default(), Resource::default());
    let refused = bench.plane.queue_grant(&bench.connector, pair, pat()).await;
    assert!(matches!(refused, Err(ControlError::NotCapable { kind: "grant" })), "{refused:?}");
}

// rule: governance CON-29
#[tokio::test]
async fn change_that_the_application_cannot_take_now_is_tried_again() {
    let bench = bench().await;
    let process = bench.process("pod-1").await;
    process.hello(WRITES).await;
    let id = grant(&bench).await;
    let task = process.ask().await.unwrap();
    process.failed(&task.id, Code::Unavailable).await.unwrap();
    assert!(process.ask().await.is_none());

    bench.clock.advance(Duration::from_secs(30));
    let again = process.ask().await.unwrap();

    assert_eq!(again.id, id.as_str());
    assert_eq!(bench.plane.outcome(&id).await.unwrap().unwrap().task.attempts, 2);
}

async fn account(bench: &Bench) -> BatonTaskId {
    let account = AccountInfo { login: "ana".to_owned(), ..AccountInfo::default() };
    bench.plane.queue_account(&bench.connector, (account, None), pat()).await.unwrap().id
}

/// Who ended each of the tasks, by the audit log.
async fn ended_by(bench: &Bench, tasks: &[BatonTaskId]) -> Vec<String> {
    let store = &bench.plane.inner.store;
    let lease = store.lease_take(AUDIT_LEASE, "test", SILENCE).await.unwrap().unwrap();
    store.audit_sequence_all(&lease, 100).await.unwrap();
    let entries = store.audit_list(0, 1_000).await.unwrap();
    let log: Vec<Value> = entries.iter().map(|entry| serde_json::from_str(&entry.body).unwrap()).collect();
    let ends = tasks.iter().map(|task| {
        let is_end =
            |entry: &&Value| entry["action"] == "baton_task.finished" && entry["object"] == task.as_str();
        log.iter().find(is_end).unwrap()
    });
    ends.map(|end| end["actor"].as_str().unwrap().to_owned()).collect()
}

/// Unlike the grant above, it might be there twice.
// rule: architecture law 3
// rule: baton P-22
#[tokio::test]
async fn account_is_asked_for_once_whatever_its_process_says_or_does_not_say() {
    let bench = bench().await;
    let (one, two) = (bench.process("pod-1").await, bench.process("pod-2").await);
    one.hello(&[Capability::Sync, Capability::AccountProvisioning]).await;
    let (mut ids, mut ends) = (Vec::new(), Vec::new());

    for said in [Some(Code::Unavailable), Some(Code::Cancelled), None] {
        let id = account(&bench).await;
        let task = one.ask().await.unwrap();
        assert_eq!(task.id, id.as_str());
        if let Some(code) = said {
            one.failed(&task.id, code).await.unwrap();
        }
        bench.clock.advance(Duration::from_mins(5));
        assert!(two.ask().await.is_none(), "{said:?}");
        let task = bench.plane.outcome(&id).await.unwrap().unwrap().task;
        ends.push((task.state, task.code));
        assert_eq!((task.attempts, task.holder.as_deref()), (1, Some("pod-1")), "{said:?}");
        // Too late to be heard, and no mistake of the process.
        one.done(id.as_str(), None).await.unwrap();
        ids.push(id);
    }

    let failed = BatonTaskState::Failed;
    assert_eq!(ends, [(failed, Some(14)), (failed, Some(1)), (failed, Some(4))]);
    let said = format!("client:{}", bench.connector);
    assert_eq!(ended_by(&bench, &ids).await, [said.as_str(), said.as_str(), "system"]);
    assert!(bench.lines().await.contains("before you ask for it again"));
}

// rule: governance CON-3
// rule: baton P-22
#[tokio::test]
async fn two_hosts_share_a_connector_and_one_takes_over_from_a_silent_one() {
    let bench = bench().await;
    let (one, two) = (bench.process("pod-1").await, bench.process("pod-2").await);
    one.hello(WRITES).await;
    bench.plane.queue_sync(&bench.connector, pat()).await.unwrap();
    let task = one.ask().await.unwrap().id;
    assert!(one.beat(&task).await);
    assert!(two.ask().await.is_none());
    grant(&bench).await;
    let idle = two.ask().await.expect("another piece of work goes to the idle one").id;
    two.done(&idle, None).await.unwrap();
    assert!(!two.beat(&task).await, "a host that does not have it");

    bench.clock.advance(SILENCE);
    let again = two.ask().await.unwrap();

    assert_eq!(again.id, task);
    assert!(!one.beat(&task).await);
    let late = one.upload(&task, &bench.file(20)).await.unwrap_err();
    assert_eq!(late.code(), Code::FailedPrecondition);
    assert_eq!(one.done(&task, None).await.unwrap_err().code(), Code::FailedPrecondition);
    two.upload(&task, &bench.file(20)).await.unwrap();
    two.done(&task, None).await.unwrap();
    assert_eq!(bench.taken().await, 1);
    let unknown = two.done(&"0".repeat(27), None).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

/// The twin: without a lease two hosts get the same sync, so it is the lease that keeps them apart above.
#[tokio::test]
async fn planted_defect_without_a_lease_two_hosts_get_one_sync() {
    let bench = bench_with(|settings| settings.task_time = Duration::ZERO).await;
    let (one, two) = (bench.process("pod-1").await, bench.process("pod-2").await);
    bench.plane.queue_sync(&bench.connector, pat()).await.unwrap();

    let (first, second) = (one.ask().await.unwrap(), two.ask().await.unwrap());

    assert_eq!(first.id, second.id);
}

// rule: baton P-25
#[tokio::test]
async fn cancelled_task_is_told_with_the_next_heartbeat() {
    let bench = bench().await;
    let process = bench.process("pod-1").await;
    let sync = bench.plane.queue_sync(&bench.connector, pat()).await.unwrap().id;
    let task = process.ask().await.unwrap().id;
    assert!(process.beat(&task).await);

    bench.plane.cancel(&sync, pat()).await.unwrap();

    assert!(!process.beat(&task).await);
    process.failed(&task, Code::Cancelled).await.unwrap();
    let outcome = bench.plane.outcome(&sync).await.unwrap().unwrap();
    assert_eq!(outcome.task.state, BatonTaskState::Cancelled);
}
