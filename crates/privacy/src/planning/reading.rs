use crypto::HashKey;
use engine::{RowsError, RunOutcome, Status};
use graph::Traversal;

use super::row_step::key_fields;
use super::rows::RowStream;
use crate::plan::{PlannedRead, ReadMark, RowMarker};

/// What was read, collection by collection, with one keyed hash over the rows of each.
pub(super) async fn planned_reads(
    traversal: &Traversal,
    outcome: &RunOutcome,
    key: &HashKey,
) -> Result<Vec<PlannedRead>, RowsError> {
    let mut reads = Vec::new();
    for node in traversal.nodes() {
        let Some(read) = outcome.collections.get(node.address()) else { continue };
        if read.status == Status::Skipped && read.completeness.is_complete() {
            // Nobody was asked: that is neither complete nor empty.
            continue;
        }
        let key_fields = key_fields(node);
        let marker = RowMarker::new(key, node.address(), &key_fields);
        let mut mark = ReadMark::default();
        let mut rows = RowStream::new(read.sealed.clone());
        while let Some(page) = rows.next_page().await? {
            for row in &page {
                mark.add(&marker.mark(row), key);
            }
        }
        reads.push(PlannedRead {
            address: node.address().clone(),
            complete: read.completeness.is_complete(),
            rows: read.rows,
            foreign: read.foreign_rows,
            table_rows: None,
            keyed_hash: mark.finish(key),
            parents: node.parents().into_iter().cloned().collect(),
        });
    }
    reads.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(reads)
}
