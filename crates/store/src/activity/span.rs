use jiff::Timestamp;

/// A time of which all events were read, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivitySpan {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// From when on it is also known what was used; not before its beginning.
    pub resources_from: Timestamp,
}

impl ActivitySpan {
    /// What two spans know together: one that has both if nothing lies between them, else the later one.
    pub(super) fn joined(self, other: Self) -> Self {
        let (earlier, later) = if self.until <= other.until { (self, other) } else { (other, self) };
        if later.from > earlier.until {
            return later;
        }
        let from = later.from.min(earlier.from);
        let resources_from = if later.resources_from <= earlier.until {
            later.resources_from.min(earlier.resources_from)
        } else {
            later.resources_from
        };
        Self { from, until: later.until, resources_from }
    }

    /// What is left of it behind what is not known any more: nothing is said of what happened up to `gone`.
    pub(super) fn behind(self, gone: Timestamp) -> Option<Self> {
        let from = self.from.max(gone);
        let resources_from = self.resources_from.max(from);
        (from <= self.until).then_some(Self { from, resources_from, ..self })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn span((from, resources_from, until): (i64, i64, i64)) -> ActivitySpan {
        ActivitySpan { from: at(from), until: at(until), resources_from: at(resources_from) }
    }

    #[rstest]
    #[case::overlap((0, 0, 10), (9, 9, 20), (0, 0, 20))]
    #[case::touch((0, 0, 10), (10, 10, 20), (0, 0, 20))]
    #[case::gap((0, 0, 10), (11, 11, 20), (11, 11, 20))]
    #[case::inside((0, 0, 30), (10, 10, 20), (0, 0, 30))]
    #[case::further_back((10, 10, 20), (0, 0, 20), (0, 0, 20))]
    #[case::things_of_the_later_are_not_known((0, 0, 10), (9, 20, 20), (0, 20, 20))]
    #[case::things_are_known_again((0, 5, 10), (9, 9, 20), (0, 5, 20))]
    fn spans_join_only_where_nothing_lies_between_them(
        #[case] one: (i64, i64, i64),
        #[case] other: (i64, i64, i64),
        #[case] joined: (i64, i64, i64),
    ) {
        assert_eq!(span(one).joined(span(other)), span(joined));
        assert_eq!(span(other).joined(span(one)), span(joined), "whichever comes first");
    }

    #[test]
    fn nothing_is_left_of_a_span_that_is_forgotten_whole() {
        assert_eq!(span((0, 3, 10)).behind(at(5)), Some(span((5, 5, 10))));
        assert_eq!(span((4, 7, 10)).behind(at(5)), Some(span((5, 7, 10))));
        assert_eq!(span((0, 0, 10)).behind(at(11)), None);
    }
}
