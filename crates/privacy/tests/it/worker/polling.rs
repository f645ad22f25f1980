//! Applications that make rows, and erase, by jobs which are asked about (saas-config 23.8 to 23.15).

use std::time::Duration;

use privacy::request::By;
use rstest::rstest;
use serde_json::{Value, json};
use store::{PrivacyRequestStatus as Status, RequestStep};
use testkit::Answer;

use super::office::Office;
use crate::lifecycle::bench::Backend;
use crate::lifecycle::crm;

const AT_ONCE: &str = "read: {method: GET, path: /letters, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}";
const BY_JOB: &str = "read: {method: POST, path: /exports, body: '{\"email\": \"<email>\"}', param_values: [{name: email, identity: email}], \
    correlation_id_path: job.id, async_config: {strategy: polling, configuration: { \
    status_request: {method: GET, path: /exports/<correlation_id>, query_params: [{name: of, value: <email>}], status_path: state, status_completed_value: DONE}, \
    failed_values: [FAILED], empty_values: [NOTHING], deadline: 2d, \
    result_request: {method: GET, path: /exports/<correlation_id>/file, result_path: letters}}}}";
const STATUS: &str = "/exports/exp-1";
const RESULT: &str = "/exports/exp-1/file";

const TRACKED: &str = r"          track:
            id_path: id
            request: {method: GET, path: /erasures/<job_id>, gone: [404]}
            status_path: status
            states: {RUNNING: accepted, FINISHED: erased, FAILED: failed, NOT_SUPPORTED: unsupported}
            destinations: {path: parts, name_path: name, status_path: status, message_path: note}
            interval: 1h
            deadline: 30d
";
const POLLED: &str = "          correlation_id_path: id
          async_config:
            strategy: polling
            configuration:
              status_request: {method: GET, path: /erasures/<correlation_id>, status_path: status, status_completed_value: FINISHED}
              failed_values: [FAILED]
              deadline: 2d
";

/// An office whose application makes letters by a job.
async fn office(backend: Backend) -> Option<Office> {
    office_with(backend, BY_JOB).await
}

async fn office_with(backend: Backend, read: &str) -> Option<Office> {
    let file = crm::FILE.replace(AT_ONCE, read);
    assert_ne!(file, crm::FILE, "the file has another form by now");
    let office = Office::of(backend.start_with(&file).await?).await?;
    let saas = &office.bench.crm.saas;
    saas.on("POST", "/exports").then(Answer::json(200, &json!({"job": {"id": "exp-1"}})));
    saas.on("GET", "/exports/*/file")
        .then(Answer::json(200, &json!({"letters": [{"id": 21, "address": "1 Canary Road"}]})));
    Some(office)
}

/// An office whose application deletes letters by a job that is asked about.
async fn deleting(backend: Backend) -> Option<Office> {
    let file = crm::FILE.replace(TRACKED, POLLED);
    assert_ne!(file, crm::FILE, "the file has another form by now");
    Office::of(backend.start_with(&file).await?).await
}

impl Office {
    /// What jobs are from now on.
    fn says(&self, state: impl Into<Value>) {
        self.answers(Answer::json(200, &json!({"state": state.into()})));
    }

    fn answers(&self, answer: Answer) {
        self.bench.crm.saas.on("GET", "/exports/*").then(answer);
    }

    fn calls(&self, path: &str) -> usize {
        self.bench.crm.saas.calls_to(path).len()
    }

    async fn work_after(&self, wait: Duration) {
        self.bench.clock.advance(wait);
        self.work().await;
    }

    /// Works until the application was asked for `path`, then vanishes as a process does that is killed.
    async fn vanish_at(&self, path: &str) {
        let worker = self.worker().await;
        let work = tokio::spawn(async move { worker.work_off().await });
        while self.calls(path) == 0 {
            tokio::task::yield_now().await;
        }
        work.abort();
        let _ = work.await;
    }

    fn erasures_sent(&self) -> usize {
        let calls = self.bench.crm.saas.calls_to("/erasures").into_iter();
        calls.filter(|call| call.method.as_str() == "POST").count()
    }
}

// rule: saas-config 23.8
// rule: saas-config 23.9
// rule: saas-config 23.10
// rule: saas-config 23.11
// rule: privacy-requests S-34
// rule: privacy-requests X-22
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_started_once_asked_about_while_nobody_works_and_its_rows_fetched(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    office.says("RUNNING");
    let id = office.ask("access").await;

    office.work().await;
    let waits = office.find(&id).await;
    let idle = office.work().await;
    office.work_after(Duration::from_secs(11)).await;
    let looked = office.calls(STATUS);
    office.says("DONE");
    office.work().await;
    let too_early = office.calls(STATUS);
    office.work_after(Duration::from_hours(1)).await;

    assert_eq!((waits.status, waits.step), (Status::InProcessing, Some(RequestStep::Access)));
    assert_eq!(waits.attention.as_deref(), Some("polling"));
    assert!(waits.work_at.is_some_and(|due| due > waits.created_at), "it is due by itself");
    assert_eq!((idle, office.calls("/notes")), (0, 1), "nobody works on it meanwhile, and all else was read");
    assert_eq!((looked, too_early, office.calls(STATUS)), (1, 1, 2), "asked when it is time");
    assert_eq!((office.calls("/exports"), office.calls(RESULT)), (1, 1), "started and fetched once");
    let status = &office.bench.crm.saas.calls_to(STATUS)[0];
    assert!(status.query.contains("ana"), "filled with what it was started with");
    let done = office.find(&id).await;
    assert_eq!((done.status, done.attention), (Status::Complete, None));
    assert!(office.package(&id).contains("1 Canary Road"));
    let log = office.log(&id, Some("crm")).await;
    assert_eq!(log[0].0, "polling", "{log:?}");
    assert_eq!(log.iter().filter(|(status, _)| status == "polling").count(), 1, "told once: {log:?}");
    let run = done.access_run.unwrap();
    assert!(office.store.polling_list(&run).await.unwrap().is_empty());
}

// rule: saas-config 23.14
// rule: saas-config 23.15
// rule: privacy-requests R-12
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_delivered_whole_in_the_row_that_stands_for_it(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    let csv = Answer::status(200).header("content-type", "text/csv; charset=utf-8");
    let csv = csv
        .header("content-disposition", "attachment; filename=\"../letters.csv\"")
        .body("id,address\n21,1 Canary Road\n");
    office.bench.crm.saas.on("GET", "/exports/*/file").then(csv);
    office.says("DONE");
    let id = office.ask("access").await;

    office.work().await;
    office.work_after(Duration::from_secs(11)).await;

    let done = office.find(&id).await;
    assert_eq!(done.status, Status::Complete, "{:?}", office.log(&id, None).await);
    let text = office.package(&id);
    assert!(text.contains("letters.csv") && !text.contains("../letters.csv"));
    assert!(text.contains("base64,aWQsYWRkcmVzcwoyMSwxIENhbmFyeSBSb2FkCg"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_failed_is_an_error_and_tried_again_is_a_new_one(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    office.says("FAILED");
    let id = office.ask("access").await;

    office.work().await;
    office.work_after(Duration::from_secs(11)).await;
    let failed = office.find(&id).await;
    let told = office.log(&id, Some("crm")).await;
    let delivered = office.package_path(&id).exists();
    office.says("DONE");
    office.requests.retry(&id, &By::system()).await.unwrap();
    office.work().await;
    office.work_after(Duration::from_secs(11)).await;

    assert_eq!((failed.status, failed.attention.as_deref()), (Status::Error, Some("incomplete")));
    assert!(
        told.iter().any(|(status, text)| status == "error" && text.contains("ended as `FAILED`")),
        "{told:?}"
    );
    assert!(!delivered, "nothing is delivered as if there were no letters");
    assert_eq!((office.find(&id).await.status, office.calls("/exports")), (Status::Complete, 2));
}

/// The file may say that a state means that there was nothing; only then is it taken for that.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_found_nothing_is_complete_without_rows(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    office.says("NOTHING");
    let id = office.ask("access").await;

    office.work().await;
    office.work_after(Duration::from_secs(11)).await;

    assert_eq!((office.find(&id).await.status, office.calls(RESULT)), (Status::Complete, 0));
    assert!(!office.package(&id).contains("Canary"));
}

// rule: saas-config 23.11
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_not_done_in_time_is_an_error_that_says_so(#[case] backend: Backend) {
    let Some(office) = office(backend).await else { return };
    office.says("RUNNING");
    let id = office.ask("access").await;
    office.work().await;
    office.answers(Answer::status(200).header("content-type", "text/html").body("<h1>hello</h1>"));

    office.work_after(Duration::from_hours(49)).await;

    let failed = office.find(&id).await;
    assert_eq!((failed.status, failed.attention.as_deref()), (Status::Error, Some("incomplete")));
    let told = office.log(&id, Some("crm")).await;
    let says = |text: &str| text.contains("was not done after 2 days") && text.contains("no JSON");
    assert!(told.iter().any(|(status, text)| status == "error" && says(text)), "{told:?}");
    assert!(!office.package_path(&id).exists());
}

/// Twin of the tests above: whoever takes a job that goes on for one that found nothing delivers a package
/// without letters, and these checks see it.
#[tokio::test(flavor = "multi_thread")]
async fn planted_defect_not_yet_taken_for_nothing_there_loses_the_letters() {
    let read = BY_JOB.replace("empty_values: [NOTHING]", "empty_values: [NOTHING, RUNNING]");
    let office = office_with(Backend::Sqlite, &read).await.unwrap();
    office.says("RUNNING");
    let id = office.ask("access").await;
    office.work().await;

    office.work_after(Duration::from_secs(11)).await;

    assert_eq!(office.find(&id).await.status, Status::Complete);
    assert!(!office.package(&id).contains("1 Canary Road"), "the letters are missing without a word");
}

#[rstest]
#[case::html(Answer::status(200).header("content-type", "text/html").body("DONE"))]
#[case::broken(Answer::status(200).header("content-type", "application/json").body("{\"state\": \"DO"))]
#[case::without_state(Answer::json(200, &json!({"status": "DONE"})))]
#[case::null(Answer::json(200, &json!({"state": null})))]
#[case::another_type(Answer::json(200, &json!({"state": {"is": "DONE"}})))]
#[case::no_content(Answer::status(204))]
#[case::unknown_word(Answer::json(200, &json!({"state": "DONE-ISH"})))]
#[case::fault(Answer::status(503))]
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_names_no_end_is_no_end_and_the_job_is_asked_about_again(#[case] answer: Answer) {
    let office = office(Backend::Sqlite).await.unwrap();
    office.answers(answer);
    let id = office.ask("access").await;
    office.work().await;

    office.work_after(Duration::from_secs(11)).await;
    let waits = office.find(&id).await;
    office.says(json!(["DONE", "RUNNING"]));
    office.work_after(Duration::from_hours(1)).await;

    assert_eq!((waits.status, waits.attention.as_deref()), (Status::InProcessing, Some("polling")));
    assert_eq!(office.find(&id).await.status, Status::Complete, "the first of a list counts");
    assert_eq!(office.calls("/exports"), 1);
}

#[rstest]
#[case::gone(Answer::status(404), "failed with status code 404")]
#[case::refused(Answer::status(403), "failed with status code 403")]
#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_does_not_know_the_job_is_not_asked_for_days(
    #[case] answer: Answer,
    #[case] said: &str,
) {
    let office = office(Backend::Sqlite).await.unwrap();
    office.answers(answer);
    let id = office.ask("access").await;
    office.work().await;

    office.work_after(Duration::from_secs(11)).await;

    assert_eq!(office.find(&id).await.status, Status::Error);
    let told = office.log(&id, Some("crm")).await;
    assert!(told.iter().any(|(_, text)| text.contains(said)), "{told:?}");
}

#[rstest]
#[case::no_id(json!({"job": {}}))]
#[case::no_object(json!([]))]
#[case::null(json!({"job": {"id": null}}))]
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_names_no_job_is_an_error_and_starts_no_second_one(#[case] answer: Value) {
    let office = office(Backend::Sqlite).await.unwrap();
    office.bench.crm.saas.on("POST", "/exports").then(Answer::json(200, &answer));
    let id = office.ask("access").await;

    office.work().await;

    assert_eq!((office.find(&id).await.status, office.calls("/exports")), (Status::Error, 1));
    assert!(!office.package_path(&id).exists());
}

#[rstest]
#[case::start(STATUS, "RUNNING")]
#[case::result(RESULT, "DONE")]
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_on_the_way_leaves_the_same_job_to_the_next(
    #[case] at: &str,
    #[case] state: &str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(office) = office(backend).await else { return };
    office.says(state);
    let id = office.ask("access").await;
    office.work().await;
    office.bench.clock.advance(Duration::from_secs(11));

    office.vanish_at(at).await;
    office.says("DONE");
    office.work_after_a_crash().await;
    office.work_after(Duration::from_hours(1)).await;

    assert_eq!(office.find(&id).await.status, Status::Complete);
    assert_eq!(office.calls("/exports"), 1, "started once");
    assert!(office.package(&id).contains("1 Canary Road"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_several_jobs_one_that_fails_makes_the_reading_fail(#[case] backend: Backend) {
    let read =
        BY_JOB.replace("\"email\": \"<email>\"", "\"note\": <note>").replace("<email>", "<note>").replace(
            "[{name: email, identity: email}]",
            "[{name: note, references: [{dataset: crm, field: notes.id, direction: from}]}]",
        );
    let Some(office) = office_with(backend, &read).await else { return };
    let saas = &office.bench.crm.saas;
    saas.on("POST", "/exports").with(|call| {
        let note = call.json().unwrap()["note"].clone();
        Answer::json(200, &json!({"job": {"id": note}}))
    });
    saas.on("GET", "/exports/11").then(Answer::json(200, &json!({"state": "RUNNING"})));
    saas.on("GET", "/exports/12").then(Answer::json(200, &json!({"state": "FAILED"})));
    let id = office.ask("access").await;

    office.work().await;
    let run = office.find(&id).await.access_run.unwrap();
    let open = office.store.polling_list(&run).await.unwrap().len();
    office.work_after(Duration::from_secs(11)).await;

    assert_eq!((open, office.calls("/exports")), (2, 2));
    assert_eq!(office.find(&id).await.status, Status::Error);
    assert!(office.store.polling_list(&run).await.unwrap().is_empty(), "nobody waits for the other one");
    assert!(!office.package_path(&id).exists());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_read_by_a_job_before_the_plan_before_the_writes_and_after_them(
    #[case] backend: Backend,
) {
    let Some(office) = office(backend).await else { return };
    office.says("DONE");
    let id = office.ask("erase").await;
    let mut stood = Vec::new();

    for _ in 0..2 {
        office.work().await;
        let request = office.find(&id).await;
        assert_eq!(request.attention.as_deref(), Some("polling"), "{request:?}");
        stood.push((request.step, office.bench.crm.state().effects.len()));
        office.bench.clock.advance(Duration::from_secs(11));
    }
    office.work().await;
    let open = office.find(&id).await;
    office.bench.crm.state().end_jobs("FINISHED");
    office.bench.crm.saas.on("GET", "/exports/*/file").then(Answer::json(200, &json!({"letters": []})));
    office.work_after(Duration::from_hours(1)).await;
    let looks = office.find(&id).await;
    office.work_after(Duration::from_secs(11)).await;

    assert_eq!(stood, [(Some(RequestStep::Plan), 0), (Some(RequestStep::Erasure), 0)]);
    assert_eq!(open.attention.as_deref(), Some("job_open"));
    assert_eq!(looks.attention.as_deref(), Some("polling"));
    let done = office.find(&id).await;
    assert_eq!(done.status, Status::Complete, "{done:?}");
    assert_eq!(office.calls("/exports"), 3);
}

// rule: saas-config 23.12
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_over_once_its_job_is_done_and_was_sent_once(#[case] backend: Backend) {
    let Some(office) = deleting(backend).await else { return };
    let id = office.ask("erase").await;

    office.work().await;
    let waits = office.find(&id).await;
    let idle = office.work().await;
    office.bench.crm.state().end_jobs("FINISHED");
    office.work_after(Duration::from_secs(11)).await;

    assert_eq!((waits.status, waits.attention.as_deref()), (Status::InProcessing, Some("job_open")));
    assert_eq!(idle, 0);
    let done = office.find(&id).await;
    assert_eq!(done.status, Status::Complete, "{done:?}");
    assert_eq!(office.erasures_sent(), 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_job_fails_is_an_error_and_not_sent_again(#[case] backend: Backend) {
    let Some(office) = deleting(backend).await else { return };
    let id = office.ask("erase").await;
    office.work().await;
    office.bench.crm.state().end_jobs("FAILED");

    office.work_after(Duration::from_secs(11)).await;

    let failed = office.find(&id).await;
    assert_eq!((failed.status, failed.attention.as_deref()), (Status::Error, Some("write_failed")));
    assert_eq!(office.erasures_sent(), 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_job_is_not_done_in_time_is_left_to_a_person(#[case] backend: Backend) {
    let Some(office) = deleting(backend).await else { return };
    let id = office.ask("erase").await;
    office.work().await;

    office.work_after(Duration::from_hours(49)).await;

    let waits = office.find(&id).await;
    assert_eq!((waits.status, waits.attention.as_deref()), (Status::RequiresInput, Some("write_unknown")));
    assert_eq!(office.erasures_sent(), 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_worker_is_killed_is_not_sent_again(#[case] backend: Backend) {
    let Some(office) = deleting(backend).await else { return };
    let id = office.ask("erase").await;
    office.bench.crm.fail("POST /erasures", crm::Fault::AppliedUnanswered);

    office.vanish_at("/erasures").await;
    office.work_after_a_crash().await;
    office.work_after(Duration::from_secs(11)).await;

    let waits = office.find(&id).await;
    assert_eq!((waits.status, waits.attention.as_deref()), (Status::RequiresInput, Some("write_unknown")));
    assert_eq!(office.erasures_sent(), 1, "nobody knows whether a job was started: it is not started again");
}
