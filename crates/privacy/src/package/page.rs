//! `index.html`: the package for a person to read, in one file that loads nothing.

use engine::Status;
use minijinja::value::Serde;
use model::CollectionAddress;
use serde::Serialize;

use super::PackageOptions;
use super::shown::ShownCollection;
use super::site::{PAGES, STYLE};
use crate::{CollectionReport, Report, ReportOutcome};

/// The template of the first page.
pub(super) const TEMPLATE: &str = concat!(include_str!("show.html"), include_str!("index.html"));

/// What the template takes.
#[derive(Serialize)]
struct Page<'a> {
    style: &'a str,
    /// Whether `access.json` lies beside the page.
    json: bool,
    complete: bool,
    /// Whether any line has something to remark.
    remarks: bool,
    lines: Vec<Line>,
    collections: &'a [ShownCollection<'a>],
    identities: Vec<Identity>,
    made_at: Option<String>,
    policy: Option<&'a str>,
    /// The rules of it that were used here: others may have packages of their own.
    rules: Vec<&'a str>,
}

/// One line of the summary.
#[derive(Serialize)]
struct Line {
    address: String,
    /// Where its records are; nowhere if none is shown.
    href: Option<String>,
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

/// The page that holds the first records of each collection itself.
pub(super) fn render(
    report: &Report,
    shown: &[ShownCollection<'_>],
    options: &PackageOptions<'_>,
) -> Result<String, minijinja::Error> {
    let sections = shown.iter().filter(|collection| !collection.rows.is_empty());
    let numbered: Vec<_> = sections.zip(1..).collect();
    let line = |(address, one): (&CollectionAddress, &CollectionReport)| {
        let address = address.to_string();
        let section = numbered.iter().find(|(section, _)| section.address == address);
        let href = section.map(|(_, number)| format!("#place-{number}"));
        line(address, one, href)
    };
    let lines = report.collections.iter().map(line).collect();
    fill(&Page { json: true, collections: shown, ..Page::of(report, lines, options) })
}

/// The first page of a package whose records have pages of their own: `places`.
pub(super) fn front(
    report: &Report,
    places: &[(CollectionAddress, String)],
    options: &PackageOptions<'_>,
    json: bool,
) -> Result<String, minijinja::Error> {
    let line = |(address, one): (&CollectionAddress, &CollectionReport)| {
        let place = places.iter().find(|(known, _)| known == address);
        line(address.to_string(), one, place.map(|(_, href)| href.clone()))
    };
    let lines = report.collections.iter().map(line).collect();
    fill(&Page { json, ..Page::of(report, lines, options) })
}

fn fill(page: &Page<'_>) -> Result<String, minijinja::Error> {
    PAGES.get_template("index.html")?.render(Serde(page))
}

impl<'a> Page<'a> {
    fn of(report: &Report, lines: Vec<Line>, options: &PackageOptions<'a>) -> Self {
        Self {
            style: STYLE,
            json: false,
            complete: report.outcome == ReportOutcome::Complete,
            remarks: lines.iter().any(|line| line.detail.is_some()),
            lines,
            collections: &[],
            identities: identities(options),
            made_at: options.made_at.map(|at| at.strftime("%-d %B %Y, %H:%M UTC").to_string()),
            policy: options.contents.policy(),
            rules: options.contents.rules(),
        }
    }
}

fn line(address: String, report: &CollectionReport, href: Option<String>) -> Line {
    let status = match report.status {
        Status::Complete if report.rows == 0 => "nothing found",
        Status::Complete => "complete",
        Status::Incomplete => "incomplete",
        Status::Failed => "could not be read",
        Status::Skipped => "not read",
    };
    Line {
        address,
        href,
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
