//! A page of a list.

use thiserror::Error;

use super::Cursor;
use crate::inventory::view::Inventory;
use crate::number::{ResourceNumber, ResourceTypeNumber};

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Behind which row it begins.
    pub after: Option<Cursor>,
    /// Most rows.
    pub limit: usize,
    /// Whether all rows that fit are counted.
    pub totals: Totals,
}

/// Whether all rows are counted, which takes time as for the whole list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Totals {
    /// They are.
    Counted,
    /// They are not.
    Left,
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Behind which the next page begins; none after the last one, and none if no row was asked for.
    pub next: Option<Cursor>,
    /// How many rows the whole list has.
    pub total: Option<u64>,
}

/// A question that cannot be answered as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryError {
    /// There is no such kind.
    #[error("there is no kind `{kind}` here; there are {known}")]
    UnknownKind {
        /// What was asked for.
        kind: String,
        /// What there is.
        known: String,
    },
    /// A text that is no cursor of this list.
    #[error("the cursor is not one of this list; begin without one")]
    Cursor,
    /// What the cursor stands behind is gone.
    #[error("the row that the cursor stands behind is not there any more; begin without one")]
    Gone,
}

impl PageRequest {
    /// Everything at once.
    pub fn all() -> Self {
        Self { after: None, limit: usize::MAX, totals: Totals::Counted }
    }

    /// The first rows.
    pub fn first(limit: usize) -> Self {
        Self { limit, ..Self::all() }
    }
}

impl Inventory {
    /// The kind that was asked for.
    pub(super) fn wanted_kind(&self, kind: Option<&str>) -> Result<Option<ResourceTypeNumber>, QueryError> {
        let Some(kind) = kind else { return Ok(None) };
        if let Some(found) = self.find_kind(kind) {
            return Ok(Some(found));
        }
        // One of which nothing is shown is not unknown: the answer is empty and says that it is not current.
        if self.kind_states().iter().any(|state| state.kind == kind) {
            return Ok(Some(ResourceTypeNumber(u32::MAX)));
        }
        let known = (0..self.kinds.len() as u32).map(|kind| model::visible(self.kind_id(kind)));
        Err(QueryError::UnknownKind {
            kind: model::visible(kind).into_owned(),
            known: known.collect::<Vec<_>>().join(", "),
        })
    }

    /// A page of resources in the order of `numbers`, of which `is_wanted` leaves some out.
    pub(super) fn resource_page(
        &self,
        numbers: impl Iterator<Item = ResourceNumber>,
        is_wanted: impl Fn(ResourceNumber) -> bool,
        request: &PageRequest,
    ) -> Result<ListPage<ResourceNumber>, QueryError> {
        let after = match &request.after {
            None => None,
            Some(cursor) => {
                let [kind, id] = cursor.ids()?;
                Some(self.find_resource(kind, id).ok_or(QueryError::Gone)?)
            }
        };
        let cursor = |number: ResourceNumber| {
            let names = self.resource_ref(number);
            Cursor::of([names.kind, names.id])
        };
        page(numbers, is_wanted, (after, request), cursor)
    }
}

/// The rows of `all` behind `after` that are wanted.
pub(super) fn page<T: Copy + PartialEq>(
    all: impl Iterator<Item = T>,
    is_wanted: impl Fn(T) -> bool,
    (after, request): (Option<T>, &PageRequest),
    cursor: impl Fn(T) -> Cursor,
) -> Result<ListPage<T>, QueryError> {
    let mut list = ListPage { items: Vec::new(), next: None, total: None };
    let (mut total, mut is_behind, mut more) = (0, after.is_none(), false);
    for item in all {
        if is_wanted(item) {
            total += 1;
            if is_behind {
                if list.items.len() < request.limit {
                    list.items.push(item);
                } else if request.totals == Totals::Left {
                    more = true;
                    break;
                } else {
                    more = true;
                }
            }
        }
        is_behind = is_behind || Some(item) == after;
    }
    if !is_behind {
        return Err(QueryError::Gone);
    }
    list.total = (request.totals == Totals::Counted).then_some(total);
    list.next = if more { list.items.last().copied().map(cursor) } else { None };
    Ok(list)
}
