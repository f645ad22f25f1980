//! The items of an answer: of an inventory that is here, or page by page from a server.

use serde_json::Value;

use super::Pages;
use crate::failure::Failure;

/// Items as they come.
pub(crate) enum Found<'a> {
    /// Of an inventory in memory.
    Here {
        /// The items.
        items: Box<dyn Iterator<Item = Value> + 'a>,
        /// What is known of all of them.
        seen: Seen,
    },
    /// Of a server.
    Server(Pages<'a>),
}

/// What is known once all items are there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// How many there were.
    pub(crate) shown: u64,
    /// How many the whole list has, if that was counted.
    pub(crate) total: Option<u64>,
    /// Where it goes on.
    pub(crate) next: Option<String>,
    /// Whether there is more than was asked for.
    pub(crate) more: bool,
    /// What else the answer says.
    pub(crate) besides: Value,
}

impl<'a> Found<'a> {
    /// Items of an inventory, of which this is known.
    pub(crate) fn here(items: impl Iterator<Item = Value> + 'a, seen: Seen) -> Self {
        Self::Here { items: Box::new(items), seen }
    }

    /// What is known of all of them.
    pub(super) fn into_seen(self) -> Seen {
        match self {
            Self::Here { seen, .. } => seen,
            Self::Server(pages) => pages.into_seen(),
        }
    }
}

impl Iterator for Found<'_> {
    type Item = Result<Value, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Here { items, seen } => {
                let item = items.next()?;
                seen.shown += 1;
                Some(Ok(item))
            }
            Self::Server(pages) => pages.next(),
        }
    }
}
