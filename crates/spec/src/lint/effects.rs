//! What requests do to the other side (architecture §5, `effect`).

use model::Effect;

use super::Finding;
use super::visit::{self, Visit};
use crate::connector_file::{ConnectorFile, Method, Request};
use crate::span_index::SpanIndex;

/// The requests that are sent with `POST` and still count as reads, in the order of the file: they
/// are sent without a permit, so somebody should look at them once.
pub fn reads_by_post(file: &ConnectorFile) -> Vec<&Request> {
    let is_read = |request: &&Request| is_post(request) && request.effect == Effect::Read;
    visit::requests(file).into_iter().map(|visit| visit.request).filter(is_read).collect()
}

fn is_post(request: &Request) -> bool {
    request.target.as_ref().is_some_and(|target| target.method == Method::Post)
}

pub(super) fn lint(visits: &[Visit<'_>], spans: &SpanIndex, findings: &mut Vec<Finding>) {
    for request in visits.iter().map(|visit| visit.request) {
        let place = format!("{}.effect", request.place);
        if spans.find_value(&place).is_none() {
            continue;
        }
        let message = match request.effect {
            Effect::Read => {
                "`effect` says that this request only reads: it will be sent without a permit, and again after a failure"
            }
            Effect::Write => "`effect` says that this request writes: it will be sent only with a permit",
        };
        findings.push(
            Finding::value(place, "spec::lint_effect_override", message)
                .help("keep it only if the documentation of the API says so"),
        );
    }
}
