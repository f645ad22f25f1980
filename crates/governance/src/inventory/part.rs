//! The form in which rows are kept: a mark for each, its length, and the message.
//!
//! Rows are cut into chunks where their own content says so, so that one row more or less changes the chunk it is
//! in and leaves all others what they were.

use prost::Message;
use prost::bytes::Buf;
use protos::annotations;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};
use thiserror::Error;

use crate::sink::{SinkError, SyncSink};

/// First byte of each chunk; a later form gets the next number.
const FORM: u8 = 1;

/// A chunk has at least so many bytes before a row can end it, usually so many more, and never more than that
/// by more than a row.
const LEAST_BYTES: usize = 16 * 1024;
const USUAL_BYTES: u64 = 96 * 1024;
const MOST_BYTES: usize = 256 * 1024;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    ResourceType = 1,
    Resource = 2,
    Entitlement = 3,
    Grant = 4,
}

/// Rows of a part that wait until they are a chunk.
#[derive(Debug, Default)]
pub(super) struct OpenChunk {
    rows: Vec<u8>,
}

/// Rows that no row can be made of.
#[derive(Debug, Error)]
pub(super) enum ReplayError {
    #[error("rows of the inventory are damaged, or written by a newer version")]
    Damaged,
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl OpenChunk {
    /// Adds a row, and says whether the chunk ends with it.
    pub(super) fn push(&mut self, kind: RowKind, row: &impl Message) -> bool {
        if self.rows.is_empty() {
            self.rows.push(FORM);
        }
        let start = self.rows.len();
        self.rows.push(kind as u8);
        row.encode_length_delimited(&mut self.rows).expect("a vector grows as it is written to");
        let own = self.rows.get(start..).unwrap_or_default();
        self.rows.len() >= MOST_BYTES || (self.rows.len() >= LEAST_BYTES && ends(own))
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows so far; nothing is left.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rows)
    }
}

/// Whether a chunk may end with this row: of rows of equal length each `USUAL_BYTES` / length th does, and it is
/// always the same ones.
fn ends(row: &[u8]) -> bool {
    let mut hash = row.len() as u64;
    let (words, rest) = row.as_chunks();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    for word in words.iter().chain([&last]) {
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    // The low bits of a product say little about what was multiplied.
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
    (hash >> 32).saturating_mul(USUAL_BYTES) < (row.len() as u64) << 32
}

/// Gives the rows of a chunk to `sink`.
pub(super) fn replay(mut rows: &[u8], sink: &mut dyn SyncSink) -> Result<(), ReplayError> {
    if !rows.has_remaining() {
        return Ok(());
    }
    if rows.get_u8() != FORM {
        return Err(ReplayError::Damaged);
    }
    while rows.has_remaining() {
        let kind = rows.get_u8();
        let length = prost::decode_length_delimiter(&mut rows).map_err(|_| ReplayError::Damaged)?;
        let (row, rest) = rows.split_at_checked(length).ok_or(ReplayError::Damaged)?;
        rows = rest;
        match kind {
            1 => sink.resource_type(&decoded::<ResourceType>(row)?)?,
            2 => sink.resource(&decoded::<Resource>(row)?)?,
            3 => sink.entitlement(&decoded::<Entitlement>(row)?)?,
            4 => grant(row, sink)?,
            _ => return Err(ReplayError::Damaged),
        }
    }
    Ok(())
}

/// What brings others stands apart, as sinks want it.
fn grant(row: &[u8], sink: &mut dyn SyncSink) -> Result<(), ReplayError> {
    let mut row = decoded::<Grant>(row)?;
    if row.annotations.is_empty() {
        return Ok(sink.grant(&row, None)?);
    }
    let expandable: Option<GrantExpandable> =
        annotations::find(&row.annotations).map_err(|_| ReplayError::Damaged)?;
    annotations::remove::<GrantExpandable>(&mut row.annotations);
    Ok(sink.grant(&row, expandable.as_ref())?)
}

fn decoded<M: Message + Default>(row: &[u8]) -> Result<M, ReplayError> {
    M::decode(row).map_err(|_| ReplayError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(number: usize) -> Grant {
        Grant { id: format!("group:{}:member:user:{number}", number % 7), ..Grant::default() }
    }

    /// The chunks of so many rows, without one of them.
    fn chunks(count: usize, without: Option<usize>) -> Vec<Vec<u8>> {
        let mut open = OpenChunk::default();
        let mut chunks = Vec::new();
        for number in (0..count).filter(|number| Some(*number) != without) {
            if open.push(RowKind::Grant, &grant(number)) {
                chunks.push(open.take());
            }
        }
        chunks.push(open.take());
        chunks
    }

    // Another rule would have every inventory written anew once, and called changed.
    #[test]
    fn where_chunks_end_is_part_of_what_is_kept() {
        let sizes: Vec<usize> = chunks(20_000, None).iter().map(Vec::len).collect();

        assert_eq!(sizes, [38_791, 61_237, 96_741, 225_414, 117_277, 29_436]);
    }

    #[test]
    fn one_row_less_changes_a_chunk_or_two_and_no_other() {
        let all = chunks(100_000, None);

        let mut others = 0;
        for without in [0, 17, 50_000, 99_999] {
            let less = chunks(100_000, Some(without));
            others = others.max(less.iter().filter(|chunk| !all.contains(chunk)).count());
        }

        let sizes: Vec<usize> = all.iter().map(Vec::len).collect();
        assert!((1..=2).contains(&others), "{others}");
        assert!((12..80).contains(&all.len()), "{sizes:?}");
        assert!(sizes.iter().all(|size| *size < MOST_BYTES + 64), "{sizes:?}");
    }

    #[test]
    fn rows_that_were_cut_or_are_of_another_form_are_damage() {
        let mut open = OpenChunk::default();
        open.push(RowKind::Grant, &grant(1));
        let whole = open.take();

        struct Nothing;
        impl SyncSink for Nothing {
            fn resource_type(&mut self, _row: &ResourceType) -> Result<(), SinkError> {
                Ok(())
            }
            fn resource(&mut self, _row: &Resource) -> Result<(), SinkError> {
                Ok(())
            }
            fn entitlement(&mut self, _row: &Entitlement) -> Result<(), SinkError> {
                Ok(())
            }
            fn grant(
                &mut self,
                _row: &Grant,
                _expandable: Option<&GrantExpandable>,
            ) -> Result<(), SinkError> {
                Ok(())
            }
        }
        assert!(replay(&whole, &mut Nothing).is_ok());
        for cut in 2..whole.len() {
            assert!(replay(&whole[..cut], &mut Nothing).is_err(), "{cut}");
        }
        let other_form: Vec<u8> = std::iter::once(9).chain(whole[1..].iter().copied()).collect();
        assert!(matches!(replay(&other_form, &mut Nothing), Err(ReplayError::Damaged)));
    }
}
