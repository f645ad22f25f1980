use std::time::Duration;

use crypto::{MasterKey, Secret};
use model::{ConnectionKey, Outcome, PrivacyRequestId};
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, AttachmentLimits, AttachmentOwner, ClarificationChange, LoginId, ManualAction, ManualTask,
    ManualTaskEnd, ManualTaskFilter, ManualTaskState, NewManualAttachment, NewManualTask, NewRequestLog,
    PrivacyRequestStatus, RequestLease, RequestStep, StoreError, Window,
};

use crate::bench::{Backend, Bench, CANARY, open, ring};

const LEASE: Duration = Duration::from_mins(1);
const LIMITS: AttachmentLimits = AttachmentLimits { files: 2, bytes: 100 };

fn key(text: &str) -> ConnectionKey {
    text.parse().unwrap()
}

fn log() -> NewRequestLog {
    NewRequestLog::of_work("desk", "complete", "answered")
}

fn task(connection: &str, state: ManualTaskState) -> NewManualTask {
    NewManualTask {
        connection: key(connection),
        connection_type: "manual_task".to_owned(),
        action: ManualAction::Access,
        document: json!({"fields": []}),
        assigned: vec![LoginId::parse("fid_pat").unwrap()],
        state,
        note: None,
        outcome: None,
    }
}

/// A request that a worker holds, with two open tasks and one that is skipped.
async fn asked(bench: &Bench) -> (PrivacyRequestId, RequestLease, Vec<ManualTask>) {
    let id = bench.request(PrivacyRequestStatus::Approved).await;
    let store = &bench.store;
    let request = store.get_privacy_request(&id).await.unwrap();
    let mut change = store::PrivacyRequestChange::of(&request);
    change.request.work_at = Some(store.clock().now());
    store.privacy_request_change(change, Actor::system(), "privacy_request.test").await.unwrap();
    let claimed = store.privacy_request_claim("w", LEASE).await.unwrap().unwrap();
    let tasks = [
        task("desk", ManualTaskState::Open),
        task("archive", ManualTaskState::Open),
        task("attic", ManualTaskState::Skipped),
    ];
    store.manual_task_create(&claimed.lease, &tasks, (Vec::new(), Vec::new())).await.unwrap();
    let tasks = store.manual_task_list_of(&id).await.unwrap();
    (id, claimed.lease, tasks)
}

/// The worker lets go of the request, which waits for people.
async fn waits(bench: &Bench, lease: &RequestLease) {
    let edit = |change: &mut store::PrivacyRequestChange| {
        change.request.status = PrivacyRequestStatus::RequiresInput;
        change.request.attention = Some("manual_task".to_owned());
        change.request.work_at = None;
        change.claim = store::ClaimEnd::End;
    };
    let by = (Actor::system(), "privacy_request.waits");
    bench.store.privacy_request_change_held(lease, by, edit).await.unwrap();
}

async fn end(bench: &Bench, task: &ManualTask) -> Result<store::PrivacyRequest, StoreError> {
    let end = ManualTaskEnd {
        id: &task.id,
        state: ManualTaskState::Complete,
        note: Some("answered".to_owned()),
        outcome: Some(Outcome::Erased),
        answer: Some(Secret::new(CANARY.as_bytes().to_vec())),
        log: log(),
        by: Some("fid_pat".to_owned()),
    };
    bench.store.manual_task_end(end, Actor::person("pat")).await
}

fn named<'a>(tasks: &'a [ManualTask], connection: &str) -> &'a ManualTask {
    tasks.iter().find(|task| task.connection.as_str() == connection).unwrap()
}

// rule: privacy-requests W-17
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn tasks_are_made_once_for_each_connection_and_action(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (id, lease, before) = asked(&bench).await;

    let mut other = task("desk", ManualTaskState::Open);
    other.document = json!({"fields": ["changed"]});
    bench.store.manual_task_create(&lease, &[other], (Vec::new(), Vec::new())).await.unwrap();

    let tasks = bench.again().await.manual_task_list_of(&id).await.unwrap();
    assert_eq!(tasks, before);
    assert_eq!(tasks.len(), 3);
    let one = ManualTaskFilter {
        state: Some(ManualTaskState::Open),
        assignee: LoginId::parse("fid_pat"),
        action: Some(ManualAction::Access),
        connection: Some(key("desk")),
        request: Some(id),
    };
    let nobody = ManualTaskFilter { assignee: LoginId::parse("fid_bo"), ..ManualTaskFilter::default() };
    assert_eq!(bench.store.manual_task_list(&one, Window::ALL).await.unwrap().total, 1);
    assert_eq!(bench.store.manual_task_list(&nobody, Window::ALL).await.unwrap().total, 0);
}

// rule: privacy-requests W-18
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_last_answer_puts_the_request_in_line_again(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (_, lease, tasks) = asked(&bench).await;
    waits(&bench, &lease).await;

    let first = end(&bench, named(&tasks, "desk")).await.unwrap();
    let twice = end(&bench, named(&tasks, "desk")).await;
    let last = end(&bench, named(&tasks, "archive")).await.unwrap();

    assert_eq!((first.status, first.work_at), (PrivacyRequestStatus::RequiresInput, None));
    assert!(matches!(twice, Err(StoreError::Conflict { what: "manual task", .. })), "{twice:?}");
    assert_eq!((last.status, last.attention), (PrivacyRequestStatus::InProcessing, None));
    assert!(last.work_at.is_some());
    let kept = bench.again().await.manual_task_find(&named(&tasks, "desk").id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.outcome), (ManualTaskState::Complete, Some(Outcome::Erased)));
    assert_eq!(kept.ended_by.as_deref(), Some("fid_pat"));
    let answer = bench.store.manual_task_answer(&kept.id).await.unwrap().unwrap();
    assert_eq!(answer.expose(), CANARY.as_bytes());
    let file = std::fs::read(bench.folder.path().join("state of tutela.db")).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&file).contains(CANARY));
}

// rule: privacy-requests W-18
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_worker_that_waits_after_the_last_answer_leaves_the_request_in_line(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (id, lease, tasks) = asked(&bench).await;
    end(&bench, named(&tasks, "desk")).await.unwrap();
    end(&bench, named(&tasks, "archive")).await.unwrap();

    // It looked for open tasks before they were ended.
    waits(&bench, &lease).await;

    let request = bench.store.get_privacy_request(&id).await.unwrap();
    assert_eq!((request.status, request.attention), (PrivacyRequestStatus::InProcessing, None));
    assert_eq!(request.work_at, Some(bench.store.clock().now()));
    assert!(bench.store.privacy_request_claim("other", LEASE).await.unwrap().is_some());
}

/// A twin of the above: what waits for something else is not woken by an answer.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_answer_wakes_no_request_that_waits_for_something_else(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (_, lease, tasks) = asked(&bench).await;
    let edit = |change: &mut store::PrivacyRequestChange| {
        change.request.status = PrivacyRequestStatus::RequiresInput;
        change.request.attention = Some("plan_approval".to_owned());
        change.request.work_at = None;
        change.claim = store::ClaimEnd::End;
    };
    let by = (Actor::system(), "privacy_request.waits");
    bench.store.privacy_request_change_held(&lease, by, edit).await.unwrap();

    end(&bench, named(&tasks, "desk")).await.unwrap();
    let last = end(&bench, named(&tasks, "archive")).await.unwrap();

    assert_eq!((last.status, last.work_at), (PrivacyRequestStatus::RequiresInput, None));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn files_are_taken_within_limits_while_their_task_is_open_and_go_with_the_person(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let (id, _, tasks) = asked(&bench).await;
    let (desk, archive) = (named(&tasks, "desk").clone(), named(&tasks, "archive").clone());
    let owner = AttachmentOwner::Task(desk.id.clone());
    let put = async |owner: &AttachmentOwner, bytes: usize| {
        let contents = Secret::new(CANARY.as_bytes().iter().copied().cycle().take(bytes).collect());
        let new = NewManualAttachment {
            request: &id,
            owner,
            field: "letter",
            name: CANARY,
            content_type: "text/plain",
            contents: &contents,
            actor: Actor::person("pat"),
        };
        bench.store.manual_attachment_put(new, LIMITS).await
    };

    let kept = put(&owner, 60).await.unwrap();
    let too_long = put(&owner, 41).await;
    let gone = put(&owner, 1).await.unwrap();
    let full = put(&owner, 1).await;
    let place = (&id, &owner, gone.id.as_str());
    let removed = bench.store.manual_attachment_remove(place, Actor::person("pat")).await.unwrap();
    end(&bench, &desk).await.unwrap();
    let late = put(&owner, 1).await;
    let elsewhere = AttachmentOwner::Task(archive.id);

    assert!(matches!(too_long, Err(StoreError::Conflict { what: "attachments", .. })), "{too_long:?}");
    assert!(matches!(full, Err(StoreError::Conflict { what: "attachments", .. })), "{full:?}");
    assert!(removed);
    assert!(matches!(late, Err(StoreError::Conflict { what: "manual task", .. })), "{late:?}");
    put(&elsewhere, 1).await.unwrap();
    let store = bench.again().await;
    assert_eq!(store.manual_attachment_list(&id).await.unwrap().len(), 2);
    let contents = store.manual_attachment_open(&id, &kept.id).await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.bytes, contents.expose().len()), (CANARY, 60, 60));
    let file = std::fs::read(bench.folder.path().join("state of tutela.db")).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&file).contains(CANARY));
    assert!(store.privacy_request_forget(&id, Actor::system()).await.unwrap());
    assert!(store.manual_attachment_list(&id).await.unwrap().is_empty());
    assert!(store.manual_task_answer(&desk.id).await.unwrap().is_none());
}

// rule: privacy-requests W-14
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn files_for_a_form_are_taken_until_the_package_is_delivered(
    #[case] backend: Backend,
    #[values((None, true), (Some(RequestStep::UploadAccess), true), (Some(RequestStep::Plan), false))] of: (
        Option<RequestStep>,
        bool,
    ),
) {
    let Some(bench) = backend.start().await else { return };
    let (step, is_taken) = of;
    let id = bench.request(PrivacyRequestStatus::RequiresInput).await;
    let request = bench.store.get_privacy_request(&id).await.unwrap();
    let mut change = store::PrivacyRequestChange::of(&request);
    change.request.step = step;
    bench.store.privacy_request_change(change, Actor::system(), "privacy_request.test").await.unwrap();
    let contents = Secret::new(b"file".to_vec());
    let new = NewManualAttachment {
        request: &id,
        owner: &AttachmentOwner::Form(key("desk")),
        field: "letter",
        name: "letter.txt",
        content_type: "text/plain",
        contents: &contents,
        actor: Actor::person("pat"),
    };

    let put = bench.store.manual_attachment_put(new, LIMITS).await;

    match put {
        Ok(_) => assert!(is_taken),
        Err(StoreError::Conflict { what: "privacy request", .. }) => assert!(!is_taken),
        Err(error) => panic!("{error}"),
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_person_is_asked_one_question_at_a_time(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let id = bench.request(PrivacyRequestStatus::Pending).await;
    let text = Secret::new(CANARY.to_owned());
    let change = |due_at| ClarificationChange { due_at, logs: vec![log()], messages: Vec::new() };
    let now = bench.store.clock().now();
    let (ask, answer) = (
        async || {
            let asked = (&text, change(None), "fid_pat");
            bench.store.clarification_ask(&id, asked, Actor::person("pat")).await
        },
        async || {
            let said = (&text, change(Some(now)), "fid_pat");
            bench.store.clarification_answer(&id, said, Actor::person("pat")).await
        },
    );

    let unasked = answer().await;
    let paused = ask().await.unwrap();
    let twice = ask().await;
    let going_on = answer().await.unwrap();

    assert!(matches!(unasked, Err(StoreError::NotFound { .. })), "{unasked:?}");
    assert!(matches!(twice, Err(StoreError::Conflict { what: "clarification", .. })), "{twice:?}");
    assert_eq!((paused.due_at, going_on.due_at), (None, Some(now)));
    let kept = bench.again().await.clarification_list(&id).await.unwrap();
    let said = kept[0].answer.as_ref().map(|answer| answer.expose().as_str());
    assert_eq!((kept.len(), said, kept[0].question.expose().as_str()), (1, Some(CANARY), CANARY));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_people_brought_is_read_under_a_new_master_key(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (id, _, tasks) = asked(&bench).await;
    let desk = named(&tasks, "desk").clone();
    let (contents, text) = (Secret::new(b"file".to_vec()), Secret::new("text".to_owned()));
    let new = NewManualAttachment {
        request: &id,
        owner: &AttachmentOwner::Task(desk.id.clone()),
        field: "letter",
        name: "letter.txt",
        content_type: "text/plain",
        contents: &contents,
        actor: Actor::system(),
    };
    let file = bench.store.manual_attachment_put(new, LIMITS).await.unwrap();
    end(&bench, &desk).await.unwrap();
    let change = ClarificationChange { due_at: None, logs: Vec::new(), messages: Vec::new() };
    bench.store.clarification_ask(&id, (&text, change, "pat"), Actor::system()).await.unwrap();
    let new_key = MasterKey::random().to_base64();
    let both = ring(&new_key).with_older(MasterKey::from_base64(bench.key.expose()).unwrap());

    open(&bench.place, both, &bench.clock).await.unwrap().keys_reseal(Actor::system()).await.unwrap();

    let later = open(&bench.place, ring(&new_key), &bench.clock).await.unwrap();
    let opened = later.manual_attachment_open(&id, &file.id).await.unwrap().unwrap();
    assert_eq!(opened.expose(), contents.expose());
    assert_eq!(later.manual_attachment_list(&id).await.unwrap()[0].name, "letter.txt");
    assert!(later.manual_task_answer(&desk.id).await.unwrap().is_some());
    assert_eq!(later.clarification_list(&id).await.unwrap()[0].question.expose(), text.expose());
}
