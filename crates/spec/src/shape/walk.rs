use std::ops::Range;

use serde_json::{Map, Value};

use super::scalar::{Misfit, fit_scalar, natural_value};
use super::{MappingRule, Others, Schema, Shape, StrategyRule};
use crate::diagnostic::{Diagnostic, Diagnostics, nearest_of};
use crate::source::SourceFile;
use crate::yaml::{Content, Entry, Node};

/// What is left of a document after everything that does not fit was taken out.
pub(crate) struct Fitted {
    /// The rest, in the types that the schema names.
    pub(crate) value: Value,
    /// What was taken out, and why.
    pub(crate) diagnostics: Diagnostics,
}

/// Compares the document `root` with `schema`.
pub(crate) fn fit(source: &SourceFile, root: &Node, schema: &Schema) -> Fitted {
    let mut walk = Walk { source, schema, diagnostics: Diagnostics::default() };
    let place = Spot { name: "the document", key: &root.span, at_item: false };
    let value = walk.node(root, &schema.root, &place).unwrap_or_else(|| Value::Object(Map::new()));
    Fitted { value, diagnostics: walk.diagnostics }
}

/// The value of `node` as it is, without a schema.
pub(crate) fn natural(node: &Node) -> Value {
    match &node.content {
        Content::Scalar(scalar) => natural_value(scalar),
        Content::Sequence(items) => Value::Array(items.iter().map(natural).collect()),
        Content::Mapping(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), natural(&entry.value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// Where the walk is, for messages.
struct Spot<'a> {
    /// Key of the value, or of the list that it is in.
    name: &'a str,
    /// Bytes of the key, or of the item.
    key: &'a Range<usize>,
    /// In a list.
    at_item: bool,
}

struct Walk<'a> {
    source: &'a SourceFile,
    schema: &'a Schema,
    diagnostics: Diagnostics,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node, shape: &Shape, spot: &Spot<'_>) -> Option<Value> {
        if shape.any {
            return Some(natural(node));
        }
        match &node.content {
            Content::Scalar(scalar) => match fit_scalar(scalar, shape) {
                Ok(value) => Some(value),
                Err(Misfit::Kind) => {
                    self.wrong_kind(node, shape, spot);
                    None
                }
                Err(misfit) => {
                    let (code, message, help) = explain(&misfit, &scalar.text, shape, &subject(spot));
                    let found = Diagnostic::error(self.source, value_span(node, spot), code, message);
                    self.diagnostics.push(found.with_help(help));
                    None
                }
            },
            Content::Sequence(items) => {
                let Some(item_shape) = &shape.list else {
                    self.wrong_kind(node, shape, spot);
                    return None;
                };
                let values = items.iter().map(|item| {
                    let spot = Spot { name: spot.name, key: &item.span, at_item: true };
                    // A bad item leaves a blank one, so that the others keep their positions.
                    self.node(item, item_shape, &spot).unwrap_or_else(|| blank(item_shape))
                });
                Some(Value::Array(values.collect()))
            }
            Content::Mapping(_) => match (shape.strategy, shape.mapping) {
                (Some(position), _) => self.strategy(node, self.schema.strategies.get(position)?, spot),
                (None, Some(position)) => Some(self.mapping(node, self.schema.mappings.get(position)?, spot)),
                (None, None) => {
                    self.wrong_kind(node, shape, spot);
                    None
                }
            },
        }
    }

    fn mapping(&mut self, node: &Node, rule: &MappingRule, spot: &Spot<'_>) -> Value {
        let mut members = Map::new();
        let mut meant: Vec<&str> = Vec::new();
        for entry in node.entries() {
            let position = rule.positions.get(&entry.key);
            let shape = match (position.and_then(|at| rule.properties.get(*at)), &rule.others) {
                (Some(property), _) => &property.shape,
                (None, Others::Accepted(shape)) => shape,
                (None, Others::Refused | Others::Warned) => {
                    let refused = matches!(rule.others, Others::Refused);
                    let near = self.unknown_key(entry, rule);
                    meant.extend(near.filter(|_| refused));
                    continue;
                }
            };
            let spot = Spot { name: &entry.key, key: &entry.key_span, at_item: false };
            if let Some(value) = self.node(&entry.value, shape, &spot) {
                members.insert(entry.key.clone(), value);
            }
        }
        for property in rule.properties.iter().filter(|property| property.required) {
            // A misspelled key was reported already.
            if node.find_entry(&property.name).is_none() && !meant.contains(&property.name.as_str()) {
                self.missing(&property.name, spot);
            }
        }
        Value::Object(members)
    }

    fn strategy(&mut self, node: &Node, rule: &StrategyRule, spot: &Spot<'_>) -> Option<Value> {
        let Some(entry) = node.find_entry("strategy") else {
            self.missing("strategy", spot);
            return None;
        };
        let text = Shape { text: Some(super::TextRule::default()), ..Shape::default() };
        let name_spot = Spot { name: "strategy", key: &entry.key_span, at_item: false };
        let name = self.node(&entry.value, &text, &name_spot)?;
        let name = name.as_str().unwrap_or_default();
        if let Some(position) = rule.by_name.get(name).or(rule.other.as_ref()) {
            return Some(self.mapping(node, self.schema.mappings.get(*position)?, spot));
        }
        let message =
            format!("strategy `{name}` does not exist. Valid strategies are [{}]", rule.names.join(", "));
        let mut found =
            Diagnostic::error(self.source, entry.value.span.clone(), "spec::unknown_strategy", message);
        if let Some(near) = nearest_of(name, rule.names.iter().map(String::as_str)) {
            found = found.with_help(format!("did you mean `{near}`?"));
        }
        self.diagnostics.push(found);
        None
    }

    /// Reports a key that is not known; gives the known key that was probably meant.
    fn unknown_key<'r>(&mut self, entry: &Entry, rule: &'r MappingRule) -> Option<&'r str> {
        let (key, span) = (&entry.key, &entry.key_span);
        let names = rule.properties.iter().map(|property| property.name.as_str());
        let near = nearest_of(key, names.clone());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known keys are {}", names.collect::<Vec<_>>().join(", ")),
        };
        let found = if matches!(rule.others, Others::Refused) {
            let message = format!("key `{key}` is not known here: Extra inputs are not permitted");
            Diagnostic::error(self.source, span.clone(), "spec::unknown_key", message)
        } else {
            let message = format!("key `{key}` is not known here and has no effect");
            Diagnostic::warning(self.source, span.clone(), "spec::unknown_key", message)
        };
        self.diagnostics.push(found.with_help(help));
        near
    }

    fn missing(&mut self, key: &str, spot: &Spot<'_>) {
        let holder = if spot.at_item { format!("this item of `{}`", spot.name) } else { quoted(spot.name) };
        let message = format!("Field required: {holder} has no `{key}`");
        let found = Diagnostic::error(self.source, spot.key.clone(), "spec::missing_key", message);
        self.diagnostics.push(found.with_help(format!("add `{key}: …`")).about_missing(key));
    }

    fn wrong_kind(&mut self, node: &Node, shape: &Shape, spot: &Spot<'_>) {
        let expected = expected(shape);
        let found_kind = if node.is_null() { "nothing" } else { node.kind() };
        let message = format!("{} must be {expected}, not {found_kind}", subject(spot));
        let help = match &node.content {
            Content::Scalar(_) if shape.text.is_some() && !node.is_null() => {
                "put the value in quotes".to_owned()
            }
            Content::Mapping(_) if shape.text.is_some() => "write the text behind `|`".to_owned(),
            Content::Scalar(_) | Content::Mapping(_) | Content::Sequence(_) => format!("write {expected}"),
        };
        let found = Diagnostic::error(self.source, value_span(node, spot), "spec::wrong_type", message);
        self.diagnostics.push(found.with_help(help));
    }
}

/// Code, message and help for a scalar of the right kind that does not fit.
fn explain(misfit: &Misfit, text: &str, shape: &Shape, subject: &str) -> (&'static str, String, String) {
    match misfit {
        Misfit::Kind => ("spec::wrong_type", format!("{subject} has the wrong type"), String::new()),
        Misfit::Option => {
            let options: Vec<&str> =
                shape.text.iter().flat_map(|rule| &rule.options).map(String::as_str).collect();
            let help = match nearest_of(text, options.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? Possible are {}", options.join(", ")),
                None => format!("possible are {}", options.join(", ")),
            };
            ("spec::unknown_value", format!("`{text}` is not a value of {subject}"), help)
        }
        Misfit::KeyText => (
            "spec::bad_key",
            format!("`{text}` is no key: FidesKeys must only contain letters, digits, `_`, `.` and `-`"),
            "replace blanks and other characters by `_`".to_owned(),
        ),
        Misfit::Range { least, most } => {
            let kind = if shape.number.is_some() { "a number" } else { "an integer" };
            let help = if *most == i64::MAX {
                format!("write {kind} from {least} on")
            } else {
                format!("write {kind} from {least} to {most}")
            };
            ("spec::out_of_range", format!("{subject} is out of range"), help)
        }
    }
}

/// The value's place, or the key's where no value is written.
fn value_span(node: &Node, spot: &Spot<'_>) -> Range<usize> {
    if node.span.is_empty() { spot.key.clone() } else { node.span.clone() }
}

fn subject(spot: &Spot<'_>) -> String {
    if spot.at_item { format!("an item of {}", quoted(spot.name)) } else { quoted(spot.name) }
}

fn quoted(name: &str) -> String {
    if name.contains(' ') { name.to_owned() } else { format!("`{name}`") }
}

fn expected(shape: &Shape) -> String {
    let mut kinds = Vec::new();
    if shape.text.is_some() {
        kinds.push("text");
    }
    if shape.integer.is_some() {
        kinds.push("an integer");
    }
    if shape.number.is_some() {
        kinds.push("a number");
    }
    if shape.boolean {
        kinds.push("true or false");
    }
    if shape.list.is_some() {
        kinds.push("a list");
    }
    if shape.mapping.is_some() || shape.strategy.is_some() {
        kinds.push("a mapping");
    }
    kinds.join(" or ")
}

/// A value that fits `shape` and says nothing.
fn blank(shape: &Shape) -> Value {
    if shape.mapping.is_some() || shape.strategy.is_some() {
        Value::Object(Map::new())
    } else if let Some(rule) = &shape.text {
        Value::String(rule.options.first().cloned().unwrap_or_default())
    } else if shape.integer.is_some() || shape.number.is_some() {
        Value::from(0)
    } else if shape.boolean {
        Value::Bool(false)
    } else if shape.list.is_some() {
        Value::Array(Vec::new())
    } else {
        Value::Null
    }
}
