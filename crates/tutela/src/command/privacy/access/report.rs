use model::Identities;
use privacy::storage::{Delivered, PackageRecord};
use privacy::{CollectionReport, ReportOutcome};
use serde_json::{Map, Value, json};

use crate::arguments::Format;
use crate::data_request::{DataRequests, Packed};
use crate::exit::Exit;
use crate::output::{self, Output};
use crate::table::table;

/// Shows what one package holds and what it lacks.
pub(crate) fn show(package: &Packed, output: Output) -> Exit {
    let report = &package.contents;
    match output.format() {
        Format::Json => {
            let mut shown = Map::new();
            shown.insert("outcome".to_owned(), json!(report.outcome));
            shown.insert("package".to_owned(), json!(package.place));
            shown.insert("collections".to_owned(), json!(report.collections));
            if !package.stored.is_empty() {
                shown.insert("stored".to_owned(), package.stored.iter().map(stored).collect());
            }
            output::json(&shown);
        }
        Format::Table => {
            let heading = ["collection", "status", "rows", "pages", "requests", "retries", "waited", "time"];
            let rows = report.collections.iter().map(|(address, collection)| {
                [
                    address.to_string(),
                    collection.status.as_str().to_owned(),
                    collection.rows.to_string(),
                    collection.pages.to_string(),
                    collection.requests.to_string(),
                    collection.retries.to_string(),
                    milliseconds(collection.rate_limit_wait_ms),
                    milliseconds(collection.duration_ms),
                ]
            });
            output::text(&table(heading, rows, &[2, 3, 4, 5, 6, 7]));
            // Sentences below the table: a column of them has no room on a terminal.
            for (address, collection) in &report.collections {
                if let Some(note) = note(collection) {
                    output::text(&format!("{address}: {note}"));
                }
            }
            output::text(&format!("package: {}", package.place.display()));
            package.stored.iter().for_each(show_stored);
        }
    }
    match report.outcome {
        ReportOutcome::Complete => Exit::Done,
        ReportOutcome::Incomplete => {
            output::complain("incomplete: the package lacks what the table and report.json name");
            Exit::Incomplete
        }
    }
}

/// A package in storage, for programs. Its link opens it for whoever has it: it stands in the answer and
/// nowhere else.
fn stored(delivered: &Delivered) -> Value {
    let mut shown = json!(delivered.record);
    if let (Some(link), Some(members)) = (&delivered.link, shown.as_object_mut()) {
        members.insert("link".to_owned(), json!(link.url.expose()));
        members.insert("link_valid_until".to_owned(), json!(link.valid_until.to_string()));
    }
    shown
}

/// The same for a person.
fn show_stored(delivered: &Delivered) {
    let PackageRecord { storage, name, expires_at, .. } = &delivered.record;
    output::text(&format!("stored: {name} in `{storage}`, until {expires_at}"));
    if let Some(link) = &delivered.link {
        output::text(&format!("link, valid until {}: {}", link.valid_until, link.url.expose()));
    }
}

/// Says so if nothing that is known about a person leads anywhere; the request runs all the same.
pub(crate) fn warn_if_unused(requests: &DataRequests, person: &Identities) {
    let taken = requests.identity_kinds();
    if person.kinds().any(|kind| taken.contains(&kind)) {
        return;
    }
    let given: Vec<&str> = person.kinds().collect();
    output::complain(&format!(
        "warning: no connection takes an identity of kind {}; they take: {}",
        given.join(", "),
        if taken.is_empty() { "none".to_owned() } else { taken.join(", ") }
    ));
}

/// What the numbers do not tell: why something is missing, or was not asked for.
fn note(collection: &CollectionReport) -> Option<String> {
    let completeness = &collection.completeness;
    let detail = completeness.detail.as_deref()?;
    let reason = completeness.reason.and_then(|reason| serde_json::to_value(reason).ok());
    Some(match reason.as_ref().and_then(|reason| reason.as_str()) {
        Some(reason) => format!("{reason}: {detail}"),
        None => detail.to_owned(),
    })
}

fn milliseconds(value: u64) -> String {
    if value < 10_000 { format!("{value} ms") } else { format!("{:.1} s", value as f64 / 1000.0) }
}
