use std::ops::Range;

use serde_json::Value;

use crate::check::CheckOptions;
use crate::diagnostic::Diagnostic;
use crate::lower::INSTANCE_KEY;
use crate::shape;
use crate::source::SourceFile;
use crate::yaml::{self, Node};

/// One step from the top of a document to a place in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Into the value of this key.
    Key(String),
    /// Into this item of a list, counted from 0.
    Position(usize),
}

/// Says of findings about one file which keys lead to them, for callers that sent the file as data and
/// know no lines.
pub struct Locator {
    root: Option<Node>,
}

impl Locator {
    /// For findings about `source`.
    pub fn new(source: &SourceFile) -> Self {
        Self { root: yaml::parse(source, None).root }
    }

    /// The way to the offending key or value, or to where a missing key would stand; empty for the
    /// whole file.
    pub fn steps(&self, found: &Diagnostic) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(root) = &self.root {
            walk(root, &found.span, &mut steps);
        }
        steps.extend(found.missing.clone().map(Step::Key));
        steps
    }
}

impl std::fmt::Debug for Locator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Locator").finish_non_exhaustive()
    }
}

/// The document in `source` as data, as it is written, with the instance key filled in; `None` if it is
/// no YAML.
pub fn document(source: &SourceFile, options: &CheckOptions) -> Option<Value> {
    let placeholder = options.instance_key.as_ref().map(|key| (INSTANCE_KEY, key.as_str()));
    yaml::parse(source, placeholder).root.map(|root| shape::natural(&root))
}

fn walk(node: &Node, span: &Range<usize>, steps: &mut Vec<Step>) {
    for entry in node.entries() {
        if contains(&entry.key_span, span) {
            steps.push(Step::Key(entry.key.clone()));
            return;
        }
        if contains(&entry.value.span, span) {
            steps.push(Step::Key(entry.key.clone()));
            return walk(&entry.value, span, steps);
        }
    }
    for (position, item) in node.items().iter().enumerate() {
        if contains(&item.span, span) {
            steps.push(Step::Position(position));
            return walk(item, span, steps);
        }
    }
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    !outer.is_empty() && outer.start <= inner.start && inner.end <= outer.end
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check_connector;

    fn steps_of(text: &str, code: &str) -> Vec<Step> {
        steps_where(text, |found| found.code == code)
    }

    fn steps_where(text: &str, is_it: impl Fn(&Diagnostic) -> bool) -> Vec<Step> {
        let source = SourceFile::new("body", text);
        let checked = check_connector(&source, &CheckOptions::default());
        let found = checked.diagnostics.iter().find(|found| is_it(found)).unwrap();
        Locator::new(&source).steps(found)
    }

    fn key(text: &str) -> Step {
        Step::Key(text.to_owned())
    }

    #[test]
    fn unknown_key_of_a_request_is_found_in_data() {
        let text = json!({"saas_config": {"endpoints": [
            {"name": "a", "requests": {"read": {"method": "GET", "path": "/a"}}},
            {"name": "b", "requests": {"read": {"method": "GET", "path": "/b", "timeout": 3}}},
        ]}});

        let steps = steps_of(&text.to_string(), "spec::unknown_key");

        assert_eq!(
            steps,
            [
                key("saas_config"),
                key("endpoints"),
                Step::Position(1),
                key("requests"),
                key("read"),
                key("timeout")
            ]
        );
    }

    #[test]
    fn missing_key_leads_to_where_it_would_stand() {
        let in_item = json!({"saas_config": {"connector_params": [{"name": "a"}, {"label": "b"}]}});
        let at_top = json!({"saas_config": {"fides_key": "a"}});

        let item = steps_where(&in_item.to_string(), |found| found.message.contains("`connector_params`"));
        let top = steps_of(&at_top.to_string(), "spec::missing_key");

        assert_eq!(item, [key("saas_config"), key("connector_params"), Step::Position(1), key("name")]);
        assert_eq!(top, [key("saas_config"), key("name")]);
    }

    #[test]
    fn wrong_value_leads_to_its_key() {
        let text = json!({"saas_config": {"version": 1}});

        let steps = steps_of(&text.to_string(), "spec::wrong_type");

        assert_eq!(steps, [key("saas_config"), key("version")]);
    }

    #[test]
    fn document_is_given_back_with_its_key_filled_in() {
        let source = SourceFile::new("a.yml", "a: [1, x, <instance_fides_key>]\nb: true # it\n");
        let options = CheckOptions { instance_key: Some("shop".parse().unwrap()), ..CheckOptions::default() };

        let data = document(&source, &options);

        assert_eq!(data, Some(json!({"a": [1, "x", "shop"], "b": true})));
        assert_eq!(document(&SourceFile::new("b.yml", "a: [1"), &options), None);
    }
}
