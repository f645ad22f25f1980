use serde_json::{Map, Value, json};

use super::{APPROVAL, Declared, Thing};
use crate::client::Client;
use crate::failure::Failure;

/// The policies that every server begins with.
const DEFAULT_POLICIES: [&str; 3] =
    ["default_access_policy", "default_erasure_policy", "default_consent_policy"];

impl Declared {
    /// What a server has. Its default policies are not part of any project.
    ///
    /// # Errors
    /// A failure if it does not say.
    pub(crate) async fn of_server(client: &Client) -> Result<Self, Failure> {
        let mut declared = Self::default();
        for connection in client.list("connection").await? {
            let key = text(&connection, "key");
            let thing = Thing::Connection(key.clone());
            let form = connection_form(client, (&key, &connection), &mut declared.notes).await?;
            declared.things.insert(thing, form);
        }
        for policy in client.list("dsr/policy").await? {
            let key = text(&policy, "key");
            if !DEFAULT_POLICIES.contains(&key.as_str()) {
                let form = policy_form(client, &policy).await?;
                declared.things.insert(Thing::Policy(key), form);
            }
        }
        Ok(declared)
    }
}

async fn connection_form(
    client: &Client,
    (key, connection): (&str, &Value),
    notes: &mut Vec<String>,
) -> Result<Value, Failure> {
    let connection_type = text(connection, "connection_type");
    let document = match connection_type.as_str() {
        "saas" => client.find(&format!("connection/{key}/saas_config")).await?.unwrap_or_default(),
        _ => Value::Null,
    };
    let wanted = document.get("fides_key").and_then(Value::as_str).unwrap_or(key);
    let datasets = client.list(&format!("connection/{key}/dataset")).await?;
    let (own, others): (Vec<Value>, Vec<Value>) =
        datasets.into_iter().partition(|dataset| text(dataset, "fides_key") == wanted);
    if !others.is_empty() {
        notes.push(format!("connection `{key}` has other datasets than `{wanted}`; they are not compared"));
    }
    Ok(json!({
        "connection_type": connection_type,
        "access": connection.get("access"),
        "masking_strict": connection.get("masking_strict"),
        "saas_config": document,
        "dataset": own.into_iter().next(),
    }))
}

async fn policy_form(client: &Client, policy: &Value) -> Result<Value, Failure> {
    let mut form = Map::new();
    for rule in list(policy, "rules") {
        let key = text(rule, "key");
        let mut targets: Vec<String> =
            list(rule, "targets").map(|target| text(target, "data_category")).collect();
        targets.sort();
        let masking = match rule.get("masking_strategy").filter(|masking| !masking.is_null()) {
            Some(shown) => {
                let path = format!("dsr/policy/{}/rule/{key}/masking", text(policy, "key"));
                // A server of before shows the name of the strategy alone.
                client.find(&path).await?.unwrap_or_else(|| shown.clone())
            }
            None => Value::Null,
        };
        form.insert(
            key,
            json!({
                "action_type": rule.get("action_type"),
                "targets": targets,
                "masking_strategy": masking,
                "storage_destination": rule.pointer("/storage_destination/key"),
            }),
        );
    }
    form.insert(APPROVAL.to_owned(), policy.get("approval").cloned().unwrap_or_default());
    Ok(Value::Object(form))
}

pub(crate) fn text(thing: &Value, key: &str) -> String {
    thing.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(crate) fn list<'a>(thing: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    thing.get(key).and_then(Value::as_array).into_iter().flatten()
}
