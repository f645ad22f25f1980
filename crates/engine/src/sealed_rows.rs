mod in_hand;
mod spooled;
mod stored;

use std::fmt;
use std::sync::Arc;

use crypto::PartsHash;
use model::Row;

use crate::RowsError;

pub(crate) use in_hand::PagesInHand;
use spooled::SpooledPages;
use stored::StoredPages;

pub(crate) use spooled::Spooled;
pub(crate) use stored::Stored;

/// The rows of one collection, sealed on disk or in the store; cheap to clone.
///
/// Rows come in order of unit, then page, whatever order they were read in. Reading blocks: from
/// asynchronous code use `spawn_blocking`. Rows on disk are removed with the last clone of a run's rows;
/// those in the store stay until the run is forgotten.
#[derive(Clone)]
pub struct SealedRows {
    place: Place,
}

#[derive(Clone)]
enum Place {
    Nowhere,
    Spooled(Arc<Spooled>),
    Stored(Arc<Stored>),
    /// The same, out of memory while they are in hand.
    InHand(Arc<Stored>),
}

/// Reads sealed rows page by page; holds one page at a time.
pub struct Pages<'a> {
    place: PagesOf<'a>,
}

enum PagesOf<'a> {
    Nothing,
    Spooled(SpooledPages<'a>),
    Stored(StoredPages<'a>),
}

impl SealedRows {
    /// No rows.
    pub(crate) fn none() -> Self {
        Self { place: Place::Nowhere }
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        match &self.place {
            Place::Nowhere => 0,
            Place::Spooled(rows) => rows.len(),
            Place::Stored(rows) | Place::InHand(rows) => rows.len(),
        }
    }

    /// Whether this process still has what it put into the store.
    pub(crate) fn are_in_hand(&self) -> bool {
        match &self.place {
            Place::Nowhere | Place::Spooled(_) => false,
            Place::Stored(rows) | Place::InHand(rows) => rows.in_hand.is_some(),
        }
    }

    /// The same rows, out of memory if they are in hand. For whoever knows that they are not destroyed:
    /// that somebody destroys them is noticed only where they come out of the store.
    pub(crate) fn out_of_hand(self) -> Self {
        match self.place {
            Place::Stored(rows) if rows.in_hand.is_some() => Self { place: Place::InHand(rows) },
            place => Self { place },
        }
    }

    /// Adds which rows they are; the rows of a collection that was read to some end never change.
    pub(crate) fn add_to(&self, parts: &mut PartsHash) {
        let task = match &self.place {
            Place::Nowhere | Place::Spooled(_) => "",
            Place::Stored(rows) | Place::InHand(rows) => rows.task.as_str(),
        };
        parts.add(task);
        parts.add(self.len().to_be_bytes());
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pages that hold rows, each opened when it is asked for.
    pub fn pages(&self) -> Pages<'_> {
        let place = match &self.place {
            Place::Nowhere => PagesOf::Nothing,
            Place::Spooled(rows) => PagesOf::Spooled(rows.pages()),
            Place::Stored(rows) => PagesOf::Stored(rows.pages()),
            Place::InHand(rows) => PagesOf::Stored(rows.pages_in_hand()),
        };
        Pages { place }
    }
}

impl From<Spooled> for SealedRows {
    fn from(rows: Spooled) -> Self {
        Self { place: Place::Spooled(Arc::new(rows)) }
    }
}

impl From<Stored> for SealedRows {
    fn from(rows: Stored) -> Self {
        Self { place: Place::Stored(Arc::new(rows)) }
    }
}

/// Counts only: rows are personal data.
impl fmt::Debug for SealedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedRows").field("rows", &self.len()).finish_non_exhaustive()
    }
}

impl Iterator for Pages<'_> {
    type Item = Result<Vec<Row>, RowsError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.place {
            PagesOf::Nothing => None,
            PagesOf::Spooled(pages) => pages.next_rows(),
            PagesOf::Stored(pages) => pages.next_rows(),
        }
    }
}

impl Pages<'_> {
    /// The next page as the text it was stored as: one row a line, in JSON. For a reader that only
    /// passes rows on.
    pub fn next_text(&mut self) -> Option<Result<Vec<u8>, RowsError>> {
        match &mut self.place {
            PagesOf::Nothing => None,
            PagesOf::Spooled(pages) => pages.next_text(),
            PagesOf::Stored(pages) => pages.next_text(),
        }
    }
}
