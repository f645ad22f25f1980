//! What becomes of what was read: a folder, an archive, or packages in the places that the policy
//! names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::RunOutcome;
use model::{Identities, RunId};
use privacy::Report;
use privacy::access::{Destination, Package};
use privacy::package::{self, Contents, Drafts, NamePatterns, PackageError, PackageOptions, Redaction};
use privacy::storage::{self, Storage};
use spec::{PackageFormat, Policy};

use super::Shared;
use crate::failure::Failure;

/// Name of the archive in the folder of a package.
const ARCHIVE: &str = "package.zip";

/// Form of the package in the folder that the command line names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum PackageForm {
    /// access.json, report.json and index.html.
    #[default]
    Folder,
    /// One archive, package.zip, with JSON, CSV and HTML.
    Zip,
    /// One archive with JSON.
    Json,
    /// One archive with a CSV table for each collection.
    Csv,
    /// One archive with pages to read.
    Html,
}

impl PackageForm {
    /// What an archive of this form holds; `None` for a folder.
    fn formats(self) -> Option<&'static [PackageFormat]> {
        match self {
            Self::Folder => None,
            Self::Zip => Some(&[PackageFormat::Json, PackageFormat::Csv, PackageFormat::Html]),
            Self::Json => Some(&[PackageFormat::Json]),
            Self::Csv => Some(&[PackageFormat::Csv]),
            Self::Html => Some(&[PackageFormat::Html]),
        }
    }
}

/// How packages are written and where they go.
#[derive(Debug, Default)]
pub(crate) struct Packing {
    /// Form in the folder of the command line.
    pub(crate) form: PackageForm,
    /// Where unfinished files are noted.
    pub(crate) drafts: Option<Drafts>,
    /// The places that rules of the policy name, each once.
    pub(crate) storages: Vec<Storage>,
}

/// What is to be packed.
#[derive(Debug)]
pub(super) struct ToPack {
    /// Names packages in storage.
    pub(super) run: RunId,
    /// Folder that the command line names.
    pub(super) folder: PathBuf,
    /// What was read.
    pub(super) outcome: RunOutcome,
    /// About whom.
    pub(super) identities: Identities,
}

/// What was written.
#[derive(Debug)]
pub(crate) struct Packed {
    /// The folder, or the archive in it.
    pub(crate) place: PathBuf,
    /// What was read and what is missing.
    pub(crate) contents: Report,
    /// Packages in storage.
    pub(crate) stored: Vec<storage::Delivered>,
}

impl Packing {
    /// Writes all packages. Those in storage come first: the folder is there when they are.
    pub(super) async fn pack(&self, shared: &Arc<Shared>, work: ToPack) -> Result<Packed, Failure> {
        let ToPack { run, folder, outcome, identities } = work;
        let package = Arc::new(Package {
            graph: Arc::clone(&shared.graph),
            policy: shared.policy.clone(),
            outcome,
            identities,
            made_at: shared.clock.now(),
            brought: Vec::new(),
            files: Vec::new(),
            not_brought: Vec::new(),
            password: None,
            redaction: Redaction::of(&shared.graph, NamePatterns::default()),
        });
        let destinations = self.destinations(shared.policy.as_ref());
        let stored = package.deliver(run.as_str(), &destinations).await;
        let stored = stored.map_err(|error| Failure::failed(&error))?;
        let (form, drafts) = (self.form, self.drafts.clone());
        let written =
            tokio::task::spawn_blocking(move || write_folder(&package, &folder, form, drafts.as_ref())).await;
        let (place, contents) = match written {
            Ok(written) => written.map_err(|error| Failure::failed(&error))?,
            Err(_) => return Err(Failure::Failed("the package was not finished; run again".to_owned())),
        };
        Ok(Packed { place, contents, stored })
    }

    fn destinations<'a>(&'a self, policy: Option<&'a Policy>) -> Vec<Destination<'a>> {
        let rules = policy.into_iter().flat_map(|policy| &policy.rules);
        let placed = rules.filter_map(|rule| {
            let key = rule.storage_destination.as_deref()?;
            let storage = self.storages.iter().find(|storage| storage.key() == key)?;
            Some(Destination { rule, storage })
        });
        placed.collect()
    }
}

/// What rules without a place of their own deliver. If each has one, only the report is written.
fn write_folder(
    package: &Package,
    folder: &Path,
    form: PackageForm,
    drafts: Option<&Drafts>,
) -> Result<(PathBuf, Report), PackageError> {
    let policy = package.policy.as_ref().map(without_places);
    let contents = match &policy {
        None => Contents::Everything,
        Some(policy) => Contents::Targeted { policy, graph: &package.graph },
    };
    let options = PackageOptions { drafts, ..package.options(contents) };
    let delivers = |policy: &Policy| Package::access_rules(policy).next().is_some();
    if policy.as_ref().is_some_and(|policy| !delivers(policy)) {
        let report = package::write_report(folder, &package.outcome, &options)?;
        return Ok((folder.to_owned(), report));
    }
    match form.formats() {
        None => {
            let package = package::write(folder, &package.outcome, &options)?;
            Ok((package.folder, package.contents))
        }
        Some(formats) => {
            let file = folder.join(ARCHIVE);
            let report = package::write_zip_file(&file, &package.outcome, &options, formats)?;
            Ok((file, report))
        }
    }
}

/// The policy without the rules whose packages go elsewhere.
fn without_places(policy: &Policy) -> Policy {
    let rules = policy.rules.iter().filter(|rule| rule.storage_destination.is_none());
    Policy { key: policy.key.clone(), rules: rules.cloned().collect() }
}
