//! From the raw types to the checked ones, with every rule that goes beyond shape.
//!
//! What `shape` reported is absent in the raw value. So a missing part is never reported here, and
//! a finding at a place that already has an error is dropped: it would be a consequence.

mod authentication;
mod baton_connection;
mod client_config;
mod connector_file;
mod connector_param;
mod database;
mod dataset_file;
mod deadlines;
mod endpoint;
mod extension;
mod governance;
mod hosts;
mod masking;
mod messages;
mod pagination;
mod pair;
mod param_value;
mod policy;
mod polling;
mod postprocessor;
mod project_file;
mod rate_limit;
mod request;
mod script_hook;
mod self_hosted;
mod server_baton;
mod server_file;
mod storage;

use std::ops::Range;

use model::Path;

pub(crate) use connector_file::lower_connector;
pub(crate) use dataset_file::lower_datasets;
pub(crate) use pair::{INSTANCE_KEY, check_attached};
pub(crate) use project_file::lower_project;
pub(crate) use server_file::lower_server;

use crate::check::CheckOptions;
use crate::condition::Condition;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, nearest_of};
use crate::source::SourceFile;
use crate::span_index::SpanIndex;
use crate::template::Template;

/// What lowering needs everywhere, and what it finds.
pub(crate) struct Lowering<'a> {
    source: &'a SourceFile,
    spans: &'a SpanIndex,
    options: &'a CheckOptions,
    diagnostics: Diagnostics,
    /// Hosts met so far with their places, for rule 3.7.
    hosts: Vec<(String, Template)>,
    /// `retry` of the file's client config, for requests that have none.
    default_retry: Option<crate::raw::Retry>,
    /// Names of the connector params, which conditions may use.
    param_names: Vec<String>,
    /// Endpoints named under `verify`, with their places.
    verified_by: Vec<(String, String)>,
}

impl<'a> Lowering<'a> {
    /// Goes on from what the shape check found in `source`.
    pub(crate) fn new(
        source: &'a SourceFile,
        spans: &'a SpanIndex,
        options: &'a CheckOptions,
        found: Diagnostics,
    ) -> Self {
        Self {
            source,
            spans,
            options,
            diagnostics: found,
            hosts: Vec::new(),
            default_retry: None,
            param_names: Vec::new(),
            verified_by: Vec::new(),
        }
    }

    /// Everything found.
    pub(crate) fn finish(self) -> Diagnostics {
        self.diagnostics
    }

    /// An error about the value at `place`.
    fn error(&mut self, place: &str, finding: Finding) {
        let span = self.spans.nearest_value(place);
        self.add(finding.at(self.source, span, Severity::Error));
    }

    /// An error about the key at `place`.
    fn key_error(&mut self, place: &str, finding: Finding) {
        let span = self.spans.nearest_key(place);
        self.add(finding.at(self.source, span, Severity::Error));
    }

    /// A warning about the value at `place`.
    fn warning(&mut self, place: &str, finding: Finding) {
        let span = self.spans.nearest_value(place);
        self.add(finding.at(self.source, span, Severity::Warning));
    }

    /// An error about a key that may have another one already.
    fn second_key_error(&mut self, place: &str, finding: Finding) {
        if self.is_written(place) {
            let span = self.spans.nearest_key(place);
            self.diagnostics.push(finding.at(self.source, span, Severity::Error));
        }
    }

    fn add(&mut self, found: Diagnostic) {
        let consequence = |known: &Diagnostic| {
            known.severity == Severity::Error && known.span == found.span && known.code != found.code
        };
        if !self.diagnostics.iter().any(consequence) {
            self.diagnostics.push(found);
        }
    }

    /// Whether `key` of the mapping at `place` is absent only because of something reported: its
    /// value has an error, or it was misspelled.
    fn was_reported(&self, place: &str, key: &str) -> bool {
        if let Some(span) = self.spans.find_value(&format!("{place}.{key}")) {
            return self.diagnostics.iter().any(|known| known.span == span);
        }
        let Some(mapping) = self.spans.find_value(place) else { return true };
        let meant = format!("did you mean `{key}`?");
        let inside = |span: &Range<usize>| mapping.start <= span.start && span.end <= mapping.end;
        self.diagnostics.iter().any(|known| inside(&known.span) && known.help.as_ref() == Some(&meant))
    }

    /// Whether something is written at `place`, even if it is null.
    fn is_written(&self, place: &str) -> bool {
        self.spans.find_value(place).is_some()
    }

    /// The path `text`, unless it is empty.
    fn path(&mut self, place: &str, text: Option<String>) -> Option<Path> {
        let text = text.filter(|text| !text.is_empty())?;
        let parsed = text.parse();
        if let Err(error) = &parsed {
            let message = format!("{error}");
            self.error(
                place,
                Finding::new("spec::bad_path", message, "write keys and positions joined by dots"),
            );
        }
        parsed.ok()
    }

    /// The condition `text`, compiled; it may use the variables `known`.
    fn condition(&mut self, place: &str, text: Option<String>, known: &[String]) -> Option<Condition> {
        let compiled = Condition::compile(&text?);
        match &compiled {
            Ok(condition) => self.known_names(place, condition, known),
            Err(error) => {
                let message = format!("condition refused: {error}");
                let help =
                    "write a CEL expression that is true or false, as in `domain == 'api.example.com'`";
                self.error(place, Finding::new("spec::bad_condition", message, help));
            }
        }
        compiled.ok()
    }

    fn known_names(&mut self, place: &str, condition: &Condition, known: &[String]) {
        for name in condition.variables() {
            if !known.contains(&name) {
                let message = format!("the condition uses `{name}`, which is not known here");
                let help = match nearest_of(&name, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known are {}", known.join(", ")),
                };
                self.error(place, Finding::new("spec::unknown_condition_name", message, help));
            }
        }
    }

    /// A condition over the connection's settings.
    fn condition_on_params(&mut self, place: &str, text: Option<String>) -> Option<Condition> {
        let known = self.param_names.clone();
        self.condition(place, text, &known)
    }

    /// Status codes that exist.
    fn statuses(&mut self, place: &str, statuses: Vec<i64>) -> Vec<u16> {
        let mut known = Vec::new();
        for (index, status) in statuses.into_iter().enumerate() {
            if let Ok(status @ 100..=599) = u16::try_from(status) {
                known.push(status);
            } else {
                let message = format!("{status} is no HTTP status code");
                let finding = Finding::new("spec::bad_status", message, "write codes from 100 to 599");
                self.error(&format!("{place}[{index}]"), finding);
            }
        }
        known
    }
}

/// What is wrong, before it is known where it stands.
struct Finding {
    code: &'static str,
    message: String,
    help: String,
}

impl Finding {
    fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }

    fn at(self, source: &SourceFile, span: Range<usize>, severity: Severity) -> Diagnostic {
        let found = match severity {
            Severity::Error => Diagnostic::error(source, span, self.code, self.message),
            Severity::Warning => Diagnostic::warning(source, span, self.code, self.message),
        };
        found.with_help(self.help)
    }
}
