//! Pages that came and are not kept yet.

use std::sync::Arc;
use std::time::Duration;

use model::RowLines;
use store::PackedRows;
use tokio::time::Instant;

use super::{UnitReader, joined};
use crate::RowsError;
use crate::row_writer::{PackedPage, RowWriter};
use crate::source::PageRows;
use crate::spool::PagePlace;
use crate::stop::Halt;
use crate::unit_state::UnitState;

/// Filtering and packing so many rows takes less time than handing them to another thread.
const FEW_ROWS: usize = 50;
/// Pages of a unit are kept at most so often, counted from its beginning: those that come sooner wait and are
/// kept together, with the end of the collection if that comes sooner too. If the process ends meanwhile, they
/// are asked for again. Where a page takes longer than this, each is kept as it comes. Where a process has ended
/// before, the first page is kept at once.
const INTERVAL: Duration = Duration::from_millis(50);
const MOST_PAGES: usize = 64;
const MOST_BYTES: usize = 256 * 1024;

/// Pages of one unit, in their order.
#[derive(Default)]
pub(super) struct WaitingPages {
    pages: Vec<WaitingPage>,
    packed_bytes: usize,
    is_large: bool,
    /// When those before them went, or the unit was begun.
    taken_at: Option<Instant>,
}

/// One of them.
pub(super) struct WaitingPage {
    place: PagePlace,
    rows: Rows,
    mark: Option<Vec<u8>>,
}

enum Rows {
    Packed(PackedRows),
    /// Too many to be packed between two calls, or for the disk.
    AsTheyCame(PageRows),
}

impl WaitingPages {
    /// None yet, of a unit that begins.
    pub(super) fn of(reader: &UnitReader) -> Self {
        if reader.writer.was_begun() { Self::default() } else { Self::after_now() }
    }

    fn after_now() -> Self {
        Self { taken_at: Some(Instant::now()), ..Self::default() }
    }

    /// Adds a page; gives the number of foreign rows that were found on it so far.
    pub(super) fn add(
        &mut self,
        reader: &UnitReader,
        place: PagePlace,
        (rows, mark): (PageRows, Option<Vec<u8>>),
    ) -> Result<u64, Halt> {
        let (rows, foreign) = match &reader.writer {
            RowWriter::Spool(_) if rows.is_empty() => return Ok(0),
            RowWriter::Store(_) if rows.len() <= FEW_ROWS => {
                let (kept, foreign) = reader.sift(rows)?;
                let packed = reader.packed(&kept)?;
                self.packed_bytes += packed.size();
                (Rows::Packed(packed), foreign)
            }
            RowWriter::Spool(_) | RowWriter::Store(_) => {
                self.is_large = true;
                (Rows::AsTheyCame(rows), 0)
            }
        };
        self.pages.push(WaitingPage { place, rows, mark });
        Ok(foreign)
    }

    /// Whether it is time to keep them.
    pub(super) fn are_due(&self) -> bool {
        let are_enough = self.is_large || self.pages.len() >= MOST_PAGES || self.packed_bytes >= MOST_BYTES;
        are_enough || self.taken_at.is_none_or(|taken| taken.elapsed() >= INTERVAL)
    }

    /// Completes when it is time to keep them; never while there are none.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub(super) async fn due(&self) {
        match self.taken_at {
            Some(taken) if !self.pages.is_empty() => tokio::time::sleep_until(taken + INTERVAL).await,
            Some(_) | None => std::future::pending().await,
        }
    }

    /// All of them as they are kept; `None` if there are none, or some are still to be packed.
    pub(super) fn take_packed(&mut self) -> Option<Vec<PackedPage>> {
        if self.is_large || self.pages.is_empty() {
            return None;
        }
        let packed = |WaitingPage { place, rows, mark }| match rows {
            Rows::Packed(rows) => Some(PackedPage { place, rows, mark }),
            Rows::AsTheyCame(_) => None,
        };
        self.take().into_iter().map(packed).collect()
    }

    /// All of them, to be kept now.
    pub(super) fn take(&mut self) -> Vec<WaitingPage> {
        let pages = std::mem::take(&mut self.pages);
        *self = Self::after_now();
        pages
    }
}

impl UnitReader {
    /// Writes pages to the disk; blocks.
    pub(super) fn spool(&self, pages: Vec<WaitingPage>) -> Result<u64, Halt> {
        let mut all_foreign = 0;
        for WaitingPage { place, rows, .. } in pages {
            if let (RowWriter::Spool(writer), Rows::AsTheyCame(rows)) = (&self.writer, rows) {
                let (kept, foreign) = self.sift(rows)?;
                writer.append(place, &kept)?;
                all_foreign += foreign;
            }
        }
        Ok(all_foreign)
    }

    /// Puts pages into the store, with the state behind the last of them.
    pub(super) async fn append(
        this: Arc<Self>,
        waiting: Vec<WaitingPage>,
        mut state: UnitState,
    ) -> Result<u64, Halt> {
        let mut all_foreign = 0;
        let mut pages = Vec::with_capacity(waiting.len());
        for WaitingPage { place, rows, mark } in waiting {
            let rows = match rows {
                Rows::Packed(rows) => rows,
                Rows::AsTheyCame(rows) => {
                    let reader = Arc::clone(&this);
                    let pack = move || -> Result<_, Halt> {
                        let (kept, foreign) = reader.sift(rows)?;
                        Ok((reader.packed(&kept)?, foreign))
                    };
                    let (packed, foreign) = joined(tokio::task::spawn_blocking(pack).await).await?;
                    all_foreign += foreign;
                    packed
                }
            };
            pages.push(PackedPage { place, rows, mark });
        }
        state.foreign_rows += all_foreign;
        if let RowWriter::Store(writer) = &this.writer {
            writer.append(pages, &state).await?;
        }
        Ok(all_foreign)
    }

    fn packed(&self, rows: &RowLines) -> Result<PackedRows, Halt> {
        PackedRows::pack_lines(rows).map_err(|error| RowsError::of_store(&self.address, error).into())
    }
}
