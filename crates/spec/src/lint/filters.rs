//! Requests that can reach everybody, and filters that find nobody (saas-config 11.8, 15.5).

use super::Finding;
use super::flow::Flow;
use super::visit::{self, Position, Visit};
use crate::connector_file::{ConnectorFile, Endpoint, ParamSource, Postprocessor, Request, Wanted};

pub(super) fn lint(file: &ConnectorFile, flow: &Flow<'_>, visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    for visit in visits.iter().filter(|visit| visit.role.is_masking()) {
        findings.extend(lint_write(flow, visit));
    }
    for (index, endpoint) in file.endpoints.iter().enumerate() {
        for request in &endpoint.read {
            lint_request(flow, index, request, findings);
            lint_references(file, endpoint, request, findings);
        }
    }
}

/// An identity in a query param or header is left out where the person has none of that kind.
/// That matters if the request is sent all the same.
fn lint_request(flow: &Flow<'_>, index: usize, request: &Request, findings: &mut Vec<Finding>) {
    if visit::is_opaque(request) {
        return;
    }
    for text in visit::texts(request) {
        if text.position != Position::Query {
            continue;
        }
        for placeholder in text.template.placeholders() {
            let Some(kind) = identity_behind(request, visit::root(placeholder)) else { continue };
            if let Some(reason) = sent_without(flow, index, request, kind) {
                let message = format!(
                    "without an identity `{kind}` this query param is left out, and the request may list everybody: {reason}"
                );
                findings.push(
                    Finding::value(text.place.clone(), "spec::lint_unfiltered_read", message).help(
                        "give the endpoint one read request for each identity, and none that runs without its own",
                    ),
                );
            }
        }
    }
}

/// How the request comes to be sent although the person has no identity `kind`.
fn sent_without(flow: &Flow<'_>, index: usize, request: &Request, kind: &str) -> Option<String> {
    // The path and the body fail without their values, so they never widen a request.
    let narrows = |value: &str| {
        visit::texts(request).iter().any(|text| {
            text.position != Position::Header && text.template.placeholders().any(|p| visit::root(p) == value)
        })
    };
    let required = visit::texts(request).iter().any(|text| {
        matches!(text.position, Position::Path | Position::Body)
            && text
                .template
                .placeholders()
                .any(|p| !p.optional && identity_behind(request, visit::root(p)) == Some(kind))
    });
    if required {
        return None;
    }
    let other = request.param_values.iter().find_map(|value| match &value.source {
        ParamSource::Identity(other) => {
            let other = visit::first_segment(other);
            (other != kind && !narrows(&value.name)).then_some(other)
        }
        ParamSource::References(_) | ParamSource::ConnectorParam(_) => None,
    });
    if let Some(other) = other {
        return Some(format!("identity `{other}` alone is enough to send it"));
    }
    let own = flow.identities(index);
    let reached = flow.reached(own).get(index) == Some(&true);
    reached.then(|| "the endpoint is also reached through a reference".to_owned())
}

/// A write whose only bounds are query params for identities that the person may lack.
fn lint_write(flow: &Flow<'_>, visit: &Visit<'_>) -> Option<Finding> {
    let request = visit.request;
    if visit::is_opaque(request) {
        return None;
    }
    let mut widest = None;
    for text in visit::texts(request) {
        for placeholder in text.template.placeholders() {
            let name = visit::root(placeholder);
            let kind = identity_behind(request, name);
            let bound = kind.is_some() || is_referenced(request, name);
            match (text.position, kind) {
                (Position::Query, Some(kind)) if may_lack(flow, visit.endpoint, kind) => {
                    widest = widest.or_else(|| Some((text.place.clone(), kind)));
                }
                (Position::Path | Position::Body | Position::Query, _) if bound && !placeholder.optional => {
                    return None;
                }
                (
                    Position::Path | Position::Body | Position::Query | Position::Header | Position::Output,
                    _,
                ) => {}
            }
        }
    }
    let (place, kind) = widest?;
    let message = format!(
        "without an identity `{kind}` this query param is left out, and the request may change the data of everybody"
    );
    Some(
        Finding::value(place, "spec::lint_unfiltered_write", message)
            .help("take a value of the row, or put the identity into the path or the body, where a missing one is an error"),
    )
}

fn is_referenced(request: &Request, name: &str) -> bool {
    request
        .param_values
        .iter()
        .any(|value| value.name == name && matches!(value.source, ParamSource::References(_)))
}

/// Whether rows of the endpoint, or of any endpoint, can be there without the identity `kind`.
fn may_lack(flow: &Flow<'_>, endpoint: Option<usize>, kind: &str) -> bool {
    let reached = flow.reached(&[kind]);
    match endpoint {
        Some(index) => reached.get(index) == Some(&true),
        None => reached.contains(&true),
    }
}

fn identity_behind<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.param_values.iter().find(|value| value.name == name).and_then(|value| match &value.source {
        ParamSource::Identity(kind) => Some(visit::first_segment(kind)),
        ParamSource::References(_) | ParamSource::ConnectorParam(_) => None,
    })
}

fn lint_references(
    file: &ConnectorFile,
    endpoint: &Endpoint,
    request: &Request,
    findings: &mut Vec<Finding>,
) {
    for (index, postprocessor) in request.postprocessors.iter().enumerate() {
        let wanted = match postprocessor {
            Postprocessor::Filter(filter) => &filter.wanted,
            Postprocessor::Unwrap { .. } | Postprocessor::ExtractForExecutionLog { .. } => continue,
        };
        let place = format!("{}.postprocessors[{index}].configuration.value", request.place);
        let finding = match wanted {
            Wanted::DatasetReference(None) => Finding::value(
                place,
                "spec::lint_filter_reference",
                "this reference does not have three parts, so the filter keeps nothing",
            )
            .help("write `dataset_reference: dataset.collection.field`"),
            Wanted::DatasetReference(Some(field)) if field.dataset == file.fides_key => {
                let Some(source) = file.endpoints.iter().find(|other| other.name == field.collection) else {
                    findings.push(
                        Finding::value(
                            place,
                            "spec::lint_filter_reference",
                            format!("there is no endpoint `{}` to compare with", field.collection),
                        )
                        .help("name an endpoint of this file"),
                    );
                    continue;
                };
                if is_read_before(file, endpoint, source) {
                    continue;
                }
                let message = format!(
                    "nothing makes sure that `{}` is read before `{}`; until then the filter keeps nothing",
                    source.name, endpoint.name
                );
                Finding::value(place, "spec::lint_filter_order", message)
                    .help(format!("add `after: [{}.{}]` to the endpoint", file.fides_key, source.name))
            }
            Wanted::DatasetReference(Some(_)) | Wanted::Text(_) | Wanted::Identity(_) => continue,
        };
        findings.push(finding);
    }
}

/// Whether a chain of references or `after` leads from `endpoint` back to `source`.
fn is_read_before(file: &ConnectorFile, endpoint: &Endpoint, source: &Endpoint) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut open = vec![endpoint];
    while let Some(current) = open.pop() {
        let referenced = current
            .read
            .iter()
            .flat_map(super::flow::references)
            .filter(|reference| reference.to.dataset == file.fides_key)
            .map(|reference| reference.to.collection.as_str());
        let after = current
            .after
            .iter()
            .filter(|(dataset, _)| *dataset == file.fides_key)
            .map(|(_, collection)| collection.as_str());
        for name in referenced.chain(after) {
            if name == source.name {
                return true;
            }
            if !seen.contains(&name) {
                seen.push(name);
                open.extend(file.endpoints.iter().find(|other| other.name == name));
            }
        }
    }
    false
}
