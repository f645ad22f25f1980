use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{CollectionAddress, Row};

use crate::SpoolError;
use crate::spool::{PageEntry, SpoolFolder};

/// The rows of one collection, sealed on disk; cheap to clone.
///
/// Rows come in order of unit, then page, whatever order they were read in. Reading blocks: from
/// asynchronous code use `spawn_blocking`. The last clone of a run's rows removes them from disk.
#[derive(Clone)]
pub struct SealedRows {
    inner: Arc<Inner>,
}

struct Inner {
    folder: Arc<SpoolFolder>,
    address: CollectionAddress,
    path: PathBuf,
    index: Vec<PageEntry>,
}

/// Reads sealed rows page by page; holds one page at a time.
pub struct Pages<'a> {
    rows: &'a Inner,
    file: Option<File>,
    next: usize,
}

impl SealedRows {
    pub(crate) fn new(
        folder: Arc<SpoolFolder>,
        address: CollectionAddress,
        path: PathBuf,
        index: Vec<PageEntry>,
    ) -> Self {
        Self { inner: Arc::new(Inner { folder, address, path, index }) }
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.inner.index.iter().map(|entry| u64::from(entry.rows)).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.inner.index.is_empty()
    }

    /// The pages that hold rows, each opened when it is asked for.
    pub fn pages(&self) -> Pages<'_> {
        Pages { rows: &self.inner, file: None, next: 0 }
    }
}

/// Counts only: rows are personal data.
impl fmt::Debug for SealedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedRows").field("pages", &self.inner.index.len()).finish_non_exhaustive()
    }
}

impl Iterator for Pages<'_> {
    type Item = Result<Vec<Row>, SpoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = *self.rows.index.get(self.next)?;
        self.next += 1;
        Some(self.read(entry))
    }
}

impl Pages<'_> {
    /// The next page as the text it was stored as: one row a line, in JSON. For a reader that only
    /// passes rows on.
    pub fn next_text(&mut self) -> Option<Result<Vec<u8>, SpoolError>> {
        let entry = *self.rows.index.get(self.next)?;
        self.next += 1;
        Some(self.text(entry))
    }

    fn text(&mut self, entry: PageEntry) -> Result<Vec<u8>, SpoolError> {
        let collection = &self.rows.address;
        let failed = |source| SpoolError::Read { collection: collection.clone(), source };
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(File::open(self.path()).map_err(failed)?),
        };
        let mut sealed = vec![0; entry.length as usize];
        file.seek(SeekFrom::Start(entry.offset)).map_err(failed)?;
        file.read_exact(&mut sealed).map_err(failed)?;
        self.rows.folder.open(collection, entry, &sealed)
    }

    fn read(&mut self, entry: PageEntry) -> Result<Vec<Row>, SpoolError> {
        let plain = self.text(entry)?;
        let collection = &self.rows.address;
        let mut rows = Vec::with_capacity(entry.rows as usize);
        for row in serde_json::Deserializer::from_slice(&plain).into_iter::<Row>() {
            rows.push(row.map_err(|_| SpoolError::Changed { collection: collection.clone() })?);
        }
        Ok(rows)
    }

    fn path(&self) -> &Path {
        &self.rows.path
    }
}
