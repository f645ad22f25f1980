//! Items in the form in which pages are kept: a line of JSON each.

use model::RowLines;
use serde::de::DeserializeOwned;
use store::StoreError;

use crate::item::Item;

/// Items as lines.
pub(crate) fn lines(items: &[Item]) -> RowLines {
    let mut lines = RowLines::with_room(items.len() * 256);
    let mut line = Vec::new();
    for item in items {
        line.clear();
        serde_json::to_writer(&mut line, item).expect("an item has text keys and plain values");
        lines.push_line(&line);
    }
    lines
}

/// The items of such lines, or what is wanted of each.
pub(crate) fn items<T: DeserializeOwned>(text: &[u8]) -> Result<Vec<T>, StoreError> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line).map_err(|_| StoreError::Damaged { what: "a page of a sync" })
        })
        .collect()
}
