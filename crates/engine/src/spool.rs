//! Pages of rows on disk, sealed under a key that lives in memory (docs/decisions/006-sealed-spool.md).

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crypto::PageKey;
use model::{CollectionAddress, RowLines, RunId};
use tempfile::TempDir;
use thiserror::Error;

use crate::SealedRows;
use crate::sealed_rows::Spooled;

/// The folder of one run and the key of its pages. Both end with the last row that refers to them.
#[derive(Debug)]
pub(crate) struct SpoolFolder {
    folder: TempDir,
    key: PageKey,
    run_id: RunId,
}

/// Takes the pages of one collection, in any order.
#[derive(Debug)]
pub(crate) struct SpoolWriter {
    folder: Arc<SpoolFolder>,
    address: CollectionAddress,
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Made with the first page.
    file: Option<File>,
    end: u64,
    index: Vec<PageEntry>,
}

/// Where one page lies. Kept in memory for every page, so it stays small.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageEntry {
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) rows: u32,
    pub(crate) unit: u32,
    pub(crate) page: u32,
}

const _: () = assert!(size_of::<PageEntry>() <= 32, "the index of a million pages must stay small");

/// Which page of a collection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PagePlace {
    pub(crate) unit: usize,
    pub(crate) page: usize,
}

/// Why rows cannot be kept or read back. Concerns this machine, never the application.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// The folder for rows cannot be made.
    #[error("cannot make a folder for rows in {}; check that it exists and may be written", .folder.display())]
    Folder {
        /// Where it should have been.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk is full.
    #[error("no room left on the disk of {} for the rows of `{collection}`; make room and run again", .folder.display())]
    DiskFull {
        /// Whose rows.
        collection: CollectionAddress,
        /// The folder of the run.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Rows cannot be written.
    #[error("cannot store rows of `{collection}` in {}", .folder.display())]
    Write {
        /// Whose rows.
        collection: CollectionAddress,
        /// The folder of the run.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Stored rows cannot be read.
    #[error("cannot read stored rows of `{collection}` again; run again")]
    Read {
        /// Whose rows.
        collection: CollectionAddress,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A stored page is not what was stored.
    #[error("stored rows of `{collection}` were changed on disk; run again")]
    Changed {
        /// Whose rows.
        collection: CollectionAddress,
    },
    /// More pages, or larger ones, than a collection may have.
    #[error("`{collection}` has more pages, or a larger one, than can be stored")]
    TooLarge {
        /// Whose rows.
        collection: CollectionAddress,
    },
}

impl SpoolFolder {
    /// A fresh folder below `parent`, for this user only.
    pub(crate) fn create(parent: &Path, run_id: RunId) -> Result<Arc<Self>, SpoolError> {
        let failed = |source| SpoolError::Folder { folder: parent.to_owned(), source };
        std::fs::create_dir_all(parent).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix("rows-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o700));
        }
        let folder = builder.tempdir_in(parent).map_err(failed)?;
        Ok(Arc::new(Self { folder, key: PageKey::random(), run_id }))
    }

    /// Opens one sealed page.
    pub(crate) fn open(
        &self,
        address: &CollectionAddress,
        entry: PageEntry,
        sealed: &[u8],
    ) -> Result<Vec<u8>, SpoolError> {
        let bound = self.associated(address, entry.unit, entry.page);
        self.key.open(&bound, sealed).map_err(|_| SpoolError::Changed { collection: address.clone() })
    }

    /// A page opens only at its own place of its own run.
    fn associated(&self, address: &CollectionAddress, unit: u32, page: u32) -> Vec<u8> {
        format!("{}|{address}|{unit}|{page}", self.run_id).into_bytes()
    }
}

impl SpoolWriter {
    /// A writer for the rows of `address`; `number` is unique within the run.
    pub(crate) fn new(folder: &Arc<SpoolFolder>, address: &CollectionAddress, number: usize) -> Self {
        Self {
            folder: Arc::clone(folder),
            address: address.clone(),
            path: folder.folder.path().join(format!("{number}.pages")),
            state: Mutex::default(),
        }
    }

    /// Seals and stores one page; blocks. Pages of different units may come in any order.
    pub(crate) fn append(&self, place: PagePlace, rows: &RowLines) -> Result<(), SpoolError> {
        if rows.is_empty() {
            return Ok(());
        }
        let too_large = || SpoolError::TooLarge { collection: self.address.clone() };
        let narrow = |number: usize| u32::try_from(number).map_err(|_| too_large());
        let (unit, page, count) = (narrow(place.unit)?, narrow(place.page)?, narrow(rows.len())?);
        let sealed = self.folder.key.seal(&self.folder.associated(&self.address, unit, page), rows.text());
        let length = narrow(sealed.len())?;

        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = state.end;
        state.write(&self.path, &sealed).map_err(|error| self.write_error(error))?;
        state.end = offset + u64::from(length);
        state.index.push(PageEntry { offset, length, rows: count, unit, page });
        Ok(())
    }

    /// The rows stored, in order of unit and page.
    pub(crate) fn finish(self) -> SealedRows {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.index.sort_unstable_by_key(|entry| (entry.unit, entry.page));
        state.index.shrink_to_fit();
        Spooled::new(self.folder, self.address, self.path, state.index).into()
    }

    fn write_error(&self, source: io::Error) -> SpoolError {
        let (collection, folder) = (self.address.clone(), self.folder.folder.path().to_owned());
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                SpoolError::DiskFull { collection, folder, source }
            }
            _ => SpoolError::Write { collection, folder, source },
        }
    }
}

impl State {
    /// Writes at the end of what is valid: a page that was written in part is overwritten.
    fn write(&mut self, path: &Path, sealed: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(create_private(path)?),
        };
        file.seek(SeekFrom::Start(self.end))?;
        file.write_all(sealed)
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests;
