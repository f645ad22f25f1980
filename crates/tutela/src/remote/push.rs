//! Sending what a project declares to a server.

use http::Method;
use serde_json::{Map, Value, json};
use spec::{Policy, Rule, SecretValue};

use super::server::{list, text};
use super::{Change, Declared, Difference, Thing};
use crate::client::Client;
use crate::failure::Failure;
use crate::project::ProjectFile;

/// Which secrets are sent. A server does not show them, so that they cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SentSecrets {
    /// Those of connections that are new there, or whose connector file changes: another file may ask for
    /// others.
    OfNew,
    /// All.
    All,
}

impl Difference {
    /// Makes the server have what the project declares. Connections first, since policies may name
    /// what is in them; each one whole before the next.
    ///
    /// # Errors
    /// A failure with what the server says; what was sent before stays.
    pub(crate) async fn push(
        &self,
        client: &Client,
        (file, declared): (&ProjectFile, &Declared),
        secrets: SentSecrets,
    ) -> Result<(), Failure> {
        let change =
            |thing: &Thing| self.changes.iter().find(|(other, _)| other == thing).map(|(_, change)| change);
        for entry in &file.project.connections {
            let thing = Thing::Connection(entry.key.to_string());
            let Some(form) = declared.things.get(&thing) else { continue };
            let found = change(&thing);
            if found.is_some() {
                put_connection(client, (entry.key.as_str(), form), found == Some(&Change::Add)).await?;
            }
            if secrets == SentSecrets::All || found.is_some_and(Change::needs_secrets) {
                put_secrets(client, entry.key.as_str(), values(&entry.secrets)?).await?;
            }
            if found.is_some() {
                put_dataset(client, (entry.key.as_str(), form)).await?;
            }
        }
        for policy in &file.project.policies {
            let thing = Thing::Policy(policy.key.clone());
            match (declared.things.get(&thing), change(&thing)) {
                (Some(_), Some(Change::Add)) => add_policy(client, policy).await?,
                (Some(_), Some(Change::Update { .. })) => update_policy(client, policy).await?,
                (Some(_), Some(Change::OnlyOnServer) | None) | (None, _) => {}
            }
        }
        Ok(())
    }
}

async fn put_connection(client: &Client, (key, form): (&str, &Value), is_new: bool) -> Result<(), Failure> {
    let mut connection = json!({
        "key": key,
        "connection_type": form.get("connection_type"),
        "access": form.get("access"),
        "masking_strict": form.get("masking_strict"),
    });
    if let (true, Value::Object(members)) = (is_new, &mut connection) {
        members.insert("name".to_owned(), key.into());
    }
    client.put_all("connection", &[connection]).await?;
    if let Some(document) = form.get("saas_config").filter(|document| !document.is_null()) {
        let path = format!("connection/{key}/saas_config");
        client.put((Method::PATCH, &path), document).await?;
    }
    Ok(())
}

async fn put_dataset(client: &Client, (key, form): (&str, &Value)) -> Result<(), Failure> {
    let Some(dataset) = form.get("dataset").filter(|dataset| !dataset.is_null()) else { return Ok(()) };
    client.put_all(&format!("connection/{key}/dataset"), std::slice::from_ref(dataset)).await
}

async fn put_secrets(client: &Client, key: &str, secrets: Map<String, Value>) -> Result<(), Failure> {
    if secrets.is_empty() {
        return Ok(());
    }
    let path = format!("connection/{key}/secret?verify=false");
    client.put((Method::PUT, &path), &Value::Object(secrets)).await.map(drop)
}

/// Secrets from the file and the environment.
fn values(secrets: &[(String, SecretValue)]) -> Result<Map<String, Value>, Failure> {
    let value = |(name, secret): &(String, SecretValue)| match secret {
        SecretValue::Literal(value) => Ok((name.clone(), value.clone())),
        SecretValue::Environment(variable) => match std::env::var(variable) {
            Ok(text) => Ok((name.clone(), Value::String(text))),
            Err(_) => Err(Failure::BadInput(format!(
                "secret `{name}` comes from the environment variable `{variable}`, which is not set"
            ))),
        },
    };
    secrets.iter().map(value).collect()
}

/// Plans made with policies of a project wait for a person.
async fn add_policy(client: &Client, policy: &Policy) -> Result<(), Failure> {
    let rules: Vec<Value> = policy.rules.iter().map(|rule| rule_input(rule, Targets::With)).collect();
    let new = json!({"key": policy.key, "name": policy.key, "approval": "person", "rules": rules});
    client.put_all("dsr/policy", &[new]).await
}

async fn update_policy(client: &Client, policy: &Policy) -> Result<(), Failure> {
    let key = &policy.key;
    let there = client.get(&format!("dsr/policy/{key}")).await?;
    let head = json!({"key": key, "name": text(&there, "name"), "approval": "person"});
    client.put_all("dsr/policy", &[head]).await?;
    let declared = &policy.rules;
    for rule in list(&there, "rules") {
        let rule_key = text(rule, "key");
        let path = format!("dsr/policy/{key}/rule/{rule_key}");
        match declared.iter().find(|declared| declared.key == rule_key) {
            None => drop(client.put((Method::DELETE, &path), &Value::Null).await?),
            Some(declared) => {
                let gone = list(rule, "targets")
                    .filter(|target| !declared.targets.contains(&text(target, "data_category")));
                for target in gone {
                    let path = format!("{path}/target/{}", text(target, "key"));
                    client.put((Method::DELETE, &path), &Value::Null).await?;
                }
            }
        }
    }
    for rule in declared {
        client.put_all(&format!("dsr/policy/{key}/rule"), &[rule_input(rule, Targets::Without)]).await?;
        let known: Vec<String> = list(&there, "rules")
            .filter(|there| text(there, "key") == rule.key)
            .flat_map(|there| list(there, "targets"))
            .map(|target| text(target, "data_category"))
            .collect();
        let new: Vec<Value> = rule
            .targets
            .iter()
            .filter(|category| !known.contains(category))
            .map(|category| json!({ "data_category": category }))
            .collect();
        if !new.is_empty() {
            client.put_all(&format!("dsr/policy/{key}/rule/{}/target", rule.key), &new).await?;
        }
    }
    Ok(())
}

/// Whether a rule is sent with its targets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Targets {
    With,
    Without,
}

/// A rule as the server takes it.
fn rule_input(rule: &Rule, targets: Targets) -> Value {
    let action = match rule.action {
        spec::ActionType::Access => "access",
        spec::ActionType::Erasure => "erasure",
        spec::ActionType::Rectification => "rectification",
    };
    let masking = rule.masking_strategy.as_ref();
    let mut input = json!({
        "key": rule.key,
        "name": rule.key,
        "action_type": action,
        "storage_destination_key": rule.storage_destination,
        "masking_strategy": masking.map(|masking| json!({
            "strategy": masking.strategy, "configuration": masking.configuration
        })),
    });
    if let (Targets::With, Value::Object(members)) = (targets, &mut input) {
        let target = |category: &String| json!({ "data_category": category });
        members.insert("targets".to_owned(), rule.targets.iter().map(target).collect());
    }
    input
}
