use std::collections::HashMap;
use std::sync::Arc;

use connections::definition_digest;
use connector::{Connection, Secrets};
use graph::MaskingMode;
use model::ConnectionKey;
use serde_json::Value;
use spec::connector_file::{ConnectorFile, Service};
use spec::dataset_file::Dataset;
use spec::{
    CheckOptions, CheckedSecrets, ConnectionEntry, DatabaseKind, Diagnostic, Diagnostics, DomainValidation,
    SecretInputs, Severity, SourceFile,
};

use super::ProjectFile;
use super::secrets::SecretsOf;
use crate::diagnostics::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::{self, ConnectorSources};
use crate::output::Output;

/// A connection of a project, complete. `Debug` is not offered: secrets are in it.
#[derive(Clone)]
pub(crate) struct Member {
    /// What the project file says of it.
    pub(crate) entry: ConnectionEntry,
    /// Whether only updates that mask may erase.
    pub(crate) mode: MaskingMode,
    /// Digest of the texts of connector and dataset file.
    pub(crate) sha256: String,
    /// Its secrets, defaults included.
    pub(crate) secrets: Vec<(String, Value)>,
    /// What is behind it.
    pub(crate) part: Part,
}

/// What a connection leads to.
#[derive(Clone)]
pub(crate) enum Part {
    /// An application, by a connector file.
    Connector(Instance),
    /// A database of the company, by its dataset.
    Database(DatabaseKind, Dataset),
}

impl Member {
    /// What its collections hold.
    pub(crate) fn dataset(&self) -> Option<&Dataset> {
        match &self.part {
            Part::Connector(instance) => instance.dataset.as_ref(),
            Part::Database(_, dataset) => Some(dataset),
        }
    }
}

/// A connection that a connector file runs, complete: file, dataset, secrets.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    /// What is called.
    pub(crate) connection: Connection,
    /// What its collections hold.
    pub(crate) dataset: Option<Dataset>,
}

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

impl Instance {
    /// A connection called `key` with these secrets, outside of any project.
    pub(crate) fn of_sources(
        sources: &ConnectorSources,
        key: &ConnectionKey,
        supplied: Vec<(String, Value)>,
        output: Output,
    ) -> Result<Self, Failure> {
        let mut found = Findings { list: Diagnostics::default(), sources: Sources::default() };
        let checked = check(sources, key, &mut found)?;
        found.sources.add(sources.connector.clone());
        sources.dataset.iter().for_each(|dataset| found.sources.add(dataset.clone()));
        found.show_errors(output)?;
        let (file, dataset) = checked.ok_or(Failure::Shown(Exit::BadInput))?;
        let supplied = SecretInputs::new(supplied);
        let secrets = spec::check_secrets(&file, &supplied, DomainValidation::Disabled)
            .map_err(|error| Failure::bad_input(&error))?;
        Ok(instance(key, file, dataset, secrets))
    }
}

impl ProjectFile {
    /// Completes all connections; what is wrong with any of them is shown.
    pub(crate) fn members(&self, output: Output) -> Result<Vec<Member>, Failure> {
        let positions = 0..self.project.connections.len();
        self.complete(positions, Service::Privacy, output)
    }

    /// Completes the connection called `key`, for privacy requests.
    pub(crate) fn member(&self, key: &str, output: Output) -> Result<Member, Failure> {
        self.member_for(key, Service::Privacy, output)
    }

    /// Completes the connection called `key`; what `service` does not need may be missing.
    pub(crate) fn member_for(&self, key: &str, service: Service, output: Output) -> Result<Member, Failure> {
        let connections = &self.project.connections;
        let position = connections.iter().position(|entry| entry.key.as_str() == key).ok_or_else(|| {
            let keys: Vec<&str> = connections.iter().map(|entry| entry.key.as_str()).collect();
            Failure::BadInput(format!(
                "{} has no connection `{key}`; it has: {}",
                self.source.name(),
                keys.join(", ")
            ))
        })?;
        let mut found = self.complete(position..position + 1, service, output)?;
        Ok(found.remove(0))
    }

    /// Completes the connection called `key`, which a connector file must run.
    pub(crate) fn instance(&self, key: &str, output: Output) -> Result<Instance, Failure> {
        self.instance_for(key, Service::Privacy, output)
    }

    /// Likewise; what `service` does not need may be missing.
    pub(crate) fn instance_for(
        &self,
        key: &str,
        service: Service,
        output: Output,
    ) -> Result<Instance, Failure> {
        match self.member_for(key, service, output)?.part {
            Part::Connector(instance) => Ok(instance),
            Part::Database(kind, _) => Err(Failure::BadInput(format!(
                "`{key}` is a database ({}); this works on connections that a connector file runs",
                kind.as_str()
            ))),
        }
    }

    /// Reads and checks the files of one connection; findings go to `found`.
    pub(crate) fn describe(
        &self,
        position: usize,
        entry: &ConnectionEntry,
        found: &mut Findings,
    ) -> Result<Option<Described>, Failure> {
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
        let checked = check(&pair, &entry.key, found)?;
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

    /// An error about the value at `place` in the project file.
    pub(crate) fn error_at(&self, place: &str, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::error(&self.source, self.project.spans.nearest_value(place), code, message)
    }

    /// An error about the key at `place` in the project file.
    pub(crate) fn error_at_key(&self, place: &str, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::error(&self.source, self.project.spans.nearest_key(place), code, message)
    }

    /// Findings, with the project file as their first source.
    pub(crate) fn findings(&self) -> Findings {
        let mut sources = Sources::default();
        sources.add_project(&self.source);
        Findings { list: Diagnostics::default(), sources }
    }

    fn complete(
        &self,
        positions: std::ops::Range<usize>,
        service: Service,
        output: Output,
    ) -> Result<Vec<Member>, Failure> {
        let mut found = self.findings();
        let mut members = Vec::new();
        for (position, entry) in self.project.connections.iter().enumerate() {
            if !positions.clone().contains(&position) {
                continue;
            }
            let Some(described) = self.describe(position, entry, &mut found)? else { continue };
            let secrets = SecretsOf { project: self, position, entry };
            let completed = match described.part {
                DescribedPart::Connector(file, dataset) => {
                    secrets.check(&file, service, &mut found.list).map(|secrets| {
                        let values = secrets.values.clone();
                        (values, Part::Connector(instance(&entry.key, *file, dataset, secrets)))
                    })
                }
                DescribedPart::Database(kind, dataset) => {
                    secrets.supplied(&mut found.list).map(|values| (values, Part::Database(kind, dataset)))
                }
            };
            if let Some((secrets, part)) = completed {
                members.push(Member {
                    entry: entry.clone(),
                    mode: if self.project.is_masking_strict(entry) {
                        MaskingMode::Strict
                    } else {
                        MaskingMode::Any
                    },
                    sha256: described.sha256,
                    secrets,
                    part,
                });
            }
        }
        found.show_errors(output)?;
        self.check_references(&members, positions, output)?;
        Ok(members)
    }

    /// External references must lead to a field of some connection of the project (saas-config 4.12).
    fn check_references(
        &self,
        members: &[Member],
        positions: std::ops::Range<usize>,
        output: Output,
    ) -> Result<(), Failure> {
        if positions.len() < self.project.connections.len() {
            // The field may belong to a connection that this command has nothing to do with.
            return Ok(());
        }
        let datasets: Vec<&Dataset> = members.iter().filter_map(Member::dataset).collect();
        let mut found = self.findings();
        for (position, member) in positions.zip(members) {
            let Part::Connector(instance) = &member.part else { continue };
            for (name, reference) in &instance.connection.references {
                if let Err(error) = spec::secrets::check_external_reference(name, reference, &datasets) {
                    let place = format!("connections[{position}].secrets.{name}");
                    found.list.push(self.error_at_key(&place, "project::secret", error.to_string()));
                }
            }
        }
        found.show_errors(output)
    }
}

/// Findings about a project and its files, and the texts to draw them on.
#[derive(Debug)]
pub(crate) struct Findings {
    /// What was found.
    pub(crate) list: Diagnostics,
    /// On what.
    pub(crate) sources: Sources,
}

impl Findings {
    /// Shows errors, and fails if there are any; warnings stay unsaid here, `connector check` shows
    /// them.
    pub(crate) fn show_errors(&self, output: Output) -> Result<(), Failure> {
        if self.list.has_errors() {
            let errors = self.list.iter().filter(|found| found.severity == Severity::Error).cloned();
            output.diagnostics(&errors.collect(), &self.sources);
            return Err(Failure::Shown(Exit::BadInput));
        }
        if !self.list.is_empty() {
            tracing::info!(
                warnings = self.list.len(),
                "connector files have warnings, `tutela connector check` shows them"
            );
        }
        Ok(())
    }
}

fn check(
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

fn instance(
    key: &ConnectionKey,
    file: ConnectorFile,
    dataset: Option<Dataset>,
    secrets: CheckedSecrets,
) -> Instance {
    let connection = Connection {
        key: key.clone(),
        recording_keep: HashMap::new(),
        file: Arc::new(file),
        secrets: Arc::new(Secrets::new(secrets.values)),
        references: secrets.references.into_iter().collect(),
    };
    Instance { connection, dataset }
}
