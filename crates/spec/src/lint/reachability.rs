//! Endpoints that no run ever gets to (saas-config 16.13).

use super::flow::{Flow, feeding, references};
use super::{Finding, listed};
use crate::connector_file::ConnectorFile;

pub(super) fn lint(file: &ConnectorFile, flow: &Flow<'_>, findings: &mut Vec<Finding>) {
    let reached = flow.reached(&[]);
    for (index, endpoint) in file.endpoints.iter().enumerate() {
        if reached.get(index) == Some(&true) || endpoint.skip_processing {
            continue;
        }
        let name = &endpoint.name;
        let place = format!("endpoints[{index}].name");
        let finding = if feeding(endpoint).is_empty() {
            let message =
                format!("nothing leads to endpoint `{name}`: it has neither a `read` nor a `delete` request");
            Finding::value(place, "spec::lint_unreachable_endpoint", message)
                .help("add a `read` request, or a `delete` request that takes an identity")
        } else if flow.has_inputs(index) {
            let sources: Vec<&str> = flow
                .neighbours(index)
                .filter_map(|source| file.endpoints.get(source).map(|endpoint| endpoint.name.as_str()))
                .collect();
            let message = format!(
                "endpoint `{name}` is reached from no identity: it only gets values from {}, which no identity leads to either",
                listed(&sources)
            );
            Finding::value(place, "spec::lint_unreachable_endpoint", message)
                .help("give one of them a param value with `identity`")
        } else if feeding(endpoint).iter().any(|request| !references(request).is_empty()) {
            continue; // its references lead nowhere; they are reported where they stand
        } else {
            let message = format!(
                "endpoint `{name}` is reached from no identity: none of its param values has an `identity` or `references`"
            );
            Finding::value(place, "spec::lint_unreachable_endpoint", message).help(
                "add a param value such as `{name: email, identity: email}`; its placeholder may stay unused",
            )
        };
        findings.push(finding);
    }
}
