//! Data categories that the taxonomy does not have (saas-config 25.8, architecture §13.14).

use super::Finding;
use crate::categories;
use crate::source::SourceFile;
use crate::span_index::SpanIndex;

pub(super) fn lint(source: &SourceFile, spans: &SpanIndex) -> Vec<Finding> {
    let mut walk = Walk { source, spans, findings: Vec::new() };
    for dataset in walk.items("dataset") {
        walk.categories(&dataset);
        for collection in walk.items(&format!("{dataset}.collections")) {
            walk.categories(&collection);
            walk.fields(&collection);
        }
    }
    walk.findings
}

struct Walk<'a> {
    source: &'a SourceFile,
    spans: &'a SpanIndex,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    /// Places of the items of the list at `place`.
    fn items(&self, place: &str) -> Vec<String> {
        super::items(self.spans, place)
    }

    fn fields(&mut self, place: &str) {
        for field in self.items(&format!("{place}.fields")) {
            self.categories(&field);
            self.fields(&field);
        }
    }

    fn categories(&mut self, place: &str) {
        let list = format!("{place}.data_categories");
        for item in self.items(&list) {
            let Some(span) = self.spans.find_value(&item) else { continue };
            if self.spans.find_key(&list).as_ref() == Some(&span) {
                continue; // `data_categories:` without a value
            }
            let key = self.source.slice(&span).trim_matches(['"', '\'']);
            if key.is_empty() || categories::is_known(key) {
                continue;
            }
            let message = format!("data category `{key}` is not in the taxonomy");
            let help = match categories::nearest(key) {
                Some(nearest) => {
                    format!("did you mean `{nearest}`? a category of your own is fine if a policy targets it")
                }
                None => {
                    "see the list of data categories; a category of your own is fine if a policy targets it"
                        .to_owned()
                }
            };
            self.findings.push(Finding::value(item, "spec::lint_unknown_category", message).help(help));
        }
    }
}
