//! The storage destinations that a server keeps: how they are made and changed, their secrets, and
//! whether they can be used (privacy-requests 17.4).

mod check;
mod error;
mod of_rule;
mod secrets;
mod setup;

pub use check::{CheckOutcome, PackageSettings};
pub use error::StorageBookError;
pub use of_rule::RuleStorageError;
pub use secrets::{StorageSecretValues, UnknownStorageSecret};
pub use setup::{BucketAuth, GcsSetup, LocalSetup, ObjectNaming, S3Setup, StorageSetup};

use crypto::Secret;
use jiff::Timestamp;
use model::FidesKey;
use spec::PackageFormat;
use store::{
    Actor, Listed, StorageDestination, StorageFilter, StorageFormat, StorageKind, StorageSecrets, Store,
    StoreError, Window,
};

/// The storage destinations of a store.
#[derive(Debug, Clone)]
pub struct StorageBook {
    store: Store,
}

/// A destination to be made, or what one is from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageDraft {
    /// Its key; made of the name if there is none.
    pub key: Option<FidesKey>,
    /// Its name.
    pub name: String,
    /// What it is.
    pub setup: StorageSetup,
    /// Form of its packages.
    pub format: StorageFormat,
}

/// A destination as packages are delivered to it.
#[derive(Debug)]
pub struct StorageDocument {
    /// The place.
    pub destination: spec::StorageDestination,
    /// Its secrets, by the names that places for packages know.
    pub secrets: Vec<(String, Secret<String>)>,
}

impl StorageBook {
    /// The destinations in `store`.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Destinations, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(
        &self,
        filter: StorageFilter,
        window: Window,
    ) -> Result<Listed<StorageDestination>, StoreError> {
        self.store.storage_list(filter, window).await
    }

    /// The destination.
    ///
    /// # Errors
    /// [`StorageBookError::NotFound`].
    pub async fn get(&self, key: &str) -> Result<StorageDestination, StorageBookError> {
        let missing = || StorageBookError::NotFound { key: key.to_owned() };
        // What is no key does not go to the database: not every text may.
        key.parse::<FidesKey>().map_err(|_| missing())?;
        self.store.storage_find(key).await?.ok_or_else(missing)
    }

    /// The default destination of a kind.
    ///
    /// # Errors
    /// [`StorageBookError::NoDefault`].
    pub async fn default_of(&self, kind: StorageKind) -> Result<StorageDestination, StorageBookError> {
        let found = self.store.storage_default_find(kind).await?;
        found.ok_or(StorageBookError::NoDefault { kind })
    }

    /// The destination of rules that name none: the default of the kind that the settings name, or a
    /// folder, which need not be made first. `None` if the settings name a kind without a default
    /// (privacy-requests POL-5).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn active_default(
        &self,
        set: Option<StorageKind>,
    ) -> Result<Option<StorageDestination>, StoreError> {
        let found = self.store.storage_default_find(set.unwrap_or(StorageKind::Local)).await?;
        Ok(match (found, set) {
            (Some(found), _) => Some(found),
            (None, None) => Some(folder()),
            (None, Some(_)) => None,
        })
    }

    /// Makes a destination, or changes the one whose key is given. Its secrets go if it leads to
    /// another server from then on.
    ///
    /// # Errors
    /// [`StorageBookError`]; nothing was changed.
    pub async fn put(
        &self,
        draft: &StorageDraft,
        actor: &Actor,
    ) -> Result<StorageDestination, StorageBookError> {
        draft.setup.takes(draft.format)?;
        let key = draft.key.clone().or_else(|| FidesKey::from_name(&draft.name));
        let key = key.map(FidesKey::into_string).ok_or(StorageBookError::NoKey)?;
        let before = self.store.storage_find(&key).await?;
        if before.is_some() && draft.key.is_none() {
            return Err(StorageBookError::KeyTaken { key });
        }
        let is_default = before.as_ref().is_some_and(|before| before.is_default);
        let destination = StorageDestination {
            key,
            name: draft.name.clone(),
            kind: draft.setup.kind(),
            details: draft.setup.details(),
            format: draft.format,
            is_default,
            created_at: Timestamp::UNIX_EPOCH,
        };
        self.write(before.as_ref(), destination, actor).await
    }

    /// Makes the default destination of a kind, or changes it.
    ///
    /// # Errors
    /// [`StorageBookError`]; nothing was changed.
    pub async fn default_put(
        &self,
        setup: &StorageSetup,
        format: StorageFormat,
        actor: &Actor,
    ) -> Result<StorageDestination, StorageBookError> {
        setup.takes(format)?;
        let before = self.store.storage_default_find(setup.kind()).await?;
        let draft = default_draft(setup, format);
        let destination = match &before {
            Some(before) => {
                StorageDestination { key: before.key.clone(), name: before.name.clone(), ..draft }
            }
            None if self.store.storage_find(&draft.key).await?.is_some() => {
                return Err(StorageBookError::KeyTaken { key: draft.key });
            }
            None => draft,
        };
        self.write(before.as_ref(), destination, actor).await
    }

    /// Removes a destination.
    ///
    /// # Errors
    /// [`StorageBookError::NotFound`], [`StorageBookError::IsDefault`], and
    /// [`StorageBookError::InUse`] while a rule names it.
    pub async fn remove(&self, key: &str, actor: &Actor) -> Result<(), StorageBookError> {
        let found = self.get(key).await?;
        if found.is_default {
            return Err(StorageBookError::IsDefault);
        }
        match self.store.storage_remove(key, actor.clone()).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StorageBookError::NotFound { key: key.to_owned() }),
            Err(StoreError::Conflict { .. }) => Err(StorageBookError::InUse { key: key.to_owned() }),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the secrets of a destination; those before are gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn secrets_put(
        &self,
        destination: &StorageDestination,
        secrets: &StorageSecretValues,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        self.store.storage_secrets_put(&destination.key, &secrets.sealed_text(), actor.clone()).await
    }

    /// Whether secrets of a destination are kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_secrets(&self, destination: &StorageDestination) -> Result<bool, StoreError> {
        Ok(self.store.storage_secrets_find(&destination.key).await?.is_some())
    }

    /// The destination as packages are delivered to it.
    ///
    /// # Errors
    /// [`StorageBookError::Unusable`] for one that this version cannot deliver to.
    pub async fn document(
        &self,
        destination: &StorageDestination,
    ) -> Result<StorageDocument, StorageBookError> {
        let secrets = self.store.storage_secrets_find(&destination.key).await?;
        Self::document_with(destination, secrets.as_ref())
    }

    /// The same with secrets that were read before.
    fn document_with(
        destination: &StorageDestination,
        secrets: Option<&Secret<String>>,
    ) -> Result<StorageDocument, StorageBookError> {
        let setup = StorageSetup::read(destination)?;
        let secrets = StorageSecretValues::unsealed(secrets)?;
        if secrets.takes_role() {
            let why = "this version takes no other role; leave `assume_role_arn` out";
            return Err(StorageBookError::Unusable { key: destination.key.clone(), why });
        }
        let place = setup.place(&destination.key, secrets.region())?;
        let format = match destination.format {
            StorageFormat::Json => PackageFormat::Json,
            StorageFormat::Csv => PackageFormat::Csv,
            StorageFormat::Html => PackageFormat::Html,
        };
        let key = destination.key.clone();
        Ok(StorageDocument {
            destination: spec::StorageDestination { key, place, format, expires_after: setup::KEPT },
            secrets: secrets.account(),
        })
    }

    async fn write(
        &self,
        before: Option<&StorageDestination>,
        destination: StorageDestination,
        actor: &Actor,
    ) -> Result<StorageDestination, StorageBookError> {
        let stays = before.is_none_or(|before| setup::same_server(before, &destination));
        let secrets = if stays { StorageSecrets::Keep } else { StorageSecrets::Clear };
        match self.store.storage_put(&destination, secrets, actor.clone()).await {
            Ok(()) => self.get(&destination.key).await,
            Err(StoreError::Conflict { what: "storage name", .. }) => {
                Err(StorageBookError::NameTaken { name: destination.name })
            }
            Err(StoreError::Conflict { .. }) => Err(StorageBookError::Refused),
            Err(error) => Err(error.into()),
        }
    }
}

/// The folder that takes packages where nobody made a destination.
fn folder() -> StorageDestination {
    default_draft(&StorageSetup::Local(LocalSetup::default()), StorageFormat::Html)
}

/// The default destination of a kind, as it is made.
fn default_draft(setup: &StorageSetup, format: StorageFormat) -> StorageDestination {
    let kind = setup.kind();
    StorageDestination {
        key: format!("default_storage_config_{}", kind.as_str()),
        name: format!("Default Storage Config ({})", kind.as_str()),
        kind,
        details: setup.details(),
        format,
        is_default: true,
        created_at: Timestamp::UNIX_EPOCH,
    }
}
