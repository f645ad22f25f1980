use std::collections::BTreeMap;

use crypto::Secret;
use store::{StorageKind, StoreError};
use thiserror::Error;

/// Names that buckets of S3 know, and under which places for packages know them.
const S3: [(&str, &str); 4] = [
    ("aws_access_key_id", "access_key_id"),
    ("aws_secret_access_key", "secret_access_key"),
    ("region_name", ""),
    ("assume_role_arn", ""),
];

/// Names in the key file of an account of Google.
const GCS: [&str; 11] = [
    "type",
    "project_id",
    "private_key_id",
    "private_key",
    "client_email",
    "client_id",
    "auth_uri",
    "token_uri",
    "auth_provider_x509_cert_url",
    "client_x509_cert_url",
    "universe_domain",
];

/// Secrets of a destination, by name.
pub struct StorageSecretValues(BTreeMap<String, Secret<String>>);

/// A name that destinations of the kind have no secret of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("storage of type {} has no secret `{name}`", .kind.as_str())]
pub struct UnknownStorageSecret {
    /// The name.
    pub name: String,
    /// The kind.
    pub kind: StorageKind,
}

impl StorageSecretValues {
    /// Takes secrets of a destination of this kind.
    ///
    /// # Errors
    /// [`UnknownStorageSecret`] for a name that the kind does not have.
    pub fn of(
        kind: StorageKind,
        values: impl IntoIterator<Item = (String, Secret<String>)>,
    ) -> Result<Self, UnknownStorageSecret> {
        let mut secrets = BTreeMap::new();
        for (name, value) in values {
            let known = match kind {
                StorageKind::S3 => S3.iter().any(|(known, _)| *known == name),
                StorageKind::Gcs => GCS.contains(&name.as_str()),
                StorageKind::Local => false,
            };
            if !known {
                return Err(UnknownStorageSecret { name, kind });
            }
            secrets.insert(name, value);
        }
        Ok(Self(secrets))
    }

    /// As they are kept: JSON.
    pub(super) fn sealed_text(&self) -> Secret<String> {
        let plain: BTreeMap<&str, &str> =
            self.0.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        Secret::new(serde_json::to_string(&plain).expect("texts under texts are always JSON"))
    }

    /// As they were kept.
    pub(super) fn unsealed(text: Option<&Secret<String>>) -> Result<Self, StoreError> {
        let Some(text) = text else { return Ok(Self(BTreeMap::new())) };
        let plain: BTreeMap<String, String> = serde_json::from_str(text.expose())
            .map_err(|_| StoreError::Damaged { what: "the secrets of a storage" })?;
        Ok(Self(plain.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()))
    }

    /// Where the bucket is; no secret, though it comes with them.
    pub(super) fn region(&self) -> Option<String> {
        self.0.get("region_name").map(|region| region.expose().clone()).filter(|region| !region.is_empty())
    }

    /// Whether another role is to be taken, which this version cannot.
    pub(super) fn takes_role(&self) -> bool {
        self.0.get("assume_role_arn").is_some_and(|role| !role.expose().is_empty())
    }

    /// The account, as places for packages know it.
    pub(super) fn account(self) -> Vec<(String, Secret<String>)> {
        let own = |name: &str| S3.iter().find(|(known, _)| *known == name).map(|(_, own)| *own);
        self.0
            .into_iter()
            .filter_map(|(name, value)| {
                let own = own(&name).filter(|own| !own.is_empty())?;
                Some((own.to_owned(), value))
            })
            .collect()
    }
}
