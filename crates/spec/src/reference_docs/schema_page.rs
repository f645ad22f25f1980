//! Draws a JSON Schema as a page of tables.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The page called `title`: `lead`, then one section for each mapping of the format, in the order
/// in which they are first mentioned.
pub(super) fn draw(title: &str, lead: &str, schema: &Value) -> String {
    let description = text(schema, "description");
    let definitions = schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut page = Page { definitions: &definitions, sections: vec![("The file".to_owned(), schema)] };
    let mut drawn = format!("# {title}\n\n{description}\n\n{lead}\n");
    let mut next = 0;
    while let Some((heading, section)) = page.sections.get(next).cloned() {
        let _ = write!(drawn, "\n## {heading}\n");
        if next > 0 && !text(section, "description").is_empty() {
            let _ = write!(drawn, "\n{}\n", text(section, "description"));
        }
        match strategies(section) {
            Some(branches) => page.strategy_table(&mut drawn, &branches),
            None => page.key_table(&mut drawn, section),
        }
        next += 1;
    }
    drawn
}

struct Page<'a> {
    definitions: &'a Map<String, Value>,
    /// Headings and schemas, those already drawn and those to come.
    sections: Vec<(String, &'a Value)>,
}

impl<'a> Page<'a> {
    fn key_table(&mut self, drawn: &mut String, schema: &'a Value) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        drawn.push_str("\n| Key | Type | Required | Meaning |\n| --- | --- | --- | --- |\n");
        for (key, property) in properties {
            let needed = if required.contains(&key.as_str()) { "yes" } else { "" };
            let kind = self.kind(key, property);
            let _ =
                writeln!(drawn, "| `{key}` | {kind} | {needed} | {} |", cell(text(property, "description")));
        }
        if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            drawn.push_str("\nOther keys are errors.\n");
        }
    }

    fn strategy_table(&mut self, drawn: &mut String, branches: &[&'a Value]) {
        drawn.push_str("\n| `strategy` | `configuration` | Meaning |\n| --- | --- | --- |\n");
        for branch in branches {
            let names = branch.pointer("/properties/strategy/enum").and_then(Value::as_array);
            let names: Vec<String> = names.into_iter().flatten().map(word).collect();
            let names = if names.is_empty() { "any other".to_owned() } else { names.join(", ") };
            let configuration =
                branch.pointer("/properties/configuration").map(|schema| self.kind("configuration", schema));
            let meaning = cell(text(branch, "description"));
            let _ = writeln!(drawn, "| {names} | {} | {meaning} |", configuration.unwrap_or_default());
        }
    }

    /// What the value of `key` may be, in words.
    fn kind(&mut self, key: &str, schema: &'a Value) -> String {
        let Value::Object(members) = schema else { return "anything".to_owned() };
        if let Some(target) = members.get("$ref").and_then(Value::as_str) {
            return self.referenced(target);
        }
        if strategies(schema).is_some() {
            return self.inlined(key, schema);
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(branches) = members.get(choice).and_then(Value::as_array) {
                return self.alternatives(key, branches);
            }
        }
        if let Some(words) = members.get("enum").and_then(Value::as_array) {
            return words.iter().filter(|word| !word.is_null()).map(word).collect::<Vec<_>>().join(", ");
        }
        if let Some(constant) = members.get("const") {
            return word(constant);
        }
        match members.get("type") {
            Some(Value::String(name)) => self.plain(key, name, schema),
            Some(Value::Array(names)) => {
                let names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
                names.map(|name| self.plain(key, name, schema)).collect::<Vec<_>>().join(" or ")
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
                "anything".to_owned()
            }
        }
    }

    fn alternatives(&mut self, key: &str, branches: &'a [Value]) -> String {
        let mut kinds: Vec<String> = Vec::new();
        for branch in branches.iter().filter(|branch| branch.get("type") != Some(&Value::from("null"))) {
            let kind = self.kind(key, branch);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let words = kinds.iter().all(|kind| kind.starts_with('`'));
        kinds.join(if words { ", " } else { " or " })
    }

    fn plain(&mut self, key: &str, name: &str, schema: &'a Value) -> String {
        match name {
            "string" => "text".to_owned(),
            "boolean" => "`true` or `false`".to_owned(),
            "array" => match schema.get("items") {
                Some(items) => format!("list of {}", self.kind(key, items)),
                None => "list".to_owned(),
            },
            "object" => match (schema.get("properties"), schema.get("additionalProperties")) {
                (Some(_), _) => self.inlined(key, schema),
                (None, Some(values @ Value::Object(_))) => format!("mapping to {}", self.kind(key, values)),
                (None, _) => "mapping".to_owned(),
            },
            other => other.to_owned(),
        }
    }

    /// A definition: a link to its section, or its kind where it is a plain value.
    fn referenced(&mut self, target: &str) -> String {
        let name = target.rsplit('/').next().unwrap_or(target);
        match self.definitions.get(name) {
            Some(definition) if is_section(definition) => self.link(heading(name), definition),
            Some(definition) => self.kind(name, definition),
            None => "anything".to_owned(),
        }
    }

    /// A mapping written where it is used: the definition with the same keys, or a section called
    /// after the key. One with a single key is shown as it is written.
    fn inlined(&mut self, key: &str, schema: &'a Value) -> String {
        let same =
            |other: &Value| ["properties", "oneOf"].iter().all(|part| schema.get(part) == other.get(part));
        if let Some((name, definition)) = self.definitions.iter().find(|(_, definition)| same(definition)) {
            return self.link(heading(name), definition);
        }
        match schema.get("properties").and_then(Value::as_object) {
            Some(properties) if properties.len() == 1 => {
                let only = properties.keys().next().map_or("", String::as_str);
                format!("`{{{only}: …}}`")
            }
            Some(_) | None => self.link(capitalized(&key.replace('_', " ")), schema),
        }
    }

    fn link(&mut self, heading: String, schema: &'a Value) -> String {
        let link = format!("[{heading}](#{})", heading.to_lowercase().replace(' ', "-"));
        if !self.sections.iter().any(|(known, _)| *known == heading) {
            self.sections.push((heading, schema));
        }
        link
    }
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Mappings and choices between mappings get a section; words and plain values are shown where
/// they are used.
fn is_section(definition: &Value) -> bool {
    definition.get("properties").is_some() || strategies(definition).is_some()
}

fn strategies(definition: &Value) -> Option<Vec<&Value>> {
    let branches = definition.get("oneOf")?.as_array()?;
    let all = branches.iter().all(|branch| branch.pointer("/properties/strategy").is_some());
    all.then(|| branches.iter().collect())
}

/// One line, safe inside a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn capitalized(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// `RateLimitConfig` → `Rate limit config`, `OAuth2Configuration` → `OAuth2 configuration`.
fn heading(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut words = String::new();
    for (index, character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| characters.get(before));
        let starts = character.is_uppercase()
            && before.is_some_and(|before| before.is_lowercase() || before.is_ascii_digit());
        if starts {
            words.push(' ');
            words.extend(character.to_lowercase());
        } else {
            words.push(*character);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(schema: &Value) -> String {
        let definitions = json!({
            "ParamValue": {"type": "object", "properties": {"name": {"type": "string"}, "identity": {"type": "string"}}},
            "PerWord": {"oneOf": [{"const": "row"}, {"const": "person"}]},
        });
        let mut page = Page { definitions: definitions.as_object().unwrap(), sections: Vec::new() };
        page.kind("key_text", schema)
    }

    #[test]
    fn kinds_are_written_in_words_with_links() {
        assert_eq!(kind(&json!({"type": ["string", "null"]})), "text");
        assert_eq!(
            kind(&json!({"type": "array", "items": {"$ref": "#/$defs/ParamValue"}})),
            "list of [Param value](#param-value)"
        );
        assert_eq!(
            kind(&json!({"anyOf": [{"$ref": "#/$defs/PerWord"}, {"type": "null"}]})),
            "`row`, `person`"
        );
        let inlined = json!({"properties": {"name": {"type": "string"}, "identity": {"type": "string"}}, "type": "object"});
        assert_eq!(kind(&inlined), "[Param value](#param-value)");
        let other =
            json!({"properties": {"x": {"type": "string"}, "y": {"type": "string"}}, "type": "object"});
        assert_eq!(kind(&other), "[Key text](#key-text)");
        assert_eq!(kind(&json!({"type": "object", "properties": {"x": {"type": "string"}}})), "`{x: …}`");
        assert_eq!(kind(&json!({"oneOf": [{"const": "row"}, {"const": "person"}]})), "`row`, `person`");
        assert_eq!(kind(&json!({"type": ["boolean", "integer"]})), "`true` or `false` or integer");
    }

    #[test]
    fn headings_are_words() {
        assert_eq!(heading("RateLimitConfig"), "Rate limit config");
        assert_eq!(heading("OAuth2Configuration"), "OAuth2 configuration");
    }

    #[test]
    fn a_table_cell_is_one_line() {
        assert_eq!(cell("a\nb | c"), "a b \\| c");
    }
}
