use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use spec::StoragePlace;
use store::{StorageDestination, StorageFormat, StorageKind, StoreError};

use super::StorageBookError;

/// How long a package of a server is kept.
pub(super) const KEPT: Duration = Duration::from_hours(7 * 24);

/// The folder of local destinations, below the data folder.
const FOLDER: &str = "fides_uploads";

/// What a destination is, with the settings of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageSetup {
    /// A bucket of S3.
    S3(S3Setup),
    /// A bucket of Google.
    Gcs(GcsSetup),
    /// A folder of the server.
    Local(LocalSetup),
}

/// Settings of a bucket of S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Setup {
    /// Where the account comes from.
    pub auth_method: BucketAuth,
    /// The bucket's name.
    pub bucket: String,
    /// How packages are named.
    #[serde(default)]
    pub naming: ObjectNaming,
    /// Kept and returned; calls are tried again as the server sees fit.
    #[serde(default)]
    pub max_retries: u32,
    /// Kept and returned; packages always stream.
    #[serde(default)]
    pub enable_streaming: bool,
    /// Kept and returned.
    #[serde(default)]
    pub enable_access_package_redirect: bool,
    /// Put in front of the names of packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Origin of another server that speaks the protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// Settings of a bucket of Google.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GcsSetup {
    /// Where the account comes from.
    pub auth_method: BucketAuth,
    /// The bucket's name.
    pub bucket: String,
    /// How packages are named.
    #[serde(default)]
    pub naming: ObjectNaming,
    /// Kept and returned.
    #[serde(default)]
    pub max_retries: u32,
    /// Kept and returned.
    #[serde(default)]
    pub enable_streaming: bool,
}

/// Settings of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalSetup {
    /// How packages are named.
    #[serde(default)]
    pub naming: ObjectNaming,
}

/// Where the account of a bucket comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketAuth {
    /// From the machine (S3).
    Automatic,
    /// From the secrets (S3).
    SecretKeys,
    /// From the machine (Google).
    Adc,
    /// From the secrets (Google).
    ServiceAccountKeys,
}

/// How packages are named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectNaming {
    /// By the id of their request.
    #[default]
    RequestId,
}

impl StorageSetup {
    /// Which kind it is.
    pub fn kind(&self) -> StorageKind {
        match self {
            Self::S3(_) => StorageKind::S3,
            Self::Gcs(_) => StorageKind::Gcs,
            Self::Local(_) => StorageKind::Local,
        }
    }

    /// As it is kept and shown.
    pub(super) fn details(&self) -> Value {
        let details = match self {
            Self::S3(setup) => serde_json::to_value(setup),
            Self::Gcs(setup) => serde_json::to_value(setup),
            Self::Local(setup) => serde_json::to_value(setup),
        };
        details.expect("texts, numbers and flags under texts are always JSON")
    }

    /// Of a destination that is kept.
    pub(super) fn read(destination: &StorageDestination) -> Result<Self, StoreError> {
        let details = &destination.details;
        let setup = match destination.kind {
            StorageKind::S3 => S3Setup::deserialize(details).map(Self::S3),
            StorageKind::Gcs => GcsSetup::deserialize(details).map(Self::Gcs),
            StorageKind::Local => LocalSetup::deserialize(details).map(Self::Local),
        };
        setup.map_err(|_| StoreError::Damaged { what: "a storage destination" })
    }

    /// Refuses a format that the kind cannot take (privacy-requests PK-1).
    pub(super) fn takes(&self, format: StorageFormat) -> Result<(), StorageBookError> {
        match (self.kind(), format) {
            (StorageKind::Local, StorageFormat::Csv) => Err(StorageBookError::LocalFormat),
            (StorageKind::Local, StorageFormat::Json | StorageFormat::Html)
            | (StorageKind::S3 | StorageKind::Gcs, _) => Ok(()),
        }
    }

    /// Where packages go.
    pub(super) fn place(self, key: &str, region: Option<String>) -> Result<StoragePlace, StorageBookError> {
        let unusable = |why| StorageBookError::Unusable { key: key.to_owned(), why };
        match self {
            Self::Local(_) => Ok(StoragePlace::Local { folder: FOLDER.to_owned() }),
            Self::Gcs(_) => Err(unusable("this version writes no buckets of Google; use s3 or local")),
            Self::S3(S3Setup { auth_method: BucketAuth::SecretKeys, bucket, prefix, endpoint, .. }) => {
                let prefix = prefix.unwrap_or_default();
                Ok(StoragePlace::S3 { bucket, prefix, region, endpoint, secrets: Vec::new() })
            }
            Self::S3(_) => Err(unusable(
                "this version takes the account of a bucket from its secrets only; set `auth_method` to secret_keys",
            )),
        }
    }
}

/// Whether two settings lead to the same server, so that the secrets of one may go to the other.
pub(super) fn same_server(before: &StorageDestination, after: &StorageDestination) -> bool {
    let endpoint = |destination: &StorageDestination| destination.details.get("endpoint").cloned();
    before.kind == after.kind && endpoint(before) == endpoint(after)
}
