use std::sync::{Mutex, PoisonError};

use model::{Row, RowLines};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

use crate::StoreError;

/// Rows compress well at the fastest level; a higher one costs more than the disk it saves.
const ZSTD_LEVEL: i32 = 1;

/// What pages are packed and unpacked with takes longer to make than a small page takes: a few are kept.
static COMPRESSORS: Idle<Compressor<'static>> = Idle(Mutex::new(Vec::new()));
static DECOMPRESSORS: Idle<Decompressor<'static>> = Idle(Mutex::new(Vec::new()));
const MOST_IDLE: usize = 4;

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
        Ok(Self { bytes: packed(rows.text())?, rows: rows.len() as u64 })
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many bytes they take so.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The rows as text: one a line, in JSON.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if they cannot be unpacked.
    pub fn text(&self) -> Result<Vec<u8>, StoreError> {
        if self.bytes.is_empty() { Ok(Vec::new()) } else { unpack(&self.bytes) }
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

/// Rows packed. The whole page at once: handed on in small parts, it would cost more.
pub(crate) fn packed(rows: &[u8]) -> Result<Vec<u8>, StoreError> {
    COMPRESSORS
        .lend(|| Compressor::new(ZSTD_LEVEL), |compressor| compressor.compress(rows))
        .map_err(|_| StoreError::Damaged { what: "a row to be kept" })
}

/// The rows as they were before they were packed.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let unpacked = match get_frame_content_size(packed) {
        // Sealed by this installation: it is as large as it says.
        Ok(Some(size)) => {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            DECOMPRESSORS.lend(Decompressor::new, |decompressor| decompressor.decompress(packed, size))
        }
        Ok(None) | Err(_) => zstd::decode_all(packed),
    };
    unpacked.map_err(|_| StoreError::Damaged { what: "a page of rows" })
}

/// How many rows such a text has.
pub(super) fn count(text: &[u8]) -> u64 {
    // Lines begin where a byte follows an end of line: seen for many bytes at once.
    let begins = |(before, byte): (&u8, &u8)| u64::from(*before == b'\n' && *byte != b'\n');
    let first = u64::from(text.first().is_some_and(|byte| *byte != b'\n'));
    first + text.iter().zip(text.get(1..).unwrap_or_default()).map(begins).sum::<u64>()
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

/// What is used by one at a time, and waits for the next.
struct Idle<T>(Mutex<Vec<T>>);

impl<T> Idle<T> {
    fn lend<R>(
        &self,
        make: impl FnOnce() -> std::io::Result<T>,
        work: impl FnOnce(&mut T) -> std::io::Result<R>,
    ) -> std::io::Result<R> {
        let idle = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let mut one = waiting.map_or_else(make, Ok)?;
        let given = work(&mut one)?;
        let mut idle = idle();
        if idle.len() < MOST_IDLE {
            idle.push(one);
        }
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_they_are_split() {
        for text in ["", "\n", "a", "a\n", "a\nb", "\n\na\n\nb\n", "{}\n{}\n{}\n"] {
            let split = text.split('\n').filter(|line| !line.is_empty()).count() as u64;
            assert_eq!(count(text.as_bytes()), split, "{text:?}");
        }
    }
}
