mod many;
mod one;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egress::Mode;
use model::{Clock, SystemClock};
use spec::{ActionType, Policy};

use super::identity;
use crate::data_request::{DataRequests, Means};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::project::{ProjectArgument, ProjectFile, limits, reading};
use crate::runtime;

/// Whose data, from where, to where.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy access --identity email=ana@example.com --out ./package
  tutela privacy access --project shop.yml --identity email=ana@example.com --identity phone_number=+15550100 --out ./package
  tutela privacy access --subjects people.jsonl --out ./packages

Writes access.json, report.json and index.html. Ends with 0, or with 3 if anything is missing;
report.json says what and why. With --subjects, one folder each, named after the line of the file.")]
pub(crate) struct Access {
    #[command(flatten)]
    project: ProjectArgument,
    /// What is known about the person, as in `email=ana@example.com`; once for each value.
    #[arg(long = "identity", value_name = "KIND=VALUE", required_unless_present = "subjects")]
    identities: Vec<String>,
    /// Many people: a file with one JSON object of identities on each line.
    #[arg(long, value_name = "FILE", conflicts_with = "identities")]
    subjects: Option<PathBuf>,
    /// Deliver only what the access rules of this policy target.
    #[arg(long, value_name = "KEY")]
    policy: Option<String>,
    /// Folder for the package; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Checks everything that can be checked without a call, then asks.
pub(crate) fn run(access: &Access, output: Output) -> Result<Exit, Failure> {
    files::check_folder("--out", &access.out)?;
    let file = ProjectFile::load(&access.project.project, output)?;
    let policy = access.policy.as_deref().map(|key| policy(&file, key)).transpose()?;
    let Some(subjects) = &access.subjects else {
        let person = identity::parse_all(&access.identities)?;
        let requests = requests(&file, policy, output)?;
        return runtime::run(one::run(&requests, person, &access.out, output));
    };
    let count = identity::check_file(subjects)?;
    let requests = requests(&file, policy, output)?;
    runtime::run(many::run(&requests, &many::People { file: subjects, count, out: &access.out }, output))
}

/// Asks for one person, within a runtime that is there already.
pub(crate) async fn access_one(
    project: &Path,
    identities: &[String],
    out: &Path,
    output: Output,
) -> Result<Exit, Failure> {
    let file = ProjectFile::load(project, output)?;
    let person = identity::parse_all(identities)?;
    let requests = requests(&file, None, output)?;
    one::run(&requests, person, out, output).await
}

fn requests(file: &ProjectFile, policy: Option<Policy>, output: Output) -> Result<DataRequests, Failure> {
    let instances = file.instances(output)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let means = Means {
        door: file.door(Mode::Live, &clock)?,
        settings: reading(&file.project.reading),
        limits: limits(&file.project.reading),
        policy,
        clock,
    };
    DataRequests::new(instances, means)
}

/// The policy called `key`; it must have something to deliver.
fn policy(file: &ProjectFile, key: &str) -> Result<Policy, Failure> {
    let Some(policy) = file.project.find_policy(key) else {
        let keys: Vec<&str> = file.project.policies.iter().map(|policy| policy.key.as_str()).collect();
        let known = if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
        return Err(Failure::BadInput(format!("{} has no policy `{key}`; it has: {known}", file.name())));
    };
    if policy.rules.iter().all(|rule| rule.action != ActionType::Access) {
        return Err(Failure::BadInput(format!(
            "policy `{key}` has no rule with `action_type: access`, so there is nothing to deliver"
        )));
    }
    Ok(policy.clone())
}
