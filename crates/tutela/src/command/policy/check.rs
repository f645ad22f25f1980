mod server;

use std::collections::BTreeMap;

use graph::{covers, erasure_rules};
use serde::Serialize;
use serde_json::json;
use spec::dataset_file::{Dataset, Field};
use spec::{ActionType, Policy};

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::{ProjectArgument, ProjectFile};
use crate::table::table;

/// Of which project.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela policy check
  tutela policy check --project ./shop/tutela.yml --format json
  tutela policy check --server https://tutela.example.com

Reads files only; secrets are not looked up. With --server it is about the policies and datasets that the
server has. Ends with 2 if a policy cannot be used.")]
pub(crate) struct Check {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    server: ServerOption,
}

/// One rule and what it reaches.
#[derive(Debug, Serialize)]
struct Reach {
    policy: String,
    rule: String,
    action: String,
    targets: Vec<String>,
    masking: Option<String>,
    /// Collection → targeted fields, with dots; of no field: the collection as a whole.
    collections: BTreeMap<String, Vec<String>>,
}

/// Checks all policies, then shows what each rule reaches.
pub(crate) fn run(check: &Check, output: Output) -> Result<Exit, Failure> {
    if let Some(address) = check.server.address()? {
        return server::run(&address, output);
    }
    let file = ProjectFile::load(&check.project.project, output)?;
    let mut found = file.findings();
    let mut datasets = Vec::new();
    for (position, entry) in file.project.connections.iter().enumerate() {
        let described = file.describe(position, entry, &mut found)?;
        datasets.extend(described.and_then(|described| described.dataset().cloned()));
    }
    for (position, policy) in file.project.policies.iter().enumerate() {
        if let Err(error) = erasure_rules(policy) {
            let place = format!("policies[{position}]");
            found.list.push(file.error_at(&place, "project::masking_strategy", error.to_string()));
        }
    }
    found.show_errors(output)?;
    let reached: Vec<Reach> =
        file.project.policies.iter().flat_map(|policy| rules(policy, &datasets)).collect();
    show(&reached, "the project file has no policies", output);
    Ok(Exit::Done)
}

fn rules<'a>(policy: &'a Policy, datasets: &'a [Dataset]) -> impl Iterator<Item = Reach> + 'a {
    policy.rules.iter().map(|rule| Reach {
        policy: policy.key.clone(),
        rule: rule.key.clone(),
        action: match rule.action {
            ActionType::Access => "access",
            ActionType::Erasure => "erasure",
            ActionType::Rectification => "rectification",
        }
        .to_owned(),
        targets: rule.targets.clone(),
        masking: rule.masking_strategy.as_ref().map(|masking| masking.strategy.clone()),
        collections: collections(&rule.targets, datasets),
    })
}

fn collections(targets: &[String], datasets: &[Dataset]) -> BTreeMap<String, Vec<String>> {
    let mut reached = BTreeMap::new();
    for dataset in datasets {
        for collection in dataset.collections.iter().filter(|collection| !collection.skip_processing) {
            let mut fields = Vec::new();
            collect(&collection.fields, "", targets, &mut fields);
            if !fields.is_empty() || is_targeted(&collection.data_categories, targets) {
                reached.insert(format!("{}:{}", dataset.fides_key, collection.name), fields);
            }
        }
    }
    reached
}

fn collect(fields: &[Field], above: &str, targets: &[String], found: &mut Vec<String>) {
    for field in fields {
        let path = if above.is_empty() { field.name.clone() } else { format!("{above}.{}", field.name) };
        if is_targeted(&field.data_categories, targets) {
            found.push(path.clone());
        }
        collect(&field.fields, &path, targets, found);
    }
}

fn is_targeted(categories: &[String], targets: &[String]) -> bool {
    categories.iter().any(|category| targets.iter().any(|target| covers(target, category)))
}

fn show(reached: &[Reach], none: &str, output: Output) {
    match output.format() {
        Format::Json => output::json(&json!({ "rules": reached })),
        Format::Table if reached.is_empty() => output::text(none),
        Format::Table => {
            let rows = reached.iter().map(|reach| {
                let collections: Vec<String> = reach.collections.iter().map(line).collect();
                [
                    reach.policy.clone(),
                    reach.rule.clone(),
                    reach.action.clone(),
                    reach.targets.join("\n"),
                    reach.masking.clone().unwrap_or_default(),
                    if collections.is_empty() { "nothing".to_owned() } else { collections.join("\n") },
                ]
            });
            output::text(&table(["policy", "rule", "action", "targets", "masking", "reaches"], rows, &[]));
        }
    }
}

fn line((collection, fields): (&String, &Vec<String>)) -> String {
    if fields.is_empty() { collection.clone() } else { format!("{collection}: {}", fields.join(", ")) }
}
