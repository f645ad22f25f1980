use model::Row;

use crate::StoreError;

/// Rows compress well at the fastest level; a higher one costs more than the disk it saves.
const ZSTD_LEVEL: i32 = 1;
/// A first guess; the text grows if rows are longer.
const TYPICAL_ROW_BYTES: usize = 256;

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
    /// [`StoreError::Damaged`] if a row cannot be written as JSON.
    pub fn pack(rows: &[Row]) -> Result<Self, StoreError> {
        let damaged = |_| StoreError::Damaged { what: "a row to be kept" };
        if rows.is_empty() {
            return Ok(Self { bytes: Vec::new(), rows: 0 });
        }
        // The whole page as text first: handed on in small parts, they would cost more than packing.
        let mut text = Vec::with_capacity(rows.len() * TYPICAL_ROW_BYTES);
        for row in rows {
            serde_json::to_writer(&mut text, row)
                .map_err(|_| StoreError::Damaged { what: "a row to be kept" })?;
            text.push(b'\n');
        }
        let bytes = zstd::bulk::compress(&text, ZSTD_LEVEL).map_err(damaged)?;
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

    pub(super) fn bytes(&self) -> &[u8] {
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

/// The rows in such a text.
pub(super) fn rows(text: &[u8]) -> Result<Vec<Row>, StoreError> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(|_| StoreError::Damaged { what: "a page of rows" }))
        .collect()
}
