//! Secrets in URLs, where logs of servers and proxies keep them.

use super::Finding;
use super::visit::{self, Position, Visit};
use crate::connector_file::{Authentication, ConnectorFile, ParamSource, Request};

pub(super) fn lint(file: &ConnectorFile, visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    for (place, client) in visit::clients(file, visits) {
        let in_query = match &client.authentication {
            Some(Authentication::ApiKey { query_params, .. }) => query_params
                .iter()
                .enumerate()
                .filter(|(_, param)| param.value.placeholders().next().is_some())
                .map(|(index, _)| format!("{place}.authentication.configuration.query_params[{index}].value"))
                .collect(),
            Some(Authentication::QueryParam { value, .. }) if value.placeholders().next().is_some() => {
                vec![format!("{place}.authentication.configuration.value")]
            }
            Some(
                Authentication::QueryParam { .. }
                | Authentication::Basic { .. }
                | Authentication::Bearer { .. }
                | Authentication::OAuth2ClientCredentials(_)
                | Authentication::OAuth2AuthorizationCode { .. }
                | Authentication::GoogleCloudServiceAccount { .. }
                | Authentication::Script { .. }
                | Authentication::Unknown { .. },
            )
            | None => Vec::new(),
        };
        for place in in_query {
            findings.push(finding(place, "the key of this authentication is sent"));
        }
    }
    for visit in visits {
        for text in visit::texts(visit.request) {
            if !matches!(text.position, Position::Path | Position::Query) {
                continue;
            }
            for placeholder in text.template.placeholders() {
                let name = visit::root(placeholder);
                let secret =
                    if visit.role.takes_secrets() { Some(name) } else { secret_behind(visit.request, name) };
                if let Some(secret) = secret.filter(|secret| file.is_secret(secret)) {
                    findings.push(finding(text.place.clone(), &format!("secret `{secret}` is sent")));
                }
            }
        }
    }
}

fn secret_behind<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.param_values.iter().find(|value| value.name == name).and_then(|value| match &value.source {
        ParamSource::ConnectorParam(param) => Some(visit::first_segment(param)),
        ParamSource::Identity(_) | ParamSource::References(_) => None,
    })
}

fn finding(place: String, what: &str) -> Finding {
    Finding::value(
        place,
        "spec::lint_secret_in_url",
        format!("{what} in the URL, which servers and proxies write to their logs"),
    )
    .help("send it in a header or in the body, if the API allows it")
}
