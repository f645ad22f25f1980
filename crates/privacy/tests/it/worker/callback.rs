//! Applications that bring rows later, by a call of their own.

use std::time::Duration;

use model::Row;
use privacy::callback::{Brought, CallbackError, Callbacks};
use rstest::rstest;
use serde_json::{Value, json};
use store::{PrivacyRequestStatus as Status, RequestStep};

use super::office::Office;
use crate::lifecycle::bench::Backend;
use crate::lifecycle::crm;

const AT_ONCE: &str = "read: {method: GET, path: /letters, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}";
const LATER: &str = "read: {method: GET, path: /letters, query_params: [{name: email, value: <email>}], \
    headers: [{name: x-reply-to, value: <reply_to>}, {name: x-reply-token, value: <reply_to_token>}, {name: x-request, value: <privacy_request_id>}], \
    async_config: {strategy: callback}, param_values: [{name: email, identity: email}]}";

/// An office whose application brings letters later.
async fn office(backend: Backend) -> Option<Office> {
    let file = crm::FILE.replace(AT_ONCE, LATER);
    assert_ne!(file, crm::FILE, "the file has another form by now");
    Office::of(backend.start_with(&file).await?).await
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the rows on the spot")]
fn rows(rows: Value) -> Brought {
    let row = |row: &Value| row.as_object().unwrap().clone();
    let rows: Vec<Row> = rows.as_array().unwrap().iter().map(row).collect();
    Brought { rows, rows_masked: None }
}

fn letter() -> Brought {
    rows(json!([{"id": 21, "address": "1 Canary Road", "email": "ana@example.com"}]))
}

impl Office {
    /// The tokens of the questions that the application was asked, in their order.
    fn tokens(&self) -> Vec<String> {
        let calls = self.bench.crm.saas.calls_to("/letters");
        calls.iter().map(|call| call.header("x-reply-token").unwrap_or_default().to_owned()).collect()
    }

    /// What the application does with the token that it got last.
    async fn call_back(&self, brought: Brought) -> Result<(), CallbackError> {
        let token = self.tokens().pop().unwrap();
        self.call_back_with(&token, brought).await
    }

    async fn call_back_with(&self, token: &str, brought: Brought) -> Result<(), CallbackError> {
        let callbacks = Callbacks::new(self.store.clone());
        let callback = callbacks.find(token).await?;
        callbacks.take(&callback, brought).await
    }
}

// rule: saas-config 23.1
// rule: saas-config 23.5
// rule: saas-config 23.6
// rule: saas-config 23.7
// rule: privacy-requests S-33
// rule: privacy-requests X-22
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_until_the_application_calls_back_and_asks_once(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    let id = office.ask("access").await;

    office.work().await;
    let waits = office.find(&id).await;
    let others = office.bench.crm.saas.calls_to("/notes").len();
    let idle = office.work().await;
    office.call_back(letter()).await.unwrap();
    office.work().await;

    assert_eq!((waits.status, waits.step), (Status::InProcessing, Some(RequestStep::Access)));
    assert_eq!(waits.attention.as_deref(), Some("callback"));
    assert!(waits.work_at.is_some(), "it is looked at when the application is late");
    assert_eq!((idle, others), (0, 1), "nobody works on it meanwhile, and all else was read");
    let asked = office.bench.crm.saas.calls_to("/letters");
    assert_eq!(asked.len(), 1, "sent once");
    assert_eq!(asked[0].header("x-reply-to"), Some("/api/v1/request-task/callback"));
    assert_eq!(asked[0].header("x-request"), Some(id.as_str()));
    let done = office.find(&id).await;
    assert_eq!((done.status, done.attention), (Status::Complete, None));
    let package = office.package(&id);
    assert!(package.contains("1 Canary Road"));
    let log = office.log(&id, Some("crm")).await;
    let statuses: Vec<_> = log.iter().map(|(status, _)| status.as_str()).collect();
    assert_eq!(statuses, ["awaiting_processing", "in_processing", "complete", "complete", "complete"]);
    assert_eq!(log[3].1, "success - retrieved 1 records", "what the answer itself brought is ignored");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_the_request_waits_is_taken_and_nothing_is_sent_again(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    let id = office.ask("access").await;
    let worker = office.worker().await;
    let work = tokio::spawn(async move { worker.work_off().await });
    while office.bench.crm.saas.calls_to("/letters").is_empty() {
        tokio::task::yield_now().await;
    }

    // The worker may be gone before it knows that the application took the question.
    work.abort();
    let _ = work.await;
    office.call_back(letter()).await.unwrap();
    office.work_after_a_crash().await;

    assert_eq!(office.find(&id).await.status, Status::Complete);
    assert_eq!(office.tokens().len(), 1);
    assert!(office.package(&id).contains("1 Canary Road"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_broke_off_is_asked_again_with_the_same_token(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    let id = office.ask("access").await;
    let worker = office.worker().await;
    let work = tokio::spawn(async move { worker.work_off().await });
    while office.bench.crm.saas.calls_to("/letters").is_empty() {
        tokio::task::yield_now().await;
    }
    work.abort();
    let _ = work.await;

    office.work_after_a_crash().await;
    let waits = office.find(&id).await;
    office.call_back(letter()).await.unwrap();
    office.work().await;

    assert_eq!(waits.attention.as_deref(), Some("callback"));
    let tokens = office.tokens();
    assert!(tokens.len() <= 2 && tokens.iter().all(|token| *token == tokens[0]), "{}", tokens.len());
    assert_eq!(office.find(&id).await.status, Status::Complete);
}

// rule: saas-config 23.7
// rule: fides-api 9
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_one_task_and_once(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    let (one, other) = (office.ask("access").await, office.ask("both").await);
    office.work().await;
    let tokens = office.tokens();
    let (id, signature) = tokens[0].split_once('.').unwrap();
    let (other_id, _) = tokens[1].split_once('.').unwrap();

    let made_up = office.call_back_with(&format!("{id}.{}", "0".repeat(64)), letter()).await;
    let exchanged = office.call_back_with(&format!("{other_id}.{signature}"), letter()).await;
    let bare = office.call_back_with(id, letter()).await;
    office.call_back_with(&tokens[0], letter()).await.unwrap();
    let twice = office.call_back_with(&tokens[0], rows(json!([]))).await;
    office.work().await;
    let later = office.call_back_with(&tokens[0], rows(json!([]))).await;

    for refused in [made_up, exchanged, bare] {
        assert!(matches!(refused, Err(CallbackError::Token)), "{refused:?}");
    }
    let task = office.store.callback_of_token(&tokens[0]).await.unwrap().unwrap();
    let text = format!(
        "Callback failed. Cannot queue access task '{}' with request task status 'complete'",
        task.owner
    );
    assert_eq!(twice.unwrap_err().to_string(), text);
    assert!(later.is_err());
    let of_token = |token: &str| token == tokens[0];
    let first = office.bench.crm.saas.calls_to("/letters").into_iter();
    let first = first.filter(|call| of_token(call.header("x-reply-token").unwrap())).count();
    assert_eq!(first, 1);
    let states = [office.find(&one).await.status, office.find(&other).await.status];
    assert!(states.contains(&Status::Complete) && states.contains(&Status::InProcessing), "{states:?}");
}

/// Twin of the test above: whoever takes an answer by its id alone takes one that anybody made up.
#[tokio::test(flavor = "multi_thread")]
async fn planted_defect_an_answer_known_by_its_id_alone_is_taken_from_anybody() {
    let office = office(Backend::Sqlite).await.unwrap();
    office.ask("access").await;
    office.work().await;
    let token = office.tokens().pop().unwrap();
    let callback = office.store.callback_of_token(&token).await.unwrap().unwrap();

    let without_looking_at_the_token = Callbacks::new(office.store.clone()).take(&callback, letter()).await;

    assert!(without_looking_at_the_token.is_ok());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_stopped_takes_nothing_any_more(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    let id = office.ask("access").await;
    office.work().await;
    office.requests.cancel(&id, &privacy::request::By::system(), None).await.unwrap();

    let late = office.call_back(letter()).await;

    let text = late.unwrap_err().to_string();
    assert!(text.ends_with("with privacy request status 'canceled'"), "{text}");
}

// rule: privacy-requests W-7
// rule: fides-api 9
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_never_calls_back_is_an_error_and_tried_again_is_asked_anew(
    #[case] backend: Backend,
) {
    let Some(office) = office(backend).await else { return };
    let id = office.ask("access").await;
    office.work().await;
    office.bench.clock.advance(Duration::from_hours(61));

    let late = office.call_back(letter()).await;
    office.work().await;
    let failed = office.find(&id).await;
    let told = office.log(&id, Some("crm")).await;
    office.requests.retry(&id, &privacy::request::By::system()).await.unwrap();
    office.work().await;
    office.call_back(letter()).await.unwrap();
    office.work().await;

    assert!(matches!(late, Err(CallbackError::Expired)), "{late:?}");
    assert_eq!((failed.status, failed.attention.as_deref()), (Status::Error, Some("incomplete")));
    assert!(
        told.iter().any(|(status, text)| status == "error" && text.contains("nobody called back until")),
        "{told:?}"
    );
    let tokens = office.tokens();
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1]);
    assert_eq!(office.find(&id).await.status, Status::Complete);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_does_not_take_the_question_is_not_waited_for(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    let id = office.ask("access").await;
    for _ in 0..4 {
        office.bench.crm.fail("GET /letters", crm::Fault::Refused);
    }

    office.work().await;
    let token = office.tokens().pop().unwrap();
    let called = office.call_back_with(&token, letter()).await;

    assert_eq!(office.find(&id).await.status, Status::Error);
    assert!(matches!(called, Err(CallbackError::Token)), "{called:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_asked_for_before_the_plan_before_the_writes_and_after_them(
    #[case] backend: Backend,
) {
    let Some(office) = office(backend).await else { return };
    let id = office.ask("erase").await;
    let mut stood = Vec::new();

    for _ in 0..2 {
        office.work().await;
        let request = office.find(&id).await;
        assert_eq!(request.attention.as_deref(), Some("callback"), "{request:?}");
        stood.push((request.step, office.bench.crm.writes().len()));
        office.call_back(letter()).await.unwrap();
    }
    office.work().await;
    let open = office.find(&id).await;
    office.bench.crm.state().end_jobs("FINISHED");
    office.bench.clock.advance(Duration::from_hours(1));
    office.work().await;
    let looks = office.find(&id).await;
    office.call_back(rows(json!([]))).await.unwrap();
    office.work().await;

    assert_eq!(stood, [(Some(RequestStep::Plan), 0), (Some(RequestStep::Erasure), 0)]);
    assert_eq!(open.attention.as_deref(), Some("job_open"));
    assert_eq!(looks.attention.as_deref(), Some("callback"));
    let done = office.find(&id).await;
    assert_eq!(done.status, Status::Complete, "{done:?}");
    assert_eq!(office.tokens().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_is_sealed_and_gone_once_it_is_taken_over() {
    let office = office(Backend::Sqlite).await.unwrap();
    office.ask("access").await;
    office.work().await;
    let token = office.tokens().pop().unwrap();

    office.call_back(letter()).await.unwrap();
    let callback = office.store.callback_of_token(&token).await.unwrap().unwrap();
    let kept = office.store.callback_rows(&callback).await.unwrap().len();
    let shown = format!("{:?} {callback:?}", letter());
    let mut bytes = shown.into_bytes();
    for name in ["state.db", "state.db-wal"] {
        bytes.extend(std::fs::read(office.bench.data_folder().join(name)).unwrap_or_default());
    }
    office.work().await;

    let signature = token.split_once('.').unwrap().1;
    for canary in ["Canary Road", "ana@example.com", signature] {
        assert!(!testkit::holds(&bytes, canary), "{canary}");
    }
    assert_eq!((kept, office.store.callback_rows(&callback).await.unwrap().len()), (1, 0));
}

/// Without a server nobody could take the answer, so nothing is asked.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_request_on_a_server_nothing_is_asked() {
    let office = office(Backend::Sqlite).await.unwrap();

    let plan = crate::lifecycle::bench::plan_with(&office.bench.process().await, "erase", vec![]).await;

    let letters = plan.contents().reads.iter().find(|read| read.address.collection() == "letters");
    assert!(letters.is_some_and(|read| !read.complete));
    assert!(office.bench.crm.saas.calls_to("/letters").is_empty());
}

const TRACKED: &str = r#"          body: '{"email": "<email>"}'
          track:
            id_path: id
            request: {method: GET, path: /erasures/<job_id>, gone: [404]}
            status_path: status
            states: {RUNNING: accepted, FINISHED: erased, FAILED: failed, NOT_SUPPORTED: unsupported}
            destinations: {path: parts, name_path: name, status_path: status, message_path: note}
            interval: 1h
            deadline: 30d
"#;
const CALLED_BACK: &str = r#"          headers: [{name: x-reply-to, value: <reply_to>}]
          body: '{"email": "<email>", "token": "<reply_to_token>"}'
          async_config: {strategy: callback}
"#;

/// An office whose application says later that it deleted the letters.
async fn deleting(backend: Backend) -> Option<Office> {
    let file = crm::FILE.replace(TRACKED, CALLED_BACK);
    assert_ne!(file, crm::FILE, "the file has another form by now");
    Office::of(backend.start_with(&file).await?).await
}

fn masked(count: u64) -> Brought {
    Brought { rows: Vec::new(), rows_masked: Some(count) }
}

impl Office {
    fn sent(&self) -> Vec<testkit::Call> {
        let calls = self.bench.crm.saas.calls_to("/erasures").into_iter();
        calls.filter(|call| call.method.as_str() == "POST").collect()
    }

    /// The token of the only write that is answered later.
    fn token_of_write(&self) -> String {
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "sent once");
        let body = sent.first().unwrap().json().unwrap();
        body.get("token").and_then(Value::as_str).unwrap().to_owned()
    }
}

// rule: saas-config 23.2
// rule: saas-config 23.5
// rule: saas-config 23.7
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_over_once_the_application_calls_back(#[case] backend: Backend) {
    let Some(office) = deleting(backend).await else { return };
    let id = office.ask("erase").await;

    office.work().await;
    let waits = office.find(&id).await;
    let idle = office.work().await;
    let token = office.token_of_write();
    let plan = office.store.plan_find(waits.plan.as_ref().unwrap()).await.unwrap().unwrap();
    office.bench.crm.state().letters.clear();
    office.call_back_with(&token, masked(1)).await.unwrap();
    let twice = office.call_back_with(&token, masked(1)).await;
    office.work().await;

    assert_eq!((waits.status, waits.attention.as_deref()), (Status::InProcessing, Some("job_open")));
    assert_eq!(idle, 0, "nobody asks");
    let plan = String::from_utf8_lossy(plan.body.expose()).into_owned();
    assert!(plan.contains("__secret..reply_to_token__") && !plan.contains(&token));
    assert!(matches!(twice, Err(CallbackError::Task { .. })), "{twice:?}");
    let done = office.find(&id).await;
    assert_eq!(done.status, Status::Complete, "{done:?}");
    assert_eq!(office.token_of_write(), token);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_settled_by_the_call_and_not_sent_again(#[case] backend: Backend) {
    let Some(office) = deleting(backend).await else { return };
    let id = office.ask("erase").await;
    office.bench.crm.fail("POST /erasures", crm::Fault::AppliedUnanswered);

    office.work().await;
    let waits = office.find(&id).await;
    let token = office.token_of_write();
    office.bench.crm.state().letters.clear();
    office.call_back_with(&token, masked(1)).await.unwrap();
    office.work().await;

    assert_eq!((waits.status, waits.attention.as_deref()), (Status::InProcessing, Some("callback")));
    let done = office.find(&id).await;
    assert_eq!(done.status, Status::Complete, "{done:?}");
    assert_eq!(office.token_of_write(), token);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_nobody_calls_back_about_is_left_to_a_person(#[case] backend: Backend) {
    let Some(office) = deleting(backend).await else { return };
    let id = office.ask("erase").await;
    office.work().await;
    office.bench.clock.advance(Duration::from_hours(61));

    office.work().await;
    let late = office.call_back_with(&office.token_of_write(), masked(1)).await;

    let waits = office.find(&id).await;
    assert_eq!((waits.status, waits.attention.as_deref()), (Status::RequiresInput, Some("write_unknown")));
    assert!(matches!(late, Err(CallbackError::Expired)), "{late:?}");
}

/// Without a server nobody could take the answer, so the write is not sent.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_request_on_a_server_a_write_that_is_answered_later_is_not_sent() {
    let office = deleting(Backend::Sqlite).await.unwrap();
    let service = office.bench.process().await;
    let plan = crate::lifecycle::bench::plan_with(&service, "erase", vec![]).await;

    let status = crate::lifecycle::bench::apply(&service, &plan).await.unwrap();

    assert!(office.sent().is_empty());
    assert!(status.operations.iter().any(|one| one.outcome == Some(model::Outcome::Failed)));
}
