use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::StorageError;
use crate::as_text;
use crate::package::create_folder;
use crate::package::draft::private;

/// A package that was delivered: one note in the data folder. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRecord {
    /// Key of the storage.
    pub storage: String,
    /// Name of the file or object.
    pub name: String,
    /// Where it is.
    pub place: RecordedPlace,
    /// Its size.
    pub bytes: u64,
    /// When it was delivered.
    #[serde(with = "as_text")]
    pub made_at: Timestamp,
    /// From when on it is to be removed.
    #[serde(with = "as_text")]
    pub expires_at: Timestamp,
}

/// Where a package is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedPlace {
    /// In a folder of this machine.
    File {
        /// The file.
        file: PathBuf,
    },
    /// In a bucket.
    Object {
        /// The bucket.
        bucket: String,
        /// The object.
        object: String,
    },
}

/// The notes about delivered packages.
#[derive(Debug, Clone)]
pub(super) struct Records {
    folder: PathBuf,
}

impl Records {
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join("packages");
        create_folder(&folder)?;
        Ok(Self { folder })
    }

    /// Adds one. The file is written under another name first: a note is whole or not there.
    pub(super) fn add(&self, record: &PackageRecord) -> Result<(), StorageError> {
        let name = Uuid::now_v7();
        let (draft, path) =
            (self.folder.join(format!("{name}.tmp")), self.folder.join(format!("{name}.json")));
        let mut options = File::options();
        options.write(true).create_new(true);
        private(&mut options);
        let text = serde_json::to_vec(record).map_err(|error| self.failed(error.into()))?;
        let write = || {
            let mut file = options.open(&draft)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        write().map_err(|source| self.failed(source))
    }

    pub(super) fn list(&self) -> Result<Vec<PackageRecord>, StorageError> {
        Ok(self.entries()?.into_iter().map(|(_, record)| record).collect())
    }

    /// Oldest first: their names are ordered by time.
    fn entries(&self) -> Result<Vec<(PathBuf, PackageRecord)>, StorageError> {
        let paths: io::Result<Vec<PathBuf>> =
            fs::read_dir(&self.folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
        let mut paths = paths.map_err(|source| self.failed(source))?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        let mut records = Vec::new();
        for path in paths {
            match fs::read(&path) {
                Ok(text) => {
                    if let Ok(record) = serde_json::from_slice(&text) {
                        records.push((path, record));
                    } else {
                        tracing::warn!("a note about a package cannot be read");
                    }
                }
                // Another process removed it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(StorageError::Folder { path, source }),
            }
        }
        Ok(records)
    }

    /// Removes the files whose time is over, of one storage or of all, with their notes.
    ///
    /// A file that is no longer what was delivered is somebody else's: it stays, and its note goes.
    pub(super) fn delete_expired(
        &self,
        now: Timestamp,
        storage: Option<&str>,
    ) -> Result<Vec<PackageRecord>, StorageError> {
        let mut removed = Vec::new();
        for (note, record) in self.entries()? {
            if record.expires_at > now || storage.is_some_and(|storage| storage != record.storage) {
                continue;
            }
            let RecordedPlace::File { file } = &record.place else { continue };
            let failed = |source| StorageError::Folder { path: file.clone(), source };
            match fs::symlink_metadata(file) {
                Ok(found) if found.is_file() && found.len() == record.bytes => {
                    fs::remove_file(file).map_err(failed)?;
                    removed.push(record);
                }
                Ok(_) => tracing::warn!("a file in the place of an expired package is another one; it stays"),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
            self.remove(&note)?;
        }
        Ok(removed)
    }

    /// Removes the notes about objects of a storage that are gone.
    pub(super) fn forget(&self, storage: &str, names: &[String]) -> Result<(), StorageError> {
        for (note, record) in self.entries()? {
            if record.storage == storage && names.contains(&record.name) {
                self.remove(&note)?;
            }
        }
        Ok(())
    }

    fn remove(&self, note: &Path) -> Result<(), StorageError> {
        match fs::remove_file(note) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn failed(&self, source: io::Error) -> StorageError {
        StorageError::Folder { path: self.folder.clone(), source }
    }
}
