//! Static analysis: what a file that breaks no rule still gets wrong.
//!
//! Everything here is a warning. A file may have its reasons, and files that run elsewhere must
//! load unchanged (architecture §9). One file per noun; each check gives findings that name a
//! place, and [`lint_connector`] finds the place in the text.

mod circular;
mod connector_params;
mod content;
mod data_categories;
mod defects;
mod effects;
mod filters;
mod flow;
mod governance;
mod hosts;
mod paging;
mod pairing;
mod param_values;
mod placeholders;
mod quoting;
mod reachability;
mod secret_names;
mod url_secrets;
mod visit;

pub use self::effects::reads_by_post;
pub(crate) use self::secret_names::{is_known as is_known_secret, is_supplied_beyond_params};
pub(crate) use self::visit::texts;
use crate::connector_file::{ConnectorFile, Request};
use crate::dataset_file::Dataset;
use crate::diagnostic::Diagnostic;
use crate::source::SourceFile;
use crate::span_index::SpanIndex;

/// Every request of a file with those inside of others, for whoever needs no more than that.
pub(crate) fn requests(file: &ConnectorFile) -> Vec<&Request> {
    visit::requests(file).into_iter().map(|visit| visit.request).collect()
}

/// Warnings about a connector file by itself.
///
/// `source` is the text that `file` was read from and `spans` the places in it.
pub fn lint_connector(file: &ConnectorFile, source: &SourceFile, spans: &SpanIndex) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let visits = visit::requests(file);
    let flow = flow::Flow::of(file);

    reachability::lint(file, &flow, &mut findings);
    circular::lint(file, &flow, &mut findings);
    connector_params::lint(file, &visits, &mut findings);
    placeholders::lint(file, &visits, &mut findings);
    param_values::lint(file, &visits, &mut findings);
    paging::lint(&visits, &mut findings);
    hosts::lint(file, &visits, &mut findings);
    url_secrets::lint(file, &visits, &mut findings);
    filters::lint(file, &flow, &visits, &mut findings);
    quoting::lint(&visits, &mut findings);
    content::lint(&visits, &mut findings);
    effects::lint(&visits, spans, &mut findings);
    defects::lint(file, &visits, &mut findings);
    governance::lint(file, &mut findings);

    locate(findings, source, spans)
}

/// Warnings about what only shows when connector and dataset are seen together. All of them stand
/// in the dataset's text, `source`.
pub fn lint_pair(
    file: &ConnectorFile,
    dataset: &Dataset,
    source: &SourceFile,
    spans: &SpanIndex,
) -> Vec<Diagnostic> {
    locate(pairing::lint(file, dataset, &pairing::Places::of(dataset, source, spans)), source, spans)
}

/// Warnings about a dataset file by itself.
pub fn lint_datasets(source: &SourceFile, spans: &SpanIndex) -> Vec<Diagnostic> {
    locate(data_categories::lint(source, spans), source, spans)
}

fn locate(findings: Vec<Finding>, source: &SourceFile, spans: &SpanIndex) -> Vec<Diagnostic> {
    findings
        .into_iter()
        .map(|finding| {
            let span = match finding.part {
                Part::Key => spans.nearest_key(&finding.place),
                Part::Value => spans.nearest_value(&finding.place),
            };
            let diagnostic = Diagnostic::warning(source, span, finding.code, finding.message);
            match finding.help {
                Some(help) => diagnostic.with_help(help),
                None => diagnostic,
            }
        })
        .collect()
}

/// A warning that does not know yet where its place stands in the text.
#[derive(Debug)]
struct Finding {
    place: String,
    part: Part,
    code: &'static str,
    message: String,
    help: Option<String>,
}

/// Which half of `key: value` a finding points at.
#[derive(Debug, Clone, Copy)]
enum Part {
    Key,
    Value,
}

impl Finding {
    fn value(place: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { place: place.into(), part: Part::Value, code, message: message.into(), help: None }
    }

    fn key(place: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { part: Part::Key, ..Self::value(place, code, message) }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Names in a row for a message: `` `a`, `b` and `c` ``.
fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// Places of the items of the list at `place`.
fn items(spans: &SpanIndex, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let item = format!("{place}[{}]", found.len());
        if spans.find_value(&item).is_none() {
            return found;
        }
        found.push(item);
    }
}
