//! Uses of the format that work here and go wrong elsewhere, or the other way round.

use super::Finding;
use super::visit::{Role, Visit};
use super::{flow, visit};
use crate::connector_file::{ConnectorFile, Endpoint, ParamSource, ParamValue, Request};
use crate::reference::ReferenceSource;

pub(super) fn lint(file: &ConnectorFile, visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    for (index, endpoint) in file.endpoints.iter().enumerate() {
        lint_reads(endpoint, findings);
        lint_hidden_delete(file, index, endpoint, findings);
    }
    for visit in visits {
        lint_shadowed_input(visit, findings);
        lint_foreign_reference(file, visit, findings);
        lint_override(visit.request, findings);
    }
}

/// saas-config 16.3 and 17.13: several reads that share names or groups.
fn lint_reads(endpoint: &Endpoint, findings: &mut Vec<Finding>) {
    let mut first: Vec<(&ParamValue, &Request)> = Vec::new();
    for (position, request) in endpoint.read.iter().enumerate() {
        if position > 0 && !request.grouped_inputs.is_empty() {
            findings.push(
                Finding::key(
                    format!("{}.grouped_inputs", request.place),
                    "spec::lint_grouped_reads",
                    "elsewhere the first read request uses up the groups, and this one gets no values",
                )
                .help("make it an endpoint of its own if the file must run elsewhere"),
            );
        }
        for (index, value) in request.param_values.iter().enumerate() {
            let Some((before, _)) = first.iter().find(|(before, _)| before.name == value.name) else {
                first.push((value, request));
                continue;
            };
            if makes_field(before) && makes_field(value) && !same_source(before, value) {
                let message = format!(
                    "another read request of `{}` takes `{}` from somewhere else; elsewhere only the last source feeds the collection",
                    endpoint.name, value.name
                );
                findings.push(
                    Finding::value(
                        format!("{}.param_values[{index}].name", request.place),
                        "spec::lint_param_name_reused",
                        message,
                    )
                    .help("give it another name"),
                );
            }
        }
    }
}

fn makes_field(value: &ParamValue) -> bool {
    match value.source {
        ParamSource::Identity(_) | ParamSource::References(_) => true,
        ParamSource::ConnectorParam(_) => false,
    }
}

fn same_source(left: &ParamValue, right: &ParamValue) -> bool {
    match (&left.source, &right.source) {
        (ParamSource::Identity(left), ParamSource::Identity(right)) => left == right,
        (ParamSource::References(left), ParamSource::References(right)) => left == right,
        (ParamSource::ConnectorParam(left), ParamSource::ConnectorParam(right)) => left == right,
        (ParamSource::Identity(_) | ParamSource::References(_) | ParamSource::ConnectorParam(_), _) => false,
    }
}

/// saas-config 20.4: a data protection request takes the place of every `delete`.
fn lint_hidden_delete(file: &ConnectorFile, index: usize, endpoint: &Endpoint, findings: &mut Vec<Finding>) {
    if file.data_protection_request.is_empty() || !endpoint.update.is_empty() || endpoint.delete.is_empty() {
        return;
    }
    let message = format!(
        "`delete` of `{}` is never sent: the file's `data_protection_request` comes first",
        endpoint.name
    );
    findings.push(
        Finding::key(format!("endpoints[{index}].requests.delete"), "spec::lint_hidden_delete", message)
            .help("remove it, or remove `data_protection_request`"),
    );
}

/// saas-config 17.12: a secret that goes by the name of an input.
fn lint_shadowed_input(visit: &Visit<'_>, findings: &mut Vec<Finding>) {
    if visit.role != Role::Read {
        return;
    }
    let request = visit.request;
    for (index, value) in request.param_values.iter().enumerate() {
        if !makes_field(value) {
            continue;
        }
        let shadowed = request.param_values.iter().any(|other| match &other.source {
            ParamSource::ConnectorParam(secret) => *secret == value.name,
            ParamSource::References(sources) => sources
                .iter()
                .any(|source| matches!(source, ReferenceSource::External(name) if *name == value.name)),
            ParamSource::Identity(_) => false,
        });
        if shadowed {
            let message = format!(
                "`{}` is also the name of a secret that this request uses; elsewhere the secret takes its place",
                value.name
            );
            findings.push(
                Finding::value(
                    format!("{}.param_values[{index}].name", request.place),
                    "spec::lint_shadowed_input",
                    message,
                )
                .help("give the param value another name"),
            );
        }
    }
}

/// saas-config 20.9: masking requests look into their own row, or at an input of their collection.
fn lint_foreign_reference(file: &ConnectorFile, visit: &Visit<'_>, findings: &mut Vec<Finding>) {
    let Some(endpoint) = visit.endpoint.and_then(|index| file.endpoints.get(index)) else { return };
    if !visit.role.is_masking() || visit::is_opaque(visit.request) || endpoint.read.is_empty() {
        return;
    }
    for (index, value) in visit.request.param_values.iter().enumerate() {
        let ParamSource::References(sources) = &value.source else { continue };
        let own_row = matches!(sources.first(), Some(ReferenceSource::Field(field)) if field.collection == endpoint.name);
        let input = flow::feeding(endpoint)
            .iter()
            .flat_map(|request| &request.param_values)
            .any(|read| read.name == value.name && makes_field(read));
        if own_row {
            continue;
        }
        let (message, help) = if input {
            (
                format!(
                    "`{}` comes from another collection: every row gets the first value found there, not its own",
                    value.name
                ),
                format!("refer to a field of `{}`", endpoint.name),
            )
        } else {
            (
                format!(
                    "`{}` comes from another collection, which this request cannot see; it will fail",
                    value.name
                ),
                format!(
                    "refer to a field of `{}`, or give a read request of it a param value of the same name",
                    endpoint.name
                ),
            )
        };
        findings.push(
            Finding::value(
                format!("{}.param_values[{index}].references[0]", visit.request.place),
                "spec::lint_foreign_reference",
                message,
            )
            .help(help),
        );
    }
}

/// saas-config 21.3: functions of another engine.
fn lint_override(request: &Request, findings: &mut Vec<Finding>) {
    if let Some(name) = &request.request_override {
        let message =
            format!("the function `{name}` belongs to another engine; this request fails when it runs");
        findings.push(
            Finding::value(
                format!("{}.request_override", request.place),
                "spec::lint_request_override",
                message,
            )
            .help("write the request itself, or a `script`"),
        );
    }
}
