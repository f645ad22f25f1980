//! How current what is known of a kind is.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the last sync says of a kind, and of when that is what is shown of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindState {
    /// Its id.
    pub kind: String,
    /// How its list ended last.
    pub status: KindStanding,
    /// When what is shown of it was read; none if nothing is.
    pub as_of: Option<Timestamp>,
    /// Why it is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How the list of a kind ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindStanding {
    /// It was read to its end.
    Complete,
    /// It was not: what is shown is from an earlier sync, or nothing.
    Incomplete,
    /// The plan or the token does not allow it: nothing is shown.
    Unavailable,
    /// Nobody lists it any more: nothing is shown.
    Removed,
}

impl KindState {
    /// Whether all that is shown of the kind is as current as the rest.
    pub fn is_current(&self) -> bool {
        self.status == KindStanding::Complete
    }

    /// Whether an answer may be short or old because of this kind. Of one that is not allowed or not listed any
    /// more nothing is claimed.
    pub fn is_incomplete(&self) -> bool {
        self.status == KindStanding::Incomplete
    }
}

impl fmt::Display for KindState {
    /// `role as of 3 Nov 2026, 14:05 UTC, last sync incomplete`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = model::visible(&self.kind);
        let day = |time: Timestamp| time.strftime("%-d %b %Y, %H:%M UTC").to_string();
        match (self.status, self.as_of) {
            (KindStanding::Complete, Some(as_of)) => write!(f, "{kind} as of {}", day(as_of))?,
            (KindStanding::Complete, None) => write!(f, "{kind} complete")?,
            (KindStanding::Incomplete, Some(as_of)) => {
                write!(f, "{kind} as of {}, last sync incomplete", day(as_of))?;
            }
            (KindStanding::Incomplete, None) => write!(f, "{kind} not known, last sync incomplete")?,
            (KindStanding::Unavailable, _) => write!(f, "{kind} unavailable")?,
            (KindStanding::Removed, _) => write!(f, "{kind} not listed any more")?,
        }
        match &self.reason {
            Some(reason) if !self.is_current() => write!(f, " ({})", model::visible(reason)),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        KindStanding::Incomplete,
        Some("2026-11-03T14:05:00Z"),
        "role as of 3 Nov 2026, 14:05 UTC, last sync incomplete (429)"
    )]
    #[case(KindStanding::Incomplete, None, "role not known, last sync incomplete (429)")]
    #[case(KindStanding::Unavailable, None, "role unavailable (429)")]
    #[case(KindStanding::Removed, None, "role not listed any more (429)")]
    #[case(KindStanding::Complete, Some("2026-11-03T14:05:00Z"), "role as of 3 Nov 2026, 14:05 UTC")]
    fn a_kind_says_of_when_it_is(
        #[case] status: KindStanding,
        #[case] as_of: Option<&str>,
        #[case] said: &str,
    ) {
        let as_of = as_of.map(|time| time.parse().unwrap());
        let state = KindState { kind: "role".to_owned(), status, as_of, reason: Some("429".to_owned()) };

        assert_eq!(state.to_string(), said);
    }
}
