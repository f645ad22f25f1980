//! How the requests of a page are found: walked in an index that has them in their order, or gathered and
//! sorted if they are few.

use super::filter::{Bound, Conditions};
use super::{PrivacyRequestFilter, PrivacyRequestOrder, PrivacyRequestSort};
use crate::store::signed;
use crate::{Store, StoreError, TimeRange, Window};

/// How many requests are gathered and sorted at most.
pub(super) const SORTED: u64 = 10_000;

/// How many requests are walked past before days are skipped.
const WALKED_PAST: u64 = 2_000;

/// These indexes hold what most filters ask for, so that rows are read for the page only.
const BY_AGE: &str = "privacy_request_by_age";
const BY_STATUS: &str = "privacy_request_by_status";
const BY_POLICY: &str = "privacy_request_by_policy";

/// Those that have a place, that are over, that were begun, and that are open and have a deadline.
const BY_LOCATION: &str = "privacy_request_by_location";
const BY_FINISHED: &str = "privacy_request_by_finished";
const BY_STARTED: &str = "privacy_request_by_started";
const BY_DUE: &str = "privacy_request_by_due";

/// Holds only those of which it is still known who they are about.
const BY_CHANGE: &str = "privacy_request_by_change";

const TABLE: &str = "privacy_request";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In their order, up to the end of the page.
    Walked,
    /// All of them, by whatever index finds them, and then sorted.
    Gathered,
}

impl PrivacyRequestFilter {
    /// The way to a page of so many requests; fails if there are too many to be sorted by what no index
    /// holds in order.
    fn way(&self, fits: u64) -> Result<Way, StoreError> {
        let by_age = self.sort == PrivacyRequestSort::CreatedAt;
        let is_walked = match self.statuses.as_slice() {
            _ if !self.is_counted() => false,
            [] => self.sort.is_walked(),
            [_] => by_age,
            // In their order stand all the others, too; few of these may be far apart.
            [_, _, ..] => false,
        };
        match (is_walked, by_age) {
            (true, _) => Ok(Way::Walked),
            (false, _) if fits <= SORTED => Ok(Way::Gathered),
            // So many stand close enough to each other.
            (false, true) => Ok(Way::Walked),
            (false, false) => Err(StoreError::TooMany { what: "requests", most: SORTED }),
        }
    }

    /// The index to walk in, for one that has to be told.
    fn walked_index(&self) -> Option<&'static str> {
        match (self.sort, &self.policy, self.statuses.as_slice()) {
            (PrivacyRequestSort::CreatedAt, Some(_), _) => Some(BY_POLICY),
            (PrivacyRequestSort::CreatedAt, None, [_]) => Some(BY_STATUS),
            (PrivacyRequestSort::CreatedAt, None, _) => Some(BY_AGE),
            _ => None,
        }
    }

    /// The index to gather them by, for one that has to be told; none if what is asked for finds few by
    /// an index that nobody misses.
    fn gathered_index(&self) -> Option<&'static str> {
        let is_given = |range: TimeRange| range != TimeRange::default();
        if self.is_narrow() {
            None
        } else if self.location.is_some() {
            Some(BY_LOCATION)
        } else if self.overdue_at.is_some() {
            Some(BY_DUE)
        } else if is_given(self.completed) {
            Some(BY_FINISHED)
        } else if is_given(self.started) {
            Some(BY_STARTED)
        } else if self.policy.is_some() {
            Some(BY_POLICY)
        } else if !self.statuses.is_empty() || is_given(self.errored) {
            Some(BY_STATUS)
        } else if !self.actions.is_empty() {
            Some(BY_POLICY)
        } else {
            Some(BY_AGE)
        }
    }

    /// Whether the days before a window are skipped, which are known without walking them. Of several
    /// statuses the next request may be far away even at the beginning.
    pub(super) fn skips_days(&self, window: Window, fits: u64) -> bool {
        self.sort == PrivacyRequestSort::CreatedAt
            && self.is_counted()
            && fits > SORTED
            && (window.offset > WALKED_PAST || self.statuses.len() > 1)
    }

    /// Whether a text is asked for that few requests have, or none.
    fn is_narrow(&self) -> bool {
        let texts =
            [&self.id_part, &self.any_identity, &self.fuzzy, &self.external_id, &self.duplicate_group];
        self.is_impossible()
            || texts.iter().any(|text| text.is_some())
            || !self.ids.is_empty()
            || !self.identities.is_empty()
            || !self.custom_fields.is_empty()
    }
}

impl Store {
    /// The table, to gather in it what fits.
    pub(super) fn gathered_from(&self, filter: &PrivacyRequestFilter) -> String {
        self.inner.dialect.by_index(TABLE, filter.gathered_index())
    }

    /// The table, to gather in it those of which it is still known who they are about: one among many.
    pub(super) fn opened_from(&self, filter: &PrivacyRequestFilter) -> String {
        let rest = PrivacyRequestFilter { fuzzy: None, ..filter.clone() };
        let is_all = rest.gathered_index().is_some() && rest.created == TimeRange::default();
        self.inner.dialect.by_index(TABLE, is_all.then_some(BY_CHANGE))
    }

    /// A window of the requests that fit, of which there are `fits`, as a statement of their ids.
    pub(super) fn page_ids(
        &self,
        filter: &PrivacyRequestFilter,
        conditions: &mut Conditions,
        (order, window, fits): (PrivacyRequestOrder, Window, u64),
    ) -> Result<String, StoreError> {
        let dialect = self.inner.dialect;
        let (sort, where_) = (filter.sort, conditions.text());
        match filter.way(fits)? {
            Way::Walked => {
                let from = dialect.by_index(TABLE, filter.walked_index());
                let by = sort.order(dialect, order);
                let (limit, offset) = placed(conditions, window);
                Ok(format!(
                    "SELECT id FROM {from} WHERE {where_} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
                ))
            }
            Way::Gathered => {
                let (from, key) = (self.gathered_from(filter), sort.expression(dialect));
                let by = sort.order_by("sort_key", order);
                let most = conditions.bind(Bound::Number(signed(SORTED)));
                let (limit, offset) = placed(conditions, window);
                Ok(format!(
                    "SELECT id FROM (SELECT id, created_at, {key} AS sort_key FROM {from} WHERE {where_} LIMIT {most}) AS gathered ORDER BY {by} LIMIT {limit} OFFSET {offset}"
                ))
            }
        }
    }
}

fn placed(conditions: &mut Conditions, window: Window) -> (String, String) {
    let limit = conditions.bind(Bound::Number(i64::from(window.limit)));
    let offset = conditions.bind(Bound::Number(signed(window.offset)));
    (limit, offset)
}
