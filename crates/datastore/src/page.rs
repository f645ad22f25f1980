//! Pages of rows on their way from a driver to a reader.

use model::{Row, RowLines};
use tokio::sync::mpsc;

use crate::Fault;

/// Gathers rows into pages bounded by rows and bytes, and hands each on before the next is begun.
pub(crate) struct PageSink {
    pages: mpsc::Sender<RowLines>,
    rows: RowLines,
    most_rows: usize,
    most_bytes: usize,
    row_bytes: usize,
}

impl PageSink {
    pub(crate) fn new(pages: mpsc::Sender<RowLines>, limits: &crate::ReadLimits) -> Self {
        Self {
            pages,
            rows: RowLines::default(),
            most_rows: limits.page_rows.max(1),
            most_bytes: limits.page_bytes,
            row_bytes: limits.row_bytes,
        }
    }

    /// How many rows a page has at most.
    #[cfg(feature = "postgres")]
    pub(crate) fn page_rows(&self) -> usize {
        self.most_rows
    }

    /// Adds a row of about `bytes` bytes; waits while the reader is busy with an earlier page.
    pub(crate) async fn push(&mut self, row: Row, bytes: usize) -> Result<(), Fault> {
        if bytes > self.row_bytes {
            return Err(Fault::RowTooLarge { limit_bytes: self.row_bytes });
        }
        self.rows.push_row(&row);
        self.flush_if_full().await;
        Ok(())
    }

    /// The same for a row that is written as JSON already.
    #[cfg(feature = "postgres")]
    pub(crate) async fn push_line(&mut self, json: &[u8]) -> Result<(), Fault> {
        if json.len() > self.row_bytes {
            return Err(Fault::RowTooLarge { limit_bytes: self.row_bytes });
        }
        self.rows.push_line(json);
        self.flush_if_full().await;
        Ok(())
    }

    /// Hands on what is left.
    pub(crate) async fn finish(mut self) {
        if !self.rows.is_empty() {
            self.flush().await;
        }
    }

    async fn flush_if_full(&mut self) {
        if self.rows.len() >= self.most_rows || self.rows.text().len() >= self.most_bytes {
            self.flush().await;
        }
    }

    async fn flush(&mut self) {
        let next = RowLines::with_room_of(&self.rows);
        let page = std::mem::replace(&mut self.rows, next);
        // The receiver lives as long as the future that runs this; without it nothing polls us.
        let _ = self.pages.send(page).await;
    }
}
