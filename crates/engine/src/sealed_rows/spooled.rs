use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use model::{CollectionAddress, Row};

use crate::spool::{PageEntry, SpoolFolder};
use crate::{RowsError, SpoolError};

/// The rows of one collection in the folder of its run.
pub(crate) struct Spooled {
    folder: Arc<SpoolFolder>,
    address: CollectionAddress,
    path: PathBuf,
    index: Vec<PageEntry>,
}

/// Goes through such rows.
pub(super) struct SpooledPages<'a> {
    rows: &'a Spooled,
    file: Option<File>,
    next: usize,
}

impl Spooled {
    pub(crate) fn new(
        folder: Arc<SpoolFolder>,
        address: CollectionAddress,
        path: PathBuf,
        index: Vec<PageEntry>,
    ) -> Self {
        Self { folder, address, path, index }
    }

    pub(super) fn len(&self) -> u64 {
        self.index.iter().map(|entry| u64::from(entry.rows)).sum()
    }

    pub(super) fn pages(&self) -> SpooledPages<'_> {
        SpooledPages { rows: self, file: None, next: 0 }
    }
}

impl SpooledPages<'_> {
    pub(super) fn next_text(&mut self) -> Option<Result<Vec<u8>, RowsError>> {
        let entry = self.turn()?;
        Some(self.text(entry).map_err(RowsError::from))
    }

    pub(super) fn next_rows(&mut self) -> Option<Result<Vec<Row>, RowsError>> {
        let entry = self.turn()?;
        Some(self.read(entry).map_err(RowsError::from))
    }

    fn turn(&mut self) -> Option<PageEntry> {
        let entry = *self.rows.index.get(self.next)?;
        self.next += 1;
        Some(entry)
    }

    fn text(&mut self, entry: PageEntry) -> Result<Vec<u8>, SpoolError> {
        let collection = &self.rows.address;
        let failed = |source| SpoolError::Read { collection: collection.clone(), source };
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(File::open(&self.rows.path).map_err(failed)?),
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
}
