use protos::c1::connector::v2::{Capability, Entitlement, Resource};
use store::{BatonTaskId, BatonTaskState};
use tonic::Code;

use super::plane::{Bench, bench, bench_with, pat};

const WRITES: &[Capability] = &[Capability::Sync, Capability::Provision];

async fn state(bench: &Bench, task: &str) -> BatonTaskState {
    let id = BatonTaskId::parse(task).unwrap();
    bench.plane.outcome(&id).await.unwrap().unwrap().task.state
}

async fn queue_both(bench: &Bench) {
    let entitlement = Entitlement { id: "group:g1:member".to_owned(), ..Entitlement::default() };
    let pair = (entitlement, Resource::default());
    bench.plane.queue_grant(&bench.connector, pair, pat()).await.unwrap();
    bench.plane.queue_sync(&bench.connector, pat()).await.unwrap();
}

// rule: baton C-17: a process that stops in order loses no task
#[tokio::test]
async fn what_a_process_gives_back_is_handed_to_the_next_one_at_once() {
    let bench = bench().await;
    let (first, second) = (bench.process("pod-1").await, bench.process("pod-2").await);
    first.hello(WRITES).await;
    queue_both(&bench).await;
    let tasks = [first.ask().await.unwrap().id, first.ask().await.unwrap().id];

    for task in &tasks {
        first.failed(task, Code::Cancelled).await.unwrap();
    }
    let again = [second.ask().await.unwrap().id, second.ask().await.unwrap().id];

    assert_eq!(again, tasks);
    assert!(first.done(&tasks[0], None).await.is_err(), "it is in other hands");
}

// rule: baton P-25
#[tokio::test]
async fn what_a_person_took_back_is_over_and_what_is_given_back_too_often_has_failed() {
    let bench = bench_with(|settings| settings.most_attempts = 2).await;
    let process = bench.process("pod-1").await;
    process.hello(WRITES).await;
    queue_both(&bench).await;
    let (grant, sync) = (process.ask().await.unwrap().id, process.ask().await.unwrap().id);
    bench.plane.cancel(&BatonTaskId::parse(&sync).unwrap(), pat()).await.unwrap();

    process.failed(&sync, Code::Cancelled).await.unwrap();
    process.failed(&grant, Code::Cancelled).await.unwrap();
    assert_eq!(process.ask().await.unwrap().id, grant);
    process.failed(&grant, Code::Cancelled).await.unwrap();

    assert_eq!(state(&bench, &sync).await, BatonTaskState::Cancelled);
    assert_eq!(state(&bench, &grant).await, BatonTaskState::Failed);
    assert!(process.ask().await.is_none());
}
