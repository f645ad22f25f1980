//! Connections brought up to a newer library when a server starts (saas-config 24.12, 24.14).

use std::collections::HashMap;

use model::ConnectionKey;
use serde_json::Value;
use spec::{CheckOptions, SourceFile};
use store::{
    Actor, ConnectionFilter, InstanceUpdate, NewTemplate, StoreError, StoredConnection, StoredConnector,
    Window,
};
use thiserror::Error;

use super::version::Version;
use super::{Template, TemplateHead, first_dataset};
use crate::{Categories, Connections, DatasetDocument, OfferedTemplate};

/// How often a connection that somebody changes at the same time is looked at.
const ATTEMPTS: u32 = 3;

/// What became of connections whose template is newer than they are.
#[derive(Debug, Default)]
pub struct BroughtUp {
    /// Those that have its file now.
    pub updated: Vec<ConnectionKey>,
    /// Those that keep their old file, and why.
    pub left: Vec<(ConnectionKey, NotBroughtUp)>,
}

/// Why a connection keeps its old file.
#[derive(Debug, Error)]
pub enum NotBroughtUp {
    /// Its version or that of the template is not one.
    #[error(
        "version `{version}` of its file cannot be compared with `{newest}` of the library; send a file with a version like 1.2.3"
    )]
    Version {
        /// That of its file.
        version: String,
        /// That of the template.
        newest: String,
    },
    /// With the key of the connection, the template does not pass the checks.
    #[error("the template does not work with the key `{fides_key}` of its file")]
    Template {
        /// The key.
        fides_key: String,
    },
    /// Somebody else changed it again and again.
    #[error("it was changed by others at the same time; it is looked at again at the next start")]
    Overtaken,
    /// The store did not do it.
    #[error("the change could not be kept: {0}")]
    Store(#[from] StoreError),
}

/// What one look at a connection led to.
enum Look {
    /// It is new enough.
    UpToDate,
    Updated,
    Overtaken,
}

impl Connections {
    /// Records the versions of the library's templates, and brings connections that were made from an
    /// older version of their template up to it, each by itself: what people changed in the dataset
    /// stays, the history keeps the old file, the audit log gets an entry. One that cannot be brought up
    /// keeps its old file, and the log says why.
    ///
    /// A connection whose first file was sent by a person is nobody's instance, and is left alone.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn bring_up_to_library(&self) -> Result<BroughtUp, StoreError> {
        let heads = Template::heads();
        self.record_library(&heads).await?;
        let mut brought = BroughtUp::default();
        let saas = Some(vec![crate::ConnectionType::Saas.as_str().to_owned()]);
        let filter = ConnectionFilter { types: saas, ..ConnectionFilter::default() };
        let mut connections = self.store().connection_list(&filter, Window::ALL).await?.items;
        let brought_types = self.store().template_list().await?;
        let brought_types: Vec<String> =
            brought_types.into_iter().map(|kept| kept.content.connector_type).collect();
        connections.retain(|connection| may_be_older(connection, &heads, &brought_types));
        if connections.is_empty() {
            return Ok(brought);
        }
        let offered = self.template_list().await?;
        let offered: HashMap<&str, &OfferedTemplate> =
            offered.iter().map(|offered| (offered.template.connector_type(), offered)).collect();
        for connection in connections {
            let connector_type = connection.connector.as_ref().map(|kept| kept.connector_type.as_str());
            let Some(offered) = connector_type.and_then(|name| offered.get(name)) else { continue };
            let key = connection.key.clone();
            match self.bring_up(connection, offered).await {
                Ok(Look::UpToDate) => {}
                Ok(Look::Updated) => {
                    let version = offered.template.file().version.as_str();
                    tracing::info!(connection = %key, version, "connection brought up to its template");
                    brought.updated.push(key);
                }
                Ok(Look::Overtaken) => brought.leave(key, NotBroughtUp::Overtaken),
                Err(reason) => brought.leave(key, reason),
            }
        }
        Ok(brought)
    }

    /// Each version of the library's templates once; a start that finds them all writes nothing.
    async fn record_library(&self, heads: &[TemplateHead]) -> Result<(), StoreError> {
        let known = self.store().library_template_list().await?;
        let is_known = |head: &TemplateHead| {
            known.iter().any(|(name, version)| *name == head.connector_type && *version == head.version)
        };
        if heads.iter().all(is_known) {
            return Ok(());
        }
        let is_new = |template: &&Template| {
            let version = &template.file().version;
            !known.iter().any(|(name, known)| name == template.connector_type() && known == version)
        };
        let new: Vec<NewTemplate> = Template::list()
            .iter()
            .filter(is_new)
            .map(|template| NewTemplate {
                connector_type: template.connector_type().to_owned(),
                version: template.file().version.clone(),
                config: template.config_text().to_owned(),
                dataset: template.dataset_text().to_owned(),
                icon: None,
            })
            .collect();
        self.store().library_template_record(&new).await
    }

    async fn bring_up(
        &self,
        mut connection: StoredConnection,
        offered: &OfferedTemplate,
    ) -> Result<Look, NotBroughtUp> {
        for _ in 0..ATTEMPTS {
            let Some(kept) = connection.connector.clone() else { return Ok(Look::UpToDate) };
            let template = &*offered.template;
            if kept.connector_type != template.connector_type()
                || !is_older(&kept.version, &template.file().version)?
            {
                return Ok(Look::UpToDate);
            }
            let Some(first) = self.first_datasets(&connection.key).await? else { return Ok(Look::UpToDate) };
            let base = self.base(&kept, offered, first).await?;
            let dataset = self.store().dataset_find(&kept.fides_key).await?;
            let steps = self.instance_steps(&connection, &kept, (base, template)).await?;
            let steps = steps.ok_or(NotBroughtUp::Template { fides_key: kept.fides_key.clone() })?;
            let update = InstanceUpdate {
                key: connection.key.clone(),
                connector: kept,
                dataset: dataset.map(|dataset| dataset.body),
                version: template.file().version.clone(),
                steps,
            };
            if self.store().instance_bring_up(&update, Actor::system()).await? {
                return Ok(Look::Updated);
            }
            match self.store().connection_find(&connection.key).await? {
                Some(now) => connection = now,
                None => return Ok(Look::UpToDate),
            }
        }
        Ok(Look::Overtaken)
    }

    /// Version and datasets of the first file that a connection had, if it came with a dataset: only one
    /// that was made from a template begins with both.
    async fn first_datasets(&self, key: &ConnectionKey) -> Result<Option<(String, Value)>, StoreError> {
        let first = self.store().connector_version_list(key).await?.pop();
        Ok(first.and_then(|first| Some((first.version, first.datasets?))))
    }

    /// The dataset of the template that the connection's file came from, with its key filled in.
    async fn base(
        &self,
        kept: &StoredConnector,
        offered: &OfferedTemplate,
        (first_version, first): (String, Value),
    ) -> Result<Option<Value>, StoreError> {
        let Ok(key) = kept.fides_key.parse::<ConnectionKey>() else { return Ok(None) };
        if offered.is_custom {
            // Only its version is another: that follows the library's (24.9).
            let instance = offered.template.instance(&key, self.domain_validation());
            return Ok(instance.map(|instance| instance.dataset.document));
        }
        let recorded = self.store().library_template_versions(&kept.connector_type).await?;
        if let Some(recorded) = recorded.into_iter().find(|one| one.content.version == kept.version) {
            let source = SourceFile::new("dataset.yml", recorded.content.dataset);
            let domain_validation = self.domain_validation();
            let options = CheckOptions { instance_key: Some(key), domain_validation };
            let document = first_dataset(&source, &options);
            return Ok(document.and_then(|document| {
                Some(DatasetDocument::check(&document, &Categories::Any).ok()?.document)
            }));
        }
        // Made before versions were recorded, and not brought up since.
        let datasets = Some(first).filter(|_| first_version == kept.version);
        let Some(Value::Array(datasets)) = datasets else { return Ok(None) };
        let is_its_own = |dataset: &Value| {
            dataset.get("fides_key").and_then(Value::as_str) == Some(kept.fides_key.as_str())
        };
        Ok(datasets.into_iter().find(is_its_own))
    }
}

impl BroughtUp {
    fn leave(&mut self, key: ConnectionKey, reason: NotBroughtUp) {
        tracing::warn!(connection = %key, %reason, "connection keeps its old connector file");
        self.left.push((key, reason));
    }
}

/// Whether a connection has to be compared with its template: it can be older, or people brought another
/// template of its type. Templates are checked, which takes long, only if there is one.
fn may_be_older(connection: &StoredConnection, heads: &[TemplateHead], brought_types: &[String]) -> bool {
    let Some(kept) = &connection.connector else { return false };
    let of_library = heads.iter().find(|head| head.connector_type == kept.connector_type);
    brought_types.contains(&kept.connector_type)
        || of_library.is_some_and(|head| head.version != kept.version)
}

fn is_older(version: &str, newest: &str) -> Result<bool, NotBroughtUp> {
    if version == newest {
        return Ok(false);
    }
    match (Version::parse(version), Version::parse(newest)) {
        (Some(old), Some(new)) => Ok(old < new),
        (None, _) | (_, None) => {
            Err(NotBroughtUp::Version { version: version.to_owned(), newest: newest.to_owned() })
        }
    }
}
