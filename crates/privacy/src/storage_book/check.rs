use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use egress::DoorSettings;
use model::Clock;
use store::StorageDestination;

use super::{StorageBook, StorageBookError, StorageDocument};
use crate::package::Drafts;
use crate::storage::{Storage, StorageParts};

/// How packages leave the server.
#[derive(Debug, Clone)]
pub struct PackageSettings {
    /// What outgoing calls may do; entries of `egress.allow` may name a storage by its key.
    pub egress: DoorSettings,
    /// The data folder.
    pub data: PathBuf,
    /// The notes about drafts in it, which are used again from package to package.
    pub drafts: Drafts,
}

impl PackageSettings {
    /// Settings with this data folder.
    ///
    /// # Errors
    /// The folder for notes cannot be made in it.
    pub fn open(egress: DoorSettings, data: PathBuf) -> io::Result<Self> {
        Ok(Self { egress, drafts: Drafts::open(&data)?, data })
    }
}

/// Whether a destination can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It answered, and what it keeps may be listed.
    Usable,
    /// Not, and why; holds no secret.
    Unusable(String),
}

impl StorageBook {
    /// Tries a destination with the secrets that are kept: nothing is written to it.
    ///
    /// # Errors
    /// [`StorageBookError::Store`] only; whatever else is wrong is the outcome.
    pub async fn check(
        &self,
        destination: &StorageDestination,
        settings: &PackageSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<CheckOutcome, StorageBookError> {
        let StorageDocument { destination, secrets } = match self.document(destination).await {
            Ok(document) => document,
            Err(error @ StorageBookError::Store(_)) => return Err(error),
            Err(error) => return Ok(CheckOutcome::Unusable(error.to_string())),
        };
        let parts = StorageParts {
            destination: &destination,
            base: &settings.data,
            secrets,
            egress: settings.egress.clone(),
            data: &settings.data,
            drafts: settings.drafts.clone(),
            clock,
        };
        let checked = match Storage::open(parts) {
            Ok(storage) => storage.check().await,
            Err(error) => Err(error),
        };
        Ok(match checked {
            Ok(()) => CheckOutcome::Usable,
            Err(error) => CheckOutcome::Unusable(error.to_string()),
        })
    }
}
