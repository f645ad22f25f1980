//! Param values that their request never uses.

use super::Finding;
use super::visit::{self, Position, Role, Visit};
use crate::connector_file::{ConnectorFile, ParamSource, ParamValue, Request};

pub(super) fn lint(file: &ConnectorFile, visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    for visit in visits {
        let request = visit.request;
        let ignored = matches!(visit.role, Role::Test | Role::Token | Role::Job);
        if ignored || visit::is_opaque(request) || request.async_config.is_some() {
            continue;
        }
        // A masking request of an endpoint without read also makes the collection's fields.
        let endpoint = visit.endpoint.and_then(|index| file.endpoints.get(index));
        let feeds = visit.role == Role::Read
            || (visit.role == Role::Delete && endpoint.is_some_and(|endpoint| endpoint.read.is_empty()));
        for (index, value) in request.param_values.iter().enumerate() {
            if is_used(request, value) || request.grouped_inputs.contains(&value.name) {
                continue;
            }
            let Some(reason) = useless(value, request, feeds) else { continue };
            let message = format!(
                "param value `{}` is never used: the request has no `<{}>`{reason}",
                value.name, value.name
            );
            findings.push(
                Finding::value(
                    format!("{}.param_values[{index}].name", request.place),
                    "spec::lint_unused_param_value",
                    message,
                )
                .help("remove it, or write its placeholder where the value belongs"),
            );
        }
    }
}

/// Why an unused value helps nothing, or `None` if it may be there to make the collection
/// reachable, as is customary (saas-config 10.7).
fn useless(value: &ParamValue, request: &Request, feeds: bool) -> Option<&'static str> {
    match &value.source {
        ParamSource::Identity(_) => None,
        ParamSource::ConnectorParam(_) => Some(""),
        ParamSource::References(_) if !feeds => Some(""),
        ParamSource::References(_) => {
            let others = request.param_values.iter().any(|other| {
                other.name != value.name
                    && matches!(other.source, ParamSource::Identity(_) | ParamSource::References(_))
            });
            others.then_some(", yet the same call is sent once for each of its values")
        }
    }
}

/// Also by the requests that prove or follow it, which get its values.
fn is_used(request: &Request, value: &ParamValue) -> bool {
    let parts = visit::parts(request);
    std::iter::once(request).chain(parts).flat_map(visit::texts).any(|text| {
        text.template.placeholders().any(|placeholder| {
            let root = visit::root(placeholder);
            root == value.name
                || placeholder.name == value.name
                || match &value.source {
                    ParamSource::ConnectorParam(name) => text.position == Position::Output && root == name,
                    ParamSource::Identity(_) | ParamSource::References(_) => false,
                }
        })
    })
}
