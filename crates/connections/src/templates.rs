//! The templates of a server: those of the library, and those that its customer brought in their place
//! (saas-config 24).

use std::borrow::Cow;

use jiff::Timestamp;
use store::{Actor, NewTemplate, StoreError, StoredTemplate};
use thiserror::Error;

use crate::catalogue::{CatalogueEntry, CatalogueFilter};
use crate::template::{ArchiveError, TemplateFault, Unpacked};
use crate::{Categories, Connections, Template};

/// A template that connections can be made from.
#[derive(Debug, Clone)]
pub struct OfferedTemplate {
    /// The template.
    pub template: Cow<'static, Template>,
    /// Whether the customer brought it.
    pub is_custom: bool,
    /// Its icon, SVG.
    pub icon: Option<String>,
}

impl OfferedTemplate {
    /// Whether the library has one of this type.
    pub fn has_default(&self) -> bool {
        Template::find(self.template.connector_type()).is_some()
    }
}

/// A version of a template.
#[derive(Debug, Clone)]
pub struct TemplateVersion {
    /// The version, as written.
    pub version: String,
    /// Whether the customer brought it.
    pub is_custom: bool,
    /// When they did.
    pub created_at: Option<Timestamp>,
    /// The connector file, YAML.
    pub config: String,
    /// The dataset, YAML.
    pub dataset: String,
}

/// Why a template was not taken.
#[derive(Debug, Error)]
pub enum RegisterRefused {
    /// The archive is none of a template.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Its files cannot be used.
    #[error(transparent)]
    Fault(#[from] TemplateFault),
    /// The store did not do it.
    #[error("the template could not be kept")]
    Store(#[from] StoreError),
}

/// Why a template was not removed.
#[derive(Debug, Error)]
pub enum TemplateRemoveRefused {
    /// There is none.
    #[error("No connector template found with type '{connector_type}'")]
    Absent {
        /// The type asked for.
        connector_type: String,
    },
    /// It is one of the library.
    #[error("The {connector_type} connector template is not a custom template.")]
    NotCustom {
        /// The type asked for.
        connector_type: String,
    },
    /// Its connections would be left without one.
    #[error(
        "The {connector_type} connector template does not have a Fides-provided template to fall back to."
    )]
    NoDefault {
        /// The type asked for.
        connector_type: String,
    },
    /// The store did not do it.
    #[error("the template could not be removed")]
    Store(#[from] StoreError),
}

impl Connections {
    /// All templates, by type.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn template_list(&self) -> Result<Vec<OfferedTemplate>, StoreError> {
        let mut all: Vec<OfferedTemplate> =
            self.store().template_list().await?.into_iter().filter_map(custom).collect();
        for template in Template::list() {
            if !all.iter().any(|known| known.template.connector_type() == template.connector_type()) {
                all.push(of_library(template));
            }
        }
        all.sort_by(|one, other| one.template.connector_type().cmp(other.template.connector_type()));
        Ok(all)
    }

    /// The template of a type.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn template_find(&self, connector_type: &str) -> Result<Option<OfferedTemplate>, StoreError> {
        let brought = self.store().template_find(connector_type).await?.and_then(custom);
        Ok(brought.or_else(|| Template::find(connector_type).map(of_library)))
    }

    /// The versions of a template, the newest first; the library's last. Empty if there is no such type.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn template_versions(&self, connector_type: &str) -> Result<Vec<TemplateVersion>, StoreError> {
        let brought = self.store().template_versions(connector_type).await?.into_iter();
        let brought = brought.map(|kept| TemplateVersion {
            version: kept.content.version,
            is_custom: true,
            created_at: Some(kept.created_at),
            config: kept.content.config,
            dataset: kept.content.dataset,
        });
        let own = Template::find(connector_type).map(|template| TemplateVersion {
            version: template.file().version.clone(),
            is_custom: false,
            created_at: None,
            config: template.config_text().to_owned(),
            dataset: template.dataset_text().to_owned(),
        });
        let recorded = self.store().library_template_versions(connector_type).await?.into_iter();
        let recorded = recorded.map(|kept| TemplateVersion {
            version: kept.content.version,
            is_custom: false,
            created_at: Some(kept.created_at),
            config: kept.content.config,
            dataset: kept.content.dataset,
        });
        let recorded: Vec<TemplateVersion> = recorded.collect();
        // Before a server started with it, the newest is not recorded.
        let own = own.filter(|own| !recorded.iter().any(|known| known.version == own.version));
        Ok(brought.chain(own).chain(recorded).collect())
    }

    /// The types of connections that can be made here and fit, by their names for people.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn catalogue(&self, filter: &CatalogueFilter) -> Result<Vec<CatalogueEntry>, StoreError> {
        let templates = self.template_list().await?;
        Ok(crate::catalogue::catalogue(templates.iter().map(OfferedTemplate::catalogue_entry), filter))
    }

    /// Takes the template in an archive, in place of the one of its type, and brings the connections made
    /// from that one up to it. One that cannot be brought up stays as it is, and the log says so.
    ///
    /// # Errors
    /// [`RegisterRefused`]; nothing was changed.
    pub async fn template_register(&self, archive: &[u8], actor: Actor) -> Result<(), RegisterRefused> {
        let Unpacked { config, dataset, icon } = Unpacked::of_archive(archive)?;
        let template = Template::brought(config, dataset, &self.categories().await?)?;
        let connector_type = template.connector_type().to_owned();
        let before = self.template_find(&connector_type).await?;
        let before = before.as_ref().map(|before| &*before.template);
        let instances = self.instance_changes(before, &template).await?;
        let new = NewTemplate {
            connector_type,
            version: template.file().version.clone(),
            config: template.config_text().to_owned(),
            dataset: template.dataset_text().to_owned(),
            icon,
        };
        Ok(self.store().template_put(&new, &instances, actor).await?)
    }

    /// Takes a template that the customer brought away; its connections go back to the library's.
    ///
    /// # Errors
    /// [`TemplateRemoveRefused`]; nothing was changed.
    pub async fn template_remove(
        &self,
        connector_type: &str,
        actor: Actor,
    ) -> Result<(), TemplateRemoveRefused> {
        let named = || connector_type.to_owned();
        let absent = || TemplateRemoveRefused::Absent { connector_type: named() };
        let offered = self.template_find(connector_type).await?.ok_or_else(absent)?;
        if !offered.is_custom {
            return Err(TemplateRemoveRefused::NotCustom { connector_type: named() });
        }
        let Some(default) = Template::find(connector_type) else {
            return Err(TemplateRemoveRefused::NoDefault { connector_type: named() });
        };
        let instances = self.instance_changes(Some(&offered.template), default).await?;
        if self.store().template_remove(connector_type, &instances, actor).await? {
            return Ok(());
        }
        Err(TemplateRemoveRefused::NotCustom { connector_type: named() })
    }
}

impl OfferedTemplate {
    fn catalogue_entry(&self) -> CatalogueEntry {
        CatalogueEntry {
            is_custom: self.is_custom,
            has_default: self.has_default(),
            icon: self.icon.clone(),
            ..self.template.catalogue_entry()
        }
    }
}

fn of_library(template: &'static Template) -> OfferedTemplate {
    OfferedTemplate { template: Cow::Borrowed(template), is_custom: false, icon: None }
}

/// `None`, with a line in the log, for one that this version refuses (24.4): the library's stands then.
fn custom(kept: StoredTemplate) -> Option<OfferedTemplate> {
    let NewTemplate { connector_type, config, dataset, icon, .. } = kept.content;
    match Template::brought(config, dataset, &Categories::Any) {
        Ok(template) => Some(OfferedTemplate { template: Cow::Owned(template), is_custom: true, icon }),
        Err(error) => {
            tracing::warn!(connector = connector_type, %error, "template left out");
            None
        }
    }
}
