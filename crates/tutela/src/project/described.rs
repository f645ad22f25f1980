use connections::definition_digest;
use model::ConnectionKey;
use spec::connector_file::ConnectorFile;
use spec::dataset_file::Dataset;
use spec::{CheckOptions, ConnectionEntry, DatabaseKind, DomainValidation, SourceFile};

use super::ProjectFile;
use super::findings::Findings;
use crate::failure::Failure;
use crate::files::{self, ConnectorSources};

/// A connection before its secrets are looked at.
#[derive(Debug)]
pub(crate) struct Described {
    /// What is behind it.
    pub(crate) part: DescribedPart,
    /// Digest of the texts of connector and dataset file.
    pub(crate) sha256: String,
}

/// What a connection leads to, without secrets.
#[derive(Debug)]
pub(crate) enum DescribedPart {
    /// A checked connector file with its dataset.
    Connector(Box<ConnectorFile>, Option<Dataset>),
    /// A database with its dataset.
    Database(DatabaseKind, Dataset),
}

impl Described {
    /// What its collections hold.
    pub(crate) fn dataset(&self) -> Option<&Dataset> {
        match &self.part {
            DescribedPart::Connector(_, dataset) => dataset.as_ref(),
            DescribedPart::Database(_, dataset) => Some(dataset),
        }
    }
}

impl ProjectFile {
    /// Reads and checks the files of one connection; findings go to `found`. A Baton connector of somebody else has
    /// none.
    pub(crate) fn describe(
        &self,
        position: usize,
        entry: &ConnectionEntry,
        found: &mut Findings,
    ) -> Result<Option<Described>, Failure> {
        if entry.baton.is_some() {
            return Ok(None);
        }
        let dataset = entry.dataset.as_ref().map(|path| files::read(&self.folder.join(path))).transpose()?;
        if let Some(kind) = entry.database() {
            // Without a dataset the project file was refused.
            return Ok(dataset.and_then(|dataset| self.describe_database(position, (kind, &dataset), found)));
        }
        let Some(mut pair) = files::find_connector(&entry.connector, &self.folder)? else {
            let place = format!("connections[{position}].connector");
            let message = format!("`{}` is neither a connector of the library nor a file", entry.connector);
            found.list.push(
                self.error_at(&place, "project::connector", message)
                    .with_help("`tutela connector list` shows the library; paths start at the project file"),
            );
            return Ok(None);
        };
        pair.dataset = dataset.or(pair.dataset);
        found.sources.add(pair.connector.clone());
        pair.dataset.iter().for_each(|dataset| found.sources.add(dataset.clone()));
        let sha256 = definition_digest([Some(&pair.connector), pair.dataset.as_ref()]);
        let checked = check_files(&pair, &entry.key, found)?;
        Ok(checked.map(|(file, dataset)| Described {
            part: DescribedPart::Connector(Box::new(file), dataset),
            sha256,
        }))
    }

    /// A database has no connector file; its dataset must be its own.
    fn describe_database(
        &self,
        position: usize,
        (kind, source): (DatabaseKind, &SourceFile),
        found: &mut Findings,
    ) -> Option<Described> {
        let key = &self.project.connections.get(position)?.key;
        found.sources.add(source.clone());
        let sha256 = definition_digest([None, Some(source)]);
        let checked = spec::check_datasets(source, &options(key));
        found.list.extend(checked.diagnostics);
        let datasets = checked.value?;
        let keys: Vec<String> = datasets.iter().map(|dataset| dataset.fides_key.clone()).collect();
        let own = datasets.into_iter().find(|dataset| dataset.fides_key == key.as_str());
        if own.is_none() {
            let place = format!("connections[{position}].dataset");
            let described = keys.join(", ");
            let message =
                format!("{} describes {described}, and the connection is called `{key}`", source.name());
            found.list.push(
                self.error_at(&place, "project::dataset", message)
                    .with_help("a database's dataset has the connection's key as its `fides_key`"),
            );
        }
        own.map(|dataset| Described { part: DescribedPart::Database(kind, dataset), sha256 })
    }
}

/// Checks a connector file with the dataset beside it; findings go to `found`.
///
/// # Errors
/// Bad input if the file belongs to a connection of another key.
pub(super) fn check_files(
    pair: &ConnectorSources,
    key: &ConnectionKey,
    found: &mut Findings,
) -> Result<Option<(ConnectorFile, Option<Dataset>)>, Failure> {
    let options = options(key);
    let connector = spec::check_connector(&pair.connector, &options);
    found.list.extend(connector.diagnostics);
    let file = connector.value;
    if let Some(file) = &file {
        same_key(&pair.connector, &file.fides_key, key)?;
    }
    let mut dataset = None;
    if let Some(source) = &pair.dataset {
        let checked = spec::check_datasets(source, &options);
        found.list.extend(checked.diagnostics);
        dataset = checked.value.and_then(|datasets| own(datasets, key));
        if let (Some(file), Some(dataset)) = (&file, &dataset) {
            found.list.extend(spec::check_pair(file, dataset, source));
        }
    }
    Ok(file.map(|file| (file, dataset)))
}

fn options(key: &ConnectionKey) -> CheckOptions {
    CheckOptions { instance_key: Some(key.clone()), domain_validation: DomainValidation::default() }
}

/// The dataset with the connection's key, else the first, which is then found to be another's.
fn own(datasets: Vec<Dataset>, key: &ConnectionKey) -> Option<Dataset> {
    let position = datasets.iter().position(|dataset| dataset.fides_key == key.as_str());
    datasets.into_iter().nth(position.unwrap_or(0))
}

/// A file with a fixed key belongs to the connection of that key only (architecture §13.13).
fn same_key(source: &SourceFile, fides_key: &str, key: &ConnectionKey) -> Result<(), Failure> {
    if fides_key == key.as_str() {
        return Ok(());
    }
    Err(Failure::BadInput(format!(
        "{} has the fixed key `{fides_key}`, the connection that uses it is called `{key}`; call the connection \
         `{fides_key}`, or write `<instance_fides_key>` in the file",
        source.name()
    )))
}
