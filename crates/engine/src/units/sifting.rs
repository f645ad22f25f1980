//! What is kept of the rows of a page.

use model::{Row, RowLines};
use store::StoreError;

use super::UnitReader;
use crate::RowsError;
use crate::row_writer::RowWriter;
use crate::source::PageRows;
use crate::stop::Halt;

impl UnitReader {
    /// The rows as they are kept, and how many are of somebody else. Rows that come as text are looked
    /// into only where that can change anything.
    pub(super) fn sift(&self, page: PageRows) -> Result<(RowLines, u64), Halt> {
        let mut kept = RowLines::default();
        let mut foreign = 0;
        match page {
            PageRows::Values(rows) => {
                for row in rows {
                    foreign += u64::from(self.foreign.is_foreign(&row));
                    kept.push_row(&self.kept(row));
                }
            }
            PageRows::Lines(rows) if self.foreign.is_empty() && !may_hold_arrays(rows.text()) => kept = rows,
            PageRows::Lines(rows) => {
                for line in rows.lines() {
                    let may_change = may_hold_arrays(line);
                    if !may_change && self.foreign.is_empty() {
                        kept.push_line(line);
                        continue;
                    }
                    let row = serde_json::from_slice(line).map_err(|_| self.unreadable())?;
                    foreign += u64::from(self.foreign.is_foreign(&row));
                    if may_change {
                        kept.push_row(&self.kept(row));
                    } else {
                        kept.push_line(line);
                    }
                }
            }
        }
        Ok((kept, foreign))
    }

    fn unreadable(&self) -> RowsError {
        RowsError::of_store(&self.address, StoreError::Damaged { what: "a row to be kept" })
    }

    fn kept(&self, row: Row) -> Row {
        match &self.writer {
            RowWriter::Store(writer) if writer.stage.keeps_received => self.filter.kept_row(row),
            RowWriter::Store(_) | RowWriter::Spool(_) => self.filter.access_row(row),
        }
    }
}

/// Whether rows of this text may change in the filter, which only takes out elements of arrays.
fn may_hold_arrays(text: &[u8]) -> bool {
    text.contains(&b'[')
}
