//! Pagination that cannot be shown to end (saas-config 18).

use super::Finding;
use super::visit::Visit;
use crate::connector_file::{OffsetLimit, Pagination, QueryValue, Request};

pub(super) fn lint(visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    for request in visits.iter().map(|visit| visit.request) {
        match &request.pagination {
            Some(Pagination::Offset { incremental_param, limit, .. }) => {
                lint_offset(request, incremental_param, limit.as_ref(), findings);
            }
            Some(Pagination::Cursor { cursor_param, field, has_next, .. }) => {
                // A cursor that only the elements carry ends with an empty page, and without
                // `data_path` a page that is an object is never empty.
                let same = request.data_path.as_ref().is_some_and(|path| path == field);
                if same {
                    let message = format!(
                        "the cursor for `{cursor_param}` is taken from the rows' own place `{field}`; it is no cursor"
                    );
                    findings.push(
                        Finding::value(
                            format!("{}.pagination.configuration.field", request.place),
                            "spec::lint_endless_paging",
                            message,
                        )
                        .help("name the field of the answer, or of the last row, that holds the next cursor"),
                    );
                }
                if let Some(flag) = has_next
                    && flag == field
                {
                    let message = "`has_next` and `field` are the same place; a cursor is never the text `true`, so only the first page is read";
                    findings.push(
                        Finding::value(
                            format!("{}.pagination.configuration.has_next", request.place),
                            "spec::lint_short_paging",
                            message,
                        )
                        .help("remove `has_next`; paging ends where no cursor is found"),
                    );
                }
            }
            Some(Pagination::Link { .. }) | None => {}
        }
    }
}

fn lint_offset(request: &Request, param: &str, limit: Option<&OffsetLimit>, findings: &mut Vec<Finding>) {
    let place = &request.place;
    let bounded = match limit {
        Some(OffsetLimit::Value(limit)) => *limit != 0,
        Some(OffsetLimit::ConnectorParam(_)) => true,
        None => false,
    };
    if request.data_path.is_none() && !bounded {
        let message = "paging by offset cannot be shown to end: without `data_path` an answer that is an object is never empty, and there is no `limit`";
        findings.push(
            Finding::key(format!("{place}.pagination"), "spec::lint_endless_paging", message)
                .help("name the list in the answer with `data_path`, or set `limit`"),
        );
    }
    let Some((index, start)) = request
        .query_params
        .iter()
        .enumerate()
        .find(|(_, query)| query.name == param)
        .map(|(i, q)| (i, &q.value))
    else {
        return;
    };
    match start {
        QueryValue::Text(text) => {
            let message = if text.placeholders().next().is_some() {
                format!("`{param}` starts at a placeholder; paging needs a number in its value")
            } else {
                format!("`{param}` starts at a text; elsewhere this fails after the first page")
            };
            findings.push(
                Finding::value(
                    format!("{place}.query_params[{index}].value"),
                    "spec::lint_offset_start",
                    message,
                )
                .help("write the number without quotes"),
            );
        }
        QueryValue::Integer(start) => match limit {
            Some(OffsetLimit::Value(limit)) if *limit != 0 && start > limit => {
                let message = format!(
                    "`limit` {limit} is below the start value {start}, so only the first page is read"
                );
                findings.push(
                    Finding::value(
                        format!("{place}.pagination.configuration.limit"),
                        "spec::lint_short_paging",
                        message,
                    )
                    .help("raise `limit`, or remove it"),
                );
            }
            Some(OffsetLimit::Value(_) | OffsetLimit::ConnectorParam(_)) | None => {}
        },
    }
}
