use store::{StorageKind, StoreError};
use thiserror::Error;

/// Why a storage destination was not found, written or used. Texts that clients know are theirs.
#[derive(Debug, Error)]
pub enum StorageBookError {
    /// No such destination.
    #[error("No configuration with key {key}.")]
    NotFound {
        /// Its key.
        key: String,
    },
    /// No default of this kind.
    #[error("No default config for storage type {}.", .kind.as_str())]
    NoDefault {
        /// The kind.
        kind: StorageKind,
    },
    /// Defaults stay.
    #[error("Default storage configurations cannot be deleted.")]
    IsDefault,
    /// A rule names it.
    #[error("storage {key} is named by a rule; give the rule another storage first")]
    InUse {
        /// Its key.
        key: String,
    },
    /// Another destination has the key.
    #[error(
        "Key {key} already exists in StorageConfig. Keys will be snake-cased names if not provided. If you are seeing this error without providing a key, please provide a key or a different name."
    )]
    KeyTaken {
        /// The key.
        key: String,
    },
    /// Another destination has the name.
    #[error("Name {name} already exists in StorageConfig.")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The name has nothing that a key can be made of.
    #[error("no key can be made of this name; give the storage a `key`")]
    NoKey,
    /// A folder takes no CSV.
    #[error("Only JSON or HTML upload format are supported for local storage destinations.")]
    LocalFormat,
    /// It would be a second default of its kind, or the like.
    #[error("Error creating or updating storage config.")]
    Refused,
    /// This version cannot deliver to it.
    #[error("storage {key} cannot be used: {why}")]
    Unusable {
        /// Its key.
        key: String,
        /// What stands in the way, and what to do.
        why: &'static str,
    },
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
