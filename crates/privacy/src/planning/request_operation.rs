//! From a request that was prepared to an operation of the plan.

use connector::writes::{PlannedWrite, Unwritten, UnwrittenReason};
use connector::{Connection, Connector};
use graph::MaskingGrade;
use model::{CollectionAddress, Outcome};
use spec::connector_file::{AsyncConfig, Request, Verify};

use super::draft::{Reasons, Stays, Tally};
use crate::plan::{Call, Operation, Reversibility, Uses, Verification};

/// A request and why it is sent.
pub(super) struct Made {
    pub(super) write: PlannedWrite,
    pub(super) reasons: Reasons,
    pub(super) grade: Option<MaskingGrade>,
    pub(super) uses: Uses,
}

pub(super) fn operation(
    connector: &Connector,
    request: &Request,
    made: Made,
    (collections, expected): (Vec<CollectionAddress>, Outcome),
) -> Operation {
    let Made { write, reasons, grade, uses } = made;
    let verification = verification(connector, request, &collections);
    let cost = request.batch.as_ref().map(|_| {
        let ids = if write.values == 1 { "1 id".to_owned() } else { format!("{} ids", write.values) };
        format!("{ids} in one request; the application may count each against a quota")
    });
    Operation {
        order: 0,
        connection: connector.connection().key.to_string(),
        collections,
        call: Call::from(write.request),
        rows: if write.rows.is_empty() { 1 } else { write.rows.len() as u64 },
        reason: reasons.finish(),
        expected,
        grade,
        reversibility: Reversibility::Irreversible,
        cost,
        verification,
        repeatable: request.repeatable,
        tracked: ends_later(request),
        waits_for: Vec::new(),
        uses,
    }
}

/// Whether a read asks the application at all: it is a call, and one of this connection.
pub(super) fn asks(connection: &Connection, request: &Request) -> bool {
    let is_call = request.target.is_some() || request.script.is_some();
    is_call && connection.applies(request).unwrap_or_default()
}

/// Whether its end is not known with the answer: it starts a job, or the application calls back.
fn ends_later(request: &Request) -> bool {
    let is_called_back = matches!(request.async_config, Some(AsyncConfig::Callback));
    request.track.is_some() || request.polling().is_some() || is_called_back
}

/// What will prove the request.
fn verification(connector: &Connector, request: &Request, collections: &[CollectionAddress]) -> Verification {
    let connection = connector.connection();
    let file = &connection.file;
    let endpoints = || collections.iter().filter_map(|address| file.find_endpoint(address.collection()));
    let stated =
        request.verify.as_ref().or_else(|| endpoints().find_map(|endpoint| endpoint.verify.as_ref()));
    let is_read = endpoints().any(|endpoint| endpoint.read.iter().any(|read| asks(connection, read)));
    match (stated, is_read, ends_later(request)) {
        (Some(Verify::Request(_)), _, _) => Verification::Request,
        (Some(Verify::Endpoint(_)), _, _) | (None, true, _) => Verification::ReadAgain,
        (None, false, true) => Verification::JobOnly,
        (None, false, false) => Verification::None,
    }
}

/// Why no request is made for some rows. Reasons name places and params, no values.
pub(super) fn note_unwritten(unwritten: &Unwritten, rows: u64, tally: &mut Tally) {
    let (outcome, reason) = match &unwritten.reason {
        // What masking left of the row is counted already.
        UnwrittenReason::NothingMasked { .. } => return,
        UnwrittenReason::Build(error) | UnwrittenReason::Skipped(error) if error.is_skippable() => {
            (Outcome::Unsupported, "missing_value")
        }
        UnwrittenReason::Script(_) | UnwrittenReason::ScriptStopped { .. } => (Outcome::Failed, "script"),
        UnwrittenReason::NothingReturned { .. } => (Outcome::Unsupported, "nothing_returned"),
        UnwrittenReason::Build(_)
        | UnwrittenReason::Skipped(_)
        | UnwrittenReason::Ambiguous { .. }
        | UnwrittenReason::TwoLists { .. }
        | UnwrittenReason::RowInBatch { .. }
        | UnwrittenReason::BodyNotJson { .. }
        | UnwrittenReason::NotFollowed { .. }
        | UnwrittenReason::SecretMark { .. } => (Outcome::Unsupported, "not_sendable"),
    };
    tally.add(Stays::new(outcome, reason, unwritten.reason.to_string()), rows, None);
}

/// Why nobody can be named.
pub(super) fn no_value(param: &str, place: &str) -> String {
    format!("the person cannot be named to the application: no value was found for `{param}` of {place}")
}
