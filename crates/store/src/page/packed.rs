use model::{Row, RowLines};

use crate::StoreError;

/// Rows compress well at the fastest level; a higher one costs more than the disk it saves.
const ZSTD_LEVEL: i32 = 1;

/// Rows in the form they are kept in, before they are sealed. Packing takes a processor for a while:
/// from asynchronous code use `spawn_blocking`.
pub struct PackedRows {
    bytes: Vec<u8>,
    rows: u64,
}

impl PackedRows {
    /// Packs rows.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if they cannot be packed.
    pub fn pack(rows: &[Row]) -> Result<Self, StoreError> {
        Self::pack_lines(&RowLines::of(rows))
    }

    /// The same for rows that are text already.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the text cannot be packed.
    pub fn pack_lines(rows: &RowLines) -> Result<Self, StoreError> {
        if rows.is_empty() {
            return Ok(Self { bytes: Vec::new(), rows: 0 });
        }
        // The whole page at once: handed on in small parts, it would cost more.
        let bytes = zstd::bulk::compress(rows.text(), ZSTD_LEVEL)
            .map_err(|_| StoreError::Damaged { what: "a row to be kept" })?;
        Ok(Self { bytes, rows: rows.len() as u64 })
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Counts only: rows are personal data.
impl std::fmt::Debug for PackedRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PackedRows").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// The rows as JSON, one a line.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    zstd::decode_all(packed).map_err(|_| StoreError::Damaged { what: "a page of rows" })
}

/// How many rows such a text has.
pub(super) fn count(text: &[u8]) -> u64 {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64
}

/// The rows in such a text.
pub(super) fn rows(text: &[u8]) -> Result<Vec<Row>, StoreError> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(|_| StoreError::Damaged { what: "a page of rows" }))
        .collect()
}

/// The rows in what was packed.
pub(crate) fn unpacked_rows(packed: &[u8]) -> Result<Vec<Row>, StoreError> {
    if packed.is_empty() {
        return Ok(Vec::new());
    }
    rows(&unpack(packed)?)
}
