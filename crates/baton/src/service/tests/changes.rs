use protos::annotations;
use protos::c1::connector::v2::{
    AccountInfo, CreateAccountResponse, CreateResourceResponse, DeleteResourceResponse,
    GrantManagerServiceGrantResponse, GrantManagerServiceRevokeResponse,
};
use protos::google::rpc::ErrorInfo;
use rstest::rstest;
use tonic::Code;

use super::fake::Gate;
use super::*;
use crate::service::TaskFailure;

fn account(number: usize) -> Task {
    let account_info = Some(AccountInfo::default());
    task(number, TaskType::CreateAccount(task::CreateAccountTask { account_info, ..Default::default() }))
}

fn create(number: usize) -> Task {
    let resource = Some(resource("group", "g9"));
    task(number, TaskType::CreateResource(task::CreateResourceTask { resource }))
}

fn delete(number: usize) -> Task {
    let resource_id = resource("user", "u9").id;
    task(number, TaskType::DeleteResource(task::DeleteResourceTask { resource_id, parent_resource_id: None }))
}

// rule: baton P-16
// rule: baton P-20
// rule: baton T-6
#[tokio::test]
async fn changes_are_made_and_answered_with_what_the_connector_says() {
    let bench = Bench::new().await;
    bench.give([grant(1), revoke(2), account(3), create(4), delete(5)]);

    let mut finished = bench.finish(5).await;

    finished.sort_by(|a, b| a.task_id.cmp(&b.task_id));
    let answers: Vec<Any> = finished.iter().map(|finish| answer(finish).unwrap()).collect();
    assert!(annotations::is::<GrantManagerServiceGrantResponse>(&answers[0]));
    assert!(annotations::is::<GrantManagerServiceRevokeResponse>(&answers[1]));
    assert!(annotations::is::<CreateAccountResponse>(&answers[2]));
    assert!(annotations::is::<CreateResourceResponse>(&answers[3]));
    assert!(annotations::is::<DeleteResourceResponse>(&answers[4]));
    let granted: GrantManagerServiceGrantResponse = annotations::find(&answers).unwrap().unwrap();
    assert_eq!(granted.grants[0].id, "group:g1:member:user:u1");
    assert_eq!(finished[0].host_id, "host-1");
    let mut done = bench.fake.done();
    done.sort();
    let expected = [
        "create account",
        "create resource",
        "delete u9",
        "grant group:g1:member",
        "revoke group:g1:member:user:u1",
    ];
    assert_eq!(done, expected);
    assert!(bench.stub.with(|state| state.beats.is_empty()), "only syncs have a heartbeat (P-23)");
    bench.assert_clean();
}

// rule: baton M-15
// rule: baton P-17
#[rstest]
#[case(grant(1), "grant")]
#[case(revoke(1), "revoke")]
#[case(account(1), "create account")]
#[case(create(1), "create resource")]
#[case(delete(1), "delete resource")]
#[case(task(1, TaskType::RotateCredentials(task::RotateCredentialsTask::default())), "rotate credentials")]
#[case(task(1, TaskType::IssueCredential(task::IssueCredentialTask::default())), "issue credential")]
#[tokio::test]
async fn nothing_is_changed_where_provisioning_is_off(#[case] given: Task, #[case] verb: &str) {
    let mut bench = Bench::new().await;
    bench.provisioning = Permission::Refused;
    bench.give([given]);

    let finished = bench.finish(1).await;

    let (code, message, non_retryable) = failure(&finished[0]);
    assert_eq!((code, non_retryable), (Code::FailedPrecondition as i32, true));
    let expected = format!("desc = error: {verb} failed: provisioning is not enabled\n");
    assert!(message.contains(&expected), "{message}");
    assert!(bench.fake.done().is_empty());
}

// rule: baton M-15
#[tokio::test]
async fn what_makes_no_changes_says_unimplemented() {
    let mut bench = Bench::new().await;
    bench.fake = Arc::new(Fake::new(false));
    bench.give([grant(1)]);

    let (code, _, non_retryable) = failure(&bench.finish(1).await[0]);

    assert_eq!((code, non_retryable), (Code::Unimplemented as i32, true));
}

// rule: baton P-19
// rule: baton V-12
#[tokio::test]
async fn refused_grant_is_told_in_the_form_of_other_runtimes() {
    let bench = Bench::new().await;
    bench.fake.fail(Some(TaskFailure::new(Code::Unknown, "no such group")));
    bench.give([grant(1)]);

    let told = failure(&bench.finish(1).await[0]);

    let message = "rpc error: code = Unknown desc = error: grant failed: no such group\n\
                   task failed and is non-retryable";
    assert_eq!(told, (2, message.to_owned(), true));
}

// rule: baton MSG-11
#[tokio::test]
async fn grant_that_is_declined_on_purpose_carries_its_reason() {
    let bench = Bench::new().await;
    bench.fake.fail(Some(TaskFailure::declined("example", "the last owner stays")));
    bench.give([grant(1)]);

    let finished = bench.finish(1).await;

    let details = &finished[0].status.as_ref().unwrap().details;
    let info: ErrorInfo = annotations::find(details).unwrap().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("grant_cancelled", "example"));
}

// rule: baton P-17
#[rstest]
#[case(Some(TaskType::EventFeed(task::EventFeedTask::default())))]
#[case(Some(TaskType::CreateTicketTask(task::CreateTicketTask::default())))]
#[case(Some(TaskType::ActionListSchemas(task::ActionListSchemasTask::default())))]
#[case(Some(TaskType::CompactSyncs(task::CompactSyncs::default())))]
#[case(Some(TaskType::ListEvents(task::ListEventsTask::default())))]
#[case::of_a_newer_version(None)]
#[tokio::test]
async fn kinds_that_are_not_known_here_may_be_tried_elsewhere(#[case] asked: Option<TaskType>) {
    let bench = Bench::new().await;
    bench.give([Task { id: id(1), task_type: asked, ..Task::default() }]);

    let told = failure(&bench.finish(1).await[0]);

    assert_eq!(told, (2, "unsupported task type".to_owned(), false));
}

// rule: baton P-18
#[rstest]
#[case(TaskType::Grant(task::GrantTask::default()), "entitlement")]
#[case(TaskType::Grant(task::GrantTask { entitlement: Some(entitlement()), ..Default::default() }), "principal")]
#[case(TaskType::Revoke(task::RevokeTask::default()), "grant")]
#[case(TaskType::CreateAccount(task::CreateAccountTask::default()), "account_info")]
#[case(TaskType::CreateResource(task::CreateResourceTask::default()), "resource")]
#[case(TaskType::DeleteResource(task::DeleteResourceTask::default()), "resource_id")]
#[tokio::test]
async fn task_without_a_part_fails_for_good(#[case] asked: TaskType, #[case] part: &str) {
    let bench = Bench::new().await;
    bench.give([task(1, asked)]);

    let (code, message, non_retryable) = failure(&bench.finish(1).await[0]);

    assert_eq!((code, non_retryable), (Code::InvalidArgument as i32, true));
    assert!(message.contains(&format!("`{part}` is missing")), "{message}");
    assert!(bench.fake.done().is_empty());
}

// rule: baton P-22
#[tokio::test]
async fn task_that_is_given_again_while_it_runs_is_not_carried_out_twice() {
    let bench = Bench::new().await;
    bench.fake.set(Gate::Closed);
    bench.stub.with(|state| state.script.give_again = true);
    bench.give([grant(1)]);
    let running = bench.start();
    bench
        .stub
        .until("it is given again", |state| state.calls.iter().filter(|call| **call == "poll").count() > 5)
        .await;

    let asked = bench.stub.with(|state| {
        state.script.give_again = false;
        state.give.clear();
        state.calls.len()
    });
    // What is on its way has come by then.
    bench.stub.until("it asks twice more", |state| state.calls.len() > asked + 2).await;
    bench.fake.set(Gate::Open);
    bench.stub.until_finished(1).await;

    running.stop().await.unwrap();
    assert_eq!(bench.fake.done(), ["grant group:g1:member"]);
    bench.assert_clean();
}

// rule: baton P-21
// rule: baton P-22
#[tokio::test]
async fn end_that_was_lost_is_told_once_and_the_task_runs_again_when_it_is_given_again() {
    let bench = Bench::new().await;
    bench.stub.with(|state| state.script.lose_finish = 1);
    bench.give([grant(1)]);
    let running = bench.start();
    bench.stub.until_finished(1).await;
    bench
        .stub
        .until("it goes on", |state| state.calls.iter().rev().take(3).all(|call| *call == "poll"))
        .await;
    assert_eq!(bench.stub.with(|state| state.finished.len()), 1);

    bench.give([grant(1)]);
    bench.stub.until_finished(2).await;

    running.stop().await.unwrap();
    assert_eq!(bench.fake.done().len(), 2);
    bench.assert_clean();
}

// rule: baton P-21
#[rstest]
#[case::in_order(Gate::Closed)]
#[case::deaf(Gate::Stuck)]
#[tokio::test]
async fn task_that_the_end_of_the_process_cuts_short_is_told_as_cancelled(#[case] gate: Gate) {
    let bench = Bench::new().await;
    bench.fake.set(gate);
    bench.give([grant(1)]);
    let running = bench.start();
    while bench.fake.done().is_empty() {
        tokio::task::yield_now().await;
    }

    running.stop().await.unwrap();

    let finished = bench.stub.with(|state| state.finished.clone());
    assert_eq!(failure(&finished[0]), (1, "the connector is stopping".to_owned(), false));
}

// rule: baton P-19
#[tokio::test]
async fn panic_of_the_connector_ends_its_task_and_no_other() {
    let bench = Bench::new().await;
    bench.fake.panic();
    bench.give([grant(1), task(2, TaskType::EventFeed(task::EventFeedTask::default()))]);

    let mut finished = bench.finish(2).await;

    finished.sort_by(|a, b| a.task_id.cmp(&b.task_id));
    let (code, message, non_retryable) = failure(&finished[0]);
    assert_eq!((code, non_retryable), (Code::Internal as i32, true), "a change may have been sent");
    assert!(!message.contains("planted"), "{message}");
}
