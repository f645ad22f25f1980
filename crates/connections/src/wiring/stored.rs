//! What is behind a connection that is kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use connector::{Connection, Secrets};
use datastore::Database;
use model::ConnectionKey;
use spec::dataset_file::Dataset;
use spec::{Access, DatabaseKind, DomainValidation, SecretInputs, SourceFile};
use store::{ConnectionAccess, Document, StoreError, StoredConnection, StoredConnector};

use super::{LeftOut, LeftOutReason, WireOptions, WiredConnection, definition_digest};
use crate::{ConnectionType, Connections, DatabasePlace, DatasetDocument, SecretValues, connector_source};

/// What there is to be joined.
#[derive(Default)]
pub(super) struct Found {
    pub(super) parts: Vec<Part>,
    pub(super) left_out: Vec<LeftOut>,
    /// For each connection a fingerprint of its secrets.
    pub(super) fingerprints: HashMap<ConnectionKey, String>,
    /// Datasets that are in already: one may be linked to several connections.
    keys: HashSet<ConnectionKey>,
}

/// One dataset with its connection.
pub(super) struct Part {
    pub(super) member: WiredConnection,
    pub(super) behind: Behind,
}

/// What rows come from.
pub(super) enum Behind {
    Connector(Connection, Option<Dataset>),
    Database(Database, Dataset),
}

impl Found {
    fn leave_out(&mut self, connection: &StoredConnection, reason: LeftOutReason) {
        if reason.is_fault() {
            tracing::warn!(connection = %connection.key, %reason, "connection left out");
        }
        self.left_out.push(LeftOut { connection: connection.key.clone(), reason });
    }

    /// The key of a dataset as that of a source, if no other connection has it.
    fn take_key(&mut self, text: &str) -> Result<ConnectionKey, LeftOutReason> {
        let key: ConnectionKey = text.parse().map_err(|_| {
            LeftOutReason::Broken(format!("`{text}` cannot be the key of a dataset; call it otherwise"))
        })?;
        if self.keys.insert(key.clone()) {
            return Ok(key);
        }
        Err(LeftOutReason::Broken(format!(
            "its dataset `{text}` belongs to another connection, too; remove one of the two links"
        )))
    }
}

impl Connections {
    /// Adds a connection to what was found, or to what is left out.
    pub(super) async fn find_behind(
        &self,
        connection: &StoredConnection,
        options: &WireOptions,
        found: &mut Found,
    ) -> Result<(), StoreError> {
        if connection.disabled {
            found.leave_out(connection, LeftOutReason::Disabled);
            return Ok(());
        }
        let kind = match Reached::of(connection) {
            Ok(kind) => kind,
            Err(reason) => {
                found.leave_out(connection, reason);
                return Ok(());
            }
        };
        let secrets = SecretValues::of(self.store(), &connection.key).await?;
        found.fingerprints.insert(connection.key.clone(), self.fingerprint(&secrets));
        let links = self.store().dataset_link_list(&connection.key).await?;
        let datasets: Vec<Document> = links.into_iter().map(|(_, dataset)| dataset).collect();
        let stored = Stored { connection, options, secrets: &secrets };
        match kind {
            Reached::Connector(connector) => self.find_connector(stored, (connector, &datasets), found),
            Reached::Database(_) if datasets.is_empty() => {
                found.leave_out(connection, LeftOutReason::NoDataset);
            }
            Reached::Database(kind) => {
                for dataset in &datasets {
                    self.find_database(stored, (kind, dataset), found);
                }
            }
        }
        Ok(())
    }

    fn find_connector(
        &self,
        stored: Stored<'_>,
        connector: (&StoredConnector, &[Document]),
        found: &mut Found,
    ) {
        match self.connector_part(stored, connector, found) {
            Ok(part) => found.parts.push(part),
            Err(reason) => found.leave_out(stored.connection, reason),
        }
    }

    fn connector_part(
        &self,
        stored: Stored<'_>,
        (connector, datasets): (&StoredConnector, &[Document]),
        found: &mut Found,
    ) -> Result<Part, LeftOutReason> {
        let broken = |text: String| LeftOutReason::Broken(text);
        let file = crate::read_connector(&stored.connection.key, connector, self.domain_validation())
            .map_err(|error| broken(error.to_string()))?;
        let kept = datasets.iter().find(|dataset| dataset.key == file.fides_key);
        if let (None, Some(other)) = (kept, datasets.first()) {
            return Err(broken(format!(
                "its dataset `{}` is not that of its connector file, `{}`",
                other.key, file.fides_key
            )));
        }
        let dataset = kept.map(checked).transpose()?;
        let inputs = SecretInputs::new(stored.secrets.clone().into_entries());
        if super::is_for_access_only(&file, &inputs) {
            return Err(LeftOutReason::AccessOnly);
        }
        let secrets = spec::check_secrets(&file, &inputs, DomainValidation::Disabled)
            .map_err(|error| broken(error.to_string()))?;
        let key = found.take_key(&file.fides_key)?;
        let file = Arc::new(file);
        let sources = (connector_source(connector), kept.map(source));
        let member = WiredConnection {
            connector: file.connector_type.to_string(),
            version: file.version.clone(),
            sha256: definition_digest([Some(&sources.0), sources.1.as_ref()]),
            secrets: Secrets::new(secrets.values.clone()),
            file: Some(Arc::clone(&file)),
            ..stored.member(key.clone())
        };
        let connection = Connection {
            key,
            file,
            secrets: Arc::new(Secrets::new(secrets.values)),
            references: secrets.references.into_iter().collect(),
            recording_keep: HashMap::new(),
        };
        Ok(Part { member, behind: Behind::Connector(connection, dataset) })
    }

    fn find_database(&self, stored: Stored<'_>, database: (DatabaseKind, &Document), found: &mut Found) {
        match self.database_part(stored, database, found) {
            Ok(part) => found.parts.push(part),
            Err(reason) => found.leave_out(stored.connection, reason),
        }
    }

    fn database_part(
        &self,
        stored: Stored<'_>,
        (kind, kept): (DatabaseKind, &Document),
        found: &mut Found,
    ) -> Result<Part, LeftOutReason> {
        let dataset = checked(kept)?;
        let key = found.take_key(&dataset.fides_key)?;
        let secrets = stored.secrets.clone().into_entries();
        let place = DatabasePlace {
            key: key.clone(),
            kind,
            secrets: secrets.clone(),
            access: access(stored.connection.access),
            namespace: dataset.namespace.clone().unwrap_or_default(),
            boundary: self.inner.outgoing.boundary.clone(),
        };
        let database =
            self.database(place).map_err(|error| LeftOutReason::Broken(error.fault.to_string()))?;
        let member = WiredConnection {
            connector: kind.as_str().to_owned(),
            sha256: definition_digest([None, Some(&source(kept))]),
            secrets: Secrets::new(secrets),
            ..stored.member(key)
        };
        Ok(Part { member, behind: Behind::Database(database, dataset) })
    }
}

/// A connection that is kept, with its secrets.
#[derive(Clone, Copy)]
struct Stored<'a> {
    connection: &'a StoredConnection,
    options: &'a WireOptions,
    secrets: &'a SecretValues,
}

impl Stored<'_> {
    /// What is the same for all its datasets.
    fn member(self, key: ConnectionKey) -> WiredConnection {
        let strict = self.connection.masking_strict;
        WiredConnection {
            key,
            connection: self.connection.key.clone(),
            connector: String::new(),
            version: String::new(),
            sha256: String::new(),
            secrets: Secrets::new(Vec::new()),
            access: access(self.connection.access),
            mode: strict.map_or(self.options.mode, super::masking_mode),
            file: None,
            enabled_actions: self.connection.enabled_actions.clone(),
        }
    }
}

/// What a connection leads to, for one that a program can read.
enum Reached<'a> {
    Connector(&'a StoredConnector),
    Database(DatabaseKind),
}

impl<'a> Reached<'a> {
    fn of(connection: &'a StoredConnection) -> Result<Self, LeftOutReason> {
        let broken = |text: String| Err(LeftOutReason::Broken(text));
        let Ok(kind) = connection.connection_type.parse::<ConnectionType>() else {
            return broken(format!(
                "this version does not know connections of type `{}`",
                connection.connection_type
            ));
        };
        match (kind, kind.database(), &connection.connector) {
            (ConnectionType::Saas, _, Some(connector)) => Ok(Self::Connector(connector)),
            (ConnectionType::Saas, _, None) => broken(format!(
                "the connection has no SaaS config; add one via /connection/{}/saas_config",
                connection.key
            )),
            (_, Some(database), _) => Ok(Self::Database(database)),
            (_, None, _) if kind.is_read_by_program() => broken(format!(
                "this version cannot connect to `{kind}`; the guide names the databases it can"
            )),
            (_, None, _) => Err(LeftOutReason::NotRead),
        }
    }
}

pub(crate) fn access(access: ConnectionAccess) -> Access {
    match access {
        ConnectionAccess::Read => Access::Read,
        ConnectionAccess::Write => Access::Write,
    }
}

fn checked(kept: &Document) -> Result<Dataset, LeftOutReason> {
    let document = DatasetDocument::of_kept(&kept.body);
    document.map(|document| document.dataset).ok_or_else(|| {
        LeftOutReason::Broken(format!(
            "the dataset kept as `{}` does not pass the checks of this version; send a corrected one",
            kept.key
        ))
    })
}

fn source(kept: &Document) -> SourceFile {
    SourceFile::new("dataset", kept.body.clone())
}
