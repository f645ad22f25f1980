use std::time::Duration;

use privacy::ResolveDecision;
use privacy::request::By;
use rstest::rstest;
use store::{Actor, MessageFilter, MessageKind, PrivacyRequestStatus as Status, RequestStep, Window};

use super::office::Office;
use crate::lifecycle::bench::Backend;
use crate::lifecycle::crm::{self, Fault};

/// Every write about Ana, once.
const WRITES: [&str; 4] = ["DELETE /notes/11", "DELETE /notes/12", "POST /erasures", "PUT /contacts/1"];

pub(super) fn sorted(mut writes: Vec<String>) -> Vec<String> {
    writes.sort();
    writes
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_runs_to_its_end_and_nobody_is_held_while_a_job_goes_on(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("erase").await;

    let first = office.work().await;
    let waiting = office.find(&id).await;
    let idle = office.work().await;
    office.bench.crm.state().end_jobs("FINISHED");
    office.bench.clock.advance(Duration::from_hours(1));
    let second = office.work().await;

    let request = office.find(&id).await;
    assert_eq!((first, idle, second), (1, 0, 1));
    assert_eq!((waiting.status, waiting.step), (Status::InProcessing, Some(RequestStep::Erasure)));
    assert_eq!(waiting.attention.as_deref(), Some("job_open"));
    assert!(waiting.work_at.is_some());
    assert_eq!((request.status, request.attention), (Status::Complete, None));
    assert_eq!(sorted(office.bench.crm.writes()), WRITES);
    let certificate = office.store.certificate_find(request.change_run.as_ref().unwrap()).await.unwrap();
    assert!(certificate.unwrap().is_proven);
    assert_eq!(
        office.bench.shop_rows("SELECT name FROM customers WHERE id = 7").await,
        [None],
        "the company's own database, too"
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_write_is_an_error_and_only_it_is_sent_again(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("erase").await;
    office.bench.crm.fail("PUT /contacts/1", Fault::Refused);

    office.work().await;
    let failed = office.find(&id).await;
    office.requests.retry(&id, &By::system()).await.unwrap();
    office.work().await;
    office.bench.crm.state().end_jobs("FINISHED");
    office.bench.clock.advance(Duration::from_hours(1));
    office.work().await;

    assert_eq!((failed.status, failed.step), (Status::Error, Some(RequestStep::Erasure)));
    assert_eq!(failed.attention.as_deref(), Some("write_failed"));
    assert_eq!(office.find(&id).await.status, Status::Complete);
    let mut expected: Vec<String> = WRITES.map(str::to_owned).to_vec();
    expected.push("PUT /contacts/1".to_owned());
    assert_eq!(sorted(office.bench.crm.writes()), sorted(expected));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_unknown_end_waits_for_a_person_and_is_not_sent_again(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("erase").await;
    office.bench.crm.fail("POST /erasures", Fault::LostUnanswered);

    office.work().await;
    let waiting = office.find(&id).await;
    let run = waiting.change_run.clone().unwrap();
    let service = office.bench.process().await;
    let status = service.status(&run).await.unwrap();
    let unknown = status.operations.iter().find(|one| one.outcome == Some(model::Outcome::Unknown)).unwrap();
    office.requests.resume_from_input(&id, &By::system()).await.unwrap();
    office.work().await;
    let still = office.find(&id).await;
    let resolved =
        service.resolve(&run, unknown.order, ResolveDecision::DidNotTakeEffect, Actor::person("pat")).await;
    office.requests.resume_from_input(&id, &By::system()).await.unwrap();
    office.work().await;
    office.bench.crm.state().end_jobs("FINISHED");
    office.bench.clock.advance(Duration::from_hours(1));
    office.work().await;

    assert_eq!(
        (waiting.status, waiting.attention.as_deref()),
        (Status::RequiresInput, Some("write_unknown"))
    );
    let about = MessageFilter { about: Some(id.as_str()), ..MessageFilter::default() };
    let told = office.store.message_list(about, Window::ALL).await.unwrap().items;
    assert!(told.iter().any(|message| message.kind == MessageKind::InputNeeded), "somebody is told");
    assert_eq!((still.status, still.attention.as_deref()), (Status::RequiresInput, Some("write_unknown")));
    assert!(resolved.is_ok(), "{resolved:?}");
    assert_eq!(office.find(&id).await.status, Status::Complete);
    let posts = office.bench.crm.writes().into_iter().filter(|write| write.starts_with("POST")).count();
    assert_eq!(posts, 2, "once into the void, and once more when somebody said so");
}

/// Retention destroys what nobody looked at for a month. Planned anew, the writes would be sent again.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn writes_whose_run_was_destroyed_are_not_planned_anew(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("erase").await;
    office.bench.crm.fail("POST /erasures", Fault::LostUnanswered);
    office.work().await;
    let run = office.find(&id).await.change_run.unwrap();
    let before = office.bench.crm.writes();

    office.store.run_forget(&run, Actor::system()).await.unwrap();
    office.requests.resume_from_input(&id, &By::system()).await.unwrap();
    office.work().await;

    let request = office.find(&id).await;
    assert_eq!((request.status, request.attention.as_deref()), (Status::Error, Some("run_over")));
    assert_eq!(request.change_run, Some(run), "what was sent is still found by it");
    assert_eq!(office.bench.crm.writes(), before);
}

#[rstest]
#[case::it_did(Fault::AppliedUnanswered, ResolveDecision::TookEffect, 1)]
#[case::it_did_not(Fault::LostUnanswered, ResolveDecision::DidNotTakeEffect, 2)]
#[tokio::test(flavor = "multi_thread")]
async fn a_persons_word_about_an_unknown_write_lets_its_request_go_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] fault: Fault,
    #[case] decision: ResolveDecision,
    #[case] sent: usize,
) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("erase").await;
    office.bench.crm.fail("DELETE /notes/11", fault);
    office.work().await;
    let pat = By { actor: Actor::person("pat"), user: Some("pat".to_owned()) };

    let unknown = office.requests.unknown_writes(&id).await.unwrap();
    let order = unknown.first().unwrap().order;
    let resolved = office.requests.resolve_write(&id, (order, decision), &pat).await.unwrap();
    let twice = office.requests.resolve_write(&id, (order, decision), &pat).await.unwrap_err();
    office.work().await;
    office.bench.crm.state().end_jobs("FINISHED");
    office.bench.clock.advance(Duration::from_hours(1));
    office.work().await;

    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert_eq!((resolved.status, resolved.attention), (Status::InProcessing, None));
    assert!(twice.to_string().contains("not unknown"), "{twice}");
    assert_eq!(office.find(&id).await.status, Status::Complete);
    let deletes = office.bench.crm.writes().into_iter().filter(|write| write == "DELETE /notes/11");
    assert_eq!(deletes.count(), sent);
    let effects = office.bench.crm.state().effects.clone();
    assert_eq!(effects.iter().filter(|write| *write == "DELETE /notes/11").count(), 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_an_application_cannot_erase_is_left_to_a_person(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("erase").await;

    office.work().await;
    office.bench.crm.state().end_jobs("NOT_SUPPORTED");
    office.bench.clock.advance(Duration::from_hours(1));
    office.work().await;
    let by_hand = office.find(&id).await;
    office.requests.finalize(&id, &By::system()).await.unwrap();
    office.work().await;

    assert_eq!(by_hand.status, Status::RequiresManualFinalization);
    assert_eq!(by_hand.attention.as_deref(), Some("something_stays"));
    assert_eq!(office.find(&id).await.status, Status::Complete);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_found_is_complete_and_nothing_is_sent(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    {
        let mut crm = office.bench.crm.state();
        crm.contacts.clear();
        crm.letters.clear();
    }
    sqlx::query("DELETE FROM customers").execute(&office.bench.shop).await.unwrap();
    let id = office.ask("erase").await;

    office.work().await;

    let request = office.find(&id).await;
    assert_eq!((request.status, request.attention), (Status::Complete, None));
    assert_eq!(office.bench.crm.writes(), Vec::<String>::new());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_delivers_and_erases_reads_before_it_erases(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("both").await;

    office.work().await;
    office.bench.crm.state().end_jobs("FINISHED");
    office.bench.clock.advance(Duration::from_hours(1));
    office.work().await;

    assert_eq!(office.find(&id).await.status, Status::Complete);
    let package = office.bench.data_folder().join(format!("data/fides_uploads/{id}-both_access.zip"));
    assert!(package.is_file());
    assert_eq!(sorted(office.bench.crm.writes()), WRITES);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_seen_where_nothing_could_be_read_is_no_end_and_is_read_anew(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    {
        let mut crm = office.bench.crm.state();
        crm.contacts.clear();
        crm.letters.clear();
    }
    sqlx::query("ALTER TABLE customers RENAME TO away").execute(&office.bench.shop).await.unwrap();
    let id = office.ask("erase").await;

    office.work().await;
    let failed = office.find(&id).await;
    let log = office.log(&id, Some("shop")).await;
    sqlx::query("ALTER TABLE away RENAME TO customers").execute(&office.bench.shop).await.unwrap();
    office.requests.retry(&id, &By::system()).await.unwrap();
    office.work().await;

    assert_eq!((failed.status, failed.attention.as_deref()), (Status::Error, Some("incomplete")));
    assert!(log.iter().any(|(status, _)| status == "error"), "{log:?}");
    assert_eq!(office.find(&id).await.status, Status::Complete);
    assert_eq!(
        office.bench.shop_rows("SELECT name FROM customers WHERE id = 7").await,
        [None],
        "what was not seen at first is erased"
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_no_operation_is_there_for_is_left_to_a_person(#[case] backend: Backend) {
    let (only_read, _) = crm::FILE.split_once("        delete:\n          method: POST").unwrap();
    let Some(bench) = backend.start_with(only_read).await else { return };
    let office = Office::of(bench).await.unwrap();
    office.bench.crm.state().contacts.clear();
    sqlx::query("DELETE FROM customers").execute(&office.bench.shop).await.unwrap();
    let id = office.ask("erase").await;

    office.work().await;

    let request = office.find(&id).await;
    assert_eq!(office.bench.crm.writes(), Vec::<String>::new());
    assert_eq!(request.status, Status::RequiresManualFinalization);
    assert_eq!(request.attention.as_deref(), Some("something_stays"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_found_again_is_left_to_a_person_and_told(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let id = office.ask("erase").await;

    office.work().await;
    {
        let mut crm = office.bench.crm.state();
        crm.end_jobs("FINISHED");
        crm.letters.push(serde_json::json!({"id": 29, "email": "ana@example.com", "address": "x"}));
    }
    office.bench.clock.advance(Duration::from_hours(1));
    office.work().await;

    let (request, log) = (office.find(&id).await, office.log(&id, Some("Erasure certificate")).await);
    assert_eq!(request.status, Status::RequiresManualFinalization);
    assert_eq!(request.attention.as_deref(), Some("something_stays"));
    assert!(log.iter().any(|(status, said)| status == "error" && said.contains("found data")), "{log:?}");
}
