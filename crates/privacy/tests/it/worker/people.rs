//! What people are asked to do by hand.

use std::fs::File;
use std::io::Read as _;

use crypto::Secret;
use model::{ConnectionKey, Outcome, PrivacyRequestId};
use privacy::manual_task::{self, Answer, AskedAction, FieldKind, LIMITS, TaskField, TaskSettings};
use privacy::policy_book::{DrpWord, PolicyBook, PolicyChange, PolicyContent, PolicyDraft};
use privacy::request::By;
use rstest::rstest;
use serde_json::{Value, json};
use store::{
    Actor, AttachmentOwner, ConnectionAccess, ConnectionChange, ConnectionStep, ConnectionUpdate,
    ManualAction, ManualField, ManualTask, ManualTaskState, MessageFilter, MessageKind, NewConnection,
    NewHold, NewManualAttachment, PrivacyRequestStatus as Status, PutMode, RequestStep, Window,
};

use super::office::Office;
use crate::lifecycle::bench::Backend;

fn field(name: &str, kind: FieldKind, required: bool) -> TaskField {
    let data_categories = Vec::new();
    TaskField { name: name.to_owned(), label: name.to_owned(), help: None, kind, required, data_categories }
}

fn asked(conditions: Option<Value>) -> AskedAction {
    let fields = vec![field("note", FieldKind::Text, true), field("scan", FieldKind::Attachment, false)];
    AskedAction { fields, conditions }
}

fn pat() -> By {
    By { actor: Actor::person("pat"), user: Some("fid_pat".to_owned()) }
}

impl Office {
    /// A connection of this type that asks people for something.
    async fn desk(&self, key: &str, kind: &str, settings: TaskSettings) {
        let key = self.place(key, kind).await;
        assert_eq!(settings.faults(), []);
        let put = (&key, &settings.document());
        self.store.manual_task_config_put(put, Actor::system()).await.unwrap();
    }

    /// A connection of this type that people stand for.
    async fn place(&self, key: &str, kind: &str) -> ConnectionKey {
        let key: ConnectionKey = key.parse().unwrap();
        let connection = NewConnection {
            name: None,
            description: None,
            connection_type: kind.to_owned(),
            access: ConnectionAccess::Read,
            disabled: false,
            system_key: None,
        };
        let steps = vec![ConnectionStep::Create(connection)];
        let change = ConnectionChange { key: &key, actor: Actor::system(), steps };
        let _ = self.store.connection_change(change).await.unwrap();
        key
    }

    /// Switches a connection off.
    async fn switch_off(&self, key: &str) {
        let key: ConnectionKey = key.parse().unwrap();
        let off = ConnectionUpdate { disabled: Some(true), ..ConnectionUpdate::default() };
        let steps = vec![ConnectionStep::Update(off)];
        let change = ConnectionChange { key: &key, actor: Actor::system(), steps };
        let _ = self.store.connection_change(change).await.unwrap();
    }

    async fn tasks(&self, id: &PrivacyRequestId) -> Vec<ManualTask> {
        self.store.manual_task_list_of(id).await.unwrap()
    }

    async fn answer(&self, task: &ManualTask, note: &str, outcome: Option<Outcome>) {
        let fields = serde_json::from_value(json!({"note": note})).unwrap();
        let reason = Some("because".to_owned());
        let answer = Answer { fields, outcome, reason };
        manual_task::complete(&self.store, task, (answer, &pat())).await.unwrap();
    }

    /// A file of the package of a request.
    fn packed(&self, id: &PrivacyRequestId, name: &str, rule: &str) -> String {
        let path = self.bench.data_folder().join(format!("data/fides_uploads/{id}-{rule}.zip"));
        let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

fn access(conditions: Option<Value>) -> TaskSettings {
    TaskSettings { access: Some(asked(conditions)), ..TaskSettings::default() }
}

fn erasure(conditions: Option<Value>) -> TaskSettings {
    TaskSettings { erasure: Some(asked(conditions)), ..TaskSettings::default() }
}

// rule: privacy-requests W-17
// rule: privacy-requests W-18
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_package_waits_for_what_people_bring_and_has_it_as_it_was_asked_for(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    office.desk("archive", "manual_task", access(None)).await;
    let id = office.ask("access").await;

    office.work().await;
    let waiting = office.find(&id).await;
    let tasks = office.tasks(&id).await;
    let key: ConnectionKey = "archive".parse().unwrap();
    let mut other = access(None);
    other.access.as_mut().unwrap().fields.push(field("more", FieldKind::Text, true));
    office.store.manual_task_config_put((&key, &other.document()), Actor::system()).await.unwrap();
    let contents = Secret::new(b"scanned".to_vec());
    let new = NewManualAttachment {
        request: &id,
        owner: &AttachmentOwner::Task(tasks[0].id.clone()),
        field: "scan",
        name: "letter of 2026.txt",
        content_type: "text/plain",
        contents: &contents,
        actor: Actor::person("pat"),
    };
    office.store.manual_attachment_put(new, LIMITS).await.unwrap();
    office.answer(&tasks[0], "a letter", None).await;
    let queued = office.find(&id).await;
    office.work().await;

    assert_eq!((waiting.status, waiting.step), (Status::RequiresInput, Some(RequestStep::Access)));
    assert_eq!(waiting.attention.as_deref(), Some("manual_task"));
    assert_eq!((tasks.len(), tasks[0].state), (1, ManualTaskState::Open));
    assert_eq!(queued.status, Status::InProcessing);
    assert_eq!(office.find(&id).await.status, Status::Complete);
    let rows: Value = serde_json::from_str(&office.packed(&id, "brought.json", "access_access")).unwrap();
    assert_eq!(
        rows["archive:manual_data"],
        json!([{"note": "a letter", "scan": [{
            "file_name": "letter of 2026.txt",
            "file_size": 7,
            "content_type": "text/plain",
            "path": "attachments/1-letter_of_2026.txt",
        }]}])
    );
    assert_eq!(office.packed(&id, "attachments/1-letter_of_2026.txt", "access_access"), "scanned");
    let report: Value = serde_json::from_str(&office.packed(&id, "report.json", "access_access")).unwrap();
    assert_eq!(
        (&report["outcome"], report["collections"].get("archive:manual_data")),
        (&json!("complete"), None)
    );
    let log = office.log(&id, Some("archive")).await;
    let statuses: Vec<&str> = log.iter().map(|(status, _)| status.as_str()).collect();
    assert_eq!(statuses, ["awaiting_processing", "complete"]);
}

/// Why a task brings nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nothing {
    Skipped,
    SwitchedOff,
    NotMet,
    NotKnown,
}

// rule: privacy-requests W-18
#[rstest]
#[case(Nothing::Skipped, false, "a person says that it is not done by hand")]
#[case(Nothing::SwitchedOff, false, "is disabled, gone, or does not serve the access action")]
#[case(Nothing::NotMet, true, "the conditions of the task are not met")]
#[case(Nothing::NotKnown, false, "the conditions of the task cannot be told")]
#[tokio::test(flavor = "multi_thread")]
async fn a_package_says_which_tasks_brought_nothing_and_why(
    #[case] nothing: Nothing,
    #[case] is_complete: bool,
    #[case] why: &str,
) {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    let condition = match nothing {
        Nothing::Skipped | Nothing::SwitchedOff => None,
        Nothing::NotMet => Some(json!({"field_address": "privacy_request.location", "operator": "exists"})),
        Nothing::NotKnown => {
            Some(json!({"field_address": "crm:nowhere:mail", "operator": "neq", "value": "x"}))
        }
    };
    office.desk("archive", "manual_task", access(condition)).await;
    let id = office.ask("access").await;

    office.work().await;
    match nothing {
        Nothing::Skipped => {
            let task = office.tasks(&id).await.remove(0);
            manual_task::skip(&office.store, &task, ("no".to_owned(), &pat())).await.unwrap();
        }
        Nothing::SwitchedOff => {
            office.switch_off("archive").await;
            office.requests.resume_from_input(&id, &pat()).await.unwrap();
        }
        Nothing::NotMet | Nothing::NotKnown => {}
    }
    office.work().await;

    assert_eq!(office.find(&id).await.status, Status::Complete);
    let report: Value = serde_json::from_str(&office.packed(&id, "report.json", "access_access")).unwrap();
    let line = &report["collections"]["archive:manual_data"];
    assert_eq!(
        (&line["status"], &line["completeness"]["complete"]),
        (&json!("skipped"), &json!(is_complete))
    );
    assert!(line["completeness"]["detail"].as_str().is_some_and(|detail| detail.contains(why)), "{line}");
    let expected = if is_complete { "complete" } else { "incomplete" };
    assert_eq!(report["outcome"], expected, "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_opened_for_a_package_and_not_to_name_them() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.desk("archive", "manual_task", access(None)).await;
    let id = office.ask("access").await;
    office.work().await;
    let task = office.tasks(&id).await.remove(0);
    let contents = Secret::new(b"scanned".to_vec());
    let new = NewManualAttachment {
        request: &id,
        owner: &AttachmentOwner::Task(task.id.clone()),
        field: "scan",
        name: "letter.txt",
        content_type: "text/plain",
        contents: &contents,
        actor: Actor::person("pat"),
    };
    office.store.manual_attachment_put(new, LIMITS).await.unwrap();
    office.answer(&task, "a letter", None).await;
    let path = office.bench.folder.path().join("state.db");
    let state = sqlx::AnyPool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("UPDATE manual_attachment SET sealed = x'00'").execute(&state).await.unwrap();

    let named = manual_task::brought(&office.store, &id).await.unwrap();
    office.work().await;

    assert_eq!(named.rows[0].1["scan"][0]["path"], "attachments/1-letter.txt");
    assert_eq!(office.find(&id).await.status, Status::Error, "a package without the file is none");
}

// rule: privacy-requests L-14
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_waited_for_to_bring_what_could_not_be_delivered_any_more() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    let id = office.ask("both").await;
    office.work().await;
    let delivered = office.find(&id).await;
    let desk = office.place("desk", "manual_webhook").await;
    let actions = ["access".to_owned()];
    office.store.connection_enabled_actions_put(&desk, Some(&actions), Actor::system()).await.unwrap();
    let letters = ManualField {
        pii_field: "Letters".to_owned(),
        label: "letters".to_owned(),
        types: Vec::new(),
        data_categories: Vec::new(),
    };
    office.store.manual_form_put((&desk, &[letters]), PutMode::Create, Actor::system()).await.unwrap();

    office.bench.crm.state().end_jobs("FINISHED");
    office.bench.clock.advance(std::time::Duration::from_hours(1));
    office.work().await;
    let later = office.ask("access").await;
    office.work().await;

    assert_eq!((delivered.status, delivered.step), (Status::InProcessing, Some(RequestStep::Erasure)));
    let request = office.find(&id).await;
    assert_eq!((request.status, request.attention), (Status::Complete, None));
    assert_eq!(office.find(&later).await.attention.as_deref(), Some("manual_input"));
}

// rule: privacy-requests W-16
// rule: privacy-requests W-18
#[rstest]
#[case::met(json!({"field_address": "crm:contacts:email", "operator": "ends_with", "value": "@example.com"}), true, "")]
#[case::not_met(json!({"field_address": "privacy_request.location", "operator": "exists"}), false, "are not met")]
#[case::not_known(json!({"field_address": "crm:nowhere:mail", "operator": "neq", "value": "x"}), false, "cannot be told")]
#[tokio::test(flavor = "multi_thread")]
async fn people_are_asked_only_where_conditions_are_met(
    #[case] condition: Value,
    #[case] is_asked: bool,
    #[case] expected: &str,
) {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.desk("archive", "manual_task", access(Some(condition))).await;
    let id = office.ask("access").await;

    office.work().await;

    let request = office.find(&id).await;
    let task = office.tasks(&id).await.remove(0);
    let expected_status = if is_asked { Status::RequiresInput } else { Status::Complete };
    assert_eq!(request.status, expected_status, "{:?}", task.note);
    assert!(task.note.unwrap().contains(expected));
    let log = office.log(&id, Some("archive")).await;
    assert_eq!(log[0].0, if is_asked { "awaiting_processing" } else { "skipped" });
    assert!(!format!("{log:?}").contains("example.com"), "no values: {log:?}");
}

// rule: privacy-requests W-18
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_waits_for_somebody_outside_and_is_settled_here() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.desk("tickets", "jira_ticket", access(None)).await;
    let id = office.ask("access").await;

    office.work().await;
    let waiting = office.find(&id).await;
    let task = office.tasks(&id).await.remove(0);
    manual_task::skip(&office.store, &task, ("nobody answers".to_owned(), &pat())).await.unwrap();
    office.work().await;

    assert_eq!(waiting.status, Status::PendingExternal);
    let ended = office.tasks(&id).await.remove(0);
    assert_eq!((ended.state, ended.ended_by.as_deref()), (ManualTaskState::Skipped, Some("fid_pat")));
    assert_eq!(office.find(&id).await.status, Status::Complete);
    let told = office.store.message_list(MessageFilter::default(), Window::ALL).await.unwrap().items;
    assert!(told.iter().any(|message| message.kind == MessageKind::InputNeeded));
}

// rule: privacy-requests E-17
// rule: privacy-requests W-19
#[rstest]
#[case::gone(Outcome::Erased, Status::Complete)]
#[case::nothing_there(Outcome::NotFound, Status::Complete)]
#[case::kept_by_law(Outcome::Exempt, Status::Complete)]
#[case::stays(Outcome::Unsupported, Status::RequiresManualFinalization)]
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_by_hand_ends_with_what_its_person_says(
    #[case] outcome: Outcome,
    #[case] expected: Status,
) {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    let mut settings = erasure(None);
    settings.access = Some(asked(None));
    office.desk("archive", "manual_task", settings).await;
    let id = office.ask("erase").await;

    let waiting = until_asked(&office, &id).await;
    let task = office.tasks(&id).await.remove(0);
    office.answer(&task, "shredded", Some(outcome)).await;
    office.work().await;

    assert_eq!((waiting.status, waiting.step), (Status::RequiresInput, Some(RequestStep::PostWebhooks)));
    assert_eq!(task.action, ManualAction::Erasure, "and nothing is asked for a package");
    assert_eq!(office.tasks(&id).await.len(), 1);
    let request = office.find(&id).await;
    assert_eq!(request.status, expected, "{:?}", request.attention);
    let log = office.log(&id, Some("archive")).await;
    assert!(log.last().unwrap().1.starts_with("a person says: "), "{log:?}");
}

/// Works until the request waits for people: jobs of applications come first.
async fn until_asked(office: &Office, id: &PrivacyRequestId) -> store::PrivacyRequest {
    for _ in 0..20 {
        office.work().await;
        let request = office.find(id).await;
        if request.attention.as_deref() == Some("manual_task") {
            return request;
        }
        office.bench.crm.state().end_jobs("FINISHED");
        office.bench.clock.advance(std::time::Duration::from_hours(1));
    }
    panic!("nobody was asked: {:?}", office.find(id).await);
}

// rule: privacy-requests W-18
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_to_erase_what_a_law_keeps() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.desk("archive", "manual_task", erasure(None)).await;
    let hold = NewHold {
        place: Some("archive".to_owned()),
        ground: "tax law".to_owned(),
        until: None,
        people: Vec::new(),
        actor: Actor::system(),
    };
    office.store.hold_create(hold).await.unwrap();
    let id = office.ask("erase").await;

    office.work().await;

    let task = office.tasks(&id).await.remove(0);
    assert_eq!((task.state, task.outcome), (ManualTaskState::Skipped, Some(Outcome::Exempt)));
    assert!(task.note.unwrap().contains("tax law"));
}

// rule: privacy-requests C-6
#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_a_connection_that_is_switched_off_end_by_themselves() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.desk("archive", "manual_task", access(None)).await;
    let id = office.ask("access").await;
    office.work().await;
    let key: ConnectionKey = "archive".parse().unwrap();
    let change = ConnectionChange { key: &key, actor: Actor::system(), steps: vec![ConnectionStep::Remove] };
    let _ = office.store.connection_change(change).await.unwrap();

    office.requests.resume_from_input(&id, &pat()).await.unwrap();
    office.work().await;

    assert_eq!(office.find(&id).await.status, Status::Complete);
    assert_eq!(office.tasks(&id).await[0].state, ManualTaskState::Skipped);
}

// rule: privacy-requests E-17
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_by_hand_whose_connection_is_switched_off_is_left_to_a_person() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    office.desk("archive", "manual_task", erasure(None)).await;
    let id = office.ask("erase").await;
    until_asked(&office, &id).await;

    office.switch_off("archive").await;
    office.requests.resume_from_input(&id, &pat()).await.unwrap();
    office.work().await;

    let task = office.tasks(&id).await.remove(0);
    assert_eq!((task.state, task.outcome), (ManualTaskState::Skipped, Some(Outcome::Unsupported)));
    assert_eq!(office.find(&id).await.status, Status::RequiresManualFinalization);
}

// rule: privacy-requests POL-14
#[rstest]
#[case::met("US", Status::Complete)]
#[case::not_met("DE", Status::Error)]
#[tokio::test(flavor = "multi_thread")]
async fn rules_of_a_policy_apply_only_where_its_conditions_are_met(
    #[case] country: &str,
    #[case] expected: Status,
) {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    let draft = |conditions| PolicyDraft {
        key: "access".parse().ok(),
        name: "access".to_owned(),
        drp_action: PolicyChange::<DrpWord>::Keep,
        execution_timeframe: PolicyChange::Keep,
        approval: None,
        conditions: PolicyChange::Set(conditions),
        content: PolicyContent::Nothing,
    };
    let leaf = |address: &str| json!({"field_address": address, "operator": "eq", "value": country});
    let book = PolicyBook::new(office.store.clone());
    let collected = book.put(&draft(leaf("crm:people:country")), &Actor::system()).await;
    book.put(&draft(leaf("privacy_request.location_country")), &Actor::system()).await.unwrap();
    let id = office.ask_at("access", "US-CA").await;

    office.work().await;

    assert!(collected.is_err(), "rules are chosen before anything is read");
    let request = office.find(&id).await;
    assert_eq!(request.status, expected);
    let log = office.log(&id, Some("Policy validation")).await;
    assert_eq!(log.len(), usize::from(expected == Status::Error), "{log:?}");
}
