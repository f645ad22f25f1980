//! Placeholders that nothing fills (saas-config 11.6–11.10).

use super::visit::{self, Position, Role, Visit};
use super::{Finding, secret_names};
use crate::connector_file::{ConnectorFile, Endpoint, ParamSource, Request};
use crate::reference::ReferenceSource;

/// Filled in every read and masking request.
const SPECIAL: &[&str] = &[
    "privacy_request_id",
    "privacy_request",
    "custom_privacy_request_fields",
    "uuid",
    "iso_8601_datetime",
    "field_list",
    "reply_to",
    "reply_to_token",
];
/// Filled where rows are changed.
const SPECIAL_MASKING: &[&str] = &["masked_object_fields", "all_object_fields"];
/// Filled in `output`, besides inputs and secrets (saas-config 19.10).
const SPECIAL_OUTPUT: &[&str] = &["privacy_request", "custom_privacy_request_fields", "all_object_fields"];

pub(super) fn lint(file: &ConnectorFile, visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    for (place, client) in visit::clients(file, visits) {
        let host = (format!("{place}.host"), &client.host);
        for (place, template) in std::iter::once(host).chain(visit::credentials(&place, client)) {
            for placeholder in template.placeholders() {
                if !secret_names::is_known(file, &placeholder.name) {
                    findings.push(unbound_secret(&place, &placeholder.name));
                }
            }
        }
    }
    for visit in visits {
        // What is unknown in a request about access was an error already.
        if visit::is_opaque(visit.request) || visit.role.is_about_access() {
            continue;
        }
        for text in visit::texts(visit.request) {
            let mut seen = Vec::new();
            for placeholder in text.template.placeholders() {
                let root = visit::root(placeholder);
                if seen.contains(&root) {
                    continue;
                }
                seen.push(root);
                if visit.role.takes_secrets() {
                    if !secret_names::is_known(file, &placeholder.name) {
                        findings.push(unbound_secret(&text.place, &placeholder.name));
                    }
                } else if !is_bound(file, visit, text.position, root) {
                    let optional = placeholder.optional;
                    findings.push(unbound(visit, &text, root, optional));
                }
            }
        }
    }
}

fn is_bound(file: &ConnectorFile, visit: &Visit<'_>, position: Position, name: &str) -> bool {
    let endpoint = visit.endpoint.and_then(|index| file.endpoints.get(index));
    let request = visit.request;
    if position == Position::Output {
        return SPECIAL_OUTPUT.contains(&name)
            || is_input(endpoint, request, name)
            || is_secret_of(request, name);
    }
    if declares(request, name) || SPECIAL.contains(&name) {
        return true;
    }
    match visit.role {
        Role::Read | Role::Test | Role::Token | Role::Listing | Role::Access => false,
        Role::Update | Role::Delete | Role::DataProtection | Role::Consent => SPECIAL_MASKING.contains(&name),
        Role::Job => {
            matches!(name, "correlation_id" | "job_id")
                || SPECIAL_MASKING.contains(&name)
                || secret_names::is_known(file, name)
                || is_input(endpoint, request, name)
                || visit.started_by.is_some_and(|started| declares(started, name))
        }
    }
}

fn declares(request: &Request, name: &str) -> bool {
    request.param_values.iter().any(|value| value.name == name || visit::first_segment(&value.name) == name)
}

/// An input of the collection: a param of any of its reads that comes from an identity or a field.
fn is_input(endpoint: Option<&Endpoint>, request: &Request, name: &str) -> bool {
    let reads = endpoint.map(|endpoint| endpoint.read.as_slice()).unwrap_or_default();
    reads.iter().chain([request]).flat_map(|read| &read.param_values).any(|value| {
        value.name == name && matches!(value.source, ParamSource::Identity(_) | ParamSource::References(_))
    })
}

/// A secret that the request uses, by the secret's own name (saas-config 19.10).
fn is_secret_of(request: &Request, name: &str) -> bool {
    request.param_values.iter().any(|value| match &value.source {
        ParamSource::ConnectorParam(param) => visit::first_segment(param) == name,
        ParamSource::References(sources) => sources.iter().any(|source| match source {
            ReferenceSource::External(external) => external == name,
            ReferenceSource::Field(_) => false,
        }),
        ParamSource::Identity(_) => false,
    })
}

fn unbound_secret(place: &str, name: &str) -> Finding {
    let message =
        format!("nothing fills `<{name}>`: no connector param has this name, so the call will fail");
    Finding::value(place, "spec::lint_unbound_placeholder", message)
        .help(format!("add `- name: {name}` to `connector_params`"))
}

fn unbound(visit: &Visit<'_>, text: &visit::Text<'_>, name: &str, optional: bool) -> Finding {
    let effect = match text.position {
        _ if optional => "so it never has a value",
        Position::Path | Position::Body | Position::Output => "so the request will fail",
        Position::Header => "so this header is never sent",
        Position::Query => "so this query param is never sent",
    };
    let message = format!("nothing fills `<{name}>` {effect}");
    let help = if text.position == Position::Output && declares(visit.request, name) {
        "in `output` a connector param goes by its own name, not by the name of the param value".to_owned()
    } else if SPECIAL_MASKING.contains(&name) {
        format!("`<{name}>` exists only where rows are changed or in `output`")
    } else {
        let names = visit.request.param_values.iter().map(|value| value.name.as_str());
        match crate::diagnostic::nearest_of(name, names.chain(SPECIAL.iter().copied())) {
            Some(nearest) => format!("did you mean `<{nearest}>`?"),
            None => format!("add a param value called `{name}` to this request"),
        }
    };
    Finding::value(text.place.clone(), "spec::lint_unbound_placeholder", message).help(help)
}
