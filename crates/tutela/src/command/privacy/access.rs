mod many;
mod one;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use model::{Clock, RunId, SystemClock};
use spec::{ActionType, Policy};

use super::identity;
use crate::data_request::{DataRequests, Means, PackageForm};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::project::{Opening, ProjectArgument, ProjectFile, limits};
use crate::runtime;
use crate::service::forget_expired_in;
use crate::state::{StateArgument, StateSettings};

/// Whose data, from where, to where.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy access --identity email=ana@example.com --out ./package
  tutela privacy access --project shop.yml --identity email=ana@example.com --identity phone_number=+15550100 --out ./package
  tutela privacy access --subjects people.jsonl --out ./packages
  tutela privacy access --run run_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a --out ./package

Writes access.json, report.json and index.html. Ends with 0, or with 3 if anything is missing;
report.json says what and why. With --subjects, one folder each, named after the line of the file.
A request about one person that was interrupted goes on with --run; what it read is destroyed once its
package is written.")]
pub(crate) struct Access {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    /// What is known about the person, as in `email=ana@example.com`; once for each value.
    #[arg(long = "identity", value_name = "KIND=VALUE", required_unless_present_any = ["subjects", "run"])]
    identities: Vec<String>,
    /// Many people: a file with one JSON object of identities on each line.
    #[arg(long, value_name = "FILE", conflicts_with = "identities")]
    subjects: Option<PathBuf>,
    /// Go on with a request that was interrupted.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["identities", "subjects"])]
    run: Option<RunId>,
    /// Deliver only what the access rules of this policy target.
    #[arg(long, value_name = "KEY")]
    policy: Option<String>,
    /// Folder for the package; made if it is not there. What a rule of the policy puts into storage goes
    /// there instead, and the folder has its report.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Form of the package in the folder.
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    package: PackageForm,
}

/// Checks everything that can be checked without a call, then asks.
pub(crate) fn run(access: &Access, output: Output) -> Result<Exit, Failure> {
    files::check_folder("--out", &access.out)?;
    let file = ProjectFile::load(&access.project.project, output)?;
    let state = access.state.settings(&access.project.project)?;
    let policy = access.policy.as_deref().map(|key| policy(&file, key)).transpose()?;
    let Some(subjects) = &access.subjects else {
        let whose = match &access.run {
            Some(run) => one::Whose::Run(run.clone()),
            None => one::Whose::Person(identity::parse_all(&access.identities)?),
        };
        let requests = requests(&file, &state, (policy, access.package), output)?;
        let request = one::Request { requests: &requests, state: &state, out: &access.out };
        return runtime::run(one::run(request, whose, output));
    };
    let count = identity::check_file(subjects)?;
    let requests = requests(&file, &state, (policy, access.package), output)?;
    let people = many::People { file: subjects, count, out: &access.out };
    runtime::run(async {
        let exit = many::run(&requests, &people, output).await;
        forget_expired_in(&state).await;
        exit
    })
}

fn requests(
    file: &ProjectFile,
    state: &StateSettings,
    (policy, form): (Option<Policy>, PackageForm),
    output: Output,
) -> Result<DataRequests, Failure> {
    let members = file.members(output)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    state.clean(&*clock);
    let wired = Opening::live(file, state, Arc::clone(&clock))?.wire(&members)?;
    let packing = file.packing(state, (policy.as_ref(), form), &clock)?;
    let means = Means { limits: limits(&file.project.reading), policy, clock };
    Ok(DataRequests::new(wired, means)?.packed(packing))
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
