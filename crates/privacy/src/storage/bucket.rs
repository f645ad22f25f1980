//! A bucket of S3, or of a server that speaks its protocol (docs/decisions/015-packages-in-buckets.md).

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crypto::Secret;
use egress::{DoorSettings, OwnService};
use futures::TryStreamExt as _;
use jiff::Timestamp;
use model::ConnectionKey;
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum};
use object_store::multipart::MultipartStore as _;
use object_store::path::Path as ObjectPath;
use object_store::signer::Signer as _;
use object_store::{
    Attribute, Attributes, BackoffConfig, GetOptions, MultipartId, ObjectStore as _, ObjectStoreExt as _,
    RetryConfig,
};
use spec::{StorageDestination, StoragePlace};
use url::Url;

use super::service::Service;
use super::{BucketProblem, DownloadLink, Left, RecordedPlace, StorageError};
use crate::Report;
use crate::package::PackageError;

mod object;
mod upload;
mod uploads;

pub(super) use object::Object;

use upload::{Stopped, Upload};
use uploads::{NotedUpload, Uploads};

/// Where S3 is if no region is named.
const REGION: &str = "us-east-1";

/// Metadata of an object that make it a package of ours: when it is to be removed. In seconds since
/// 1970, because not every server gives other characters back as they were.
const EXPIRES_AT: &str = "tutela-expires-at";

/// A signed link works no longer than this.
const LONGEST_LINK: Duration = Duration::from_hours(7 * 24);

/// Objects that are looked at or removed at once.
const AT_ONCE: usize = 8;

/// A bucket with the account to use it.
#[derive(Debug)]
pub(super) struct Bucket {
    storage: String,
    bucket: String,
    prefix: String,
    region: String,
    endpoint: Url,
    access_key_id: Secret<String>,
    secret_access_key: Secret<String>,
    service: Service,
    uploads: Uploads,
    /// Bytes of one answer, at most.
    most_bytes: u64,
}

impl Bucket {
    pub(super) fn open(
        destination: &StorageDestination,
        secrets: &[(String, Secret<String>)],
        egress: DoorSettings,
        data: &Path,
    ) -> Result<Self, StorageError> {
        let storage = destination.key.clone();
        let wrong = |setting, help| StorageError::Setting { storage: storage.clone(), setting, help };
        let StoragePlace::S3 { bucket, prefix, region, endpoint, secrets: _ } = &destination.place else {
            return Err(wrong("type", "it is no bucket"));
        };
        let secret = |name: &'static str| {
            let found = secrets.iter().find(|(own, value)| own == name && !value.expose().is_empty());
            found
                .map(|(_, value)| Secret::new(value.expose().clone()))
                .ok_or_else(|| StorageError::Secret { storage: storage.clone(), secret: name })
        };
        let region = region.clone().unwrap_or_else(|| REGION.to_owned());
        let endpoint = endpoint.clone().unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let endpoint: Url = endpoint
            .parse()
            .map_err(|_| wrong("endpoint", "write an origin, as in `https://storage.example.com`"))?;
        if !bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
            || bucket.starts_with('.')
        {
            return Err(wrong("bucket", "its name may hold letters, digits, `-`, `.` and `_`"));
        }
        // The client writes some names in another way. Below such a prefix nothing would be found again.
        let name = format!("{prefix}x");
        if ObjectPath::from(name.as_str()).as_ref() != name {
            return Err(wrong(
                "prefix",
                "write a part of a path of letters, digits, `-`, `_` and `.`, without `/` in front and without empty \
                 parts, `.` or `..`, as in `packages/`",
            ));
        }
        let name: ConnectionKey =
            storage.parse().map_err(|_| wrong("key", "use letters, digits, `_`, `.` and `-`"))?;
        Ok(Self {
            bucket: bucket.clone(),
            prefix: prefix.clone(),
            region,
            access_key_id: secret("access_key_id")?,
            secret_access_key: secret("secret_access_key")?,
            most_bytes: egress.max_response_bytes,
            service: Service::new(OwnService::new(egress, name, &endpoint)?),
            endpoint,
            uploads: Uploads::open(data)
                .map_err(|source| StorageError::Folder { path: data.to_owned(), source })?,
            storage,
        })
    }

    /// A client and the memory of what goes wrong with it.
    fn client(&self) -> Result<(AmazonS3, Service), StorageError> {
        let service = self.service.fresh();
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(200),
                max_backoff: Duration::from_secs(10),
                base: 2.0,
            },
            max_retries: 4,
            retry_timeout: Duration::from_mins(5),
        };
        let client = AmazonS3Builder::new()
            .with_endpoint(self.endpoint.as_str().trim_end_matches('/'))
            .with_allow_http(self.endpoint.scheme() == "http")
            .with_region(&self.region)
            .with_bucket_name(&self.bucket)
            .with_virtual_hosted_style_request(false)
            .with_access_key_id(self.access_key_id.expose())
            .with_secret_access_key(self.secret_access_key.expose())
            .with_checksum_algorithm(Checksum::SHA256)
            .with_disable_bulk_delete(true)
            .with_retry(retry)
            .with_http_connector(service.clone())
            .build();
        let help = "the client of S3 refuses these settings";
        let client = client.map_err(|_| StorageError::Setting {
            storage: self.storage.clone(),
            setting: "endpoint",
            help,
        })?;
        Ok((client, service))
    }

    fn path(&self, name: &str) -> ObjectPath {
        ObjectPath::from(format!("{}{name}", self.prefix))
    }

    fn place(&self, path: &ObjectPath) -> RecordedPlace {
        RecordedPlace::Object { bucket: self.bucket.clone(), object: path.to_string() }
    }

    fn failed(&self, work: &'static str, problem: BucketProblem) -> StorageError {
        StorageError::Bucket {
            storage: self.storage.clone(),
            bucket: self.bucket.clone(),
            work,
            problem: Box::new(problem),
        }
    }

    /// Uploads what `write` writes: at once if it fits into one part, else part by part.
    pub(super) async fn put(
        &self,
        name: &str,
        expires_at: Timestamp,
        write: impl FnOnce(&mut dyn Write) -> Result<Report, PackageError> + Send + 'static,
    ) -> Result<(RecordedPlace, u64, Report), StorageError> {
        if let Err(error) = self.abandon().await {
            tracing::warn!(storage = %self.storage, %error, "parts of an earlier upload stay for now");
        }
        let (client, service) = self.client()?;
        let path = self.path(name);
        let attributes = Attributes::from_iter([
            (Attribute::ContentType, "application/zip".to_owned()),
            (Attribute::Metadata(EXPIRES_AT.into()), expires_at.as_second().to_string()),
        ]);
        let mut upload = Upload::new((&client, &service), &path, attributes);
        match upload.run(write, |id| self.uploads.note(&self.noted(&path, id))).await {
            Ok((report, bytes)) => Ok((self.place(&path), bytes, report)),
            Err(stopped) => {
                let left = upload.undo(&stopped).await;
                Err(self.stopped(stopped, &path, left))
            }
        }
    }

    fn stopped(&self, stopped: Stopped, path: &ObjectPath, left: Left) -> StorageError {
        match stopped {
            Stopped::Bucket(problem) => StorageError::Upload {
                storage: self.storage.clone(),
                bucket: self.bucket.clone(),
                object: path.to_string(),
                problem: Box::new(problem),
                left,
            },
            Stopped::Writer(error) => error.into(),
            Stopped::Note(source) => StorageError::Folder { path: self.uploads.folder().to_owned(), source },
            Stopped::Task => StorageError::Stopped,
        }
    }

    fn noted(&self, path: &ObjectPath, id: &MultipartId) -> NotedUpload {
        NotedUpload {
            storage: self.storage.clone(),
            bucket: self.bucket.clone(),
            object: path.to_string(),
            upload: id.clone(),
        }
    }

    /// Removes the parts of uploads to this bucket whose program was killed.
    pub(super) async fn abandon(&self) -> Result<(), StorageError> {
        let left = self
            .uploads
            .left()
            .map_err(|source| StorageError::Folder { path: self.uploads.folder().to_owned(), source })?;
        for (note, noted) in left {
            if noted.storage != self.storage || noted.bucket != self.bucket {
                continue;
            }
            let (client, service) = self.client()?;
            match client.abort_multipart(&ObjectPath::from(noted.object), &noted.upload).await {
                Ok(()) => note.remove(),
                Err(_) => match service.problem() {
                    // It was completed, or the server has removed it by itself.
                    BucketProblem::Status { status: 404, .. } => note.remove(),
                    problem => return Err(self.failed("remove parts of an earlier upload", problem)),
                },
            }
        }
        Ok(())
    }

    /// A link to the object `name`, signed here.
    pub(super) async fn link(
        &self,
        name: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<DownloadLink, StorageError> {
        let left = Duration::try_from(expires_at.duration_since(now)).unwrap_or_default();
        let valid = left.min(LONGEST_LINK);
        let (client, _) = self.client()?;
        let signed = client.signed_url(http::Method::GET, &self.path(name), valid).await;
        let url = signed.map_err(|_| self.failed("sign a link to a package", BucketProblem::Answer))?;
        let valid_until = now.saturating_add(valid).unwrap_or(expires_at);
        Ok(DownloadLink { url: Secret::new(url.to_string()), valid_until })
    }

    /// Removes the packages below the prefix whose time is over.
    pub(super) async fn delete_expired(&self, now: Timestamp) -> Result<Vec<String>, StorageError> {
        let (client, service) = self.client()?;
        let folder = self.prefix.rsplit_once('/').map(|(folder, _)| ObjectPath::from(folder));
        let removed: object_store::Result<Vec<Option<String>>> = client
            .list(folder.as_ref())
            .try_filter_map(|found| {
                let name = found.location.as_ref().strip_prefix(&self.prefix).map(str::to_owned);
                futures::future::ready(Ok(name.filter(|name| is_package(name))))
            })
            .map_ok(|name| self.delete_if_expired(&client, name, now))
            .try_buffer_unordered(AT_ONCE)
            .try_collect()
            .await;
        match removed {
            Ok(removed) => Ok(removed.into_iter().flatten().collect()),
            Err(_) => Err(self.failed("remove expired packages", service.problem())),
        }
    }

    /// Looks for the first object below the prefix; whether there is one does not matter.
    pub(super) async fn check(&self) -> Result<(), StorageError> {
        let (client, service) = self.client()?;
        let folder = self.prefix.rsplit_once('/').map(|(folder, _)| ObjectPath::from(folder));
        match client.list(folder.as_ref()).try_next().await {
            Ok(_) => Ok(()),
            Err(_) => Err(self.failed("look for packages", service.problem())),
        }
    }

    async fn delete_if_expired(
        &self,
        client: &AmazonS3,
        name: String,
        now: Timestamp,
    ) -> object_store::Result<Option<String>> {
        let path = self.path(&name);
        let head = GetOptions { head: true, ..GetOptions::default() };
        let found = match client.get_opts(&path, head).await {
            Ok(found) => found,
            // Somebody else was faster.
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        if object::expires_at(&found).is_none_or(|moment| moment.as_second() > now.as_second()) {
            return Ok(None);
        }
        client.delete(&path).await?;
        Ok(Some(name))
    }
}

/// Whether the rest of an object's name is one that packages have.
fn is_package(name: &str) -> bool {
    name.strip_suffix(".zip").is_some_and(|stem| !stem.contains('/'))
}
