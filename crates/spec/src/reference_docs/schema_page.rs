//! Draws a JSON Schema as a page of tables.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The page called `title`: `lead`, then one section for each mapping of the format.
pub(super) fn draw(title: &str, lead: &str, schema: &Value) -> String {
    let description = text(schema, "description");
    let mut page = format!("# {title}\n\n{description}\n\n{lead}\n");
    section(&mut page, "The file", schema, false);
    let definitions = schema.get("$defs").and_then(Value::as_object);
    for (name, definition) in definitions.into_iter().flatten() {
        if is_section(definition) {
            section(&mut page, &heading(name), definition, true);
        }
    }
    page
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

fn section(page: &mut String, heading: &str, schema: &Value, describe: bool) {
    let _ = write!(page, "\n## {heading}\n");
    if describe && !text(schema, "description").is_empty() {
        let _ = write!(page, "\n{}\n", text(schema, "description"));
    }
    match strategies(schema) {
        Some(branches) => strategy_table(page, &branches),
        None => key_table(page, schema),
    }
}

fn key_table(page: &mut String, schema: &Value) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    page.push_str("\n| Key | Type | Required | Meaning |\n| --- | --- | --- | --- |\n");
    for (key, property) in properties {
        let needed = if required.contains(&key.as_str()) { "yes" } else { "" };
        let _ = writeln!(
            page,
            "| `{key}` | {} | {needed} | {} |",
            kind(property),
            cell(text(property, "description"))
        );
    }
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        page.push_str("\nOther keys are errors.\n");
    }
}

fn strategy_table(page: &mut String, branches: &[&Value]) {
    page.push_str("\n| `strategy` | `configuration` | Meaning |\n| --- | --- | --- |\n");
    for branch in branches {
        let names = branch.pointer("/properties/strategy/enum").and_then(Value::as_array);
        let names: Vec<String> =
            names.into_iter().flatten().filter_map(Value::as_str).map(|name| format!("`{name}`")).collect();
        let names = if names.is_empty() { "any other".to_owned() } else { names.join(", ") };
        let configuration = branch.pointer("/properties/configuration").map(kind).unwrap_or_default();
        let _ = writeln!(page, "| {names} | {configuration} | {} |", cell(text(branch, "description")));
    }
}

/// One line, safe inside a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// What a value may be, in words.
fn kind(schema: &Value) -> String {
    let Value::Object(members) = schema else { return "anything".to_owned() };
    if let Some(target) = members.get("$ref").and_then(Value::as_str) {
        return link(target);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(branches) = members.get(key).and_then(Value::as_array) {
            return alternatives(branches);
        }
    }
    if let Some(words) = members.get("enum").and_then(Value::as_array) {
        return words.iter().filter(|word| !word.is_null()).map(word).collect::<Vec<_>>().join(", ");
    }
    if let Some(constant) = members.get("const") {
        return word(constant);
    }
    match members.get("type") {
        Some(Value::String(name)) => plain(name, members),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            names.map(|name| plain(name, members)).collect::<Vec<_>>().join(" or ")
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            "anything".to_owned()
        }
    }
}

fn alternatives(branches: &[Value]) -> String {
    let mut kinds: Vec<String> = Vec::new();
    for branch in branches.iter().filter(|branch| branch.get("type") != Some(&Value::from("null"))) {
        let kind = kind(branch);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let words = kinds.iter().all(|kind| kind.starts_with('`'));
    kinds.join(if words { ", " } else { " or " })
}

fn plain(name: &str, members: &Map<String, Value>) -> String {
    match name {
        "string" => "text".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => match members.get("items") {
            Some(items) => format!("list of {}", kind(items)),
            None => "list".to_owned(),
        },
        "object" => match members.get("additionalProperties") {
            Some(values @ Value::Object(_)) => format!("mapping to {}", kind(values)),
            _ => "mapping".to_owned(),
        },
        other => other.to_owned(),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn link(target: &str) -> String {
    let name = heading(target.rsplit('/').next().unwrap_or(target));
    format!("[{name}](#{})", name.to_lowercase().replace(' ', "-"))
}

/// `RateLimitConfig` → `Rate limit config`; acronyms of the format stay whole.
fn heading(name: &str) -> String {
    let mut words = String::new();
    let mut previous_lower = false;
    for character in name.chars() {
        if character.is_uppercase() && previous_lower {
            words.push(' ');
        }
        previous_lower = character.is_lowercase();
        words.push(character);
    }
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_string() + &characters.as_str().to_lowercase(),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_written_in_words_with_links() {
        assert_eq!(kind(&json!({"type": ["string", "null"]})), "text");
        assert_eq!(
            kind(&json!({"type": "array", "items": {"$ref": "#/$defs/ParamValue"}})),
            "list of [Param value](#param-value)"
        );
        assert_eq!(kind(&json!({"anyOf": [{"$ref": "#/$defs/Track"}, {"type": "null"}]})), "[Track](#track)");
        assert_eq!(kind(&json!({"oneOf": [{"const": "row"}, {"const": "person"}]})), "`row`, `person`");
        assert_eq!(kind(&json!({"type": ["boolean", "integer"]})), "`true` or `false` or integer");
    }

    #[test]
    fn a_table_cell_is_one_line() {
        assert_eq!(cell("a\nb | c"), "a b \\| c");
    }
}
