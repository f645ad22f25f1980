use serde::{Deserialize, Serialize};

/// Whether a reading saw everything there is (architecture law 4).
///
/// Only a complete reading may lead to "not found", to removing what is absent, or to a review's
/// population. Every function that reads a list returns one of these; there is no default.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an incomplete reading must be reported"]
pub enum Completeness {
    /// All pages were read to their end.
    Complete,
    /// Something is missing, or may be.
    Incomplete {
        /// The first reason that made it so.
        reason: IncompleteReason,
        /// One sentence for a person: where, and what to do. Never holds personal data or secrets.
        detail: String,
    },
}

impl Completeness {
    /// An incomplete reading.
    pub fn incomplete(reason: IncompleteReason, detail: impl Into<String>) -> Self {
        Self::Incomplete { reason, detail: detail.into() }
    }

    /// Whether everything was read.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// Joins two parts of one reading: incomplete if either is; the first reason is kept.
    pub fn and(self, later: Self) -> Self {
        match self {
            Self::Complete => later,
            Self::Incomplete { .. } => self,
        }
    }
}

/// Why a reading is incomplete; the text form is what `report.json` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncompleteReason {
    /// The same page, cursor or request came again.
    PageLoop,
    /// The cap on pages, calls or time of one collection was reached.
    PageCap,
    /// A failing status that the file ignores, other than 404, 410 and those under `gone`.
    IgnoredError,
    /// The answer ended before its end.
    Truncated,
    /// The answer was not what the file says it is: not JSON, an expected key missing.
    Malformed,
    /// Rate limited to the end of all attempts.
    #[serde(rename = "http_429")]
    Http429,
    /// The server failed in all attempts.
    #[serde(rename = "http_5xx")]
    Http5xx,
    /// The server refused: a status from 400 to 499 other than 429.
    #[serde(rename = "http_4xx")]
    Http4xx,
    /// No answer: not resolvable, refused by the door, reset, timed out, authentication failed.
    Connection,
    /// Not read, because a collection it takes values from was not read completely.
    Upstream,
    /// Stopped by a person.
    Cancelled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_reason_wins_and_complete_adds_nothing() {
        let looped = Completeness::incomplete(IncompleteReason::PageLoop, "a");
        let capped = Completeness::incomplete(IncompleteReason::PageCap, "b");

        assert_eq!(Completeness::Complete.and(Completeness::Complete), Completeness::Complete);
        assert_eq!(Completeness::Complete.and(capped.clone()), capped);
        assert_eq!(looped.clone().and(capped), looped);
    }

    #[test]
    fn reasons_are_spelled_as_the_report_contract_says() {
        let all = [
            (IncompleteReason::PageLoop, "page_loop"),
            (IncompleteReason::PageCap, "page_cap"),
            (IncompleteReason::IgnoredError, "ignored_error"),
            (IncompleteReason::Truncated, "truncated"),
            (IncompleteReason::Malformed, "malformed"),
            (IncompleteReason::Http429, "http_429"),
            (IncompleteReason::Http5xx, "http_5xx"),
            (IncompleteReason::Http4xx, "http_4xx"),
            (IncompleteReason::Connection, "connection"),
            (IncompleteReason::Upstream, "upstream"),
            (IncompleteReason::Cancelled, "cancelled"),
        ];
        for (reason, text) in all {
            assert_eq!(serde_json::to_value(reason).unwrap(), text);
        }
    }
}
