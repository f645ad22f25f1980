use connections::{Categories, DatasetDocument, Template, kept_form};
use serde_json::{Map, Value, json};
use spec::{Access, ActionType, CheckOptions, ConnectionEntry, DomainValidation, Policy, SourceFile};

use super::{APPROVAL, Declared, Thing};
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::project::ProjectFile;

impl Declared {
    /// What a project file declares. Secrets are not looked up.
    ///
    /// # Errors
    /// Bad input if a file is wrong, or a server cannot take it.
    pub(crate) fn of_project(file: &ProjectFile, output: Output) -> Result<Self, Failure> {
        let mut found = file.findings();
        let mut declared = Self::default();
        for (position, entry) in file.project.connections.iter().enumerate() {
            if file.describe(position, entry, &mut found)?.is_some() {
                let strict = file.project.is_masking_strict(entry);
                let thing = Thing::Connection(entry.key.to_string());
                declared.things.insert(thing, connection(file, entry, strict)?);
            }
        }
        if file.project.connections.iter().any(|entry| entry.baton.is_some()) {
            declared.notes.push(
                "connections with `baton` stay with the project: which programs a server runs, its own machine says"
                    .to_owned(),
            );
        }
        found.show_errors(output)?;
        for entry in &file.project.policies {
            if let Some(policy) = policy(entry) {
                declared.things.insert(Thing::Policy(entry.key.clone()), policy);
            }
        }
        if !file.project.storage.is_empty() {
            declared.notes.push(
                "`storage` stays with the project; make destinations on the server (`PATCH /storage/config`)"
                    .to_owned(),
            );
        }
        Ok(declared)
    }
}

fn connection(file: &ProjectFile, entry: &ConnectionEntry, strict: bool) -> Result<Value, Failure> {
    let access = match entry.access {
        Access::Read => "read",
        Access::Write => "write",
    };
    let own = entry.dataset.as_ref().map(|path| files::read(&file.folder().join(path))).transpose()?;
    let (connection_type, document, dataset) = if let Some(kind) = entry.database() {
        (kind.as_str(), Value::Null, own)
    } else {
        let pair = files::find_connector(&entry.connector, file.folder())?;
        let pair = pair.ok_or_else(|| files::no_connector(&entry.connector))?;
        ("saas", connector(entry, &pair.connector)?, own.or(pair.dataset))
    };
    let dataset = match dataset {
        Some(source) => dataset_form(entry, &source)?,
        None => Value::Null,
    };
    Ok(json!({
        "connection_type": connection_type,
        "access": access,
        "masking_strict": strict,
        "saas_config": document,
        "dataset": dataset,
    }))
}

fn connector(entry: &ConnectionEntry, source: &SourceFile) -> Result<Value, Failure> {
    let (file, document) = kept_form(source, &entry.key, DomainValidation::default())
        .ok_or_else(|| Failure::BadInput(format!("{} is refused by `connector check`", source.name())))?;
    let scripts = source.scripts();
    let library = Template::find(file.connector_type.as_str()).map(Template::scripts).unwrap_or_default();
    let is_known =
        |script: &SourceFile| library.get(script.file_name()).is_some_and(|text| text == script.text());
    if !scripts.iter().all(is_known) {
        return Err(Failure::BadInput(format!(
            "{} has scripts of its own beside it, which a server does not take over HTTP",
            source.name()
        )));
    }
    Ok(document)
}

/// The dataset of the connection's key, as a server shows it.
fn dataset_form(entry: &ConnectionEntry, source: &SourceFile) -> Result<Value, Failure> {
    let options = CheckOptions {
        instance_key: Some(entry.key.clone()),
        domain_validation: DomainValidation::default(),
    };
    let document = spec::document(source, &options).unwrap_or_default();
    let datasets = match document.get("dataset") {
        Some(Value::Array(list)) => list.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    let own = |dataset: &Value| dataset.get("fides_key").and_then(Value::as_str) == Some(entry.key.as_str());
    let raw = datasets.into_iter().find(own).unwrap_or_default();
    // The server knows which categories it has.
    match DatasetDocument::check(&raw, &Categories::Any) {
        Ok(checked) => Ok(checked.document),
        Err(problems) => Err(Failure::BadInput(format!(
            "{}: {}",
            source.name(),
            problems.first().map_or("no dataset of the connection's key", |found| found.message.as_str())
        ))),
    }
}

/// `None` for a policy without rules.
fn policy(policy: &Policy) -> Option<Value> {
    let mut rules = Map::new();
    for rule in &policy.rules {
        let action = match rule.action {
            ActionType::Access => "access",
            ActionType::Erasure => "erasure",
            ActionType::Rectification => "rectification",
        };
        let mut targets = rule.targets.clone();
        targets.sort();
        targets.dedup();
        rules.insert(
            rule.key.clone(),
            json!({
                "action_type": action,
                "targets": targets,
                "masking_strategy": rule.masking_strategy.as_ref().map(|masking| json!({
                    "strategy": masking.strategy, "configuration": masking.configuration,
                })),
                "storage_destination": rule.storage_destination,
            }),
        );
    }
    (!rules.is_empty()).then(|| {
        // As every policy of a project is pushed.
        rules.insert(APPROVAL.to_owned(), "person".into());
        Value::Object(rules)
    })
}
