//! Connector params and external references: declared and unused, used and undeclared.

use std::collections::HashSet;

use super::visit::{self, Role, Visit};
use super::{Finding, secret_names};
use crate::connector_file::{ConnectorFile, OffsetLimit, Pagination, ParamSource, Required};
use crate::reference::ReferenceSource;

pub(super) fn lint(file: &ConnectorFile, visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    lint_undeclared(file, visits, findings);

    // Functions and strategies that are not part of the file may read any secret.
    let opaque = visits.iter().any(|visit| visit::is_opaque(visit.request));
    if opaque || secret_names::has_unknown_strategy(file, visits) {
        return;
    }
    let used = used(file, visits);
    for (index, param) in file.connector_params.iter().enumerate() {
        if used.contains(param.name.as_str()) || secret_names::is_supplied_beyond_params(file, &param.name) {
            continue;
        }
        let message = format!("nothing uses connector param `{}`", param.name);
        findings.push(
            Finding::value(
                format!("connector_params[{index}].name"),
                "spec::lint_unused_connector_param",
                message,
            )
            .help(format!(
                "remove it, or use it: `<{0}>` in `client_config`, or `connector_param: {0}` in a request",
                param.name
            )),
        );
    }
    for (index, reference) in file.external_references.iter().enumerate() {
        if !used.contains(reference.name.as_str()) {
            let message = format!("no param value takes external reference `{}`", reference.name);
            findings.push(
                Finding::value(
                    format!("external_references[{index}].name"),
                    "spec::lint_unused_external_reference",
                    message,
                )
                .help(format!("remove it, or write `references: [{}]` in a param value", reference.name)),
            );
        }
    }
}

fn used<'a>(file: &'a ConnectorFile, visits: &[Visit<'a>]) -> HashSet<&'a str> {
    let mut used = HashSet::new();
    for (place, client) in visit::clients(file, visits) {
        used.extend(client.host.placeholders().map(visit::root));
        for (_, template) in visit::credentials(&place, client) {
            used.extend(template.placeholders().map(visit::root));
        }
    }
    for visit in visits {
        let request = visit.request;
        for text in visit::texts(request) {
            let from_secrets = visit.role.takes_secrets() || visit.role == Role::Job;
            if from_secrets || text.position == visit::Position::Output {
                used.extend(text.template.placeholders().map(visit::root));
            }
        }
        for value in &request.param_values {
            match &value.source {
                ParamSource::ConnectorParam(name) => {
                    used.insert(visit::first_segment(name));
                }
                ParamSource::References(sources) => {
                    used.extend(sources.iter().filter_map(|source| match source {
                        ReferenceSource::External(name) => Some(name.as_str()),
                        ReferenceSource::Field(_) => None,
                    }));
                }
                ParamSource::Identity(_) => {}
            }
        }
        used.extend(paging_limit(visit));
    }
    for condition in visits.iter().filter_map(|visit| visit.request.when.as_ref()) {
        used.extend(declared_in(file, &condition.variables()));
    }
    used.extend(declared_in(file, &super::governance::variables(file)));
    for param in &file.connector_params {
        match &param.required {
            Required::When(condition) => used.extend(declared_in(file, &condition.variables())),
            Required::Always | Required::Never => {}
        }
    }
    used
}

fn declared_in<'a>(file: &'a ConnectorFile, names: &[String]) -> Vec<&'a str> {
    names.iter().filter_map(|name| file.find_param(name)).map(|param| param.name.as_str()).collect()
}

fn paging_limit<'a>(visit: &Visit<'a>) -> Option<&'a str> {
    match &visit.request.pagination {
        Some(Pagination::Offset { limit: Some(OffsetLimit::ConnectorParam(name)), .. }) => Some(name),
        Some(Pagination::Offset { .. } | Pagination::Link { .. } | Pagination::Cursor { .. }) | None => None,
    }
}

fn lint_undeclared(file: &ConnectorFile, visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    let mut report = |place: String, name: &str| {
        let declared = file.connector_params.iter().map(|param| param.name.as_str());
        let help = match crate::diagnostic::nearest_of(name, declared) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("add `- name: {name}` to `connector_params`"),
        };
        let message =
            format!("connector param `{name}` is not declared, so a connection has no value for it");
        findings.push(Finding::value(place, "spec::lint_undeclared_connector_param", message).help(help));
    };
    for visit in visits {
        let place = &visit.request.place;
        for (index, value) in visit.request.param_values.iter().enumerate() {
            match &value.source {
                ParamSource::ConnectorParam(name) if !secret_names::is_known(file, name) => {
                    report(format!("{place}.param_values[{index}].connector_param"), name);
                }
                ParamSource::ConnectorParam(_) | ParamSource::References(_) | ParamSource::Identity(_) => {}
            }
        }
        if let Some(name) = paging_limit(visit)
            && !secret_names::is_known(file, name)
        {
            report(format!("{place}.pagination.configuration.limit.connector_param"), name);
        }
    }
    for visit in visits {
        for (index, value) in visit.request.param_values.iter().enumerate() {
            let ParamSource::References(sources) = &value.source else { continue };
            for (position, source) in sources.iter().enumerate() {
                match source {
                    ReferenceSource::External(name)
                        if !file.external_references.iter().any(|reference| reference.name == *name) =>
                    {
                        let message = format!(
                            "external reference `{name}` is not declared; without a secret of that name the graph cannot be built"
                        );
                        findings.push(
                            Finding::value(
                                format!(
                                    "{}.param_values[{index}].references[{position}]",
                                    visit.request.place
                                ),
                                "spec::lint_undeclared_external_reference",
                                message,
                            )
                            .help(format!("add `- name: {name}` to `external_references`")),
                        );
                    }
                    ReferenceSource::External(_) | ReferenceSource::Field(_) => {}
                }
            }
        }
    }
}
