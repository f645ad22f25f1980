//! Writing what a server has as a project.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use spec::DatabaseKind;

use super::server::{list, text};
use super::{APPROVAL, Declared, Thing};
use crate::client::Client;
use crate::failure::Failure;

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Pulled {
    /// Files, below the folder.
    pub(crate) files: Vec<String>,
    /// What could not be, for people.
    pub(crate) notes: Vec<String>,
}

/// Writes a project file with its connector and dataset files into an empty or new folder. Secrets are
/// named, and taken from the environment.
///
/// # Errors
/// Bad input if the folder holds something, a failure if it cannot be written.
pub(crate) async fn write(client: &Client, declared: &Declared, folder: &Path) -> Result<Pulled, Failure> {
    let holds_something = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if holds_something {
        return Err(Failure::BadInput(format!(
            "{} holds something already; name an empty or new folder",
            folder.display()
        )));
    }
    std::fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    let mut pulled = Pulled { files: Vec::new(), notes: declared.notes.clone() };
    let (mut connections, mut policies) = (Vec::new(), Vec::new());
    for (thing, form) in &declared.things {
        match thing {
            Thing::Connection(key) => {
                let secrets = secret_names(client, key).await?;
                connections.extend(pulled.connection(folder, (key, form), &secrets)?);
            }
            Thing::Policy(key) => policies.extend(pulled.policy(key, form)),
        }
    }
    let mut project = Map::new();
    if !connections.is_empty() {
        project.insert("connections".to_owned(), connections.into());
    }
    if !policies.is_empty() {
        project.insert("policies".to_owned(), policies.into());
    }
    pulled.file(folder, "tutela.yml", &Value::Object(project))?;
    Ok(pulled)
}

async fn secret_names(client: &Client, key: &str) -> Result<Vec<String>, Failure> {
    let connection = client.get(&format!("connection/{key}")).await?;
    let secrets = connection.get("secrets").and_then(Value::as_object);
    let given = secrets.into_iter().flatten().filter(|(_, value)| !value.is_null());
    Ok(given.map(|(name, _)| name.clone()).collect())
}

impl Pulled {
    /// The connection's entry; its files are written.
    fn connection(
        &mut self,
        folder: &Path,
        (key, form): (&str, &Value),
        secrets: &[String],
    ) -> Result<Option<Value>, Failure> {
        let connection_type = text(form, "connection_type");
        let document = form.get("saas_config").filter(|document| !document.is_null());
        let connector = match (connection_type.as_str(), document) {
            ("saas", Some(document)) if text(document, "fides_key") != key => {
                self.notes.push(format!(
                    "connection `{key}` is left out: its dataset is called `{}`, and in a project both have one key",
                    text(document, "fides_key")
                ));
                return Ok(None);
            }
            ("saas", Some(document)) => {
                let name = format!("{key}_connector.yml");
                self.file(folder, &name, &json!({ "saas_config": document }))?;
                format!("./{name}")
            }
            ("postgres" | "mysql" | "sqlite", _) => connection_type,
            _ => {
                self.notes.push(format!(
                    "connection `{key}` is left out: a project has no connections of type `{connection_type}`"
                ));
                return Ok(None);
            }
        };
        let mut entry = Map::new();
        entry.insert("key".to_owned(), key.into());
        entry.insert("connector".to_owned(), connector.into());
        if let Some(dataset) = form.get("dataset").filter(|dataset| !dataset.is_null()) {
            let name = format!("{key}_dataset.yml");
            self.file(folder, &name, &json!({ "dataset": [without_nulls(dataset)] }))?;
            entry.insert("dataset".to_owned(), format!("./{name}").into());
        }
        entry.insert("access".to_owned(), form.get("access").cloned().unwrap_or_default());
        if let Some(strict) = form.get("masking_strict").filter(|strict| strict.is_boolean()) {
            entry.insert("masking_strict".to_owned(), strict.clone());
        }
        let database = DatabaseKind::from_name(&text(form, "connection_type"));
        // A server takes more names than a project knows.
        let is_known = |name: &&String| {
            database.is_none_or(|kind| *name == "url" || kind.secret_names().contains(&name.as_str()))
        };
        let named = |name: &String| (name.clone(), Value::String(variable(key, name)));
        let secrets: Map<String, Value> = secrets.iter().filter(is_known).map(named).collect();
        if !secrets.is_empty() {
            entry.insert("secrets".to_owned(), Value::Object(secrets));
        }
        Ok(Some(Value::Object(entry)))
    }

    /// The policy's entry.
    fn policy(&mut self, key: &str, form: &Value) -> Option<Value> {
        let mut rules = Vec::new();
        for (rule_key, rule) in form.as_object().into_iter().flatten().filter(|(part, _)| *part != APPROVAL) {
            let action = text(rule, "action_type");
            if !["access", "erasure", "rectification"].contains(&action.as_str()) {
                self.notes.push(format!(
                    "rule `{rule_key}` of policy `{key}` is left out: a project has no rules for {action}"
                ));
                continue;
            }
            let targets: Vec<Value> =
                list(rule, "targets").map(|category| json!({ "data_category": category })).collect();
            let mut entry = Map::new();
            entry.insert("key".to_owned(), rule_key.clone().into());
            entry.insert("action_type".to_owned(), action.clone().into());
            entry.insert("targets".to_owned(), targets.into());
            if let Some(masking) =
                rule.get("masking_strategy").filter(|masking| !masking.is_null() && action == "erasure")
            {
                entry.insert("masking_strategy".to_owned(), masking.clone());
            }
            if let Some(storage) = rule.get("storage_destination").filter(|storage| storage.is_string()) {
                self.notes.push(format!(
                    "rule `{rule_key}` of policy `{key}` puts packages to {storage}, which is not pulled"
                ));
            }
            rules.push(Value::Object(entry));
        }
        if form.get(APPROVAL).and_then(Value::as_str) == Some("automatic") {
            self.notes.push(format!(
                "plans under policy `{key}` need nobody's approval on the server; those of a project wait for a person"
            ));
        }
        (!rules.is_empty()).then(|| json!({ "key": key, "rules": rules }))
    }

    fn file(&mut self, folder: &Path, name: &str, document: &Value) -> Result<(), Failure> {
        let path = folder.join(name);
        let mut text = String::new();
        block(document, 0, &mut text);
        std::fs::write(&path, text).map_err(|error| Failure::unwritable(&path, &error))?;
        self.files.push(name.to_owned());
        Ok(())
    }
}

/// The variable that a secret comes from, as in `${SHOP_API_KEY}`.
fn variable(connection: &str, name: &str) -> String {
    let whole = format!("{connection}_{name}").to_uppercase();
    let letters = whole.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    format!("${{{}}}", letters.collect::<String>())
}

/// Data without what is null: in files, what is not said is left out.
pub(crate) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let given = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Writes data as YAML: lists and maps in lines, everything else as JSON writes it.
fn block(value: &Value, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let _ = write!(text, "{pad}{}:", written_key(key));
                below(value, indent, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(text, "{pad}-");
                below(item, indent, text);
            }
        }
        other => {
            let _ = writeln!(text, "{pad}{other}");
        }
    }
}

/// A key as it is, if it cannot be taken for anything else.
fn written_key(key: &str) -> String {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let starts = key.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if starts && plain && !WORDS.contains(&key.to_ascii_lowercase().as_str()) {
        return key.to_owned();
    }
    Value::String(key.to_owned()).to_string()
}

/// What stands behind a key or a dash.
fn below(value: &Value, indent: usize, text: &mut String) {
    let is_block = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if is_block {
        text.push('\n');
        block(value, indent + 2, text);
    } else {
        let _ = writeln!(text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use spec::{CheckOptions, SourceFile};

    use super::*;

    #[test]
    fn what_is_written_reads_as_the_same_data() {
        let document = json!({
            "saas_config": {"name": "A: \"b\" # c\n- d", "list": [[], {}, [1, [2]], {"a": null, "b": {"c": true}}],
                "on": "yes", "number": 1.5, "empty": "", "unicode": "é\u{2028}<x>"}
        });
        let mut text = String::new();

        block(&document, 0, &mut text);

        let read = spec::document(&SourceFile::new("a.yml", text.clone()), &CheckOptions::default());
        assert_eq!(read, Some(document), "{text}");
    }

    #[test]
    fn secrets_are_named_and_never_written() {
        assert_eq!(variable("shop-1", "api.key"), "${SHOP_1_API_KEY}");
    }
}
