//! What becomes of what was read: a folder, an archive, or packages in the places that the policy
//! names.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use engine::RunOutcome;
use model::{Identities, RunId};
use privacy::Report;
use privacy::package::{self, Contents, Drafts, PackageError, PackageOptions};
use privacy::storage::{self, Storage};
use spec::{ActionType, PackageFormat, Policy, Rule};

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
        let work = Arc::new(work);
        let mut stored = Vec::new();
        for (storage, rule) in self.destinations(shared.policy.as_ref()) {
            let name = format!("{}-{}", work.run, rule.key);
            let (shared, work, rule) = (Arc::clone(shared), Arc::clone(&work), rule.clone());
            let write = move |out: &mut dyn Write, formats: &[PackageFormat]| {
                write_rule(out, (&shared, &work), &rule, formats)
            };
            let delivered = storage.deliver(&name, write).await.map_err(|error| Failure::failed(&error))?;
            stored.push(delivered);
        }
        let (form, drafts, shared) = (self.form, self.drafts.clone(), Arc::clone(shared));
        let written =
            tokio::task::spawn_blocking(move || write_folder(&shared, &work, form, drafts.as_ref())).await;
        let (place, contents) = match written {
            Ok(written) => written.map_err(|error| Failure::failed(&error))?,
            Err(_) => return Err(Failure::Failed("the package was not finished; run again".to_owned())),
        };
        Ok(Packed { place, contents, stored })
    }

    fn destinations<'a>(
        &'a self,
        policy: Option<&'a Policy>,
    ) -> impl Iterator<Item = (&'a Storage, &'a Rule)> {
        let rules = policy.into_iter().flat_map(|policy| &policy.rules);
        rules.filter_map(|rule| {
            let key = rule.storage_destination.as_deref()?;
            let storage = self.storages.iter().find(|storage| storage.key() == key)?;
            Some((storage, rule))
        })
    }
}

/// The package of one rule.
fn write_rule(
    out: &mut dyn Write,
    (shared, work): (&Shared, &ToPack),
    rule: &Rule,
    formats: &[PackageFormat],
) -> Result<Report, PackageError> {
    let contents = match &shared.policy {
        Some(policy) => Contents::OfRule { policy, rule, graph: &shared.graph },
        None => Contents::Everything,
    };
    package::write_zip(out, &work.outcome, &options(shared, work, contents), formats)
}

/// What rules without a place of their own deliver. If each has one, only the report is written.
fn write_folder(
    shared: &Shared,
    work: &ToPack,
    form: PackageForm,
    drafts: Option<&Drafts>,
) -> Result<(PathBuf, Report), PackageError> {
    let policy = shared.policy.as_ref().map(without_places);
    let contents = match &policy {
        None => Contents::Everything,
        Some(policy) => Contents::Targeted { policy, graph: &shared.graph },
    };
    let options = PackageOptions { drafts, ..options(shared, work, contents) };
    let delivers = |policy: &Policy| policy.rules.iter().any(|rule| rule.action == ActionType::Access);
    if policy.as_ref().is_some_and(|policy| !delivers(policy)) {
        let report = package::write_report(&work.folder, &work.outcome, &options)?;
        return Ok((work.folder.clone(), report));
    }
    match form.formats() {
        None => {
            let package = package::write(&work.folder, &work.outcome, &options)?;
            Ok((package.folder, package.contents))
        }
        Some(formats) => {
            let file = work.folder.join(ARCHIVE);
            let report = package::write_zip_file(&file, &work.outcome, &options, formats)?;
            Ok((file, report))
        }
    }
}

fn options<'a>(shared: &Shared, work: &'a ToPack, contents: Contents<'a>) -> PackageOptions<'a> {
    PackageOptions {
        subject: Some(&work.identities),
        made_at: Some(shared.clock.now()),
        ..PackageOptions::new(contents)
    }
}

/// The policy without the rules whose packages go elsewhere.
fn without_places(policy: &Policy) -> Policy {
    let rules = policy.rules.iter().filter(|rule| rule.storage_destination.is_none());
    Policy { key: policy.key.clone(), rules: rules.cloned().collect() }
}
