//! Bodies that cannot be sent (saas-config 12.6–12.8).

use super::Finding;
use super::visit::{self, Role, Visit};
use crate::template::Template;

pub(super) fn lint(visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    for visit in visits {
        let request = visit.request;
        if let Some(body) = &request.body {
            let header = request
                .headers
                .iter()
                .enumerate()
                .find(|(_, header)| header.name.eq_ignore_ascii_case("content-type"));
            if let Some((index, header)) = header {
                lint_type(&format!("{}.headers[{index}].value", request.place), &header.value, findings);
            }
            lint_bare_optional(&request.place, body, findings);
        }
        if visit.role == Role::Test && visit::texts(request).iter().any(|text| has_optional(text.template)) {
            continue; // filled from the secrets, where every name is there or not for good
        }
        for text in visit::texts(request) {
            let in_url = matches!(
                text.position,
                visit::Position::Path | visit::Position::Query | visit::Position::Header
            );
            if in_url && has_optional(text.template) {
                findings.push(bare_optional(text.place, "elsewhere it stays in the text as it is written"));
            }
        }
    }
}

fn lint_type(place: &str, value: &Template, findings: &mut Vec<Finding>) {
    if value.placeholders().next().is_some() {
        return;
    }
    let written = value.source();
    let media = written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(media.as_str(), "application/json" | "text/plain" | "application/x-www-form-urlencoded") {
        let message = format!("a body of type `{written}` cannot be sent; the request will fail");
        findings.push(Finding::value(place, "spec::lint_content_type", message).help(
            "use `application/json`, `application/x-www-form-urlencoded` (the body is still written as JSON) or `text/plain`",
        ));
    } else if media != written {
        let message = format!(
            "elsewhere `{written}` is refused: there the content type must be written without parameters, in lower case"
        );
        findings.push(
            Finding::value(place, "spec::lint_content_type_form", message).help(format!("write `{media}`")),
        );
    }
}

fn has_optional(template: &Template) -> bool {
    template.placeholders().any(|placeholder| placeholder.optional)
}

fn lint_bare_optional(place: &str, body: &Template, findings: &mut Vec<Finding>) {
    let source = body.source();
    let bare = body.placeholders().filter(|placeholder| placeholder.optional).any(|placeholder| {
        let written = format!("<{}?>", placeholder.name);
        source.matches(&written).count() > source.matches(&format!("\"{written}\"")).count()
    });
    if bare {
        findings
            .push(bare_optional(format!("{place}.body"), "elsewhere it stays in the body as it is written"));
    }
}

fn bare_optional(place: String, effect: &str) -> Finding {
    let message =
        format!("an optional placeholder without a value is only replaced between double quotes; {effect}");
    Finding::value(place, "spec::lint_bare_optional", message)
        .help("here it is left out, or becomes `null` in JSON; write `\"<name?>\"` in a body to have that everywhere")
}
