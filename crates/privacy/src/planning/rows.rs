//! Rows that were read, page by page.

use engine::{RowsError, SealedRows};
use graph::RowFilter;
use model::Row;
use tokio::sync::mpsc;

/// Rows of one collection. Opening pages blocks, so it is done elsewhere; two pages are held.
pub(super) struct RowStream {
    pages: mpsc::Receiver<Result<Vec<Row>, RowsError>>,
}

impl RowStream {
    /// Streams `sealed` from its beginning. Dropping the stream ends it.
    pub(super) fn new(sealed: SealedRows) -> Self {
        let (sender, pages) = mpsc::channel(1);
        tokio::task::spawn_blocking(move || {
            for page in sealed.pages() {
                let stop = page.is_err();
                if sender.blocking_send(page).is_err() || stop {
                    break;
                }
            }
        });
        Self { pages }
    }

    /// The next page, each row as it was received; `None` after the last.
    pub(super) async fn next_page(&mut self) -> Result<Option<Vec<Row>>, RowsError> {
        let page = self.pages.recv().await.transpose()?;
        Ok(page.map(|rows| rows.into_iter().map(RowFilter::received).collect()))
    }

    /// The next page as it was kept: what other collections are read with.
    pub(super) async fn next_kept(&mut self) -> Result<Option<Vec<Row>>, RowsError> {
        self.pages.recv().await.transpose()
    }
}
