//! What is entered in a request's log: ids, counts and fixed texts.

use engine::{CollectionOutcome, RunOutcome, Status};
use graph::{Graph, covers};
use jiff::Timestamp;
use model::{CollectionAddress, Completeness, Outcome};
use serde_json::{Value, json};
use spec::{ActionType, Policy};
use store::{NewRequestLog, RequestLogKind};

use super::ending::{ACTION_DISABLED, NO_WRITE_ACCESS};
use crate::PrivacyService;
use crate::plan::{NotCovered, PlanAction, PlanContents};
use crate::status::RunStatus;

/// What became of each collection that was read (privacy-requests X-23).
pub(super) fn of_reading(
    (graph, service): (&Graph, &PrivacyService),
    policy: &Policy,
    outcome: &RunOutcome,
) -> Vec<NewRequestLog> {
    let entry = |(address, one): (&CollectionAddress, &CollectionOutcome)| {
        let (status, message) = read_words(one);
        let mut log = of_collection(service, address, ("access", status), message);
        if status == "complete" {
            log.fields_affected = fields_affected(graph, address, (policy, ActionType::Access));
        }
        log
    };
    outcome.collections.iter().map(entry).chain(of_left_out(service, "access")).collect()
}

/// Jobs of an application were started that make rows of a collection.
pub(super) fn of_jobs_started(address: &CollectionAddress, until: Timestamp) -> NewRequestLog {
    let dataset = address.dataset().to_owned();
    NewRequestLog {
        connection_key: Some(dataset.clone()),
        dataset_name: Some(dataset),
        collection_name: Some(address.collection().to_owned()),
        action_type: Some("access".to_owned()),
        message: Some(format!("the application works on it; it is asked from {until:.0} on")),
        ..NewRequestLog::new(RequestLogKind::Execution, "polling")
    }
}

/// Connections that nothing was asked of: a shorter result says so (architecture law 4).
fn of_left_out<'a>(service: &'a PrivacyService, action: &'a str) -> impl Iterator<Item = NewRequestLog> + 'a {
    service.parts().left_out.iter().map(move |one| {
        let text = format!("Skipping connection {}: {}", one.connection, one.reason);
        NewRequestLog {
            connection_key: Some(one.connection.clone()),
            action_type: Some(action.to_owned()),
            ..NewRequestLog::of_work("Dataset traversal", "skipped", &text)
        }
    })
}

/// What became of each collection that a plan is about (privacy-requests ).
pub(super) fn of_change(
    service: &PrivacyService,
    policy: &Policy,
    contents: &PlanContents,
    status: Option<&RunStatus>,
) -> Vec<NewRequestLog> {
    let graph = &service.parts().graph;
    let action = action_of(contents.action);
    let word_of_action = action_word(action);
    let mut logs = Vec::new();
    for operation in &contents.operations {
        let found =
            status.and_then(|status| status.operations.iter().find(|one| one.order == operation.order));
        let (word, message) = written_words(found.and_then(|one| one.outcome), operation.rows);
        for address in &operation.collections {
            let mut log = of_collection(service, address, (word_of_action, word), message.clone());
            if word == "complete" {
                log.fields_affected = fields_affected(graph, address, (policy, action));
            }
            logs.push(log);
        }
    }
    logs.extend(contents.not_covered.iter().map(|one| of_rest(service, one, action)));
    logs.extend(of_left_out(service, word_of_action));
    logs
}

fn of_rest(service: &PrivacyService, one: &NotCovered, action: ActionType) -> NewRequestLog {
    if one.reason == ACTION_DISABLED {
        return of_not_served(service, &one.collection, action);
    }
    let (status, message) = if one.reason == NO_WRITE_ACCESS {
        let key = one.collection.dataset();
        let done = if action == ActionType::Rectification { "corrected" } else { "erased" };
        let text =
            format!("No values were {done} since this connection {key} has not been given write access");
        ("error", text)
    } else {
        let status = match one.outcome {
            Outcome::Failed | Outcome::Unknown => "error",
            Outcome::NotFound | Outcome::AlreadyAbsent => "complete",
            Outcome::Accepted
            | Outcome::Unsupported
            | Outcome::Exempt
            | Outcome::Suppressed
            | Outcome::Masked
            | Outcome::Erased => "skipped",
        };
        let text = if one.outcome == Outcome::NotFound {
            "success - masked 0 records".to_owned()
        } else {
            one.explanation.clone()
        };
        (status, text)
    };
    of_collection(service, &one.collection, (action_word(action), status), message)
}

/// A collection of a connection that does not serve the action (privacy-requests X-15).
pub(super) fn of_not_served(
    service: &PrivacyService,
    address: &CollectionAddress,
    action: ActionType,
) -> NewRequestLog {
    let word = action_word(action);
    let text = format!(
        "Skipping collection {address}. The {word} action is disabled for connection config with key '{}'.",
        address.dataset()
    );
    of_collection(service, address, (word, "skipped"), text)
}

fn action_of(action: PlanAction) -> ActionType {
    match action {
        PlanAction::Erasure => ActionType::Erasure,
        PlanAction::Rectification => ActionType::Rectification,
    }
}

fn action_word(action: ActionType) -> &'static str {
    match action {
        ActionType::Access => "access",
        ActionType::Erasure => "erasure",
        ActionType::Rectification => "rectification",
    }
}

fn of_collection(
    service: &PrivacyService,
    address: &CollectionAddress,
    (action, status): (&str, &str),
    message: String,
) -> NewRequestLog {
    let facts = service.find_facts(address.dataset());
    let version = facts.map(|facts| facts.version.clone()).filter(|version| !version.is_empty());
    NewRequestLog {
        dataset_name: Some(address.dataset().to_owned()),
        connection_key: Some(address.dataset().to_owned()),
        collection_name: Some(address.collection().to_owned()),
        action_type: Some(action.to_owned()),
        message: Some(message),
        saas_version: version,
        ..NewRequestLog::new(RequestLogKind::Execution, status)
    }
}

pub(super) fn read_words(one: &CollectionOutcome) -> (&'static str, String) {
    let rows = one.rows;
    match (one.status, &one.completeness) {
        (Status::Skipped, Completeness::Complete) => {
            ("skipped", one.note.clone().unwrap_or_else(|| "nothing leads there".to_owned()))
        }
        (Status::Skipped, Completeness::Incomplete { detail, .. }) => ("skipped", detail.clone()),
        (Status::Complete | Status::Incomplete, Completeness::Complete) => {
            ("complete", format!("success - retrieved {rows} records"))
        }
        (Status::Complete | Status::Incomplete, Completeness::Incomplete { detail, .. }) => {
            ("complete", format!("success - retrieved {rows} records, and there may be more: {detail}"))
        }
        (Status::Failed, Completeness::Incomplete { detail, .. }) => ("error", detail.clone()),
        (Status::Failed, Completeness::Complete) => ("error", "not read".to_owned()),
    }
}

fn written_words(outcome: Option<Outcome>, rows: u64) -> (&'static str, String) {
    match outcome {
        None => ("pending", "not sent yet".to_owned()),
        Some(Outcome::Failed) => ("error", "the write was refused or failed".to_owned()),
        Some(Outcome::Unknown) => {
            ("error", "nobody knows whether the write took effect; look it up in the application".to_owned())
        }
        Some(Outcome::Accepted) => ("polling", "accepted, and goes on in the application".to_owned()),
        Some(Outcome::Unsupported) => ("skipped", "the application cannot do it".to_owned()),
        Some(Outcome::Exempt | Outcome::Suppressed) => ("skipped", "left as it is on purpose".to_owned()),
        Some(Outcome::Masked | Outcome::Erased) => ("complete", format!("success - masked {rows} records")),
        Some(Outcome::AlreadyAbsent | Outcome::NotFound) => {
            ("complete", "success - masked 0 records".to_owned())
        }
    }
}

/// The fields that a rule of this action targets (privacy-requests LOG-2).
fn fields_affected(
    graph: &Graph,
    address: &CollectionAddress,
    (policy, action): (&Policy, ActionType),
) -> Value {
    let Some(collection) = graph.find(address) else { return json!([]) };
    let rules = policy.rules.iter().filter(|rule| rule.action == action);
    let targets: Vec<&String> = rules.flat_map(|rule| &rule.targets).collect();
    let mut found = Vec::new();
    for (path, field) in collection.all_fields() {
        for category in &field.data_categories {
            if targets.iter().any(|target| covers(target, category)) {
                let path = path.join(".");
                found.push(json!({
                    "path": format!("{address}:{path}"),
                    "field_name": path,
                    "data_categories": [category],
                }));
            }
        }
    }
    Value::Array(found)
}
