//! Rows that this process has just put into the store and still has: few of each collection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use store::PackedRows;

use crate::row_writer::PackedPage;

/// Most that is held of one collection, packed.
const MOST_BYTES: usize = 32 * 1024;

/// The pages of a collection while it is read; none any more once they are too many, or the store may have
/// others.
#[derive(Debug)]
pub(crate) struct PagesInHand(Mutex<Option<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// By unit and page, as the store lists them.
    pages: BTreeMap<(usize, usize), PackedRows>,
    bytes: usize,
}

impl PagesInHand {
    /// Of a task that was taken for the `attempt`th time: somebody before may have kept pages.
    pub(crate) fn of_attempt(attempt: u64) -> Self {
        Self(Mutex::new((attempt == 1).then(Held::default)))
    }

    /// Takes pages that are in the store by now.
    pub(crate) fn add(&self, pages: Vec<PackedPage>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(all) = &mut *held else { return };
        for PackedPage { place, rows, mark: _ } in pages.into_iter().filter(|page| !page.rows.is_empty()) {
            all.bytes += rows.size();
            if let Some(before) = all.pages.insert((place.unit, place.page), rows) {
                all.bytes -= before.size();
            }
        }
        if all.bytes > MOST_BYTES {
            *held = None;
        }
    }

    /// Pages were thrown away in the store.
    pub(crate) fn give_up(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// All pages, if they are all of a collection of so many rows.
    pub(crate) fn whole(&self, rows: u64) -> Option<Arc<[PackedRows]>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let is_whole = held.pages.values().map(PackedRows::len).sum::<u64>() == rows;
        is_whole.then(|| held.pages.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::spool::PagePlace;

    fn page(unit: usize, page: usize, rows: usize) -> PackedPage {
        let row = |number| json!({"at": format!("{unit}.{page}.{number}")}).as_object().unwrap().clone();
        let rows: Vec<_> = (0..rows).map(row).collect();
        PackedPage { place: PagePlace { unit, page }, rows: PackedRows::pack(&rows).unwrap(), mark: None }
    }

    fn texts(pages: &[PackedRows]) -> Vec<String> {
        pages.iter().map(|page| String::from_utf8(page.text().unwrap()).unwrap().trim().to_owned()).collect()
    }

    #[test]
    fn pages_come_in_the_order_of_the_store_each_as_it_was_kept_last() {
        let hand = PagesInHand::of_attempt(1);

        hand.add(vec![page(1, 0, 1), page(0, 1, 1), page(0, 2, 0)]);
        hand.add(vec![page(0, 0, 1), page(1, 0, 1)]);

        let whole = hand.whole(3).unwrap();
        assert_eq!(texts(&whole), [r#"{"at":"0.0.0"}"#, r#"{"at":"0.1.0"}"#, r#"{"at":"1.0.0"}"#]);
    }

    #[rstest]
    #[case::somebody_read_before(2, 3, false)]
    #[case::a_page_is_missing(1, 4, false)]
    #[case::pages_were_thrown_away(1, 3, true)]
    fn what_may_not_be_all_is_not_in_hand(#[case] attempt: u64, #[case] rows: u64, #[case] restarts: bool) {
        let hand = PagesInHand::of_attempt(attempt);

        hand.add(vec![page(0, 0, 3)]);
        if restarts {
            hand.give_up();
            hand.add(vec![page(0, 0, 3)]);
        }

        assert!(hand.whole(rows).is_none());
    }

    #[test]
    fn many_rows_are_not_held() {
        let hand = PagesInHand::of_attempt(1);

        let mut bytes = 0;
        for number in 0.. {
            let page = page(0, number, 1_000);
            bytes += page.rows.size();
            hand.add(vec![page]);
            if bytes > MOST_BYTES {
                break;
            }
        }

        assert!(hand.0.lock().unwrap().is_none());
    }
}
