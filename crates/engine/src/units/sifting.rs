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
            PageRows::Lines(rows) if !self.looks_into(rows.text()) => kept = rows,
            PageRows::Lines(rows) => {
                for line in rows.lines() {
                    if !self.looks_into(line) {
                        kept.push_line(line);
                        continue;
                    }
                    let row = serde_json::from_slice(line).map_err(|_| self.unreadable())?;
                    foreign += u64::from(self.foreign.is_foreign(&row));
                    kept.push_row(&self.kept(row));
                }
            }
        }
        Ok((kept, foreign))
    }

    /// Whether rows of this text may change in the filter, or be somebody else's.
    fn looks_into(&self, text: &[u8]) -> bool {
        std::str::from_utf8(text)
            .map_or(true, |text| self.filter.may_change_text(text) || self.foreign.may_be_in_text(text))
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
