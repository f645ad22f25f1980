use std::collections::HashMap;
use std::sync::Arc;

use connector::{Connection, Secrets};
use graph::MaskingMode;
use model::ConnectionKey;
use serde_json::Value;
use spec::connector_file::{ConnectorFile, Service};
use spec::dataset_file::Dataset;
use spec::{CheckedSecrets, ConnectionEntry, DatabaseKind, Diagnostics, DomainValidation, SecretInputs};

use super::described::check_files;
use super::findings::Findings;
use crate::diagnostics::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::ConnectorSources;
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

    /// What a connector file runs.
    ///
    /// # Errors
    /// Bad input if it is a database.
    pub(crate) fn instance(&self) -> Result<&Instance, Failure> {
        match &self.part {
            Part::Connector(instance) => Ok(instance),
            Part::Database(kind, _) => Err(Failure::BadInput(format!(
                "`{}` is a database ({}); this works on connections that a connector file runs",
                self.entry.key,
                kind.as_str()
            ))),
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

impl Instance {
    /// A connection called `key` with these secrets, outside of any project.
    pub(crate) fn of_sources(
        sources: &ConnectorSources,
        key: &ConnectionKey,
        supplied: Vec<(String, Value)>,
        (service, output): (Service, Output),
    ) -> Result<Self, Failure> {
        let mut found = Findings { list: Diagnostics::default(), sources: Sources::default() };
        let checked = check_files(sources, key, &mut found)?;
        found.sources.add(sources.connector.clone());
        sources.dataset.iter().for_each(|dataset| found.sources.add(dataset.clone()));
        found.show_errors(output)?;
        let (file, dataset) = checked.ok_or(Failure::Shown(Exit::BadInput))?;
        let supplied = SecretInputs::new(supplied);
        let secrets = spec::check_secrets_for(&file, &supplied, DomainValidation::Disabled, service)
            .map_err(|error| Failure::bad_input(&error))?;
        Ok(Self::new(key, (file, dataset), secrets))
    }

    /// Joins what was checked.
    pub(super) fn new(
        key: &ConnectionKey,
        (file, dataset): (ConnectorFile, Option<Dataset>),
        secrets: CheckedSecrets,
    ) -> Self {
        let connection = Connection {
            key: key.clone(),
            recording_keep: HashMap::new(),
            file: Arc::new(file),
            secrets: Arc::new(Secrets::new(secrets.values)),
            references: secrets.references.into_iter().collect(),
        };
        Self { connection, dataset }
    }
}
