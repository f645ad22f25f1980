//! The place that takes the packages of a rule.

use std::sync::Arc;

use model::{Clock, FidesKey};
use spec::Rule;
use store::{StorageDestination, StorageKind, StoreError};
use thiserror::Error;

use super::{PackageSettings, StorageBook, StorageBookError, StorageDocument, folder};
use crate::configuration::{ACTIVE_DEFAULT, Configuration, Configurations, storage_kind};
use crate::storage::{Storage, StorageError, StorageParts};

/// Why the place of a rule cannot be used.
#[derive(Debug, Error)]
pub enum RuleStorageError {
    /// Neither the rule nor the settings say where its packages go.
    #[error(
        "The given rule `{rule}` has no `storage_destination` configured, and there is no active default storage configuration defined"
    )]
    NoDefault {
        /// Key of the rule.
        rule: String,
    },
    /// The destination cannot be used.
    #[error(transparent)]
    Book(#[from] StorageBookError),
    /// The place cannot be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StorageBook {
    /// The place of a rule's packages, open (privacy-requests POL-5).
    ///
    /// # Errors
    /// [`RuleStorageError`].
    pub async fn of_rule(
        &self,
        rule: &Rule,
        packages: &PackageSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Storage, RuleStorageError> {
        let configuration = Configurations::new(self.store.clone()).now().await?;
        self.of_rule_at(rule, &configuration, (packages, clock)).await
    }

    /// The same with what is configured.
    pub(crate) async fn of_rule_at(
        &self,
        rule: &Rule,
        configuration: &Configuration,
        (packages, clock): (&PackageSettings, &Arc<dyn Clock>),
    ) -> Result<Storage, RuleStorageError> {
        let found = if let Some(key) = &rule.storage_destination {
            let missing = || StorageBookError::NotFound { key: key.clone() };
            // What is no key does not go to the database: not every text may.
            key.parse::<FidesKey>().map_err(|_| missing())?;
            let found = configuration.destination(key).await?;
            if found.is_none() {
                return Err(missing().into());
            }
            found
        } else {
            let kind = configuration.active_kind().await?;
            let found = configuration.default_destination(kind.unwrap_or(StorageKind::Local)).await?;
            if found.is_none() && kind.is_some() {
                return Err(RuleStorageError::NoDefault { rule: rule.key.clone() });
            }
            found
        };
        let document = match &*found {
            Some(found) if found.has_secrets => self.document(&found.destination).await?,
            Some(found) => Self::document_with(&found.destination, None)?,
            None => Self::document_with(&folder(), None)?,
        };
        opened(document, packages, clock)
    }

    /// The destination of whatever names none, as the settings say now; `None` if they name a kind
    /// without a default.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn active(&self) -> Result<Option<StorageDestination>, StoreError> {
        self.active_default(self.active_kind().await?).await
    }

    /// A destination, open.
    ///
    /// # Errors
    /// [`RuleStorageError`].
    pub async fn open(
        &self,
        destination: &StorageDestination,
        packages: &PackageSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Storage, RuleStorageError> {
        opened(self.document(destination).await?, packages, clock)
    }

    async fn active_kind(&self) -> Result<Option<StorageKind>, StoreError> {
        let settings = self.store.setting_list().await?;
        let set = settings.iter().find(|(key, _)| key == ACTIVE_DEFAULT);
        Ok(set.and_then(|(_, value)| storage_kind(value)))
    }
}

fn opened(
    document: StorageDocument,
    packages: &PackageSettings,
    clock: &Arc<dyn Clock>,
) -> Result<Storage, RuleStorageError> {
    Ok(Storage::open(StorageParts {
        destination: &document.destination,
        base: &packages.data,
        secrets: document.secrets,
        egress: packages.egress.clone(),
        data: &packages.data,
        drafts: packages.drafts.clone(),
        clock: Arc::clone(clock),
    })?)
}
