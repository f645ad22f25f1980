//! Places where packages are put: a folder, or a bucket of S3 or of a server that speaks its
//! protocol.
//!
//! A package is one ZIP archive that streams from the sealed rows to its place
//! ([`Storage::deliver`]) and is kept for a settable time: [`clean`] removes what has expired in
//! folders, [`Storage::delete_expired`] also what has expired in a bucket.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crypto::Secret;
use egress::DoorSettings;
use engine::RunOutcome;
use jiff::Timestamp;
use model::Clock;
use spec::{PackageFormat, StorageDestination, StoragePlace};

use crate::Report;
use crate::package::draft::Draft;
use crate::package::{self, Drafts, PackageError};

#[cfg(feature = "s3")]
mod bucket;
mod counted;
mod error;
#[cfg(feature = "s3")]
mod feed;
mod record;
#[cfg(feature = "s3")]
mod service;
mod stored;

pub use error::{BucketProblem, Left, StorageError};
pub use record::{PackageRecord, RecordedPlace};
pub use stored::{PackageReader, StoredPackage};

use counted::Counted;
use record::Records;

#[cfg(feature = "s3")]
use bucket::Bucket;

/// What a place for packages is made of.
#[derive(Debug)]
pub struct StorageParts<'a> {
    /// What the project file says.
    pub destination: &'a StorageDestination,
    /// The folder of the project file, from which a relative folder counts.
    pub base: &'a Path,
    /// The values of the destination's secrets, by name.
    pub secrets: Vec<(String, Secret<String>)>,
    /// What outgoing calls may do; entries of `egress.allow` may name the storage by its key.
    pub egress: DoorSettings,
    /// The data folder: notes about uploads and packages lie there.
    pub data: &'a Path,
    /// The notes about drafts, in the same folder.
    pub drafts: Drafts,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
}

/// A place for packages.
#[derive(Debug)]
pub struct Storage {
    key: String,
    format: PackageFormat,
    expires_after: Duration,
    place: Place,
    drafts: Drafts,
    records: Records,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    #[cfg(feature = "s3")]
    Bucket(Box<Bucket>),
}

/// A package that lies in its place, whole.
#[derive(Debug)]
pub struct Delivered {
    /// Where it is, how large, and when it will be removed.
    pub record: PackageRecord,
    /// For an object: who has this can fetch it.
    pub link: Option<DownloadLink>,
    /// What it holds and lacks.
    pub report: Report,
}

/// A signed link to one object, for a limited time. Whoever has it has the package: it is shown to
/// the person who asked, and never logged.
#[derive(Debug)]
pub struct DownloadLink {
    /// The link.
    pub url: Secret<String>,
    /// Until when it works.
    pub valid_until: Timestamp,
}

impl Storage {
    /// Opens a place. Nothing is called and nothing is written yet.
    ///
    /// # Errors
    /// [`StorageError`] if a secret is missing, the settings cannot be used, or the data folder
    /// cannot be written.
    pub fn open(parts: StorageParts<'_>) -> Result<Self, StorageError> {
        let StorageParts { destination, base, secrets, egress, data, drafts, clock } = parts;
        let in_data = |source| StorageError::Folder { path: data.to_owned(), source };
        let place = match &destination.place {
            StoragePlace::Local { folder } => Place::Folder(base.join(folder)),
            #[cfg(feature = "s3")]
            StoragePlace::S3 { .. } => {
                Place::Bucket(Box::new(Bucket::open(destination, &secrets, egress, data)?))
            }
            #[cfg(not(feature = "s3"))]
            StoragePlace::S3 { .. } => {
                let _ = (secrets, egress);
                return Err(StorageError::NoS3 { storage: destination.key.clone() });
            }
        };
        Ok(Self {
            key: destination.key.clone(),
            format: destination.format,
            expires_after: destination.expires_after,
            place,
            drafts,
            records: Records::open(data).map_err(in_data)?,
            clock,
        })
    }

    /// Its key in the project file.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Puts a package called `name` there, without suffix; `write` writes it, as
    /// [`package::write_zip`] does, in the formats it is given.
    ///
    /// `write` runs on a thread for blocking work. The package streams: it is never whole in memory,
    /// nor on a disk of this machine if it goes into a bucket. A package that was not finished is
    /// not there: a file takes its name at the end, an object appears when its upload is completed.
    ///
    /// # Errors
    /// [`StorageError`], which says if anything is left behind.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no package. Parts of an upload to a bucket that was begun are
    /// removed by the next delivery to it, or by [`Storage::delete_expired`].
    pub async fn deliver<W>(&self, name: &str, write: W) -> Result<Delivered, StorageError>
    where
        W: FnOnce(&mut dyn Write, &[PackageFormat]) -> Result<Report, PackageError> + Send + 'static,
    {
        let format = self.format;
        self.put(format!("{name}.zip"), move |out| write(out, &[format])).await
    }

    /// Puts a file called `name`, suffix and all, there, with these bytes. It is kept as long as a
    /// package.
    ///
    /// # Errors
    /// [`StorageError`], which says if anything is left behind.
    ///
    /// # Cancel safety
    /// As [`Storage::deliver`].
    pub async fn put_file(&self, name: &str, bytes: Vec<u8>) -> Result<Delivered, StorageError> {
        let write = move |out: &mut dyn Write| {
            out.write_all(&bytes).map_err(PackageError::Stream)?;
            // It holds no collections.
            Ok(Report::of(&RunOutcome { collections: BTreeMap::new() }))
        };
        self.put(name.to_owned(), write).await
    }

    async fn put(
        &self,
        name: String,
        write: impl FnOnce(&mut dyn Write) -> Result<Report, PackageError> + Send + 'static,
    ) -> Result<Delivered, StorageError> {
        if !is_plain(&name) {
            return Err(StorageError::Name { storage: self.key.clone() });
        }
        let made_at = self.clock.now();
        let expires_at = made_at.saturating_add(self.expires_after).unwrap_or(Timestamp::MAX);
        let storage = self.key.clone();
        let record =
            move |name, place, bytes| PackageRecord { storage, name, place, bytes, made_at, expires_at };
        let (record, report) = match &self.place {
            Place::Folder(folder) => self.put_into_folder(folder.join(&name), record, write).await?,
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => {
                let (place, bytes, report) = bucket.put(&name, expires_at, write).await?;
                let (records, record) = (self.records.clone(), record(name, place, bytes));
                let record = blocking(move || records.add(&record).map(|()| record)).await?;
                (record, report)
            }
        };
        tracing::info!(storage = %self.key, bytes = record.bytes, "package delivered");
        let link = self.link(&record.name, expires_at).await?;
        Ok(Delivered { record, link, report })
    }

    async fn put_into_folder(
        &self,
        file: PathBuf,
        record: impl FnOnce(String, RecordedPlace, u64) -> PackageRecord + Send + 'static,
        write: impl FnOnce(&mut dyn Write) -> Result<Report, PackageError> + Send + 'static,
    ) -> Result<(PackageRecord, Report), StorageError> {
        let (drafts, records) = (self.drafts.clone(), self.records.clone());
        blocking(move || {
            let failed = |source| StorageError::Folder { path: file.clone(), source };
            let file = std::path::absolute(&file).map_err(failed)?;
            let (Some(folder), Some(name)) = (file.parent(), file.file_name().and_then(|name| name.to_str()))
            else {
                return Err(failed(io::ErrorKind::InvalidInput.into()));
            };
            package::create_folder(folder).map_err(failed)?;
            let draft = Draft::new(folder, name, Some(&drafts))?;
            let (bytes, report) = draft.fill_package(|out| {
                let mut counted = Counted::new(out);
                let report = write(&mut counted)?;
                Ok((counted.bytes(), report))
            })?;
            // Noted first: a file that nobody knows of would never expire.
            let record = record(name.to_owned(), RecordedPlace::File { file: file.clone() }, bytes);
            records.add(&record)?;
            draft.finish()?;
            Ok((record, report))
        })
        .await
    }

    /// Whether the place can be used: the folder is there or can be made, the bucket's server answers
    /// and lets the account look. Nothing is delivered.
    ///
    /// # Errors
    /// [`StorageError`] says why not.
    pub async fn check(&self) -> Result<(), StorageError> {
        match &self.place {
            Place::Folder(folder) => {
                let folder = folder.clone();
                let failed = |path: &Path, source| StorageError::Folder { path: path.to_owned(), source };
                blocking(move || package::create_folder(&folder).map_err(|error| failed(&folder, error)))
                    .await
            }
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.check().await,
        }
    }

    /// A link by which the object `name` can be fetched until `expires_at`, at most for seven days;
    /// `None` in a folder. Nothing is called.
    ///
    /// # Errors
    /// [`StorageError`] if the link cannot be signed.
    pub async fn link(
        &self,
        name: &str,
        expires_at: Timestamp,
    ) -> Result<Option<DownloadLink>, StorageError> {
        match &self.place {
            Place::Folder(_) => Ok(None),
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.link(name, expires_at, self.clock.now()).await.map(Some),
        }
    }

    /// The package called `name`, suffix and all, in a bucket, if it is there and has not expired. Whoever
    /// delivered it: the bucket is asked, not the notes of this machine. `None` in a folder, for which there
    /// are only the notes ([`list`]).
    ///
    /// # Errors
    /// [`StorageError::Bucket`] if it is not known whether it is there.
    pub async fn find(&self, name: &str) -> Result<Option<StoredPackage>, StorageError> {
        match &self.place {
            Place::Folder(_) => Ok(None),
            #[cfg(feature = "s3")]
            Place::Bucket(_) if !is_plain(name) => Ok(None),
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => {
                let found = bucket.find(name).await?.filter(|found| found.expires_at > self.clock.now());
                Ok(found.map(|found| StoredPackage::new(found.object, found.bytes, found.expires_at)))
            }
        }
    }

    /// Removes the packages of this place that have expired, and uploads that were begun and never
    /// completed; gives the names of the packages.
    ///
    /// In a bucket every object below the prefix is looked at, also those of other machines; only
    /// objects that carry the mark of a package are removed.
    ///
    /// # Errors
    /// [`StorageError`]; some packages may have been removed.
    pub async fn delete_expired(&self) -> Result<Vec<String>, StorageError> {
        let now = self.clock.now();
        match &self.place {
            Place::Folder(_) => {
                let (records, key) = (self.records.clone(), self.key.clone());
                let removed = blocking(move || records.delete_expired(now, Some(&key))).await?;
                Ok(removed.into_iter().map(|record| record.name).collect())
            }
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => {
                bucket.abandon().await?;
                let removed = bucket.delete_expired(now).await?;
                let (records, key, names) = (self.records.clone(), self.key.clone(), removed.clone());
                blocking(move || records.forget(&key, &names)).await?;
                Ok(removed)
            }
        }
    }
}

/// What [`clean`] removed.
#[derive(Debug, Default)]
pub struct Cleaned {
    /// Drafts of packages that a killed program left behind.
    pub drafts: Vec<PathBuf>,
    /// Packages in folders whose time was over.
    pub expired: Vec<PackageRecord>,
}

/// Removes what must not stay: drafts whose writers are gone, and packages in folders that have
/// expired. To be called when the program starts; does nothing if the data folder is not there.
/// Calls nobody: packages in buckets are removed by [`Storage::delete_expired`].
///
/// # Errors
/// [`StorageError::Folder`] if something cannot be read or removed.
pub fn clean(data: &Path, now: Timestamp) -> Result<Cleaned, StorageError> {
    if !data.is_dir() {
        return Ok(Cleaned::default());
    }
    let failed = |source| StorageError::Folder { path: data.to_owned(), source };
    let drafts = Drafts::open(data).and_then(|drafts| drafts.clear()).map_err(failed)?;
    let expired = Records::open(data).map_err(failed)?.delete_expired(now, None)?;
    if !drafts.is_empty() || !expired.is_empty() {
        tracing::info!(drafts = drafts.len(), expired = expired.len(), "old packages removed");
    }
    Ok(Cleaned { drafts, expired })
}

/// The packages that were delivered from this data folder and have not been removed, oldest first.
///
/// # Errors
/// [`StorageError::Folder`] if the notes cannot be read.
pub fn list(data: &Path) -> Result<Vec<PackageRecord>, StorageError> {
    if !data.is_dir() {
        return Ok(Vec::new());
    }
    Records::open(data).map_err(|source| StorageError::Folder { path: data.to_owned(), source })?.list()
}

/// Names of packages are made of ids and keys, and nothing else.
fn is_plain(name: &str) -> bool {
    !name.starts_with('.')
        && name.len() <= 200
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> impl Future<Output = Result<T, StorageError>> {
    let task = tokio::task::spawn_blocking(work);
    async move { task.await.unwrap_or(Err(StorageError::Stopped)) }
}
