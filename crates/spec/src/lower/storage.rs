//! Places for packages, in a project file (privacy-requests 17.4).

use std::time::Duration;

use super::project_file::is_origin;
use super::{Finding, Lowering};
use crate::project_file::{PackageFormat, SecretValue, StorageDestination, StoragePlace};
use crate::raw::{self, FormatWord, StorageWord};

/// Packages are kept for a week unless the file says otherwise (architecture §13.7).
const KEPT: Duration = Duration::from_hours(7 * 24);

/// Secrets of a bucket.
const S3_SECRETS: [&str; 2] = ["access_key_id", "secret_access_key"];

impl Lowering<'_> {
    pub(super) fn storage(&mut self, sections: Vec<raw::StorageSection>) -> Vec<StorageDestination> {
        let mut destinations: Vec<StorageDestination> = Vec::new();
        for (index, section) in sections.into_iter().enumerate() {
            let place = format!("storage[{index}]");
            let Some(destination) = self.destination(&place, section) else { continue };
            if destinations.iter().any(|known| known.key == destination.key) {
                let message = format!("storage key `{}` stands here for the second time", destination.key);
                self.error(
                    &format!("{place}.key"),
                    Finding::new("spec::duplicate_storage", message, "give each place its own key"),
                );
            }
            destinations.push(destination);
        }
        destinations
    }

    fn destination(&mut self, place: &str, raw: raw::StorageSection) -> Option<StorageDestination> {
        let expires_after = self.duration(&format!("{place}.expires_after"), raw.expires_after.as_deref());
        let format = match raw.format {
            Some(FormatWord::Json) | None => PackageFormat::Json,
            Some(FormatWord::Csv) => PackageFormat::Csv,
            Some(FormatWord::Html) => PackageFormat::Html,
        };
        let written = [
            ("folder", raw.folder.is_some()),
            ("bucket", raw.bucket.is_some()),
            ("prefix", raw.prefix.is_some()),
            ("region", raw.region.is_some()),
            ("endpoint", raw.endpoint.is_some()),
            ("secrets", raw.secrets.is_some()),
        ];
        let (name, own, needed): (_, &[&str], _) = match raw.r#type? {
            StorageWord::Local => ("local", &["folder"], ("folder", raw.folder.clone())),
            StorageWord::S3 => {
                ("s3", &["bucket", "prefix", "region", "endpoint", "secrets"], ("bucket", raw.bucket.clone()))
            }
        };
        for (key, _) in written.into_iter().filter(|(key, is_there)| *is_there && !own.contains(key)) {
            let message = format!("`{key}` has no meaning for storage of type `{name}`");
            let finding = Finding::new("spec::misplaced_key", message, "remove it here");
            self.key_error(&format!("{place}.{key}"), finding);
        }
        let (needed, value) = needed;
        if value.as_deref().is_none_or(str::is_empty) && !self.was_reported(place, needed) {
            let message = format!("storage of type `{name}` needs `{needed}`");
            let help = format!("add `{needed}: …`");
            self.error(&format!("{place}.type"), Finding::new("spec::no_storage_place", message, help));
        }
        let value = value.unwrap_or_default();
        self.unexpanded(&format!("{place}.{needed}"), &value);
        let place = match raw.r#type? {
            StorageWord::Local => StoragePlace::Local { folder: value },
            StorageWord::S3 => StoragePlace::S3 {
                bucket: value,
                prefix: raw.prefix.unwrap_or_default(),
                region: raw.region,
                endpoint: self.endpoint_of_storage(&format!("{place}.endpoint"), raw.endpoint),
                secrets: self.storage_secrets(&format!("{place}.secrets"), raw.secrets.unwrap_or_default()),
            },
        };
        Some(StorageDestination {
            key: raw.key?,
            place,
            format,
            expires_after: expires_after.unwrap_or(KEPT),
        })
    }

    fn endpoint_of_storage(&mut self, place: &str, endpoint: Option<String>) -> Option<String> {
        if endpoint.as_deref().is_some_and(|endpoint| !is_origin(endpoint)) {
            let help = "write scheme, host and port without a path, as in `https://storage.example.com`";
            self.error(place, Finding::new("spec::bad_endpoint", "`endpoint` is no origin", help));
        }
        endpoint
    }

    fn storage_secrets(
        &mut self,
        place: &str,
        secrets: serde_json::Map<String, serde_json::Value>,
    ) -> Vec<(String, SecretValue)> {
        let mut found = Vec::new();
        for (name, value) in secrets {
            let place = format!("{place}.{name}");
            if !S3_SECRETS.contains(&name.as_str()) {
                let message = format!("`{name}` is no secret of a bucket");
                let help = format!("possible are {}", S3_SECRETS.join(" and "));
                self.key_error(&place, Finding::new("spec::storage_secret", message, help));
            }
            let value = self.secret(&place, value);
            found.push((name, value));
        }
        found
    }
}
