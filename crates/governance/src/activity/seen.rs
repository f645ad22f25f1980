use std::collections::HashSet;

/// Ids of the events on this page and on the one before it.
///
/// A list that begins with the newest event shifts while it is read: what was last on a page comes first on the
/// next one. More than two pages are not remembered, so that memory does not grow with the list.
#[derive(Debug, Default)]
pub(super) struct LastPages {
    before: HashSet<String>,
    this: HashSet<String>,
    pages: u64,
}

impl LastPages {
    /// A page begins.
    pub(super) fn turn(&mut self) {
        self.before = std::mem::take(&mut self.this);
        self.pages += 1;
    }

    /// Whether no page has come yet.
    pub(super) fn are_none(&self) -> bool {
        self.pages == 0
    }

    /// Whether this id is on neither page; it is from now on.
    pub(super) fn is_new(&mut self, id: &str) -> bool {
        !self.before.contains(id) && self.this.insert(id.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_counts_once_on_neighbouring_pages() {
        let mut pages = LastPages::default();
        let mut page = |ids: &[&str]| {
            pages.turn();
            ids.iter().map(|id| pages.is_new(id)).collect::<Vec<_>>()
        };

        assert_eq!(page(&["c", "b", "b"]), [true, true, false]);
        assert_eq!(page(&["b", "a"]), [false, true]);
        assert_eq!(page(&["a"]), [false]);
        assert_eq!(page(&["b"]), [true]);
    }
}
