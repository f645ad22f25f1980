//! `index.html`: the package for a person to read, in one file that loads nothing.

use engine::Status;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::shown::ShownCollection;
use super::{Contents, PackageOptions};
use crate::{CollectionReport, Report, ReportOutcome};

const TEMPLATE: &str = include_str!("index.html");

/// What the template takes.
#[derive(Serialize)]
struct Page<'a> {
    complete: bool,
    /// Whether any line has something to remark.
    remarks: bool,
    lines: Vec<Line>,
    collections: &'a [ShownCollection],
    identities: Vec<Identity>,
    made_at: Option<String>,
    policy: Option<&'a str>,
}

/// One line of the summary.
#[derive(Serialize)]
struct Line {
    address: String,
    /// Number of its section, from 1; none if no record is shown.
    place: Option<usize>,
    status: &'static str,
    rows: u64,
    complete: bool,
    detail: Option<String>,
}

#[derive(Serialize)]
struct Identity {
    kind: String,
    values: Vec<String>,
}

pub(super) fn render(
    report: &Report,
    shown: &[ShownCollection],
    options: &PackageOptions<'_>,
) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("index.html", TEMPLATE)?;
    let lines: Vec<Line> =
        report.collections.iter().map(|(address, one)| line(address.to_string(), one, shown)).collect();
    let filtered = match options.contents {
        Contents::Everything => None,
        Contents::Targeted { policy, .. } => Some(policy.key.as_str()),
    };
    let page = Page {
        complete: report.outcome == ReportOutcome::Complete,
        remarks: lines.iter().any(|line| line.detail.is_some()),
        lines,
        collections: shown,
        identities: identities(options),
        made_at: options.made_at.map(|at| at.strftime("%-d %B %Y, %H:%M UTC").to_string()),
        policy: filtered,
    };
    environment.get_template("index.html")?.render(Serde(&page))
}

fn line(address: String, report: &CollectionReport, shown: &[ShownCollection]) -> Line {
    let mut sections = shown.iter().filter(|collection| !collection.rows.is_empty());
    let place = sections.position(|collection| collection.address == address).map(|position| position + 1);
    let status = match report.status {
        Status::Complete if report.rows == 0 => "nothing found",
        Status::Complete => "complete",
        Status::Incomplete => "incomplete",
        Status::Failed => "could not be read",
        Status::Skipped => "not read",
    };
    Line {
        address,
        place,
        status,
        rows: report.rows,
        complete: report.completeness.complete,
        detail: report.completeness.detail.clone(),
    }
}

fn identities(options: &PackageOptions<'_>) -> Vec<Identity> {
    let Some(subject) = options.subject else {
        return Vec::new();
    };
    subject
        .kinds()
        .map(|kind| Identity {
            kind: kind.replace('_', " "),
            values: subject.values(kind).iter().filter_map(model::text_form).collect(),
        })
        .collect()
}
