//! The policies of a server.

use graph::erasure_rules;
use model::visible;
use serde_json::Value;
use spec::dataset_file::{Dataset, MaskingStrategy};
use spec::{ActionType, CheckOptions, Policy, Rule, SourceFile};

use super::{Reach, collections, show};
use crate::client::{Client, ServerAddress};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::OnServer;
use crate::output::Output;
use crate::remote::{list, text, without_nulls};
use crate::runtime;

/// Checks all policies of a server, then shows what each rule reaches in the datasets of its connections.
pub(super) fn run(address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        let datasets = datasets(server.client()).await?;
        let (mut reached, mut wrong) = (Vec::new(), Vec::new());
        for policy in server.client().list("dsr/policy").await? {
            wrong.extend(problem(server.client(), &policy).await?);
            reached.extend(reach(&policy, &datasets));
        }
        if !wrong.is_empty() {
            return Err(Failure::BadInput(wrong.join("; ")));
        }
        show(&reached, "the server has no policies", output);
        Ok(Exit::Done)
    })
}

/// All datasets of all connections.
async fn datasets(client: &Client) -> Result<Vec<Dataset>, Failure> {
    let mut datasets = Vec::new();
    for connection in client.list("connection").await? {
        let key = text(&connection, "key");
        for dataset in client.list(&format!("connection/{key}/dataset")).await? {
            let name = text(&dataset, "fides_key");
            let document = serde_json::json!({ "dataset": [without_nulls(&dataset)] });
            let source = SourceFile::new(name.clone(), document.to_string());
            let read = spec::check_datasets(&source, &CheckOptions::default()).value;
            datasets.extend(read.ok_or_else(|| {
                Failure::Failed(format!(
                    "the dataset `{}` of connection `{key}` has a form that this program does not know",
                    visible(&name)
                ))
            })?);
        }
    }
    Ok(datasets)
}

fn reach(policy: &Value, datasets: &[Dataset]) -> Vec<Reach> {
    let of_rule = |rule: &Value| {
        let targets: Vec<String> =
            list(rule, "targets").map(|target| text(target, "data_category")).collect();
        Reach {
            policy: text(policy, "key"),
            rule: text(rule, "key"),
            action: text(rule, "action_type"),
            masking: rule.pointer("/masking_strategy/strategy").and_then(Value::as_str).map(str::to_owned),
            collections: collections(&targets, datasets),
            targets,
        }
    };
    list(policy, "rules").map(of_rule).collect()
}

/// Why a policy cannot be used, if it cannot.
async fn problem(client: &Client, policy: &Value) -> Result<Option<String>, Failure> {
    let key = text(policy, "key");
    let mut rules = Vec::new();
    for rule in list(policy, "rules").filter(|rule| text(rule, "action_type") == "erasure") {
        let rule_key = text(rule, "key");
        let masking = client.find(&format!("dsr/policy/{key}/rule/{rule_key}/masking")).await?;
        let strategy = masking.map(|masking| MaskingStrategy {
            strategy: text(&masking, "strategy"),
            configuration: masking.get("configuration").cloned().unwrap_or_default(),
        });
        rules.push(Rule {
            key: rule_key,
            action: ActionType::Erasure,
            targets: list(rule, "targets").map(|target| text(target, "data_category")).collect(),
            masking_strategy: strategy,
            storage_destination: None,
        });
    }
    let checked = erasure_rules(&Policy { key: key.clone(), rules });
    Ok(checked.err().map(|error| visible(&format!("policy `{key}`: {error}")).into_owned()))
}
