mod many;
mod one;
mod report;
mod server;

use std::path::PathBuf;
use std::sync::Arc;

use model::{Clock, SystemClock};
use spec::{ActionType, Policy};
use store::Store;

use super::identity;
use crate::data_request::{DataRequests, Means, PackageForm};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::on_server::{Named, ServerOption};
use crate::output::Output;
use crate::project::{Member, Opening, ProjectArgument, ProjectFile, limits};
use crate::runtime;
use crate::service::{forget_expired_of, worker};
use crate::state::{StateArgument, StateSettings};

/// Whose data, from where, to where.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy access --identity email=ana@example.com --out ./package
  tutela privacy access --project shop.yml --identity email=ana@example.com --identity phone_number=+15550100 --out ./package
  tutela privacy access --subjects people.jsonl --out ./packages
  tutela privacy access --run run_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a --out ./package
  tutela privacy access --server https://tutela.example.com --policy default_access_policy --identity email=ana@example.com --out ./package

Writes access.json, report.json and index.html. Ends with 0, or with 3 if anything is missing;
report.json says what and why. With --subjects, one folder each, named after the line of the file.
A request about one person that was interrupted goes on with --run; what it read is destroyed once its
package is written.

With --server the server reads and packs, under a policy of its own that does nothing but deliver
(`default_access_policy` unless one is named), and the archive is fetched by a link that is good once.
Ctrl-C leaves the request running there; --run with its number (pri_…) waits for it again.")]
pub(crate) struct Access {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    #[command(flatten)]
    server: ServerOption,
    /// What is known about the person, as in `email=ana@example.com`; once for each value.
    #[arg(long = "identity", value_name = "KIND=VALUE", required_unless_present_any = ["subjects", "run"])]
    identities: Vec<String>,
    /// Many people: a file with one JSON object of identities on each line.
    #[arg(long, value_name = "FILE", conflicts_with = "identities")]
    subjects: Option<PathBuf>,
    /// Go on with a request that was interrupted.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["identities", "subjects"])]
    run: Option<Named>,
    /// Deliver only what the access rules of this policy target.
    #[arg(long, value_name = "KEY")]
    policy: Option<String>,
    /// Folder for the package; made if it is not there. What a rule of the policy puts into storage goes
    /// there instead, and the folder has its report.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Form of the package in the folder; a folder of files if none is named.
    #[arg(long, value_name = "FORM", value_enum)]
    package: Option<PackageForm>,
}

/// Checks everything that can be checked without a call, then asks.
pub(crate) fn run(access: &Access, output: Output) -> Result<Exit, Failure> {
    files::check_folder("--out", &access.out)?;
    if let Some(address) = access.server.address()? {
        return server::run(access, &address, output);
    }
    let file = ProjectFile::load(&access.project.project, output)?;
    let state = access.state.settings(&access.project.project)?;
    let policy = access.policy.as_deref().map(|key| policy(&file, key)).transpose()?;
    let plan = (policy, access.package.unwrap_or_default());
    let Some(subjects) = &access.subjects else {
        let whose = match &access.run {
            Some(run) => one::Whose::Run(run.run()?.clone()),
            None => one::Whose::Person(identity::parse_all(&access.identities)?),
        };
        let members = file.members(output)?;
        return runtime::run(async {
            let held = Held::open(&state).await?;
            let requests = held.requests((&file, &state), &members, plan)?;
            let request = one::Request { requests: &requests, held: &held, out: &access.out };
            one::run(request, whose, output).await
        });
    };
    let count = identity::check_file(subjects)?;
    let members = file.members(output)?;
    let people = many::People { file: subjects, count, out: &access.out };
    runtime::run(async {
        let held = Held::open(&state).await?;
        let requests = held.requests((&file, &state), &members, plan)?;
        let exit = many::run(&many::Asker::Here(&requests), &people, output).await;
        forget_expired_of(&held.store).await;
        exit
    })
}

/// The state, and this process among those that share it.
#[derive(Debug)]
struct Held {
    store: Store,
    worker: String,
}

impl Held {
    async fn open(state: &StateSettings) -> Result<Self, Failure> {
        let store = state.open(Arc::new(SystemClock)).await?.store;
        Ok(Self { store, worker: worker() })
    }

    fn requests(
        &self,
        (file, state): (&ProjectFile, &StateSettings),
        members: &[Member],
        (policy, form): (Option<Policy>, PackageForm),
    ) -> Result<DataRequests, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        // Access tokens are kept, sealed, for the runs after this one and for others at work beside it.
        let opening =
            Opening::shared((file, state), (&self.store, &self.worker), members, Arc::clone(&clock))?;
        let wired = opening.wire(members)?;
        let packing = file.packing(state, (policy.as_ref(), form), &clock)?;
        let means = Means { limits: limits(&file.project.reading), policy, clock };
        Ok(DataRequests::new(wired, means)?.packed(packing))
    }
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
