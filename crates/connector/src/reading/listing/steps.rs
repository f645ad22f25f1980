use model::{Completeness, IncompleteReason};
use serde::{Deserialize, Serialize};

/// Whether fixed steps from page to page left entries of a list out.
///
/// Where a service sends fewer entries than the step counts, each page begins behind entries that were on none. So
/// a page that is shorter than the step has to be the last one that has entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Steps {
    /// No page was shorter so far.
    #[default]
    Full,
    /// One was, and none that followed had entries.
    Short,
    /// One was, and one with entries followed.
    Skipped,
}

impl Steps {
    /// The same after a page with `entries`, where the next one begins `step` entries behind its beginning.
    pub(super) fn after(self, entries: usize, step: usize) -> Self {
        match self {
            Self::Full if entries >= step => Self::Full,
            Self::Full => Self::Short,
            Self::Short if entries == 0 => Self::Short,
            Self::Short | Self::Skipped => Self::Skipped,
        }
    }

    /// What that says of a list; `place` is its request in the file.
    pub(super) fn completeness(self, place: &str) -> Completeness {
        match self {
            Self::Full | Self::Short => Completeness::Complete,
            Self::Skipped => {
                let detail = format!(
                    "{place}: a page had fewer entries than `increment_by` and was not the last, so entries were \
                     skipped; lower the page size in the request and `increment_by` to what the application sends"
                );
                Completeness::incomplete(IncompleteReason::Malformed, detail)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::no_page(&[], true)]
    #[case::full_pages(&[3, 3, 0], true)]
    #[case::longer_pages(&[4, 4, 1], true)]
    #[case::a_short_last_page(&[3, 3, 2], true)]
    #[case::a_short_last_page_and_an_empty_one(&[3, 1, 0], true)]
    #[case::short_pages(&[2, 2], false)]
    #[case::a_short_page_among_full_ones(&[3, 2, 3, 3, 0], false)]
    #[case::an_empty_page_and_one_with_entries(&[3, 0, 1], false)]
    #[case::a_short_page_an_empty_one_and_one_with_entries(&[2, 0, 3], false)]
    fn a_short_page_is_the_last_with_entries_or_some_were_skipped(
        #[case] pages: &[usize],
        #[case] is_complete: bool,
    ) {
        let steps = pages.iter().fold(Steps::default(), |steps, entries| steps.after(*entries, 3));

        assert_eq!(steps.completeness("governance.user").is_complete(), is_complete);
    }
}
