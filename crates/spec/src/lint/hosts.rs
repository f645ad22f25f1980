//! Hosts that whoever sets up a connection can choose freely.

use super::Finding;
use super::visit::{self, Visit};
use crate::connector_file::ConnectorFile;

pub(super) fn lint(file: &ConnectorFile, visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    let mut reported = Vec::new();
    for (place, client) in visit::clients(file, visits) {
        for placeholder in client.host.placeholders() {
            let Some(param) = file.find_param(visit::root(placeholder)) else { continue };
            let restricted =
                param.is_endpoint && param.allowed_values.as_ref().is_some_and(|list| !list.is_empty());
            if restricted || !param.options.is_empty() || reported.contains(&param.name) {
                continue;
            }
            reported.push(param.name.clone());
            let message = format!(
                "the host comes from `{}`, which may name any host; secrets are sent there",
                param.name
            );
            findings.push(Finding::value(format!("{place}.host"), "spec::lint_open_host", message).help(
                format!(
                    "give `{}` `type: endpoint` and `allowed_values`, such as `[\"*.example.com\"]`",
                    param.name
                ),
            ));
        }
        if client.protocol != "https" {
            let message = format!("`{}` sends secrets and personal data without encryption", client.protocol);
            findings.push(
                Finding::value(format!("{place}.protocol"), "spec::lint_unencrypted", message)
                    .help("write `https`"),
            );
        }
    }
}
