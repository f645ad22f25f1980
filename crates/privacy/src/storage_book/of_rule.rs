//! The place that takes the packages of a rule.

use std::sync::Arc;

use model::Clock;
use spec::Rule;
use store::{StorageDestination, StorageKind, StoreError};
use thiserror::Error;

use super::{PackageSettings, StorageBook, StorageBookError};
use crate::storage::{Storage, StorageError, StorageParts};

/// The setting that names the kind of destination of rules that name none.
const ACTIVE: &str = "storage.active_default_storage_type";

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
        let destination = if let Some(key) = &rule.storage_destination {
            self.get(key).await?
        } else {
            let active = self.active().await?;
            active.ok_or_else(|| RuleStorageError::NoDefault { rule: rule.key.clone() })?
        };
        self.open(&destination, packages, clock).await
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
        let document = self.document(destination).await?;
        Ok(Storage::open(StorageParts {
            destination: &document.destination,
            base: &packages.data,
            secrets: document.secrets,
            egress: packages.egress.clone(),
            data: &packages.data,
            clock: Arc::clone(clock),
        })?)
    }

    async fn active_kind(&self) -> Result<Option<StorageKind>, StoreError> {
        let settings = self.store.setting_list().await?;
        let set = settings.into_iter().find(|(key, _)| key == ACTIVE);
        let named = set.and_then(|(_, value)| Some(value.as_str()?.to_owned()));
        let kinds = [StorageKind::S3, StorageKind::Gcs, StorageKind::Local];
        Ok(named.and_then(|name| kinds.into_iter().find(|kind| kind.as_str() == name)))
    }
}
